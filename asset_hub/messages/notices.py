"""Notices: what happened while somebody was away, with a link to where they can act."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.text import Text
from asset_hub.messages.models import NoticeRow


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice as its reader sees it."""

    id: UUID
    text: Text
    link: str
    created_at: datetime
    is_read: bool


def notify(session: WriteSession, *, person_id: UUID, text: Text, link: str, now: datetime) -> None:
    """Write a notice for one person; parameters are kept as text."""
    params = {name: str(value) for name, value in text.params.items()}
    session.add(
        NoticeRow(id=new_id(), person_id=person_id, message=text.message, params=params, link=link, created_at=now)
    )


def list_notices(session: ReadSession, *, person_id: UUID, limit: int = 50) -> tuple[Notice, ...]:
    """Return a person's newest notices first."""
    statement = (
        select(NoticeRow).where(NoticeRow.person_id == person_id).order_by(col(NoticeRow.id).desc()).limit(limit)
    )
    return tuple(
        Notice(row.id, Text(row.message, row.params), row.link, row.created_at, row.read_at is not None)
        for row in session.exec(statement)
    )


def mark_read(session: WriteSession, *, person_id: UUID, now: datetime) -> None:
    """Mark every notice of a person as read. Idempotent."""
    statement = (
        sa.update(NoticeRow)
        .where(col(NoticeRow.person_id) == person_id, col(NoticeRow.read_at).is_(None))
        .values(read_at=now)
    )
    session.connection().execute(statement)


def count_unread(session: ReadSession, *, person_id: UUID) -> int:
    """Return how many notices of a person wait to be read."""
    statement = sa.select(sa.func.count()).where(
        col(NoticeRow.person_id) == person_id, col(NoticeRow.read_at).is_(None)
    )
    return int(session.connection().execute(statement).scalar_one())
