"""Runs acts of the money registers on their real bytecode (py-evm, Paris) without mining a block for each.

One state is deployed per process; an example works on a snapshot of it and is rolled back afterwards.
"""

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

from eth.vm.forks.paris import ParisVM
from eth.vm.spoof import SpoofTransaction
from eth_abi.abi import decode

import contracts
from ledger.calls import (
    LogEvent,
    created_address,
    creation,
    encode_call,
    read_log,
    read_refusal,
    selector,
    sign_transaction,
)
from ledger.chain import CHAIN_ID, GAS_PRICE
from ledger.embedded import EmbeddedChain, MemoryStore
from ledger.merkle import keccak
from ledger.settlements import PAYMENT_OPERATOR
from ledger.signed import SignedAct, digest_of, encode_act
from ledger.signing import Key, typed_digest
from ledger.sites import Site

RELAYER_ROLE, REGISTRAR, NOTARY, AUTHORITY = 1, 11, 12, 13
REGISTERS = ("OrgRegistry", "SettlementLedger", "StatementLedger", "DisputeRegister")
FAR = 2**40
_OTHERS = ("setAuthority", "pause")  # the manager's own, and what every register inherits (test_registers.py)
# The engine wipes an empty account that was touched, and cannot take that back with a snapshot; so it is not empty.
ECRECOVER = (1).to_bytes(20, "big")


def key_of(name: str) -> Key:
    """Return the key of a role in these tests."""
    return Key(keccak(f"test key:{name}".encode()))


def word(name: str) -> bytes:
    """Return an opaque word for a name."""
    return keccak(f"test word:{name}".encode())


