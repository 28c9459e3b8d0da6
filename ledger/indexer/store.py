"""Writes what was followed: blocks, raw events, projections and cursor in the caller's one transaction."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, func, select

from asset_hub.core.db import ReadSession, WriteSession, database_of
from asset_hub.core.events import Event as OutboxEvent
from asset_hub.core.events import emit
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from ledger.index_models import ChainBlockRow, CursorRow, EventRow, RevertRow
from ledger.indexer.changes import Changes, drop_undo, execute_many, undo_blocks
from ledger.indexer.decoding import Decoder
from ledger.indexer.errors import FinalityBroken, IndexOutdated
from ledger.indexer.projections import ENTITIES, PROJECTIONS, VERSION, Happened
from ledger.indexer.sources import Header, Log

_TOPIC = 32
_STREAMED = {"yield_per": 5000}
NOWHERE = -1


@dataclass(frozen=True, slots=True)
class EventFinal(OutboxEvent):
    """An event of our contracts is in a final block; `members` are read from the index by its place."""

    name: ClassVar[str] = "ledger.event_final"

    network: int
    block_number: int
    log_index: int
    contract: str
    event: str


@dataclass(frozen=True, slots=True)
class Contracts:
    """Whose logs are kept: contract names by address."""

    names: Mapping[bytes, str]

    @property
    def digest(self) -> bytes:
        listed = b"".join(address + self.names[address].encode() + b"\0" for address in sorted(self.names))
        return hashlib.sha256(listed).digest()


def find_cursor(session: ReadSession, name: str) -> CursorRow | None:
    """Return where the index of a network stands, None before its first block."""
    return session.exec(select(CursorRow).where(CursorRow.name == name)).first()


def open_cursor(session: WriteSession, name: str, contracts: Contracts) -> CursorRow:
    """Return the cursor, locked, made when there is none. Raises IndexOutdated for other contracts or projections."""
    statement = select(CursorRow).where(CursorRow.name == name).with_for_update()
    row = session.exec(statement).first()
    while row is None:
        _insert_cursor(session, name, contracts)
        row = session.exec(statement).first()
    check_cursor(row, contracts)
    return row


def _insert_cursor(session: WriteSession, name: str, contracts: Contracts) -> None:
    """Give the network the next number, unless somebody else is just doing so."""
    connection = session.connection()
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    last = session.exec(select(func.max(CursorRow.network))).one()
    values = {
        "network": (last or 0) + 1, "name": name, "number": NOWHERE, "hash": b"", "final": NOWHERE,
        "announced": NOWHERE, "contracts": contracts.digest, "version": VERSION,
    }  # fmt: skip
    connection.execute(insert(CursorRow).values(values).on_conflict_do_nothing())


def check_cursor(row: CursorRow, contracts: Contracts) -> None:
    """Raise IndexOutdated when the index was made for other contracts or by other projections."""
    if row.contracts != contracts.digest:
        raise IndexOutdated(N_("The index was made for other contracts; rebuild it from the chain."))
    if row.version != VERSION:
        raise IndexOutdated(N_("The index was made by other projections; rebuild it from its events."))


def append(
    session: WriteSession, cursor: CursorRow, decoder: Decoder, headers: Sequence[Header], logs: Iterable[Log],
    *, final: int,
) -> int:  # fmt: skip
    """Extend the index by checked headers and their logs; return how many events are ours."""
    ours = [log for log in logs if decoder.is_ours(log.address)]
    network = cursor.network
    execute_many(session, sa.insert(ChainBlockRow), [_block(network, header, final) for header in headers])
    if ours:
        execute_many(session, sa.insert(EventRow), [_raw(network, log) for log in ours])
    project(session, decoder, network, ours, {header.number: header.time for header in headers}, final=final)
    cursor.number, cursor.hash = headers[-1].number, headers[-1].hash
    session.add(cursor)
    session.flush()
    return len(ours)


def project(
    session: WriteSession, decoder: Decoder, network: int, logs: Iterable[Log], times: Mapping[int, int], *, final: int
) -> None:
    """Apply logs in order: final blocks at once, later ones block by block with their undo log."""
    changes = Changes(network)
    for number, group in groupby(logs, key=lambda log: log.block_number):
        if number > final:
            changes.write(session)
        for log in group:
            event = decoder.read(log)
            function = PROJECTIONS.get((event.contract, event.name)) if event else None
            if event is not None and function is not None:
                function(changes, Happened(event.members, number, log.log_index, times[number]))
        if number > final:
            changes.write_undoable(session, block_number=number)
    changes.write(session)


def finalise(session: WriteSession, cursor: CursorRow, decoder: Decoder, *, final: int) -> None:
    """Make blocks up to `final` final: no undo is kept, and what they cause is queued once."""
    final = min(final, cursor.number)
    if final > cursor.final:
        drop_undo(session, network=cursor.network, numbers=(cursor.final, final))
        session.connection().execute(
            sa.update(ChainBlockRow)
            .where(
                col(ChainBlockRow.network) == cursor.network, col(ChainBlockRow.number).between(cursor.final + 1, final)
            )
            .where(col(ChainBlockRow.is_final).is_(False))
            .values(is_final=True)
        )
        cursor.final = final
    if cursor.final > cursor.announced:
        if database_of(session).subscriptions.get(EventFinal):
            _announce(session, cursor, decoder)
        cursor.announced = cursor.final
    session.add(cursor)
    session.flush()


def revert(session: WriteSession, cursor: CursorRow, *, to: int, to_hash: bytes, now: datetime) -> None:
    """Undo every block after `to`, the last first, and write down that it happened. Raises FinalityBroken."""
    if to < cursor.final:
        raise FinalityBroken(N_("Block {number} is final here, and the node has another."), number=to + 1)
    network = cursor.network
    undo_blocks(session, ENTITIES, network=network, above=to)
    connection = session.connection()
    gone = connection.execute(
        sa.delete(EventRow).where(col(EventRow.network) == network, col(EventRow.block_number) > to)
    ).rowcount  # fmt: skip
    connection.execute(
        sa.delete(ChainBlockRow).where(col(ChainBlockRow.network) == network, col(ChainBlockRow.number) > to)
    )
    session.add(
        RevertRow(
            id=new_id(), network=network, from_number=cursor.number, from_hash=cursor.hash, to_number=to, events=gone,
            at=now,
        )
    )  # fmt: skip
    cursor.number, cursor.hash = to, to_hash
    session.add(cursor)
    session.flush()


def stored_logs(session: ReadSession, *, network: int, first: int = 0, last: int | None = None) -> Iterator[Log]:
    """Yield the raw events of a range of blocks as the logs they were."""
    statement = (
        sa.select(*_EVENT_COLUMNS)
        .where(col(EventRow.network) == network, col(EventRow.block_number) >= first)
        .order_by(col(EventRow.block_number), col(EventRow.log_index))
    )
    if last is not None:
        statement = statement.where(col(EventRow.block_number) <= last)
    result = session.connection().execute(statement, execution_options=_STREAMED)
    for number, block_hash, index, tx_hash, tx_index, address, topics, data in result:
        yield Log(number, bytes(block_hash), index, bytes(tx_hash), tx_index, bytes(address), _split(topics), data)


def _announce(session: WriteSession, cursor: CursorRow, decoder: Decoder) -> None:
    first = cursor.announced + 1
    for log in list(stored_logs(session, network=cursor.network, first=first, last=cursor.final)):
        event = decoder.read(log)
        if event is not None:
            emit(session, EventFinal(cursor.network, log.block_number, log.log_index, event.contract, event.name))


_EVENT_COLUMNS = (
    col(EventRow.block_number), col(EventRow.block_hash), col(EventRow.log_index), col(EventRow.tx_hash),
    col(EventRow.tx_index), col(EventRow.address), col(EventRow.topics), col(EventRow.data),
)  # fmt: skip


def _block(network: int, header: Header, final: int) -> dict[str, Any]:
    return {
        "network": network, "number": header.number, "hash": header.hash, "parent": header.parent,
        "time": header.time, "is_final": header.number <= final,
    }  # fmt: skip


def _raw(network: int, log: Log) -> dict[str, Any]:
    return {
        "network": network, "block_number": log.block_number, "log_index": log.log_index,
        "block_hash": log.block_hash, "tx_hash": log.tx_hash, "tx_index": log.tx_index, "address": log.address,
        "topics": b"".join(log.topics), "data": log.data,
    }  # fmt: skip


def _split(topics: bytes) -> tuple[bytes, ...]:
    joined = bytes(topics)
    return tuple(joined[start : start + _TOPIC] for start in range(0, len(joined), _TOPIC))
