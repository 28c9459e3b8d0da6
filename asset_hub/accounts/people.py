"""People: accounts, passwords, browser sessions and API tokens."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlmodel import col, select

from asset_hub.accounts.errors import TooBusy, WrongPassword
from asset_hub.accounts.models import MembershipRow, PartyRow, PersonRow, TokenRow
from asset_hub.accounts.parties import PartyKind, PartyState
from asset_hub.accounts.roles import ANONYMOUS, Actor, OrganisationId, PersonId, Role
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id

SESSION_DAYS = 14
_HASHER = PasswordHasher()
_HASHING = BoundedSemaphore(4)  # each takes 64 MB while it runs
_LONGEST_WAIT = 3.0
# The digest of a password that nobody kept: an unknown name takes as long to refuse as a known one.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$9W5yOXlQ7gH5uYSWFUd/bA$nbwDMZ/bdeEar9rpTSXWOh54tksEEFBEi8Nx2z1w24Q"
LOCAL_OPERATOR = "local"


def create_person(session: WriteSession, *, login: str, name: str, password: str = "", now: datetime) -> PersonId:
    """Make an account; an empty password means that nobody can sign in with one."""
    digest = hash_password(password) if password else ""
    row = PersonRow(id=new_id(), login=login, name=name, password=digest, created_at=now)
    session.add(row)
    session.flush()
    return PersonId(row.id)


def hash_password(password: str) -> str:
    """Return what is kept of a password (argon2id with its salt). Raises TooBusy."""
    with _hashing():
        return _HASHER.hash(password)


def join(session: WriteSession, *, person_id: UUID, organisation_id: UUID, roles: Iterable[Role]) -> None:
    """Set a person's roles in an organisation; replaces earlier ones. Idempotent."""
    statement = select(MembershipRow).where(
        MembershipRow.person_id == person_id, MembershipRow.party_id == organisation_id
    )
    row = session.exec(statement).first() or MembershipRow(id=new_id(), person_id=person_id, party_id=organisation_id)
    row.roles = sorted(roles)
    session.add(row)
    session.flush()


def sign_in(session: WriteSession, *, login: str, password: str, now: datetime) -> str:
    """Return the secret of a new browser session. Raises WrongPassword."""
    return open_session(session, person_id=check_password(session, login=login, password=password), now=now)


def check_password(session: ReadSession, *, login: str, password: str) -> PersonId:
    """Return whose name and password these are. Raises WrongPassword, TooBusy; takes as long for an unknown name."""
    person = session.exec(
        select(PersonRow).where(PersonRow.login == login, col(PersonRow.disabled_at).is_(None))
    ).first()
    try:
        with _hashing():
            _HASHER.verify(person.password if person and person.password else _NOBODY, password)
    except VerificationError as error:
        raise WrongPassword from error
    if person is None:
        raise WrongPassword
    return PersonId(person.id)


def open_session(session: WriteSession, *, person_id: UUID, now: datetime) -> str:
    """Return the secret of a session for a person's first membership. Raises WrongPassword when they have none."""
    membership = session.exec(select(MembershipRow).where(MembershipRow.person_id == person_id)).first()
    if membership is None:
        raise WrongPassword
    return _issue(session, kind="session", membership_id=membership.id, scopes=None, days=SESSION_DAYS, now=now)


def issue_token(
    session: WriteSession, *, membership_id: UUID, scopes: Iterable[str], name: str, days: int = 365, now: datetime
) -> str:
    """Return the secret of an API token that may do only the named acts; it is shown once and kept as a digest."""
    return _issue(
        session, kind="token", membership_id=membership_id, scopes=sorted(scopes), days=days, now=now, name=name
    )


def end_session(session: WriteSession, *, secret: str) -> None:
    """Forget a session or token. Idempotent."""
    row = session.exec(select(TokenRow).where(TokenRow.digest == digest_of(secret))).first()
    if row is not None:
        session.delete(row)


