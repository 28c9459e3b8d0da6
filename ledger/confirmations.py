"""The second person's word (复核): read what the operator's key is to sign for a house, then confirm or refuse it.

For each house somebody else than who agreed confirms: another of its rights desk, or a person of the operator, who is
never the first. What the exchange itself does with keys and roles only the operator's and the regulator's people
confirm, by their own hand. Source: ADR 0019.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, may, require_own_hand, require_person
from asset_hub.accounts.models import PersonRow
from asset_hub.core.db import ReadSession, WriteSession
from ledger import permissions
from ledger.key_errors import ConfirmationClosed, ConfirmationNotFound, SamePerson
from ledger.key_models import ConfirmationRow
from ledger.models import DeedRow, EntryRow
from ledger.pending import ask_again, give_up, go_on_when_whole
from ledger.said import Said, say, say_consent
from ledger.second_person import confirmations_wanted, is_of_office
from ledger.types import DECLINED_REASON, DeedState, EntryState


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What waits for a second person; `is_mine` where the reader agreed to it and so cannot confirm it."""

    id: UUID
    organisation_id: UUID
    said: Said
    deadline: datetime
    asked_by: str
    is_mine: bool


def list_confirmations(session: ReadSession, *, by: Actor, now: datetime) -> tuple[Confirmation, ...]:
    """Return what waits for a second person of the reader's house, or of any house for the operator; oldest first."""
    person = require_person(by)
    statement = (
        select(ConfirmationRow)
        .where(col(ConfirmationRow.confirmed_at).is_(None), ConfirmationRow.deadline > now.timestamp())
        .order_by(col(ConfirmationRow.created_at), col(ConfirmationRow.id))
    )
    rows = [(row, _act_of(session, row)) for row in session.exec(statement) if _may_read(row, by)]
    waiting = [
        (row, act) for row, act in rows if _may_confirm(row, act, by) and _waits(act) and _is_wanted(session, row)
    ]  # fmt: skip
    names: dict[UUID, str] = dict(
        session.exec(
            select(PersonRow.id, PersonRow.name).where(col(PersonRow.id).in_({row.asked_by for row, _ in waiting}))
        ).all()
    )
    return tuple(
        Confirmation(
            row.id, row.organisation_id, say(session, act) if isinstance(act, EntryRow) else say_consent(session, act),
            datetime.fromtimestamp(row.deadline, UTC), names.get(row.asked_by, ""), row.asked_by == person,
        )
        for row, act in waiting
    )  # fmt: skip


def confirm(session: WriteSession, *, confirmation_id: UUID, by: Actor, now: datetime) -> bool:
    """Confirm as the second person; with the last word the act goes on. Say whether it does.

    Raises ConfirmationNotFound, ConfirmationClosed, SamePerson; Forbidden for a token where the act is the exchange's.
    """
    row, act = _open_row(session, confirmation_id, by, now)
    if is_of_office(act):
        require_own_hand(by)
    if row.asked_by == by.person_id:
        raise SamePerson
    row.confirmed_by, row.confirmed_at = require_person(by), now
    session.flush()
    if isinstance(act, EntryRow):
        ask_again(session, act, now)
        return go_on_when_whole(session, act, now) == EntryState.RECORDED
    act.state = DeedState.AGREED
    session.flush()
    return True


def refuse(session: WriteSession, *, confirmation_id: UUID, by: Actor, now: datetime) -> None:
    """Refuse, as the second person or as who agreed: the act ends, and what it held is free again.

    Raises ConfirmationNotFound, ConfirmationClosed.
    """
    _, act = _open_row(session, confirmation_id, by, now)
    if isinstance(act, EntryRow):
        give_up(session, act, DECLINED_REASON, now=now)
    else:
        act.state = DeedState.DECLINED
        session.flush()


def _open_row(
    session: WriteSession, confirmation_id: UUID, by: Actor, now: datetime
) -> tuple[ConfirmationRow, EntryRow | DeedRow]:
    row = session.get(ConfirmationRow, confirmation_id, with_for_update=True, populate_existing=True)
    if row is None or not _may_confirm(row, act := _act_of(session, row), by):
        raise ConfirmationNotFound
    session.refresh(act, with_for_update=True)
    if not _waits(act) or row.confirmed_at is not None or now.timestamp() >= row.deadline:
        raise ConfirmationClosed
    return row, act


def _act_of(session: ReadSession, row: ConfirmationRow) -> EntryRow | DeedRow:
    return session.get(EntryRow, row.act_id) or session.get_one(DeedRow, row.act_id)


def _waits(act: EntryRow | DeedRow) -> bool:
    return act.state == (EntryState.UNSIGNED if isinstance(act, EntryRow) else DeedState.OPEN)


def _is_wanted(session: ReadSession, row: ConfirmationRow) -> bool:
    """Say whether a second person is needed for this house now: not where its own key is asked to sign."""
    return any(one.id == row.id for one in confirmations_wanted(session, row.act_id))


def _may_read(row: ConfirmationRow, by: Actor) -> bool:
    """Say whether it can concern the reader at all, before each act is looked at."""
    is_of_house = by.organisation_id == row.organisation_id
    return is_of_house or may(by, permissions.CONFIRM) or may(by, permissions.CONFIRM_OFFICE)


def _may_confirm(row: ConfirmationRow, act: EntryRow | DeedRow, by: Actor) -> bool:
    if is_of_office(act):
        return may(by, permissions.CONFIRM_OFFICE)
    is_of_house = by.organisation_id == row.organisation_id
    return (
        may(by, permissions.CONFIRM)
        or may(by, permissions.DEED, organisation_id=row.organisation_id)
        or (is_of_house and may(by, permissions.DECREE))
    )
