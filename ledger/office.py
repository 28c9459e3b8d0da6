"""Acts of the exchange's own office: houses suspended and reinstated, works halted by order, registers paused.

What was decided about a house or a work in this database is followed on the ledger, so that the contracts refuse it
too. A pause (暂停交易) is at most three days long, cannot be prolonged, and the next one starts a day after it at the
earliest (Acts.sol).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlmodel import col, select

from asset_hub.accounts import Actor, PartyState, get_party, require
from asset_hub.catalogue import halts_in_force
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import BadInput
from asset_hub.core.jobs import Queue, enqueue
from asset_hub.core.text import N_
from ledger import permissions
from ledger.acts import org_key, work_key
from ledger.carried import AUTHORITY_SIGNS, OPERATOR, UNSIGNED, SetOrgStatus, SetStatus, write_act
from ledger.case_models import CaseRow
from ledger.entries import record_entry
from ledger.errors import PauseRefused
from ledger.models import EntryRow, OrgRow, PauseRow, WorkRow
from ledger.office_acts import PAUSE
from ledger.pauses import REGISTER_OF, Pause, paused_registers
from ledger.sites import find_site
from ledger.types import UNCONFIRMED_REASON, UNSIGNED_REASON, EntryKind, EntryState

FOLLOW_HALT = "ledger.follow_halt"
TRADE = tuple(sorted(set(REGISTER_OF.values())))
LONGEST_PAUSE, REST_AFTER_PAUSE = timedelta(days=3), timedelta(days=1)
_LEEWAY = timedelta(minutes=5)
_MAX_REASON = 500
_ACTIVE, _HALTED = 1, 2


def pause_registers(
    session: WriteSession, *, registers: Sequence[str] = TRADE, hours: int, reason: str, by: Actor, now: datetime
) -> tuple[Pause, ...]:
    """Pause licences, titles or both for 1 to 71 hours: nothing new is recorded there, what ends something goes on.

    Raises BadInput, PauseRefused while one is paused or rests from a pause, Forbidden.
    """
    require(by, permissions.PAUSE)
    until = now + timedelta(hours=hours)
    if not hours >= 1 or until > now + LONGEST_PAUSE - _LEEWAY or not reason.strip() or not registers:
        raise BadInput(N_("Name registers, a reason, and 1 to 71 hours."))
    _require_known(session, registers)
    for register in registers:
        row = session.get(PauseRow, register)
        if row is not None and now < row.until + REST_AFTER_PAUSE:
            raise PauseRefused
    return tuple(_set_pause(session, register, until, reason.strip()[:_MAX_REASON], now) for register in registers)


def resume_registers(session: WriteSession, *, by: Actor, now: datetime) -> tuple[str, ...]:
    """End every pause now; return which registers it were. Raises Forbidden."""
    require(by, permissions.PAUSE)
    paused = paused_registers(session, now=now)
    for one in paused:
        _set_pause(session, one.register, now, one.reason, now, lift=True)
    return tuple(one.register for one in paused)


def follow_house(session: WriteSession, *, organisation_id: UUID, now: datetime) -> None:
    """Say on the ledger whether a house is suspended, where that differs from what is said there. Idempotent."""
    if not _is_on_ledger(session, EntryKind.ADMIT, organisation_id):
        return
    session.get_one(OrgRow, organisation_id, with_for_update=True)
    is_suspended = get_party(session, organisation_id=organisation_id).state == PartyState.SUSPENDED
    status = _HALTED if is_suspended else _ACTIVE
    if status != _last_status(session, [organisation_id], SetOrgStatus.__name__):
        act = SetOrgStatus(UNSIGNED, org_key(organisation_id), status)
        record_entry(session, EntryKind.OFFICE, organisation_id, write_act(act, [OPERATOR]), now)


def follow_halt(session: WriteSession, *, asset_id: UUID, now: datetime) -> None:
    """Freeze a work on the ledger while an order of the exchange halts its trade, and free it after. Idempotent.

    What a dispute froze stays frozen until the dispute lets it go.
    """
    if not _is_on_ledger(session, EntryKind.REGISTER, asset_id):
        return
    session.get_one(WorkRow, asset_id, with_for_update=True)
    cases = session.exec(select(CaseRow).where(CaseRow.asset_id == asset_id)).all()
    is_held = any(case.is_frozen for case in cases) or is_halted(session, asset_id=asset_id, now=now)
    status = _HALTED if is_held else _ACTIVE
    if status != _last_status(session, [asset_id, *(case.id for case in cases)], SetStatus.__name__):
        act = SetStatus(UNSIGNED, work_key(asset_id), status)
        record_entry(session, EntryKind.OFFICE, asset_id, write_act(act, [AUTHORITY_SIGNS]), now)


def is_halted(session: ReadSession, *, asset_id: UUID, now: datetime) -> bool:
    """Say whether an order of the exchange, no dispute's, halts the trade of a work now."""
    of_cases = select(CaseRow.restriction_id).where(CaseRow.asset_id == asset_id)
    return bool(halts_in_force(session, asset_id=asset_id, now=now).keys() - set(session.exec(of_cases)))


