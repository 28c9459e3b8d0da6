"""The relayer's outbox: nonce, signature and row in one transaction; sent as often as it takes, never signed twice.

A row is the recovery root on a network: what is in it is sent again as it is until a final block holds it. A nonce
that somebody else's transaction used up is told (DISPLACED) and only an explicit act signs the same thing anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel, col, func, select

from asset_hub.core.db import Database, ReadSession, UtcDateTime, WriteSession
from asset_hub.core.errors import RuleRefused
from asset_hub.core.text import N_
from ledger.engine import Answer, BlockHead, ChainTerms, LedgerEngine, Outcome, Receipt, sign_for
from ledger.merkle import keccak
from ledger.models import CounterRow
from ledger.signing import Key

GAS = 12_000_000
_BATCH = 500
_SEND_AGAIN_AFTER = timedelta(seconds=30)


class OutboxState(StrEnum):
    """WAITING to be sent, SENT, in a FINAL block, DONE once the journal has it; or DISPLACED by another."""

    WAITING = "waiting"
    SENT = "sent"
    FINAL = "final"
    DONE = "done"
    DISPLACED = "displaced"


class NotDisplaced(RuleRefused):
    """Only a transaction whose nonce another one used may be signed anew."""

    slug, title = "not-displaced", N_("This transaction is still on its way")


class NonceRow(SQLModel, table=True):
    """The next nonce of an account on a chain; its lock is what makes allocation serial."""

    __tablename__ = "ledger_nonce"

    chain_id: int = Field(primary_key=True, sa_type=sa.BigInteger, sa_column_kwargs={"autoincrement": False})
    sender: bytes = Field(primary_key=True)
    next: int = Field(sa_type=sa.BigInteger)


class OutboxRow(SQLModel, table=True):
    """A signed transaction on its way, in the order of `number`; `op_id` names what it does, once."""

    __tablename__ = "ledger_outbox"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "sender", "nonce"),
        sa.UniqueConstraint("chain_id", "op_id"),
        sa.Index("ix_ledger_outbox_open", "chain_id", "state", "number"),
    )

    number: int = Field(primary_key=True, sa_type=sa.BigInteger, sa_column_kwargs={"autoincrement": False})
    chain_id: int = Field(sa_type=sa.BigInteger)
    sender: bytes
    nonce: int = Field(sa_type=sa.BigInteger)
    op_id: bytes | None = None
    raw: bytes
    tx_hash: bytes = Field(unique=True)
    state: str = OutboxState.WAITING
    reason: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    passed_at_block: int | None = Field(default=None, sa_type=sa.BigInteger)
    block_number: int | None = Field(default=None, sa_type=sa.BigInteger)
    block_hash: bytes | None = None
    block_time: int | None = Field(default=None, sa_type=sa.BigInteger)
    status: int | None = None
    gas_used: int | None = Field(default=None, sa_type=sa.BigInteger)


@dataclass(frozen=True, slots=True)
class Relayed:
    """What one round did: how many were `sent`, became `final`, were `displaced`, and how many are still `open`."""

    sent: int
    final: int
    displaced: int
    open: int


def adopt_nonce(session: WriteSession, terms: ChainTerms, *, sender: bytes, used: int) -> None:
    """Start allocating for an account that has `used` nonces on this chain already. Never lowers. Idempotent."""
    row = _locked_nonce(session, terms, sender)
    row.next = max(row.next, used)
    session.flush()


def queue_transaction(
    session: WriteSession, key: Key, terms: ChainTerms, *, op_id: bytes, to: bytes, data: bytes, now: datetime,
    gas: int = GAS, value: int = 0,
) -> OutboxRow:  # fmt: skip
    """Allocate a nonce, sign and record in the caller's transaction. Idempotent by `op_id`: gives the row there is."""
    sender = key.address
    nonce = _locked_nonce(session, terms, sender)
    found = session.exec(
        select(OutboxRow).where(OutboxRow.chain_id == terms.chain_id, OutboxRow.op_id == op_id)
    ).one_or_none()
    if found is not None:
        return found
    raw = sign_for(key, terms, nonce=nonce.next, to=to, data=data, gas=gas, value=value)
    row = OutboxRow(
        number=_next_number(session), chain_id=terms.chain_id, sender=sender, nonce=nonce.next, op_id=op_id, raw=raw,
        tx_hash=keccak(raw), created_at=now,
    )  # fmt: skip
    nonce.next += 1
    session.add(row)
    session.flush()
    return row


def queue_anew(
    session: WriteSession, key: Key, terms: ChainTerms, *, op_id: bytes, to: bytes, data: bytes, now: datetime
) -> OutboxRow:
    """Sign again, at a new nonce, what another transaction displaced. Raises NotDisplaced for anything else."""
    earlier = session.exec(
        select(OutboxRow).where(OutboxRow.chain_id == terms.chain_id, OutboxRow.op_id == op_id).with_for_update()
    ).one_or_none()
    if earlier is None or earlier.state != OutboxState.DISPLACED:
        raise NotDisplaced
    earlier.op_id = None
    session.flush()
    return queue_transaction(session, key, terms, op_id=op_id, to=to, data=data, now=now)


