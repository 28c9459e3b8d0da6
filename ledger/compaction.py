"""Compaction: what has ended, lapsed or been terminated leaves a work's lists, so that later sales check less.

The registrar's act (GrantLedger.compact); it can drop nothing that still blocks.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, require
from asset_hub.core.db import ReadSession, WriteSession
from ledger import permissions
from ledger.entries import record_entry
from ledger.grants import end_day, read_words
from ledger.models import EntryRow, GrantRow
from ledger.types import EntryKind, EntryState

_BEIJING_SECONDS, _DAY_SECONDS = 8 * 3600, 86_400


def record_compactions(session: WriteSession, *, asset_id: UUID | None = None, by: Actor, now: datetime) -> int:
    """Record the compaction of every list (of one work, or of all) with something dead in it; return how many.

    Idempotent while one is on its way. Raises Forbidden.
    """
    require(by, permissions.COMPACT)
    statement = select(GrantRow).where(col(GrantRow.is_in_head).is_(True))
    if asset_id is not None:
        statement = statement.where(GrantRow.asset_id == asset_id)
    time = int(now.timestamp())
    found = {(row.asset_id, row.is_exclusive) for row in session.exec(statement) if is_dead(session, row, time)}
    waiting = {
        (row.subject_id, bool(row.args["of_exclusives"]))
        for row in session.exec(
            select(EntryRow).where(EntryRow.kind == EntryKind.COMPACT, EntryRow.state == EntryState.RECORDED)
        )
    }
    for work, is_exclusive in sorted(found - waiting):
        record_entry(session, EntryKind.COMPACT, work, {"of_exclusives": is_exclusive}, now)
    return len(found - waiting)


def is_dead(session: ReadSession, row: GrantRow, time: int) -> bool:
    """Say whether a grant blocks nothing any more at a time (GrantLedger._living)."""
    if end_day(read_words(row.words)) <= (time + _BEIJING_SECONDS) // _DAY_SECONDS or row.ended_at is not None:
        return True
    if row.lapses_at is not None and row.lapses_at <= time:
        return True
    parent = session.get(GrantRow, row.parent) if row.parent else None
    return parent is not None and parent.ended_at is not None


def compact_confirmed(session: WriteSession, entry: EntryRow, time: int) -> None:
    """Drop from our list what the contract dropped from its own."""
    rows = session.exec(
        select(GrantRow).where(
            GrantRow.asset_id == entry.subject_id, col(GrantRow.is_in_head).is_(True),
            col(GrantRow.is_exclusive).is_(bool(entry.args["of_exclusives"])),
        )
    ).all()  # fmt: skip
    dead = [row for row in rows if is_dead(session, row, time)]
    for row in dead:
        row.is_in_head = False
