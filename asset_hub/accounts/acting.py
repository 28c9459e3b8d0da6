"""Who a command acts as: --by, ASSET_HUB_PERSON, or the local operator of this home."""

from uuid import UUID

from asset_hub.accounts.parties import find_party
from asset_hub.accounts.people import LOCAL_OPERATOR, actor_of_login, actor_of_person, join, local_operator
from asset_hub.accounts.roles import Actor, Role
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import NotFound
from asset_hub.core.text import N_


def acting_person(session: WriteSession, *, login: str, organisation_id: UUID | None = None) -> Actor:
    """Return the person named, or the local operator, as a member of that organisation or of their first.

    The local operator works for every organisation of the home, because who runs its commands holds its files.
    Raises NotFound for a name nobody has, or a person who is no member there.
    """
    if login in ("", LOCAL_OPERATOR):
        found = local_operator(session, now=clock.now())
        if organisation_id in (None, found.organisation_id) or found.person_id is None or organisation_id is None:
            return found
        join(session, person_id=found.person_id, organisation_id=organisation_id, roles=Role)
    else:
        found = actor_of_login(session, login=login)
    if found.person_id is not None:
        found = actor_of_person(session, person_id=found.person_id, organisation_id=organisation_id)
    if not found.is_signed_in:
        raise NotFound(N_("There is no person “{login}” in this organisation."), login=login)
    return found


def acting_for(session: WriteSession, login: str, house: str) -> Actor:
    """Return who acts, for a house by its name or code where one is named. Raises PartyNotFound, NotFound."""
    return acting_person(session, login=login, organisation_id=find_party(session, text=house).id if house else None)