def relay(database: Database, engine: LedgerEngine, *, now: datetime) -> Relayed:
    """Send what waits and settle what a block holds; one round. Raises ChainUnavailable, then nothing is lost.

    Safe to run twice at once: a node that knows a transaction says so, and that is success.
    """
    sent = _send_waiting(database, engine, now)
    final, displaced = _settle(database, engine, now)
    with database.read() as session:
        return Relayed(sent, final, displaced, count_open(session, chain_id=engine.terms.chain_id))


def count_open(session: ReadSession, *, chain_id: int) -> int:
    """Return how many transactions are in no final block yet."""
    return session.exec(
        select(func.count()).select_from(OutboxRow).where(OutboxRow.chain_id == chain_id, _is_open())
    ).one()


def find_sent(session: ReadSession, *, op_ids: Sequence[bytes], chain_id: int) -> dict[bytes, OutboxRow]:
    """Return the transactions that carry these operations, by operation."""
    rows = session.exec(select(OutboxRow).where(OutboxRow.chain_id == chain_id, col(OutboxRow.op_id).in_(op_ids))).all()
    return {row.op_id: row for row in rows if row.op_id is not None}


def _send_waiting(database: Database, engine: LedgerEngine, now: datetime) -> int:
    with database.read() as session:
        rows = session.exec(
            select(OutboxRow)
            .where(OutboxRow.chain_id == engine.terms.chain_id, OutboxRow.state == OutboxState.WAITING)
            .order_by(col(OutboxRow.number))
            .limit(_BATCH)
        ).all()
    if not rows:
        return 0
    answers = engine.send([row.raw for row in rows], now=now)
    with database.write() as session:
        for number, answer in zip((row.number for row in rows), answers, strict=True):
            _note_answer(session.get_one(OutboxRow, number, with_for_update=True), answer, now)
    return sum(answer.outcome is not Outcome.REFUSED for answer in answers)


def _note_answer(row: OutboxRow, answer: Answer, now: datetime) -> None:
    """SENT also when the nonce is used: the receipt, or its lack in a final block, says by whom."""
    if row.state != OutboxState.WAITING:
        return
    row.reason = answer.reason
    if answer.outcome is not Outcome.REFUSED:
        row.state, row.sent_at = OutboxState.SENT, now


def _settle(database: Database, engine: LedgerEngine, now: datetime) -> tuple[int, int]:
    with database.read() as session:
        rows = session.exec(
            select(OutboxRow)
            .where(OutboxRow.chain_id == engine.terms.chain_id, OutboxRow.state == OutboxState.SENT)
            .order_by(col(OutboxRow.number))
            .limit(2 * _BATCH)
        ).all()
    if not rows:
        return 0, 0
    head = engine.head()
    receipts = engine.receipts([row.tx_hash for row in rows])
    lost = {row.sender for row, receipt in zip(rows, receipts, strict=True) if receipt is None}
    used = {sender: engine.nonce_of(sender) for sender in sorted(lost)}
    with database.write() as session:
        changed = [
            _note_receipt(session.get_one(OutboxRow, row.number, with_for_update=True), receipt, head, used, now)
            for row, receipt in zip(rows, receipts, strict=True)
        ]
    return changed.count(OutboxState.FINAL), changed.count(OutboxState.DISPLACED)


def _note_receipt(
    row: OutboxRow, receipt: Receipt | None, head: BlockHead, used: Mapping[bytes, int], now: datetime
) -> OutboxState | None:
    """Write what is known of a sent row; return the state that it came to, None when it stays."""
    if row.state != OutboxState.SENT:
        return None
    if receipt is not None:
        row.passed_at_block = None
        row.block_number, row.block_hash, row.block_time = receipt.block_number, receipt.block_hash, receipt.block_time
        row.status, row.gas_used = receipt.status, receipt.gas_used
        return _become(row, OutboxState.FINAL) if receipt.block_number <= head.final else None
    row.block_number = row.block_hash = row.block_time = row.status = row.gas_used = None
    if used[row.sender] > row.nonce:
        row.passed_at_block = head.number if row.passed_at_block is None else min(row.passed_at_block, head.number)
        return _become(row, OutboxState.DISPLACED) if head.final > row.passed_at_block else None
    row.passed_at_block = None
    if row.sent_at is None or now - row.sent_at >= _SEND_AGAIN_AFTER:
        return _become(row, OutboxState.WAITING)
    return None


def _become(row: OutboxRow, state: OutboxState) -> OutboxState:
    row.state = state
    return state


def _is_open() -> sa.ColumnElement[bool]:
    return col(OutboxRow.state).in_((OutboxState.WAITING, OutboxState.SENT))


def _locked_nonce(session: WriteSession, terms: ChainTerms, sender: bytes) -> NonceRow:
    _insert_once(session, NonceRow, chain_id=terms.chain_id, sender=sender, next=0)
    return session.get_one(NonceRow, (terms.chain_id, sender), with_for_update=True, populate_existing=True)


def _next_number(session: WriteSession) -> int:
    _insert_once(session, CounterRow, name="outbox", last=0)
    row = session.get_one(CounterRow, "outbox", with_for_update=True, populate_existing=True)
    row.last += 1
    session.flush()
    return row.last


def _insert_once(session: WriteSession, table: type[SQLModel], **values: object) -> None:
    connection = session.connection()
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(table).values(**values).on_conflict_do_nothing())
