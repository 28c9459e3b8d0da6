"""A second person for what the operator's key signs in the name of a house (平台托管): asked here, act by act.

Source: ADR 0019. A house that keeps its own key is asked for its signature instead (`waiting`).
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import PersonId, Role, people_with_role
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_, Text
from asset_hub.messages import notify
from ledger.handed import signatures_of, stands_for_second_person
from ledger.key_models import ConfirmationRow
from ledger.models import DeedRow, EntryRow
from ledger.types import EntryKind

_ASKED = N_("An act of a house waits for you as the second person.")
_ASKED_OF_OFFICE = N_("What the exchange does with keys or roles waits for you as the second person.")


def is_of_office(act: EntryRow | DeedRow) -> bool:
    """Say whether the exchange itself does this with keys or roles: no house's desk is its second person.

    For an operator makes the accounts of the exchange's own desk, and would be both people.
    """
    if isinstance(act, DeedRow):
        return False
    is_by_exchange = bool(act.args.get("by_registrar") or act.args.get("custody"))
    return act.kind == EntryKind.ROLE or (act.kind == EntryKind.KEY and is_by_exchange)


def ask_second_people(
    session: WriteSession, act_id: UUID, people: Mapping[UUID, UUID], *, deadline: int, now: datetime
) -> None:
    """Write down who agreed for each house: a second person is needed wherever the house itself does not sign."""
    session.add_all(
        ConfirmationRow(
            id=new_id(), act_id=act_id, organisation_id=house, asked_by=person, deadline=deadline, created_at=now
        )
        for house, person in sorted(people.items())
    )
    session.flush()


def tell_second_people(
    session: WriteSession, act: EntryRow | DeedRow, people: Mapping[UUID, UUID], *, now: datetime
) -> None:
    """Tell the others of each house's rights desk, or the operator's people where it has nobody else.

    Of what is the exchange's own, tell the operator's people and the regulator's.
    """
    is_office = is_of_office(act)
    text = Text(_ASKED_OF_OFFICE if is_office else _ASKED)
    for house, person in people.items():
        for other in _of_office(session) if is_office else _of_house(session, house, person):
            if other != person:
                notify(session, person_id=other, text=text, link="/confirmations", now=now)


def confirmations_wanted(session: ReadSession, act_id: UUID) -> list[ConfirmationRow]:
    """Return the confirmations that an entry or consent waits for now: of houses whose own key is not asked to sign."""
    rows = session.exec(
        select(ConfirmationRow).where(ConfirmationRow.act_id == act_id, col(ConfirmationRow.confirmed_at).is_(None))
    ).all()
    sign_themselves = {
        row.organisation_id for row in signatures_of(session, act_id) if stands_for_second_person(row.slot)
    }
    return [row for row in rows if row.organisation_id not in sign_themselves]


def _of_office(session: ReadSession) -> set[PersonId]:
    return {*people_with_role(session, Role.OPERATOR), *people_with_role(session, Role.REGULATOR)}


def _of_house(session: ReadSession, house: UUID, person: UUID) -> set[PersonId]:
    desk = people_with_role(session, Role.RIGHTS_DESK, organisation_id=house)
    others = {one for one in desk if one != person}
    return others or set(people_with_role(session, Role.OPERATOR))
