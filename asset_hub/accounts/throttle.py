"""Slows guessing down: after a few wrong passwords a sign-in name rests for some minutes for who tried them.

Only after many from everywhere does it rest for all, so that nobody shuts another out with a few wrong guesses.

A try is written before its password is looked at, so that tries at the same moment are counted too.
"""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from asset_hub.accounts.errors import TooManyTries
from asset_hub.accounts.models import SignInFailureRow
from asset_hub.core.db import WriteSession
from asset_hub.core.ids import new_id

TRIES = 5
TRIES_PER_NAME = 50
WINDOW = timedelta(minutes=5)
_MAX_LOGIN = 200
_HOST_BITS = 64  # a household or server has all addresses of such a network (RFC 6177)


def note_try(session: WriteSession, *, login: str, source: str, now: datetime) -> UUID:
    """Count one try at a name from an address; return its id.

    Raises TooManyTries after TRIES from there, or TRIES_PER_NAME from anywhere, within WINDOW, right password or not.
    A refused try is not counted, so that no single address can make a name rest for others.
    """
    session.connection().execute(sa.delete(SignInFailureRow).where(col(SignInFailureRow.at) <= now - WINDOW))
    here = sa.case((col(SignInFailureRow.source) == source, 1))
    tries = sa.select(sa.func.count(here), sa.func.count()).where(col(SignInFailureRow.login) == login[:_MAX_LOGIN])
    from_here, from_anywhere = session.connection().execute(tries).one()
    if from_here >= TRIES or from_anywhere >= TRIES_PER_NAME:
        raise TooManyTries
    row = SignInFailureRow(id=new_id(), login=login[:_MAX_LOGIN], source=source, at=now)
    session.add(row)
    return row.id


def take_back_try(session: WriteSession, *, try_id: UUID) -> None:
    """Uncount a try whose password was not looked at. Idempotent."""
    session.connection().execute(sa.delete(SignInFailureRow).where(col(SignInFailureRow.id) == try_id))


def forget_tries(session: WriteSession, *, login: str, source: str) -> None:
    """Begin to count anew for an address: its password was right. Idempotent."""
    session.connection().execute(
        sa.delete(SignInFailureRow).where(
            col(SignInFailureRow.login) == login[:_MAX_LOGIN], col(SignInFailureRow.source) == source
        )
    )


def source_of(address: str | None) -> str:
    """Return what is counted of a client's address: of IPv6 its network; nothing where there is none (a socket)."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return (address or "")[:_MAX_LOGIN]
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Address(int(found) >> _HOST_BITS << _HOST_BITS))
