"""What the tests of the money registers share: houses and offices, and acts that the product builds, on the one engine.

Every `sandbox()` is a branch of its own of one prepared state.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode

import contracts
from ledger.calls import encode_call
from ledger.chain import CHAIN_ID
from ledger.deployment import ADMIN_DELAY_SECONDS, MANAGER, OPERATOR_ROLES, carried_functions
from ledger.merkle import keccak
from ledger.signed import SignedAct, digest_of, encode_act
from ledger.signing import Key, typed_digest
from tests.contracts.engine import ADDRESSES, KEYS, START, Engine, Outcome

FAR = 2**40
BEGIN = START + 2 * ADMIN_DELAY_SECONDS
"""When trade begins: the offices were given after the administrator's delay."""


def key_of(name: str) -> Key:
    """Return the key of a role in these tests."""
    return Key(keccak(f"test key:{name}".encode()))


def word(name: str) -> bytes:
    """Return an opaque word for a name."""
    return keccak(f"test word:{name}".encode())


ADMIN, RELAYER, STRANGER = KEYS.admin, KEYS.relayer, key_of("stranger")
NOTARY_KEY, AUTHORITY_KEY = key_of("notary"), key_of("authority")
CASHIERS = (key_of("first cashier"), key_of("second cashier"), key_of("third cashier"))
BUYER, SELLER, THIRD, SUSPENDED = word("buyer"), word("seller"), word("third"), word("suspended")
HOUSES = {BUYER: key_of("buyer"), SELLER: key_of("seller"), THIRD: key_of("third"), SUSPENDED: key_of("suspended")}
OFFICES = {"NOTARY": (NOTARY_KEY,), "AUTHORITY": (AUTHORITY_KEY,), "PAYMENT_OPERATOR": CASHIERS}


class Sandbox:
    """The registers with these houses and offices; each call names its time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def send(self, contract: str, data: bytes, *, time: int, sender: Key = RELAYER) -> Outcome:
        """Carry a call at `time` and keep what it does."""
        self.engine.time = time
        return self.engine.send_data(ADDRESSES[contract], data, sender=sender)

    def do(self, act: SignedAct, *signers: Key, time: int, deadline: int = FAR, sender: Key = RELAYER) -> Outcome:
        """Sign an act and carry it."""
        return self.send(*self.sign(act, *signers, deadline=deadline), time=time, sender=sender)

    def sign(self, act: SignedAct, *signers: Key, deadline: int = FAR) -> tuple[str, bytes]:
        digest = digest_of(act, ADDRESSES[act.contract], deadline=deadline)
        return encode_act(act, deadline=deadline, signatures=[key.sign(digest) for key in signers])

    def read(self, contract: str, getter: str, *values: object) -> tuple[Any, ...]:
        """Call a getter of the state as it is and decode its answer."""
        output = self.engine.read(contract, getter, values)
        entry = next(e for e in contracts.load(contract).abi if e["type"] == "function" and e["name"] == getter)
        return tuple(decode([str(member["type"]) for member in entry["outputs"]], output))

    def suspend(self, org: bytes, *, time: int) -> Outcome:
        """Suspend an organisation by the registrar's signature."""
        text = "SetStatus(bytes32 opId,bytes32 org,uint8 status,uint256 deadline)"
        return self.registrar(text, "setStatus", [keccak(org + b"halt"), org, 2], time=time)

    def registrar(self, text: str, function: str, values: Sequence[object], *, time: int) -> Outcome:
        """Carry an act of the registrar."""
        types = [member.split(" ")[0] for member in text[text.index("(") + 1 : -1].split(",")]
        address = ADDRESSES["OrgRegistry"]
        digest = typed_digest("OrgRegistry", address, CHAIN_ID, text, types, [*values, FAR])
        data = encode_call("OrgRegistry", function, [*values, FAR, KEYS.operator.sign(digest)])
        return self.send("OrgRegistry", data, time=time)

    def words_of(self, contract: str, mapping: str, *keys: bytes, count: int = 1) -> list[int]:
        """Return the first storage words of an entry of a mapping, nested where there are more keys."""
        return self.engine.words(contract, mapping, keys, count)


