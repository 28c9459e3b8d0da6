"""What an entry comes to, in the transaction of its final block: confirmed or refused, and what follows from that."""

from asset_hub.core.db import WriteSession
from asset_hub.core.events import emit
from ledger.calls import read_refusal
from ledger.events import EntryConfirmed, EntryRefused
from ledger.models import EntryRow
from ledger.projections import PROJECTIONS
from ledger.types import EntryKind, EntryState


def settle_entry(session: WriteSession, entry: EntryRow, *, status: int, revert: bytes, time: int) -> None:
    """Confirm or refuse an entry whose place on the chain is written in it already; `time` is its block's."""
    if status == 1:
        _confirm(session, entry, time)
    else:
        refuse_entry(session, entry, read_refusal(revert))


def refuse_entry(session: WriteSession, entry: EntryRow, reason: str) -> None:
    """Refuse an entry for a reason, with what follows from that: whatever it held is free again."""
    entry.state, entry.reason = EntryState.REFUSED, reason
    if (project := PROJECTIONS.get(EntryKind(entry.kind))) is not None:
        project.refused(session, entry)
    session.flush()
    emit(session, EntryRefused(entry.id, entry.subject_id, entry.kind, reason))


def _confirm(session: WriteSession, entry: EntryRow, time: int) -> None:
    entry.state = EntryState.CONFIRMED
    if (project := PROJECTIONS.get(EntryKind(entry.kind))) is not None:
        project.confirmed(session, entry, time)
    session.flush()
    emit(session, EntryConfirmed(entry.id, entry.subject_id, entry.kind))
