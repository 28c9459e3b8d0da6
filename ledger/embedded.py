"""The embedded chain: py-evm (Paris rules) on the application's own database, in the caller's transaction.

A block, its journal rows and the business rows commit together or not at all (ADR 0010).
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import rlp
import sqlalchemy as sa
from eth.abc import BlockHeaderAPI
from eth.chains.base import MiningChain
from eth.consensus.noproof import NoProofConsensus
from eth.db.atomic import AtomicDB
from eth.db.backends.base import BaseDB
from eth.exceptions import TransactionNotFound
from eth.vm.forks.paris import ParisVM
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from asset_hub.core.db import ReadSession
from ledger.chain import CHAIN_ID, GAS_LIMIT, GAS_PRICE
from ledger.engine import EMBEDDED, Answer, BlockHead, Called, ChainTerms, Log, Outcome, Receipt
from ledger.merkle import keccak
from ledger.models import StateRow

# The engine raises the limit to 100,000 when it is imported; with that, a body of nested brackets overruns the stack
# of the process that serves it. Our contracts never call deeper than a few frames.
_RECURSION_LIMIT = 2000
sys.setrecursionlimit(_RECURSION_LIMIT)
_ENDOWMENT = 10**30
_GENESIS_TIME = 1_767_225_600
_MAX_KEYS = 400


@dataclass(frozen=True, slots=True)
class Executed:
    """One transaction's outcome: `logs` as (address, topics, data), `revert` the data it reverted with."""

    tx_hash: bytes
    sender: bytes
    nonce: int
    status: int
    gas_used: int
    logs: tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]
    revert: bytes
    receipt: bytes
    created: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """A mined block: `header` is its RLP, `hash` the Keccak-256 of that."""

    number: int
    hash: bytes
    header: bytes
    time: int
    executed: tuple[Executed, ...]


class _Vm(ParisVM):  # type: ignore[misc]
    """Paris rules with the block gas limit pinned: left alone it drifts down until transactions are refused."""

    @classmethod
    def create_header_from_parent(cls, parent_header: BlockHeaderAPI | None, **header_params: Any) -> BlockHeaderAPI:
        header_params["gas_limit"] = GAS_LIMIT
        return super().create_header_from_parent(parent_header, **header_params)


