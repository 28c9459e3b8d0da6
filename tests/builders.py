"""Builders of test data: name only what the test is about."""

from collections.abc import Iterable
from datetime import datetime

from asset_hub.accounts import Actor, PartyKind, PartyState, Role, create_person, join
from asset_hub.accounts.models import PartyRow
from asset_hub.accounts.people import actor_of_person
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.ids import new_id


def make_organisation(
    session: WriteSession, *, name_zh: str = "山城档案馆", name_en: str = "Hill City Archive"
) -> PartyRow:
    """Return an admitted organisation."""
    row = PartyRow(
        id=new_id(), kind=PartyKind.ORGANISATION, state=PartyState.ADMITTED, name_zh=name_zh, name_en=name_en,
        created_at=clock.now(), admitted_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def make_actor(
    session: WriteSession,
    *,
    roles: Iterable[Role] = (Role.MEMBER,),
    login: str = "",
    password: str = "",
    organisation: PartyRow | None = None,
    now: datetime | None = None,
) -> Actor:
    """Return a person with roles in an organisation of their own, or in the given one."""
    house = organisation or make_organisation(session)
    person = create_person(
        session, login=login or f"person-{new_id().hex}", name="林", password=password, now=now or clock.now()
    )
    join(session, person_id=person, organisation_id=house.id, roles=roles)
    return actor_of_person(session, person_id=person)
