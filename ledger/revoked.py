"""Which licences hold no more: those on the operator's list in the home, and those that were ended on the ledger."""

import json
from pathlib import Path

from sqlmodel import col, select

from asset_hub.core.db import ReadSession, database_of
from ledger.models import GrantRow

NAME = "status.json"


def read_revoked(session: ReadSession, home: Path) -> list[int]:
    """Return the numbers of the licences that <home>/status.json revokes, and of those whose end is on the ledger."""
    ended = select(GrantRow.number).where(col(GrantRow.ended_at).is_not(None), col(GrantRow.lapses_at).is_(None))
    return sorted(_with_subs(session, {*_listed(home), *session.exec(ended)}))


def is_listed(session: ReadSession, *, number: int) -> bool:
    """Say whether <home>/status.json revokes a licence, in the home that the session's database belongs to."""
    home = database_of(session).home
    return home is not None and number in _listed(home)


def _with_subs(session: ReadSession, numbers: set[int]) -> set[int]:
    """Return licences with those that were given under them: what falls takes its sub-licences along."""
    found, fresh = set(numbers), set(numbers)
    while fresh:
        given = session.exec(select(GrantRow.number).where(col(GrantRow.parent).in_(fresh)))
        fresh = set(given) - found
        found |= fresh
    return found


def _listed(home: Path) -> list[int]:
    path = home / NAME
    if not path.is_file():
        return []
    return [int(number) for number in json.loads(path.read_text(encoding="utf-8"))["revoked"]]
