"""Who can still get in: passwords, open sessions, accounts that are closed and opened again.

Whoever can set an operator's password or roles can be both checkers. On the pages nobody can; on the command line of
the home's own machine (`at_console`) one can act as anybody anyway.
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import permissions
from asset_hub.accounts.errors import OnlyAtConsole, WeakPassword
from asset_hub.accounts.models import MembershipRow, PersonRow, TokenRow
from asset_hub.accounts.people import check_password, digest_of, hash_password
from asset_hub.accounts.roles import EXCHANGE_ROLES, Actor, require, require_own_hand, require_person
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import NotFound

MIN_PASSWORD = 10


def login_of(session: ReadSession, *, by: Actor) -> str:
    """Return the name that the actor signs in with."""
    return session.get_one(PersonRow, require_person(by)).login


def change_password(session: WriteSession, *, secret: str, old: str, new: str, by: Actor) -> None:
    """Change one's own password; every other session of this person ends. Raises WrongPassword, WeakPassword."""
    require_own_hand(by)
    row = session.get_one(PersonRow, require_person(by))
    check_password(session, login=row.login, password=old)
    _write_password(session, row, new)
    end_other_sessions(session, secret=secret, by=by)


def set_password(
    session: WriteSession, *, organisation_id: UUID, person_id: UUID, password: str, by: Actor, at_console: bool = False
) -> None:
    """Give a member a new first password; all their sessions end. Raises NotFound, WeakPassword, OnlyAtConsole."""
    row = _managed(session, organisation_id, person_id, by, at_console=at_console)
    _write_password(session, row, password)
    _end_sessions(session, person_id=person_id)


def disable_person(
    session: WriteSession, *, organisation_id: UUID, person_id: UUID, by: Actor, now: datetime, at_console: bool = False
) -> None:
    """Close an account: sessions end, tokens stop. Idempotent. Raises NotFound, OnlyAtConsole."""
    row = _managed(session, organisation_id, person_id, by, at_console=at_console)
    row.disabled_at = row.disabled_at or now
    session.add(row)
    _end_sessions(session, person_id=person_id)


def enable_person(
    session: WriteSession, *, organisation_id: UUID, person_id: UUID, by: Actor, at_console: bool = False
) -> None:
    """Open a closed account again, with the password and tokens it had. Idempotent. Raises NotFound, OnlyAtConsole."""
    row = _managed(session, organisation_id, person_id, by, at_console=at_console)
    row.disabled_at = None
    session.add(row)
    session.flush()


def end_other_sessions(session: WriteSession, *, secret: str, by: Actor) -> int:
    """End the actor's sessions in other browsers; return how many. API tokens go on."""
    require_own_hand(by)
    return _end_sessions(session, person_id=require_person(by), but=digest_of(secret))


def _managed(session: ReadSession, organisation_id: UUID, person_id: UUID, by: Actor, *, at_console: bool) -> PersonRow:
    """Return another person of this house. People of the exchange itself are looked after at the console."""
    require(by, permissions.MANAGE_MEMBERS)
    memberships = session.exec(select(MembershipRow).where(MembershipRow.person_id == person_id)).all()
    if organisation_id not in {one.party_id for one in memberships}:
        raise NotFound
    works_for_exchange = any(EXCHANGE_ROLES & set(one.roles) for one in memberships)
    if not at_console and (works_for_exchange or person_id == by.person_id):
        raise OnlyAtConsole
    return session.get_one(PersonRow, person_id)


def _write_password(session: WriteSession, row: PersonRow, password: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise WeakPassword
    row.password = hash_password(password)
    session.add(row)
    session.flush()


def _end_sessions(session: WriteSession, *, person_id: UUID, but: str = "") -> int:
    mine = sa.select(col(MembershipRow.id)).where(col(MembershipRow.person_id) == person_id)
    ended = session.connection().execute(
        sa.delete(TokenRow).where(
            col(TokenRow.kind) == "session", col(TokenRow.membership_id).in_(mine), col(TokenRow.digest) != but
        )
    )
    return ended.rowcount