ADMIN, RELAYER, REGISTRAR_KEY = key_of("admin"), key_of("relayer"), key_of("registrar")
NOTARY_KEY, AUTHORITY_KEY, STRANGER = key_of("notary"), key_of("authority"), key_of("stranger")
CASHIERS = (key_of("first cashier"), key_of("second cashier"), key_of("third cashier"))
BUYER, SELLER, THIRD, SUSPENDED = word("buyer"), word("seller"), word("third"), word("suspended")
HOUSES = {BUYER: key_of("buyer"), SELLER: key_of("seller"), THIRD: key_of("third"), SUSPENDED: key_of("suspended")}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call: `rule` is the name of the error it reverted with, empty when it was done."""

    done: bool
    rule: str
    gas_used: int
    events: tuple[LogEvent, ...]


class _Computation(ParisVM.get_state_class().computation_class):  # type: ignore[misc]
    """Remembers which places of a code may be jumped to: the engine looks them up anew in every call."""

    _places: ClassVar[dict[bytes, tuple[set[int], set[int]]]] = {}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.code.valid_positions, self.code.invalid_positions = self._places.setdefault(
            self.msg.code, (self.code.valid_positions, self.code.invalid_positions)
        )


class Sandbox:
    """The deployed registers and one state to work on."""

    def __init__(self) -> None:
        self.engine = EmbeddedChain(MemoryStore(), endowed=[ADMIN.address, RELAYER.address, ECRECOVER])
        names = ("AccessManager", *REGISTERS)
        self.site = Site({name: created_address(ADMIN.address, nonce) for nonce, name in enumerate(names)})
        self._deploy()
        self.start = int(self.engine.head.timestamp) + 10
        self.vm: Any = None
        self.renew()

    def renew(self) -> None:
        """Work on the mined state again."""
        chain = self.engine._chain
        header = chain.create_header_from_parent(chain.get_canonical_head(), timestamp=self.start)
        self.vm = chain.get_vm(header)
        self.vm.state.computation_class = _Computation

    @contextmanager
    def example(self) -> Iterator[None]:
        """Undo afterwards whatever is done inside."""
        snapshot = self.vm.state.snapshot()
        try:
            yield
        finally:
            self.vm.state.revert(snapshot)

    def send(self, contract: str, data: bytes, *, time: int, sender: Key = RELAYER) -> Outcome:
        """Carry a call at `time` and keep what it does."""
        state = self.vm.state
        state.execution_context._timestamp = time
        transaction = self.vm.create_unsigned_transaction(
            nonce=state.get_nonce(sender.address), gas_price=GAS_PRICE, gas=2_000_000,
            to=self.site.addresses[contract], value=0, data=data,
        )  # fmt: skip
        computation = state.apply_transaction(SpoofTransaction(transaction, from_=sender.address))
        logs = () if computation.is_error else computation.get_log_entries()
        events = (read_log(contract, [t.to_bytes(32, "big") for t in topics], bytes(d)) for _, topics, d in logs)
        rule = _rule_in(bytes(computation.output)[:4]) if computation.is_error else ""
        return Outcome(not rule, rule, computation.get_gas_used(), tuple(event for event in events if event))

    def do(self, act: SignedAct, *signers: Key, time: int, deadline: int = FAR, sender: Key = RELAYER) -> Outcome:
        """Sign an act and carry it."""
        return self.send(*self.sign(act, *signers, deadline=deadline), time=time, sender=sender)

    def sign(self, act: SignedAct, *signers: Key, deadline: int = FAR) -> tuple[str, bytes]:
        digest = digest_of(act, self.site.addresses[act.contract], deadline=deadline)
        return encode_act(act, deadline=deadline, signatures=[key.sign(digest) for key in signers])

    def read(self, contract: str, getter: str, *values: object) -> tuple[Any, ...]:
        """Call a getter of the state as it is and decode its answer."""
        state = self.vm.state
        snapshot = state.snapshot()
        transaction = self.vm.create_unsigned_transaction(
            nonce=state.get_nonce(RELAYER.address), gas_price=GAS_PRICE, gas=2_000_000,
            to=self.site.addresses[contract], value=0, data=encode_call(contract, getter, values),
        )  # fmt: skip
        computation = state.apply_transaction(SpoofTransaction(transaction, from_=RELAYER.address))
        state.revert(snapshot)
        entry = next(e for e in contracts.load(contract).abi if e["type"] == "function" and e["name"] == getter)
        return tuple(decode([str(member["type"]) for member in entry["outputs"]], bytes(computation.output)))

    def suspend(self, org: bytes, *, time: int) -> Outcome:
        """Suspend an organisation by the registrar's signature."""
        return self.send("OrgRegistry", self._halt(org), time=time)

    def words_of(self, contract: str, mapping: str, *keys: bytes, count: int = 1) -> list[int]:
        """Return the first storage words of an entry of a mapping, nested where there are more keys."""
        slot = _place_of(contract, mapping)
        for key in keys:
            slot = int.from_bytes(keccak(key + slot.to_bytes(32, "big")), "big")
        address = self.site.addresses[contract]
        return [int(self.vm.state.get_storage(address, slot + offset)) for offset in range(count)]

    def mine(self, calls: Sequence[tuple[str, bytes]], *, time: int) -> list[Outcome]:
        """Mine one block of relayed calls: what the receipts say."""
        nonce = self.engine.nonce_of(RELAYER.address)
        raws = [
            sign_transaction(RELAYER, nonce=nonce + offset, to=self.site.addresses[contract], data=data)
            for offset, (contract, data) in enumerate(calls)
        ]
        block = self.engine.execute(raws, time=time)
        return [
            Outcome(e.status == 1, read_refusal(e.revert).partition("(")[0] if e.revert else "", e.gas_used, ())
            for e in block.executed
        ]

    def _deploy(self) -> None:
        at = {name: "0x" + address.hex() for name, address in self.site.addresses.items()}
        manager, to = at["AccessManager"], self.site.addresses["AccessManager"]
        steps = [
            (b"", creation("AccessManager", ["0x" + ADMIN.address.hex()])),
            (b"", creation("OrgRegistry", [manager])),
            *((b"", creation(name, [manager, at["OrgRegistry"]])) for name in REGISTERS[1:]),
        ]
        for name in REGISTERS:
            arguments = [at[name], [selector(name, function) for function in restricted(name)], RELAYER_ROLE]
            steps.append((to, encode_call("AccessManager", "setTargetFunctionRole", arguments)))
        roles = [(RELAYER_ROLE, RELAYER), (REGISTRAR, REGISTRAR_KEY), (NOTARY, NOTARY_KEY), (AUTHORITY, AUTHORITY_KEY)]
        for role, key in [*roles, *((PAYMENT_OPERATOR, key) for key in CASHIERS)]:
            steps.append((to, encode_call("AccessManager", "grantRole", [role, "0x" + key.address.hex(), 0])))
        self._mine_as(ADMIN, steps)
        admissions = [self._admission(org, key) for org, key in HOUSES.items()]
        self._mine_as(
            RELAYER, [(self.site.addresses["OrgRegistry"], data) for data in [*admissions, self._halt(SUSPENDED)]]
        )

    def _mine_as(self, sender: Key, steps: Sequence[tuple[bytes, bytes]]) -> None:
        nonce = self.engine.nonce_of(sender.address)
        raws = [sign_transaction(sender, nonce=nonce + n, to=to, data=data) for n, (to, data) in enumerate(steps)]
        for start in range(0, len(raws), 2):
            block = self.engine.execute(raws[start : start + 2], time=int(self.engine.head.timestamp) + 1)
            assert all(executed.status == 1 for executed in block.executed), block.executed

    def _admission(self, org: bytes, key: Key) -> bytes:
        address = "0x" + key.address.hex()
        return self._registrar_call(
            "admit", "Admit(bytes32 opId,bytes32 org,bytes32 credential,address key,uint256 deadline)",
            ["bytes32", "bytes32", "bytes32", "address", "uint256"],
            [keccak(org + b"admit"), org, word("credential"), address, FAR],
        )  # fmt: skip

    def _halt(self, org: bytes) -> bytes:
        return self._registrar_call(
            "setStatus", "SetStatus(bytes32 opId,bytes32 org,uint8 status,uint256 deadline)",
            ["bytes32", "bytes32", "uint8", "uint256"], [keccak(org + b"halt"), org, 2, FAR],
        )  # fmt: skip

    def _registrar_call(self, function: str, text: str, types: Sequence[str], values: Sequence[object]) -> bytes:
        address = self.site.addresses["OrgRegistry"]
        digest = typed_digest("OrgRegistry", address, CHAIN_ID, text, types, values)
        return encode_call("OrgRegistry", function, [*values, REGISTRAR_KEY.sign(digest)])


