"""Acts of a role that went to another key while they were decided: asked of the key that has it when they are carried.

Another transaction decides by what it sees. Whoever carries sees the keeper for certain: both hold the chain's lock.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.core.db import ReadSession, WriteSession
from ledger.handed import is_of_role, signatures_of
from ledger.key_errors import KeyMissing
from ledger.key_models import RoleKeeperRow, SignatureRow
from ledger.models import EntryRow
from ledger.pending import OF_AUTHORITY
from ledger.projections import PROJECTIONS
from ledger.signing import AUTHORITY
from ledger.terms import end_of_term
from ledger.types import EntryKind
from ledger.waiting import SIGN_WITHIN, Ask, hold_back, wanted, write_asks


def hold_back_unsigned(session: WriteSession, entries: Sequence[EntryRow], now: datetime) -> bool:
    """Let those of these entries wait that the key has not signed which keeps their role; say whether any does."""
    acts = [entry for entry in entries if entry.kind in OF_AUTHORITY]
    if not acts:
        return False
    keeper = session.get(RoleKeeperRow, AUTHORITY, populate_existing=True)
    keeping, signed = {keeper.address} if keeper else set(), _signed_for_role(session, acts)
    waiting = [_ask_anew(session, entry, now) for entry in acts if signed[entry.id] != keeping]
    return any(waiting)


def _signed_for_role(session: ReadSession, entries: Sequence[EntryRow]) -> dict[UUID, set[bytes]]:
    found: dict[UUID, set[bytes]] = defaultdict(set)
    rows = select(SignatureRow).where(col(SignatureRow.entry_id).in_([entry.id for entry in entries]))
    for row in session.exec(rows.execution_options(populate_existing=True)):
        if is_of_role(row.slot):
            found[row.entry_id].add(row.address or b"")
    return found


def _ask_anew(session: WriteSession, entry: EntryRow, now: datetime) -> bool:
    """Ask for what the keeper must sign; what the operator signs again, or never was the role's, goes on."""
    rows = signatures_of(session, entry.id)
    of_role = [row for row in rows if is_of_role(row.slot)]
    deadline = min((row.deadline for row in rows), default=_deadline(session, entry, now))
    try:
        asks: list[Ask] = wanted(session, entry, deadline=deadline, now=now)
    except KeyMissing:  # of a house: that entry has its own answer
        return False
    if not of_role and not any(is_of_role(ask.slot) for ask in asks):
        return False
    for row in of_role:
        session.delete(row)
    session.flush()
    write_asks(session, entry, asks, now)
    if all(row.signature is not None for row in signatures_of(session, entry.id)):
        return False
    PROJECTIONS[EntryKind(entry.kind)].held_back(session, entry)
    hold_back(session, entry, deadline)
    session.flush()
    return True


def _deadline(session: ReadSession, entry: EntryRow, now: datetime) -> int:
    last, term = int((now + SIGN_WITHIN).timestamp()), end_of_term(session, entry)
    return last if term is None else min(last, term)
