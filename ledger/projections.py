"""What follows from an entry once the chain has it, or has refused it: one projection per kind of entry.

Each does to our rows what the contract did to its state, in the transaction of the block.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.core.db import WriteSession
from ledger.case_projection import case_confirmed, case_refused
from ledger.grants import end_day, read_words
from ledger.models import EntryRow, GrantRow
from ledger.royalties import statement_confirmed, statement_refused
from ledger.types import EntryKind

_BEIJING_SECONDS = 8 * 3600
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Projection:
    """`confirmed` gets the block's time in unix seconds."""

    confirmed: Callable[[WriteSession, EntryRow, int], None]
    refused: Callable[[WriteSession, EntryRow], None]


def _grant_confirmed(session: WriteSession, entry: EntryRow, time: int) -> None:
    """Append to our lists what the contract appended behind its heads, and drop what has ended."""
    row = session.get_one(GrantRow, int(entry.args["number"]))
    row.is_in_head, row.position = True, entry.number
    if not row.is_exclusive:
        return
    today = (time + _BEIJING_SECONDS) // _DAY_SECONDS
    earlier = select(GrantRow).where(
        GrantRow.asset_id == UUID(entry.args["asset"]), col(GrantRow.is_exclusive).is_(True),
        col(GrantRow.is_in_head).is_(True),
    )  # fmt: skip
    for other in session.exec(earlier):
        if other.number != row.number and end_day(read_words(other.words)) <= today:
            other.is_in_head = False


def _grant_refused(session: WriteSession, entry: EntryRow) -> None:
    session.connection().execute(sa.delete(GrantRow).where(col(GrantRow.entry_id) == entry.id))


PROJECTIONS: Mapping[EntryKind, Projection] = {
    EntryKind.GRANT: Projection(_grant_confirmed, _grant_refused),
    EntryKind.CASE: Projection(case_confirmed, case_refused),
    EntryKind.STATEMENT: Projection(statement_confirmed, statement_refused),
}
