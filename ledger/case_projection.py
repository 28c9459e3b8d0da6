"""What follows once the ledger has a step of a dispute, or has refused it: freezing, lifting, taking back."""

from datetime import UTC, datetime

from sqlmodel import col, select

from asset_hub.accounts import Actor, Role
from asset_hub.catalogue import lift_restriction
from asset_hub.core.db import WriteSession
from asset_hub.core.jobs import Queue, enqueue
from ledger.acts import work_key
from ledger.carried import AUTHORITY_SIGNS, UNSIGNED, SetStatus, write_act
from ledger.case_models import CaseRow, CaseStepRow
from ledger.case_steps import write_state
from ledger.entries import record_entry
from ledger.models import EntryRow
from ledger.office import FOLLOW_HALT, is_halted
from ledger.types import UNCONFIRMED_REASON, UNSIGNED_REASON, EntryKind

_ACTIVE, _FROZEN = 1, 2
# The exchange carries out what was ordered or agreed; who ended the dispute need not be allowed to hold works back.
_EXCHANGE = Actor(person_id=None, name="", roles=frozenset({Role.REGULATOR}))


def case_confirmed(session: WriteSession, entry: EntryRow, time: int) -> None:
    """Freeze the work beside a confirmed order, or free it when no dispute holds it any more."""
    if entry.args["act"] == SetStatus.__name__:
        return
    case = session.get_one(CaseRow, entry.subject_id, with_for_update=True, populate_existing=True)
    now = datetime.fromtimestamp(time, UTC)
    if case.is_frozen and entry.args["act"] == "Interim":
        _set_status(session, case, _FROZEN, now)
    elif not case.is_frozen and case.restriction_id is not None:
        _lift(session, case, now)
        if not _is_held_by_another(session, case) and not is_halted(session, asset_id=case.asset_id, now=now):
            _set_status(session, case, _ACTIVE, now)


def case_refused(session: WriteSession, entry: EntryRow) -> None:
    """Take a refused step back: the dispute stands as before, and what was held back for it is free again."""
    step = session.exec(select(CaseStepRow).where(CaseStepRow.entry_id == entry.id)).first()
    if step is None:
        if entry.reason in (UNSIGNED_REASON, UNCONFIRMED_REASON):  # the work's status, which is to follow all the same
            asset_id = session.get_one(CaseRow, entry.subject_id).asset_id
            enqueue(session, FOLLOW_HALT, queue=Queue.CHAIN, asset_id=asset_id)
        return
    case = session.get_one(CaseRow, entry.subject_id, with_for_update=True, populate_existing=True)
    write_state(case, step.before)
    if case.restriction_id is not None and not case.is_frozen:
        _lift(session, case, entry.confirmed_at or entry.created_at)


def _lift(session: WriteSession, case: CaseRow, now: datetime) -> None:
    if case.restriction_id is not None:
        lift_restriction(session, restriction_id=case.restriction_id, by=_EXCHANGE, now=now)
    case.restriction_id = None
    session.flush()


def _is_held_by_another(session: WriteSession, case: CaseRow) -> bool:
    statement = select(CaseRow.id).where(
        CaseRow.asset_id == case.asset_id, CaseRow.id != case.id, col(CaseRow.is_frozen).is_(True)
    )
    return session.exec(statement).first() is not None


def _set_status(session: WriteSession, case: CaseRow, status: int, now: datetime) -> None:
    act = SetStatus(UNSIGNED, work_key(case.asset_id), status)
    record_entry(session, EntryKind.CASE, case.id, write_act(act, [AUTHORITY_SIGNS]), now)
