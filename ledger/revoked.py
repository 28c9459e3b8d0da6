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
    return sorted({*_listed(home), *session.exec(ended)})


def _listed(home: Path) -> list[int]:
    path = home / NAME
    if not path.is_file():
        return []
    return [int(number) for number in json.loads(path.read_text(encoding="utf-8"))["revoked"]]
