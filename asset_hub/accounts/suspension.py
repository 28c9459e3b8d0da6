"""Suspending a house: its people keep what every member may do and nothing else, until it is reinstated."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import permissions
from asset_hub.accounts.errors import MissingPaper, NotSuspendable, PartyNotFound
from asset_hub.accounts.events import OrganisationStatusChanged
from asset_hub.accounts.models import PartyRow, PartySuspensionRow, PersonRow
from asset_hub.accounts.parties import PartyState
from asset_hub.accounts.roles import Actor, require
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.events import emit
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Suspension:
    """When a house was suspended, by whom and why; and the same of its end."""

    reason: str
    by: str
    at: datetime
    end_reason: str
    ended_by: str
    ended_at: datetime | None


def suspend_party(session: WriteSession, *, organisation_id: UUID, reason: str, by: Actor, now: datetime) -> None:
    """Suspend an admitted house; its people lose their roles at once. Raises PartyNotFound, NotSuspendable."""
    row = _locked(session, organisation_id, by)
    if organisation_id == by.organisation_id:
        raise NotSuspendable(N_("The exchange does not suspend its own house."))
    if row.state != PartyState.ADMITTED:
        raise NotSuspendable(N_("Only an admitted house can be suspended."))
    session.add(
        PartySuspensionRow(
            id=new_id(), party_id=organisation_id, reason=_reason(reason), by_id=by.person_id, at=now
        )
    )  # fmt: skip
    row.state = PartyState.SUSPENDED
    session.flush()
    emit(session, OrganisationStatusChanged(organisation_id))


def reinstate_party(session: WriteSession, *, organisation_id: UUID, reason: str, by: Actor, now: datetime) -> None:
    """End a house's suspension; its people have their roles again. Raises PartyNotFound, NotSuspendable."""
    row = _locked(session, organisation_id, by)
    if row.state != PartyState.SUSPENDED:
        raise NotSuspendable(N_("This house is not suspended."))
    open_one = select(PartySuspensionRow).where(
        PartySuspensionRow.party_id == organisation_id, col(PartySuspensionRow.ended_at).is_(None)
    )
    suspension = session.exec(open_one).one()
    suspension.end_reason, suspension.ended_by_id, suspension.ended_at = _reason(reason), by.person_id, now
    row.state = PartyState.ADMITTED
    session.flush()
    emit(session, OrganisationStatusChanged(organisation_id))


def suspensions_of(session: ReadSession, *, organisation_id: UUID, by: Actor) -> tuple[Suspension, ...]:
    """Return every suspension of a house, the newest first."""
    require(by, permissions.LIST_PARTIES)
    statement = select(PartySuspensionRow).where(PartySuspensionRow.party_id == organisation_id)
    rows = session.exec(statement.order_by(col(PartySuspensionRow.id).desc())).all()
    people = {person for row in rows for person in (row.by_id, row.ended_by_id) if person is not None}
    names: dict[UUID | None, str] = dict(
        session.exec(select(PersonRow.id, PersonRow.name).where(col(PersonRow.id).in_(people))).all()
    )
    return tuple(
        Suspension(
            row.reason, names.get(row.by_id, ""), row.at, row.end_reason, names.get(row.ended_by_id, ""), row.ended_at
        )
        for row in rows
    )


def suspended_houses(session: ReadSession) -> set[UUID]:
    """Return the houses that are suspended now; few, if any."""
    return set(session.exec(select(PartyRow.id).where(PartyRow.state == PartyState.SUSPENDED)))


def _locked(session: WriteSession, organisation_id: UUID, by: Actor) -> PartyRow:
    require(by, permissions.SUSPEND)
    row = session.get(PartyRow, organisation_id, with_for_update=True)
    if row is None:
        raise PartyNotFound
    return row


def _reason(text: str) -> str:
    if not text.strip():
        raise MissingPaper(N_("Say why: it stays in the record of the house."))
    return text.strip()[:MAX_REASON]
