"""Slows guessing down: after a few wrong passwords a sign-in name rests for some minutes, whoever asks."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

from asset_hub.accounts.errors import TooManyTries
from asset_hub.accounts.models import SignInFailureRow
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id

TRIES = 8
WINDOW = timedelta(minutes=10)
_MAX_LOGIN = 200


def require_rested(session: ReadSession, *, login: str, now: datetime) -> None:
    """Raise TooManyTries while a name has been tried wrongly TRIES times within WINDOW."""
    statement = sa.select(sa.func.count()).where(
        col(SignInFailureRow.login) == login[:_MAX_LOGIN], col(SignInFailureRow.at) > now - WINDOW
    )
    if int(session.connection().execute(statement).scalar_one()) >= TRIES:
        raise TooManyTries


def note_failure(session: WriteSession, *, login: str, now: datetime) -> None:
    """Remember a wrong password, and forget those of long ago."""
    session.add(SignInFailureRow(id=new_id(), login=login[:_MAX_LOGIN], at=now))
    session.connection().execute(sa.delete(SignInFailureRow).where(col(SignInFailureRow.at) <= now - WINDOW))