def office_refused(session: WriteSession, entry: EntryRow) -> None:
    """Take back what the ledger refused to pause; a freeze that was not signed in time is asked for again."""
    if entry.args["act"] == SetStatus.__name__ and entry.reason in (UNSIGNED_REASON, UNCONFIRMED_REASON):
        enqueue(session, FOLLOW_HALT, queue=Queue.CHAIN, asset_id=entry.subject_id)
    if entry.args["act"] != PAUSE:
        return
    row = session.get(PauseRow, entry.args["register"])
    if row is not None and row.entry_id == entry.id:
        row.until = datetime.fromisoformat(entry.args["before"])
        session.flush()


def _set_pause(
    session: WriteSession, register: str, until: datetime, reason: str, now: datetime, *, lift: bool = False
) -> Pause:
    row = session.get(PauseRow, register, with_for_update=True) or PauseRow(name=register, until=now, reason="")
    args: Mapping[str, Any] = {
        "act": PAUSE, "register": register, "until": 0 if lift else int(until.timestamp()),
        "before": row.until.isoformat(),
    }  # fmt: skip
    row.entry_id = record_entry(session, EntryKind.OFFICE, uuid5(NAMESPACE_URL, f"asset_hub/{register}"), args, now)
    row.until, row.reason = until, reason
    session.add(row)
    session.flush()
    return Pause(register, until, reason)


def _require_known(session: ReadSession, registers: Sequence[str]) -> None:
    if find_site(session) is None:
        raise BadInput(N_("There is nothing on the ledger yet."))
    if unknown := [one for one in registers if one not in TRADE]:
        raise BadInput(N_("“{name}” is no register of trade: {known}."), name=unknown[0], known=", ".join(TRADE))


def _is_on_ledger(session: ReadSession, kind: EntryKind, subject_id: UUID) -> bool:
    """Say whether a house was admitted there, or a work registered: before, nothing more is said of it."""
    statement = select(EntryRow.id).where(
        EntryRow.subject_id == subject_id, EntryRow.kind == kind, EntryRow.state == EntryState.CONFIRMED
    )
    return session.exec(statement).first() is not None


def _last_status(session: ReadSession, subjects: Sequence[UUID], act: str) -> int:
    """Return the status that was last decided, under any of these subjects; what is new is active."""
    rows = session.exec(
        select(EntryRow)
        .where(col(EntryRow.subject_id).in_(subjects), EntryRow.state != EntryState.REFUSED)
        .order_by(col(EntryRow.number).desc())
    )
    return next((int(row.args["values"]["status"]) for row in rows if row.args.get("act") == act), _ACTIVE)