def restricted(contract: str) -> set[str]:
    """Return the functions of a register that only the relayer carries, the pause of all of them left out."""
    return set(carried_functions(contract)) - {"pause"}


def sandbox() -> Sandbox:
    """Return a sandbox in which nothing was done yet."""
    return Sandbox(_prepared().branch())


@cache
def _prepared() -> Engine:
    """Admit the houses, suspend one, and give the offices to keys of their own, which the administrator announces."""
    box = Sandbox(Engine())
    text = "Admit(bytes32 opId,bytes32 org,bytes32 credential,address key,uint256 deadline)"
    for org, key in HOUSES.items():
        values = [keccak(org + b"admit"), org, word("credential"), "0x" + key.address.hex()]
        assert box.registrar(text, "admit", values, time=START).accepted
    assert box.suspend(SUSPENDED, time=START).accepted
    manager = "0x" + ADDRESSES[MANAGER].hex()
    for delay, function, when in ((0, "schedule", [0]), (ADMIN_DELAY_SECONDS, "execute", [])):
        box.engine.time = START + delay
        for role, keys in OFFICES.items():
            for key in keys:
                grant = encode_call(MANAGER, "grantRole", [OPERATOR_ROLES[role], "0x" + key.address.hex(), 0])
                assert box.engine.send(MANAGER, function, [manager, grant, *when], sender=ADMIN).accepted
    return box.engine


@dataclass(frozen=True, slots=True)
class Turn:
    """An act that is right at its place in a story: who signs it, and when."""

    act: SignedAct
    signers: tuple[Key, ...]
    time: int


def refuse_all_but_right(box: Sandbox, turn: Turn, *, getter: str, keys: Sequence[object]) -> None:
    """Try a right act in every wrong way, see that nothing changed, then do it, and see that it counts once."""
    act, contract = turn.act, turn.act.contract
    here, elsewhere = ADDRESSES[contract], ADDRESSES["OrgRegistry"]
    unsigned = {"NotSignedByRole", "NotSignedByOrg"}
    before = box.read(contract, getter, *keys)
    renamed = copy(act)
    object.__setattr__(renamed, "op_id", word("other"))

    def carry(signatures: Sequence[bytes], *, deadline: int = FAR, sender: Key = RELAYER) -> str:
        call = encode_act(act, deadline=deadline, signatures=signatures)
        return box.send(*call, time=turn.time, sender=sender).error

    def signed(signers: Sequence[Key], digest: bytes) -> list[bytes]:
        return [key.sign(digest) for key in signers]

    right = digest_of(act, here, deadline=FAR)
    for wrong in (RELAYER, STRANGER):
        for place in range(len(turn.signers)):
            signers = (*turn.signers[:place], wrong, *turn.signers[place + 1 :])
            assert carry(signed(signers, right)) in unsigned, (act, wrong)
    for wrong in (RELAYER, ADMIN):
        assert carry(signed([wrong] * len(turn.signers), right)) in unsigned
    others = [digest_of(act, here, deadline=FAR, chain_id=1), digest_of(act, elsewhere, deadline=FAR)]
    others += [digest_of(act, here, deadline=FAR - 1), digest_of(renamed, here, deadline=FAR)]
    for digest in others:
        assert carry(signed(turn.signers, digest)) in unsigned
    late = digest_of(act, here, deadline=turn.time - 1)
    assert carry(signed(turn.signers, late), deadline=turn.time - 1) == "DeadlinePassed"
    assert carry(signed(turn.signers, right), sender=ADMIN) == "AccessManagedUnauthorized"
    assert box.read(contract, getter, *keys) == before
    assert box.read(contract, "done", act.op_id) == (False,)

    assert carry(signed(turn.signers, right)) == ""
    assert box.read(contract, getter, *keys) != before
    assert box.read(contract, "done", act.op_id) == (True,)
    assert carry(signed(turn.signers, right)) == "AlreadyDone"
