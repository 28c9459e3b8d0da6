"""API tokens of a person: made by hand for named acts, shown once, listed, revoked. A token makes no tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts.errors import ActNotOffered
from asset_hub.accounts.members import membership_of
from asset_hub.accounts.models import MembershipRow, TokenRow
from asset_hub.accounts.people import issue_token
from asset_hub.accounts.roles import Actor, Permission, require_own_hand, require_person
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.text import N_


@dataclass(frozen=True, slots=True)
class ApiToken:
    """An API token as its owner sees it; the secret itself is never kept."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime


def offered_acts(permissions: Iterable[Permission], *, by: Actor) -> tuple[str, ...]:
    """Return the acts that a token of this person can be given: those of their roles."""
    return tuple(sorted(one.action for one in permissions if not one.is_public and by.roles & one.roles))


def make_token(
    session: WriteSession, *, name: str, scopes: Iterable[str], permissions: Iterable[Permission], by: Actor,
    now: datetime,
) -> str:  # fmt: skip
    """Return the secret of a new token of this person, for the house they act for. Raises Forbidden, ActNotOffered."""
    require_own_hand(by)
    wanted = set(scopes)
    unknown = wanted - set(offered_acts(permissions, by=by))
    if unknown or not wanted:
        raise ActNotOffered(N_("No token can be given this act: {acts}."), acts=", ".join(sorted(unknown)) or "–")
    return issue_token(session, membership_id=membership_of(session, by=by), scopes=wanted, name=name, now=now)


def list_tokens(session: ReadSession, *, by: Actor) -> tuple[ApiToken, ...]:
    """Return the actor's API tokens, newest first."""
    statement = (
        select(TokenRow)
        .join(MembershipRow, col(MembershipRow.id) == col(TokenRow.membership_id))
        .where(MembershipRow.person_id == require_person(by), TokenRow.kind == "token")
        .order_by(col(TokenRow.id).desc())
    )
    return tuple(
        ApiToken(row.id, row.name, tuple(row.scopes or ()), row.created_at, row.expires_at)
        for row in session.exec(statement)
    )


def revoke_token(session: WriteSession, *, token_id: UUID, by: Actor) -> None:
    """Forget one of the actor's own tokens. Idempotent. Raises Forbidden."""
    require_own_hand(by)
    mine = sa.select(col(MembershipRow.id)).where(col(MembershipRow.person_id) == require_person(by))
    session.connection().execute(
        sa.delete(TokenRow).where(
            col(TokenRow.id) == token_id, col(TokenRow.kind) == "token", col(TokenRow.membership_id).in_(mine)
        )
    )
