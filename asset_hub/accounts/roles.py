"""Who acts, for which organisation, with which roles; and the one question every domain function asks first."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType
from uuid import UUID

from asset_hub.accounts.acts import name_of_act
from asset_hub.core.errors import Forbidden, NotSignedIn
from asset_hub.core.text import N_, Text

PersonId = NewType("PersonId", UUID)
OrganisationId = NewType("OrganisationId", UUID)


class Role(StrEnum):
    """What a person does for an organisation. Nobody is almighty: the operator too has only the listed acts."""

    MEMBER = "member"
    ARCHIVIST = "archivist"
    CATALOGUER = "cataloguer"
    AUDITOR = "auditor"
    RIGHTS_DESK = "rights_desk"
    PRODUCER = "producer"
    CURATOR = "curator"
    OPERATOR = "operator"
    REGULATOR = "regulator"


ROLE_NAMES: dict[Role, str] = {
    Role.MEMBER: N_("Member"),
    Role.ARCHIVIST: N_("Archivist"),
    Role.CATALOGUER: N_("Cataloguer"),
    Role.AUDITOR: N_("Auditor"),
    Role.RIGHTS_DESK: N_("Rights desk"),
    Role.PRODUCER: N_("Producer"),
    Role.CURATOR: N_("Curator"),
    Role.OPERATOR: N_("Exchange operator"),
    Role.REGULATOR: N_("Regulator"),
}


EXCHANGE_ROLES = frozenset({Role.OPERATOR, Role.REGULATOR})


@dataclass(frozen=True, slots=True)
class Actor:
    """A person acting for one organisation. `scopes` narrows an API token; None means no narrowing."""

    person_id: PersonId | None
    name: str
    organisation_id: OrganisationId | None = None
    roles: frozenset[Role] = frozenset()
    language: str = "zh"
    scopes: frozenset[str] | None = None

    @property
    def is_signed_in(self) -> bool:
        return self.person_id is not None

    def reaches(self, package: str) -> bool:
        """Say whether a person, or a token that has one of this package's acts, asks: what a house alone may read."""
        return self.scopes is None or any(scope.startswith(f"{package}.") for scope in self.scopes)


ANONYMOUS = Actor(person_id=None, name="")


@dataclass(frozen=True, slots=True)
class Permission:
    """One act and who may do it. `own_organisation` also demands that the thing belongs to the actor's organisation."""

    action: str
    roles: frozenset[Role] = field(default_factory=frozenset)
    own_organisation: bool = False
    is_public: bool = False


def may(by: Actor, permission: Permission, *, organisation_id: UUID | None = None) -> bool:
    """Say whether this actor may do this act, on a thing of that organisation where it matters."""
    if permission.is_public:
        return True
    if by.scopes is not None and permission.action not in by.scopes:
        return False
    if not by.roles & permission.roles:
        return False
    return not permission.own_organisation or (by.organisation_id is not None and organisation_id == by.organisation_id)


def require_person(by: Actor) -> PersonId:
    """Return who acts. Raises NotSignedIn."""
    if by.person_id is None:
        raise NotSignedIn
    return by.person_id


def require_own_hand(by: Actor) -> PersonId:
    """Return who acts, for what only a signed-in person does, never a token. Raises NotSignedIn, Forbidden."""
    person_id = require_person(by)
    if by.scopes is not None:
        raise Forbidden(N_("A token cannot do this. Sign in on the site."))
    return person_id


def require_reach(by: Actor, package: str) -> None:
    """Refuse a token that has none of this package's acts. Raises Forbidden."""
    if not by.reaches(package):
        raise Forbidden(N_("This token is for other acts."))


def require_organisation(by: Actor) -> OrganisationId:
    """Return the organisation a person acts for. Raises NotSignedIn."""
    if by.organisation_id is None:
        raise NotSignedIn
    return by.organisation_id


def require(by: Actor, permission: Permission, *, organisation_id: UUID | None = None) -> None:
    """Refuse an act. Raises NotSignedIn for strangers, Forbidden for others."""
    if may(by, permission, organisation_id=organisation_id):
        return
    if not by.is_signed_in:
        raise NotSignedIn
    raise Forbidden(N_("Your role does not allow this: {action}."), action=Text(name_of_act(permission.action)))
