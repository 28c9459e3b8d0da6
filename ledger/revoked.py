"""Which licences hold no more: those on the operator's list in the home, and those that were ended on the ledger."""

import json
from pathlib import Path

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from ledger.models import GrantRow

NAME = "status.json"


def read_revoked(session: ReadSession, home: Path) -> list[int]:
    """Return the numbers of the licences that <home>/status.json revokes, and of those whose end is on the ledger."""
    ended = select(GrantRow.number).where(col(GrantRow.ended_at).is_not(None), col(GrantRow.lapses_at).is_(None))
    return sorted(_with_subs(session, {*_listed(home), *session.exec(ended)}))


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