class _FreeVm(_Vm):
    """The same without a base fee: a network's transactions may have been signed for a price of nothing."""

    @classmethod
    def create_header_from_parent(cls, parent_header: BlockHeaderAPI | None, **header_params: Any) -> BlockHeaderAPI:
        header_params["base_fee_per_gas"] = 0
        return super().create_header_from_parent(parent_header, **header_params)

    @classmethod
    def validate_gas(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        """Nothing: gas is limited by transaction, its price is the network's."""


class _Chain(MiningChain):  # type: ignore[misc]
    vm_configuration = ((0, _Vm),)
    chain_id = CHAIN_ID
    consensus_context_class = NoProofConsensus


@cache
def _chain_of(chain_id: int | None) -> type[Any]:
    if chain_id is None:
        return _Chain
    return type("_NetworkChain", (_Chain,), {"chain_id": chain_id, "vm_configuration": ((0, _FreeVm),)})


class MemoryStore(BaseDB):  # type: ignore[misc]
    """A key-value store in memory, for re-executing a journal."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}

    def __getitem__(self, key: bytes) -> bytes:
        return self.kept[key]

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.kept[key] = value

    def _exists(self, key: bytes) -> bool:
        return key in self.kept

    def __delitem__(self, key: bytes) -> None:
        del self.kept[key]


class SqlStore(BaseDB):  # type: ignore[misc]
    """The key-value store on `ledger_state` through a session; writes are kept until `flush`."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session
        self._fresh: dict[bytes, bytes | None] = {}
        self._seen: dict[bytes, bytes | None] = {}

    def __getitem__(self, key: bytes) -> bytes:
        value = self._find(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._fresh[key] = value

    def _exists(self, key: bytes) -> bool:
        return self._find(key) is not None

    def __delitem__(self, key: bytes) -> None:
        self._fresh[key] = None

    def flush(self) -> None:
        """Write what is new, in the session's transaction."""
        connection = self.session.connection()
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        rows = [{"key": key, "value": value} for key, value in self._fresh.items() if value is not None]
        gone = [key for key, value in self._fresh.items() if value is None]
        if rows:
            statement = insert(StateRow)
            upsert = statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
            connection.execute(upsert, rows)
        for start in range(0, len(gone), _MAX_KEYS):
            connection.execute(sa.delete(StateRow).where(col(StateRow.key).in_(gone[start : start + _MAX_KEYS])))
        self._seen |= self._fresh
        self._fresh.clear()

    def _find(self, key: bytes) -> bytes | None:
        if key in self._fresh:
            return self._fresh[key]
        if key not in self._seen:
            found = self.session.connection().execute(
                sa.select(col(StateRow.value)).where(col(StateRow.key) == key)
            )  # fmt: skip
            value = found.scalar_one_or_none()
            self._seen[key] = None if value is None else bytes(value)
        return self._seen[key]


class EmbeddedChain:
    """A chain on a store; open one per transaction. `network_id` only to execute that network's journal again."""

    def __init__(
        self, store: SqlStore | MemoryStore, *, endowed: Sequence[bytes], network_id: int | None = None
    ) -> None:
        self.store = store
        self.chain_id = CHAIN_ID if network_id is None else network_id
        base, kind = AtomicDB(store), _chain_of(network_id)
        if self._is_new(base):
            self._chain: Any = kind.from_genesis(base, _genesis_params(), _genesis_state(endowed))
        else:
            self._chain = kind(base)

    @property
    def genesis_hash(self) -> bytes:
        return bytes(self._chain.get_canonical_block_header_by_number(0).hash)

    @property
    def head(self) -> BlockHeaderAPI:
        return self._chain.get_canonical_head()

    def nonce_of(self, address: bytes) -> int:
        """Return the next nonce of an account."""
        return int(self._chain.get_vm().state.get_nonce(address))

    def balance_of(self, address: bytes) -> int:
        """Return what an account has, in wei."""
        return int(self._chain.get_vm().state.get_balance(address))

    def decode(self, raw: bytes) -> Any:
        """Return a signed transaction as the engine reads it."""
        return self._chain.get_vm().get_transaction_builder().decode(raw)

    def refusal_of(self, sent: Any) -> str:
        """Return why no block can hold a transaction, empty when one can; its nonce is not looked at."""
        if sent.chain_id != self.chain_id:
            return f"invalid chain id {sent.chain_id}"
        if sent.intrinsic_gas > sent.gas:
            return "intrinsic gas too low"
        if sent.gas > GAS_LIMIT:
            return "exceeds block gas limit"
        if self.balance_of(sent.sender) < sent.value + sent.gas * sent.gas_price:
            return "insufficient funds"
        return ""

    def receipt_of(self, tx_hash: bytes) -> Receipt | None:
        """Return what became of a transaction, None when no block holds it."""
        try:
            number, index = self._chain.get_canonical_transaction_index(tx_hash)
        except TransactionNotFound:
            return None
        header = self._chain.get_canonical_block_header_by_number(number)
        found = self._chain.get_transaction_receipt_by_index(number, index)
        earlier = self._chain.get_transaction_receipt_by_index(number, index - 1).gas_used if index else 0
        return Receipt(
            tx_hash, number, bytes(header.hash), header.timestamp, _status(found), found.gas_used - earlier,
            tuple(Log(*log) for log in _logs(found)),
        )  # fmt: skip

    def execute(self, raws: Sequence[bytes], *, time: int) -> Block:
        """Mine one block of these signed transactions; `time` (unix seconds) must be after the head's."""
        self._chain.set_header_timestamp(time)
        transactions = [self.decode(raw) for raw in raws]
        result, receipts, computations = self._chain.mine_all(transactions)
        header = result.imported_block.header
        outcomes = []
        earlier = 0
        for transaction, receipt, computation in zip(transactions, receipts, computations, strict=True):
            outcomes.append(_executed(transaction, receipt, computation, receipt.gas_used - earlier))
            earlier = receipt.gas_used
        if isinstance(self.store, SqlStore):
            self.store.flush()
        return Block(header.block_number, bytes(header.hash), rlp.encode(header), header.timestamp, tuple(outcomes))

    def call(self, sender: bytes, to: bytes, data: bytes, *, time: int) -> tuple[bool, bytes]:
        """Execute without recording, at `time`; return (done, output or revert data)."""
        header = self._chain.create_header_from_parent(self._chain.get_canonical_head(), timestamp=time)
        vm = self._chain.get_vm(header)
        nonce = vm.state.get_nonce(sender)
        unsigned = vm.create_unsigned_transaction(
            nonce=nonce, gas_price=GAS_PRICE, gas=GAS_LIMIT, to=to, value=0, data=data
        )
        from eth.vm.spoof import SpoofTransaction

        computation = vm.state.apply_transaction(SpoofTransaction(unsigned, from_=sender))
        return not computation.is_error, bytes(computation.output)

    def _is_new(self, base: AtomicDB) -> bool:
        from eth.db.schema import SchemaV1

        return not base.exists(SchemaV1.make_canonical_head_hash_lookup_key())


def _executed(transaction: Any, receipt: Any, computation: Any, gas_used: int) -> Executed:
    return Executed(
        tx_hash=bytes(transaction.hash),
        sender=bytes(transaction.sender),
        nonce=int(transaction.nonce),
        status=_status(receipt),
        gas_used=int(gas_used),
        logs=_logs(receipt),
        revert=bytes(computation.output) if computation.is_error else b"",
        receipt=bytes(receipt.encode()),
        created=bytes(computation.msg.storage_address) if computation.msg.is_create else b"",
    )


def _status(receipt: Any) -> int:
    return 1 if receipt.state_root == b"\x01" else 0


def _logs(receipt: Any) -> tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]:
    return tuple(
        (bytes(log.address), tuple(int(topic).to_bytes(32, "big") for topic in log.topics), bytes(log.data))
        for log in receipt.logs
    )


def _genesis_params() -> Mapping[str, Any]:
    return {
        "difficulty": 0, "gas_limit": GAS_LIMIT, "timestamp": _GENESIS_TIME, "coinbase": b"\0" * 20,
        "extra_data": b"asset_hub", "nonce": b"\0" * 8, "mix_hash": b"\0" * 32,
    }  # fmt: skip


def _genesis_state(endowed: Sequence[bytes]) -> Mapping[bytes, Any]:
    account = {"balance": _ENDOWMENT, "nonce": 0, "code": b"", "storage": {}}
    return dict.fromkeys(endowed, account)


class EmbeddedEngine:
    """The embedded chain as a LedgerEngine. On a SqlStore the caller writes the journal in the same transaction."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self.chain = chain

    @property
    def terms(self) -> ChainTerms:
        return ChainTerms(EMBEDDED)

    def head(self) -> BlockHead:
        """Return the newest block; every block is final."""
        header = self.chain.head
        return BlockHead(header.block_number, bytes(header.hash), header.timestamp, header.block_number)

    def nonce_of(self, address: bytes) -> int:
        return self.chain.nonce_of(address)

    def send(self, raws: Sequence[bytes], *, now: datetime) -> tuple[Answer, ...]:
        """Mine one block of those that fit the state; there is no pool, so a gap before a nonce is a refusal."""
        answers, fitting = [], []
        expected: dict[bytes, int] = {}
        for raw in raws:
            try:
                sent = self.chain.decode(raw)
                sender = bytes(sent.sender)
            except (rlp.exceptions.RLPException, ValidationError, BadSignature, TypeError) as error:
                answers.append(Answer(keccak(raw), Outcome.REFUSED, str(error)))
                continue
            answer = self._judge(sent, expected.setdefault(sender, self.nonce_of(sender)))
            answers.append(answer)
            if answer.outcome is Outcome.ACCEPTED:
                fitting.append(raw)
                expected[sender] += 1
        if fitting:
            self.chain.execute(fitting, time=max(int(now.timestamp()), self.chain.head.timestamp + 1))
        return tuple(answers)

    def receipts(self, tx_hashes: Sequence[bytes]) -> tuple[Receipt | None, ...]:
        return tuple(self.chain.receipt_of(tx_hash) for tx_hash in tx_hashes)

    def call(self, to: bytes, data: bytes, *, sender: bytes) -> Called:
        done, output = self.chain.call(sender, to, data, time=self.chain.head.timestamp + 1)
        return Called(done, output)

    def _judge(self, sent: Any, expected: int) -> Answer:
        tx_hash = bytes(sent.hash)
        if refusal := self.chain.refusal_of(sent):
            return Answer(tx_hash, Outcome.REFUSED, refusal)
        if sent.nonce == expected:
            return Answer(tx_hash, Outcome.ACCEPTED)
        if self.chain.receipt_of(tx_hash) is not None:
            return Answer(tx_hash, Outcome.KNOWN, "already in a block")
        if sent.nonce < expected:
            return Answer(tx_hash, Outcome.NONCE_TOO_LOW, f"nonce {sent.nonce}, expected {expected}")
        return Answer(tx_hash, Outcome.REFUSED, f"nonce {sent.nonce}, expected {expected}")
