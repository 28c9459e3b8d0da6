"""Members of a house: who belongs to it with which roles, and for which house a signed-in person acts now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import permissions
from asset_hub.accounts.errors import LoginTaken, OnlyAtConsole, PartyNotFound, RoleNotYours
from asset_hub.accounts.models import MembershipRow, PartyRow, PersonRow, TokenRow
from asset_hub.accounts.people import create_person, digest_of, join
from asset_hub.accounts.roles import (
    EXCHANGE_ROLES,
    Actor,
    OrganisationId,
    PersonId,
    Role,
    require,
    require_own_hand,
    require_person,
)
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import BadInput, NotFound
from asset_hub.core.text import LANGUAGES, N_


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a house."""

    person_id: PersonId
    login: str
    name: str
    roles: tuple[Role, ...]
    is_disabled: bool = False

    @property
    def is_of_exchange(self) -> bool:
        return bool(EXCHANGE_ROLES & set(self.roles))


@dataclass(frozen=True, slots=True)
class HouseMember:
    """Who belongs to which house."""

    organisation_id: OrganisationId
    person_id: PersonId


@dataclass(frozen=True, slots=True)
class Membership:
    """A house that a person works for."""

    organisation_id: OrganisationId
    name_zh: str
    name_en: str
    roles: tuple[Role, ...]


def list_members(session: ReadSession, *, organisation_id: UUID, by: Actor) -> tuple[Member, ...]:
    """Return who belongs to a house, by name."""
    require(by, permissions.LIST_PARTIES)
    statement = (
        select(PersonRow, MembershipRow)
        .join(MembershipRow, col(MembershipRow.person_id) == col(PersonRow.id))
        .where(MembershipRow.party_id == organisation_id)
        .order_by(col(PersonRow.name), col(PersonRow.login))
    )
    return tuple(
        Member(PersonId(person.id), person.login, person.name, _roles(membership), person.disabled_at is not None)
        for person, membership in session.exec(statement)
    )


def find_member(session: ReadSession, *, login: str, by: Actor) -> HouseMember:
    """Return a person by their sign-in name, with the first house they belong to. Raises NotFound."""
    require(by, permissions.MANAGE_MEMBERS)
    statement = (
        select(MembershipRow)
        .join(PersonRow, col(PersonRow.id) == col(MembershipRow.person_id))
        .where(PersonRow.login == login)
        .order_by(col(MembershipRow.id))
    )
    row = session.exec(statement).first()
    if row is None:
        raise NotFound
    return HouseMember(OrganisationId(row.party_id), PersonId(row.person_id))


def add_member(
    session: WriteSession, *, organisation_id: UUID, login: str, name: str, password: str, roles: Iterable[Role],
    by: Actor, now: datetime, at_console: bool = False,
) -> PersonId:  # fmt: skip
    """Make an account and put it into a house. Raises PartyNotFound, RoleNotYours, OnlyAtConsole, LoginTaken.

    Only `at_console`, on the machine of the home, are operators and regulators made: whoever could make one on the
    pages could be the second checker of their own checks.
    """
    require(by, permissions.MANAGE_MEMBERS)
    held = frozenset(roles)
    _check_roles(held, organisation_id=organisation_id, by=by, at_console=at_console)
    if session.get(PartyRow, organisation_id) is None:
        raise PartyNotFound
    if session.exec(select(PersonRow.id).where(PersonRow.login == login)).first() is not None:
        raise LoginTaken(N_("The sign-in name “{login}” is taken."), login=login)
    person_id = create_person(session, login=login, name=name, password=password, now=now)
    join(session, person_id=person_id, organisation_id=organisation_id, roles=held)
    return person_id


def set_roles(
    session: WriteSession, *, organisation_id: UUID, person_id: UUID, roles: Iterable[Role], by: Actor
) -> None:
    """Set what a member may do; their open sessions have it at once. Raises NotFound, RoleNotYours, OnlyAtConsole."""
    require(by, permissions.MANAGE_MEMBERS)
    held = frozenset(roles)
    _check_roles(held, organisation_id=organisation_id, by=by, at_console=False)
    if person_id == by.person_id:
        raise RoleNotYours(N_("Another person must set your roles."))
    statement = select(MembershipRow).where(
        MembershipRow.party_id == organisation_id, MembershipRow.person_id == person_id
    )
    membership = session.exec(statement).first()
    if membership is None:
        raise NotFound
    if EXCHANGE_ROLES & set(membership.roles):
        raise OnlyAtConsole
    join(session, person_id=person_id, organisation_id=organisation_id, roles=held)


def list_memberships(session: ReadSession, *, by: Actor) -> tuple[Membership, ...]:
    """Return every house that the actor works for."""
    statement = (
        select(MembershipRow, PartyRow)
        .join(PartyRow, col(PartyRow.id) == col(MembershipRow.party_id))
        .where(MembershipRow.person_id == require_person(by))
        .order_by(col(PartyRow.name_zh))
    )
    return tuple(
        Membership(OrganisationId(party.id), party.name_zh, party.name_en, _roles(membership))
        for membership, party in session.exec(statement)
    )


def switch_house(session: WriteSession, *, secret: str, organisation_id: UUID, by: Actor) -> None:
    """Let a browser session act for another house of the same person. Raises NotFound, Forbidden."""
    require_own_hand(by)
    membership = _membership(session, by, organisation_id)
    row = session.exec(select(TokenRow).where(TokenRow.digest == digest_of(secret), TokenRow.kind == "session")).first()
    if row is None:
        raise NotFound
    row.membership_id = membership.id
    session.flush()


def set_language(session: WriteSession, *, language: str, by: Actor) -> None:
    """Set the language in which a person is written to. Raises BadInput for one that the pages do not speak."""
    require_own_hand(by)
    if language not in LANGUAGES:
        raise BadInput(N_("There is no page in this language."))
    session.get_one(PersonRow, require_person(by)).language = language
    session.flush()


def membership_of(session: ReadSession, *, by: Actor) -> UUID:
    """Return the id of the membership that the actor acts by, for issuing a token. Raises NotFound."""
    return _membership(session, by, by.organisation_id).id


def _check_roles(roles: frozenset[Role], *, organisation_id: UUID, by: Actor, at_console: bool) -> None:
    """Keep the exchange's own roles in its own house, and their giving at its machine."""
    if not roles & EXCHANGE_ROLES:
        return
    if organisation_id != by.organisation_id:
        raise RoleNotYours(N_("Operators and regulators belong to the exchange's own house."))
    if not at_console:
        raise OnlyAtConsole


def _membership(session: ReadSession, by: Actor, organisation_id: UUID | None) -> MembershipRow:
    statement = select(MembershipRow).where(
        MembershipRow.person_id == require_person(by), MembershipRow.party_id == organisation_id
    )
    row = session.exec(statement).first()
    if row is None:
        raise NotFound
    return row


def _roles(row: MembershipRow) -> tuple[Role, ...]:
    return tuple(Role(role) for role in row.roles)
