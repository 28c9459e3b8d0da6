"""What follows from an entry once the chain has it, or has refused it: one projection per kind of entry.

Each does to our rows what the contract did to its state, in the transaction of the block.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.catalogue import halts_in_force
from asset_hub.core.db import WriteSession
from ledger.case_projection import case_confirmed, case_refused
from ledger.case_steps import case_held_back, case_signed
from ledger.compaction import compact_confirmed
from ledger.grants import end_day, read_words
from ledger.house_keys import key_confirmed, key_refused
from ledger.models import DeedRow, EntryRow, GrantRow, TitleListRow
from ledger.office import follow_halt, follow_house, office_refused
from ledger.office_keys import role_confirmed, role_refused
from ledger.orders import order_confirmed, order_refused
from ledger.royalties import statement_confirmed, statement_refused
from ledger.titles import read_title
from ledger.types import (
    DECLINED_REASON,
    OVERTAKEN_REASON,
    UNCONFIRMED_REASON,
    UNSIGNED_REASON,
    DeedState,
    EntryKind,
    EntryState,
)

_BEIJING_SECONDS = 8 * 3600
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Projection:
    """`confirmed` gets the block's time in unix seconds; `signed` is told when houses signed what waited for them, and
    `held_back` when what was on its way has to be signed after all.
    """

    confirmed: Callable[[WriteSession, EntryRow, int], None]
    refused: Callable[[WriteSession, EntryRow], None]
    signed: Callable[[WriteSession, EntryRow, datetime], None] = lambda _session, _entry, _now: None
    held_back: Callable[[WriteSession, EntryRow], None] = lambda _session, _entry: None


def _grant_confirmed(session: WriteSession, entry: EntryRow, time: int) -> None:
    """Append to our lists what the contract appended behind its heads, and drop what has ended."""
    row = session.get_one(GrantRow, int(entry.args["number"]))
    row.is_in_head, row.position = True, entry.number
    if (hold := entry.args.get("hold")) is not None:
        session.get_one(GrantRow, int(hold)).ended_at = time
    if not row.is_exclusive:
        return
    _drop_ended(session, row, time)


def _drop_ended(session: WriteSession, row: GrantRow, time: int) -> None:
    """Take out of the exclusive list what the contract leaves out when it appends to it."""
    today = (time + _BEIJING_SECONDS) // _DAY_SECONDS
    earlier = select(GrantRow).where(
        GrantRow.asset_id == row.asset_id, col(GrantRow.is_exclusive).is_(True),
        col(GrantRow.is_in_head).is_(True),
    )  # fmt: skip
    for other in session.exec(earlier):
        is_lapsed = other.lapses_at is not None and other.lapses_at <= time
        if other.number != row.number and (is_lapsed or end_day(read_words(other.words)) <= today):
            other.is_in_head = False


def _grant_refused(session: WriteSession, entry: EntryRow) -> None:
    session.connection().execute(sa.delete(GrantRow).where(col(GrantRow.entry_id) == entry.id))


def _end_confirmed(session: WriteSession, entry: EntryRow, time: int) -> None:
    session.get_one(GrantRow, int(entry.args["number"])).ended_at = time


def _title_confirmed(session: WriteSession, entry: EntryRow, time: int) -> None:
    del time
    asset_id, after = UUID(entry.args["asset"]), entry.args["after"]
    row = session.get(TitleListRow, asset_id) or TitleListRow(
        asset_id=asset_id, shares=[], pledges=[], head=b"", entry_id=entry.id
    )
    row.shares, row.pledges, row.entry_id = after["shares"], after["pledges"], entry.id
    row.head = read_title(after["shares"], after["pledges"]).head
    session.add(row)


def _title_signed(session: WriteSession, entry: EntryRow, now: datetime) -> None:
    """Give up what was agreed about a title that has changed meanwhile: a decision would undo the change unseen."""
    from ledger.pending import overtake  # it comes here to say that an entry goes on

    asset_id = UUID(entry.args["asset"])
    row = session.get(TitleListRow, asset_id, populate_existing=True)
    before = {"shares": row.shares, "pledges": row.pledges} if row else None
    on_its_way = select(EntryRow.id).where(
        EntryRow.kind == EntryKind.TITLE, EntryRow.subject_id == asset_id, EntryRow.state == EntryState.RECORDED,
        EntryRow.id != entry.id,
    )  # fmt: skip
    if entry.args["before"] != before or session.exec(on_its_way).first() is not None:
        overtake(session, entry, now=now)


def _deed_refused(session: WriteSession, entry: EntryRow) -> None:
    """Say of a deed that was agreed to, and then not signed or confirmed, that it has lapsed or was declined."""
    row = session.exec(select(DeedRow).where(DeedRow.entry_id == entry.id)).first()
    if row is not None and entry.reason in (UNSIGNED_REASON, UNCONFIRMED_REASON, OVERTAKEN_REASON):
        row.state = DeedState.LAPSED
    elif row is not None and entry.reason == DECLINED_REASON:
        row.state = DeedState.DECLINED


def _registered(session: WriteSession, entry: EntryRow, time: int) -> None:
    """A work whose trade was halted before it was on the ledger is halted there from the start.

    Most are not, and an intake registers thousands: one question says so.
    """
    asset_id, now = entry.subject_id, datetime.fromtimestamp(time, UTC)
    if halts_in_force(session, asset_id=asset_id, now=now):
        follow_halt(session, asset_id=asset_id, now=now)


def _admitted(session: WriteSession, entry: EntryRow, time: int) -> None:
    """A house that was suspended before it was on the ledger is suspended there from the start."""
    follow_house(session, organisation_id=entry.subject_id, now=datetime.fromtimestamp(time, UTC))


def _nothing(session: WriteSession, entry: EntryRow) -> None:
    del session, entry


def _nothing_new(session: WriteSession, entry: EntryRow, time: int) -> None:
    del session, entry, time


PROJECTIONS: Mapping[EntryKind, Projection] = {
    EntryKind.ADMIT: Projection(_admitted, _nothing),
    EntryKind.REGISTER: Projection(_registered, _nothing),
    EntryKind.GRANT: Projection(_grant_confirmed, _grant_refused),
    EntryKind.HOLD: Projection(_grant_confirmed, _grant_refused),
    EntryKind.END: Projection(_end_confirmed, _deed_refused),
    EntryKind.TITLE: Projection(_title_confirmed, _deed_refused, _title_signed),
    EntryKind.COMPACT: Projection(compact_confirmed, _nothing),
    EntryKind.CASE: Projection(case_confirmed, case_refused, case_signed, case_held_back),
    EntryKind.STATEMENT: Projection(statement_confirmed, statement_refused),
    EntryKind.ORDER: Projection(order_confirmed, order_refused),
    EntryKind.KEY: Projection(key_confirmed, key_refused),
    EntryKind.OFFICE: Projection(_nothing_new, office_refused),
    EntryKind.ROLE: Projection(role_confirmed, role_refused),
}
