"""The real bytecode on py-evm's state (Paris rules), without mining: a call costs what its execution costs.

pyrevm is not among the project's packages; py-evm is the engine that production embeds.
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from eth.vm.forks.paris import ParisVM
from eth.vm.spoof import SpoofTransaction

import contracts
from ledger.calls import LogEvent, encode_call, read_log, read_refusal, sign_transaction
from ledger.chain import CHAIN_ID, GAS_PRICE
from ledger.deployment import deployed_addresses, set_up
from ledger.embedded import EmbeddedChain, MemoryStore
from ledger.merkle import keccak
from ledger.signing import Key, Keys, typed_digest
from ledger.submit import endowed_accounts

KEYS = Keys(b"a secret of thirty-two bytes ....")
ADDRESSES = deployed_addresses(KEYS)
NAME_AT = {address: name for name, address in ADDRESSES.items()}
START = 1_800_000_000
GAS = 30_000_000
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a transaction did: `refusal` is empty when it was accepted, else the error's name and members."""

    refusal: str
    events: tuple[LogEvent, ...]
    gas: int
    output: bytes

    @property
    def accepted(self) -> bool:
        return not self.refusal

    @property
    def error(self) -> str:
        return self.refusal.split("(")[0]


class _Computation(ParisVM.get_state_class().computation_class):  # type: ignore[misc]
    """Remembers which places of a code may be jumped to: the engine looks them up anew in every call."""

    _places: ClassVar[dict[bytes, tuple[set[int], set[int]]]] = {}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.code.valid_positions, self.code.invalid_positions = self._places.setdefault(
            self.msg.code, (self.code.valid_positions, self.code.invalid_positions)
        )


@cache
def deployed_chain() -> EmbeddedChain:
    """A chain with every register, mined once; engines branch off its head."""
    chain = EmbeddedChain(MemoryStore(), endowed=endowed_accounts(KEYS))
    raws = [
        sign_transaction(KEYS.admin, nonce=nonce, to=to, data=data) for nonce, (to, data) in enumerate(set_up(KEYS))
    ]
    block = chain.execute(raws, time=START - 1)
    assert all(executed.status == 1 for executed in block.executed)
    gc.freeze()  # what is loaded by then stays; without that the collector takes a fifth
    return chain


class Engine:
    """A state that branches off the deployed chain; `time` is that of every call until it is moved."""

    def __init__(self) -> None:
        chain = deployed_chain()
        header = chain._chain.create_header_from_parent(chain.head, timestamp=START)
        self._vm: Any = chain._chain.get_vm(header)
        self._vm.state.computation_class = _Computation
        self.time = START

    @property
    def today(self) -> int:
        """The day that the contracts see: Beijing's."""
        return (self.time + 8 * 3600) // DAY

    def state_root(self) -> bytes:
        """Return the root over all contracts' code and storage, the sender's account left out."""
        state = self._vm.state
        state.make_state_root()
        roots = (state._account_db._get_storage_root(address) for address in ADDRESSES.values())
        return keccak(b"".join(bytes(root) for root in roots))

    def branch(self) -> "Engine":
        """Return an engine that starts from this one's state."""
        state = self._vm.state
        state.make_state_root()
        state.persist()
        twin = Engine()
        twin._vm._state = type(state)(twin._vm.chaindb.db, twin._vm.state.execution_context, state.state_root)
        twin._vm.state.computation_class = _Computation
        twin.time = self.time
        return twin

    def storage(self, contract: str, label: str, key: bytes) -> bytes:
        """Return a mapping's word from the storage itself, at the slot that the artefact names."""
        return int(self._vm.state.get_storage(ADDRESSES[contract], _slot(contract, label, key))).to_bytes(32, "big")

    def words(self, contract: str, label: str, keys: Sequence[bytes], count: int) -> list[int]:
        """Return the first words of an entry of a mapping, of a mapping of mappings where there are more keys."""
        place = _place(contract, label)
        for key in keys:
            place = _entry(place, key)
        return [int(self._vm.state.get_storage(ADDRESSES[contract], place + offset)) for offset in range(count)]

    def put(self, contract: str, label: str, key: bytes, word: bytes) -> None:
        """Write a mapping's word, to reach a state that would take thousands of acts."""
        value = int.from_bytes(word, "big")
        self._vm.state.set_storage(ADDRESSES[contract], _slot(contract, label, key), value)
        self._vm.state.lock_changes()

    def nonce_of(self, sender: Key) -> int:
        return int(self._vm.state.get_nonce(sender.address))

    def send(self, contract: str, function: str, values: Sequence[Any], *, sender: Key = KEYS.relayer) -> Outcome:
        return self.send_data(ADDRESSES[contract], encode_call(contract, function, values), sender=sender)

    def send_data(self, to: bytes, data: bytes, *, sender: Key = KEYS.relayer) -> Outcome:
        """Execute and keep what it did; the gas is that of the whole transaction."""
        state = self._vm.state
        state.execution_context._timestamp = self.time
        if state.get_balance(sender.address) < 10**24:
            state.set_balance(sender.address, 10**30)
        unsigned = self._vm.create_unsigned_transaction(
            nonce=state.get_nonce(sender.address), gas_price=GAS_PRICE, gas=GAS, to=to, value=0, data=data
        )
        transaction = SpoofTransaction(unsigned, from_=sender.address)
        computation = state.apply_transaction(transaction)
        state.lock_changes()
        refused = computation.is_error
        output = bytes(computation.output)
        logs = () if refused else computation.get_raw_log_entries()
        events = [_read(entry[1], entry[2], entry[3]) for entry in logs]
        refund = min(computation.get_gas_refund(), computation.get_gas_used() // 5)
        used = GAS - computation.get_gas_remaining() - (0 if refused else refund)
        refusal = (read_refusal(output) or "reverted") if refused else ""
        return Outcome(refusal, tuple(event for event in events if event), used, output)

    def read(self, contract: str, function: str, values: Sequence[Any]) -> bytes:
        """Return what a view answers."""
        outcome = self.send(contract, function, values)
        assert outcome.accepted, outcome.refusal
        return outcome.output


def _slot(contract: str, label: str, key: bytes) -> int:
    return _entry(_place(contract, label), key)


def _place(contract: str, label: str) -> int:
    return next(int(entry["slot"]) for entry in contracts.load(contract).layout if entry["label"] == label)


def _entry(place: int, key: bytes) -> int:
    return int.from_bytes(keccak(key.rjust(32, b"\0") + place.to_bytes(32, "big")), "big")


def _read(address: bytes, topics: Sequence[int], data: bytes) -> LogEvent | None:
    return read_log(NAME_AT[bytes(address)], [topic.to_bytes(32, "big") for topic in topics], bytes(data))


def digest(contract: str, text: str, values: Sequence[Any], *, chain_id: int = CHAIN_ID) -> bytes:
    """Return the EIP-712 digest over `values` in the order of the type's members, whose types it reads from `text`."""
    types = [member.split(" ")[0] for member in text[text.index("(") + 1 : -1].split(",")]
    return typed_digest(contract, ADDRESSES[contract], chain_id, text, types, values)
