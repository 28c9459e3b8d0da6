"""Slows guessing down: after a few wrong passwords a sign-in name rests for some minutes, whoever asks.

A try is written before its password is looked at, so that tries at the same moment are counted too.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

from asset_hub.accounts.errors import TooManyTries
from asset_hub.accounts.models import SignInFailureRow
from asset_hub.core.db import WriteSession
from asset_hub.core.ids import new_id

TRIES = 5
WINDOW = timedelta(minutes=5)
_MAX_LOGIN = 200


def note_try(session: WriteSession, *, login: str, now: datetime) -> None:
    """Count one try at a name. Raises TooManyTries after TRIES of them within WINDOW, right password or not."""
    session.connection().execute(sa.delete(SignInFailureRow).where(col(SignInFailureRow.at) <= now - WINDOW))
    tries = sa.select(sa.func.count()).where(col(SignInFailureRow.login) == login[:_MAX_LOGIN])
    if int(session.connection().execute(tries).scalar_one()) >= TRIES:
        raise TooManyTries
    session.add(SignInFailureRow(id=new_id(), login=login[:_MAX_LOGIN], at=now))


def forget_tries(session: WriteSession, *, login: str) -> None:
    """Begin to count anew: the password was right. Idempotent."""
    session.connection().execute(sa.delete(SignInFailureRow).where(col(SignInFailureRow.login) == login[:_MAX_LOGIN]))