def actor_of_secret(session: ReadSession, *, secret: str, now: datetime) -> Actor:
    """Return who a session or token stands for; ANONYMOUS when it is unknown, expired or its person disabled."""
    row = session.exec(select(TokenRow).where(TokenRow.digest == digest_of(secret), TokenRow.expires_at > now)).first()
    if row is None:
        return ANONYMOUS
    membership = session.get_one(MembershipRow, row.membership_id)
    return _actor(session, membership, scopes=None if row.scopes is None else frozenset(row.scopes))


def actor_of_person(session: ReadSession, *, person_id: UUID, organisation_id: UUID | None = None) -> Actor:
    """Return a person as a member of that organisation, or of their first; ANONYMOUS when they are no member."""
    statement = select(MembershipRow).where(MembershipRow.person_id == person_id).order_by(col(MembershipRow.id))
    if organisation_id is not None:
        statement = statement.where(MembershipRow.party_id == organisation_id)
    membership = session.exec(statement).first()
    return ANONYMOUS if membership is None else _actor(session, membership, scopes=None)


def actor_of_login(session: ReadSession, *, login: str) -> Actor:
    """Return who a login name stands for, unchecked (the command line of this home); ANONYMOUS when unknown."""
    person = session.exec(select(PersonRow).where(PersonRow.login == login)).first()
    return ANONYMOUS if person is None else actor_of_person(session, person_id=person.id)


def local_operator(session: WriteSession, *, now: datetime) -> Actor:
    """Return the operator of this home, made with all roles when it is new. Idempotent."""
    found = actor_of_login(session, login=LOCAL_OPERATOR)
    if found.is_signed_in:
        return found
    party = PartyRow(
        id=new_id(), kind=PartyKind.ORGANISATION, state=PartyState.ADMITTED, name_zh="本馆", name_en="This house",
        created_at=now, admitted_at=now,
    )  # fmt: skip
    session.add(party)
    person_id = create_person(session, login=LOCAL_OPERATOR, name="本机管理员", now=now)
    join(session, person_id=person_id, organisation_id=party.id, roles=Role)
    return actor_of_person(session, person_id=person_id)


@contextmanager
def _hashing() -> Iterator[None]:
    """Wait for memory for one password, but not for ever. Raises TooBusy."""
    if not _HASHING.acquire(timeout=_LONGEST_WAIT):
        raise TooBusy
    try:
        yield
    finally:
        _HASHING.release()


def _actor(session: ReadSession, membership: MembershipRow, *, scopes: frozenset[str] | None) -> Actor:
    person = session.get_one(PersonRow, membership.person_id)
    if person.disabled_at is not None:
        return ANONYMOUS
    return Actor(
        person_id=PersonId(person.id),
        name=person.name,
        organisation_id=OrganisationId(membership.party_id),
        roles=_roles_in(session.get_one(PartyRow, membership.party_id), membership),
        language=person.language,
        scopes=scopes,
    )


def _roles_in(party: PartyRow, membership: MembershipRow) -> frozenset[Role]:
    """Return what a member may do; in a house that is not admitted, or suspended, only what every member may."""
    roles = frozenset(Role(role) for role in membership.roles)
    return roles if party.state == PartyState.ADMITTED else roles & {Role.MEMBER}


def _issue(
    session: WriteSession,
    *,
    kind: str,
    membership_id: UUID,
    scopes: list[str] | None,
    days: int,
    now: datetime,
    name: str = "",
) -> str:
    secret = secrets.token_urlsafe(32)
    session.add(
        TokenRow(
            id=new_id(),
            kind=kind,
            digest=digest_of(secret),
            membership_id=membership_id,
            scopes=scopes,
            name=name,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    session.flush()
    return secret


def digest_of(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def people_with_role(session: ReadSession, role: Role, *, organisation_id: UUID | None = None) -> list[PersonId]:
    """Return who holds a role, in one house or anywhere; accounts that are closed are left out."""
    statement = (
        select(MembershipRow)
        .join(PersonRow, col(PersonRow.id) == col(MembershipRow.person_id))
        .where(col(PersonRow.disabled_at).is_(None))
        .order_by(col(MembershipRow.id))
    )
    if organisation_id is not None:
        statement = statement.where(MembershipRow.party_id == organisation_id)
    return [PersonId(row.person_id) for row in session.exec(statement) if role in row.roles]