@cache
def _place_of(contract: str, label: str) -> int:
    artefact = json.loads(files("contracts").joinpath("artifacts", f"{contract}.json").read_text(encoding="utf-8"))
    return next(int(entry["slot"]) for entry in artefact["storageLayout"] if entry["label"] == label)


@cache
def _rule_in(selector_of_error: bytes) -> str:
    for name in contracts.NAMES:
        for entry in contracts.load(name).abi:
            kinds = ",".join(str(member["type"]) for member in entry.get("inputs", ()))
            if entry["type"] == "error" and keccak(f"{entry['name']}({kinds})".encode())[:4] == selector_of_error:
                return str(entry["name"])
    return "reverted"


def restricted(contract: str) -> list[str]:
    """Return the functions of a register that only the relayer carries: those that change something."""
    return [
        str(entry["name"])
        for entry in contracts.load(contract).abi
        if entry["type"] == "function" and entry["stateMutability"] == "nonpayable" and entry["name"] not in _OTHERS
    ]


@cache
def sandbox() -> Sandbox:
    """Return the sandbox of this process. What is loaded by then stays: without that the collector takes a fifth."""
    made = Sandbox()
    gc.freeze()
    return made


@dataclass(frozen=True, slots=True)
class Turn:
    """An act that is right at its place in a story: who signs it, and when."""

    act: SignedAct
    signers: tuple[Key, ...]
    time: int


def refuse_all_but_right(box: Sandbox, turn: Turn, *, getter: str, keys: Sequence[object]) -> None:
    """Try a right act in every wrong way, see that nothing changed, then do it, and see that it counts once."""
    act, contract = turn.act, turn.act.contract
    here, elsewhere = box.site.addresses[contract], box.site.addresses["OrgRegistry"]
    unsigned = {"NotSignedByRole", "NotSignedByOrg"}
    before = box.read(contract, getter, *keys)
    renamed = copy(act)
    object.__setattr__(renamed, "op_id", word("other"))

    def carry(signatures: Sequence[bytes], *, deadline: int = FAR, sender: Key = RELAYER) -> str:
        call = encode_act(act, deadline=deadline, signatures=signatures)
        return box.send(*call, time=turn.time, sender=sender).rule

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
