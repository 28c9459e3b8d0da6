"""Collections: what belongs together, and how many people must agree before a draft of it is published."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, require
from asset_hub.catalogue import permissions
from asset_hub.catalogue.errors import CollectionNotFound
from asset_hub.catalogue.models import CollectionRow
from asset_hub.catalogue.types import CollectionId
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_

DEFAULT_NAME = "默认资源库"
THREE_REVIEWS = 3


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as others see it; `reviewers` is 1, or 3 for 三审 (初审、复审、终审)."""

    id: CollectionId
    owner_id: UUID
    name_zh: str
    name_en: str
    reviewers: int


def create_collection(
    session: WriteSession,
    *,
    owner_id: UUID,
    name_zh: str,
    name_en: str = "",
    reviewers: int = 1,
    by: Actor,
    now: datetime,
) -> Collection:
    """Make a collection, or return the one of this owner and name unchanged."""
    require(by, permissions.COLLECT, organisation_id=owner_id)
    found = session.exec(
        select(CollectionRow).where(CollectionRow.owner_id == owner_id, CollectionRow.name_zh == name_zh)
    ).first()
    row = found or CollectionRow(
        id=new_id(), owner_id=owner_id, name_zh=name_zh, name_en=name_en, reviewers=reviewers, created_at=now
    )
    session.add(row)
    session.flush()
    return _collection(row)


def default_collection(session: WriteSession, *, owner_id: UUID, by: Actor, now: datetime) -> Collection:
    """Return the collection that takes what names no other; one person's review is enough there."""
    return create_collection(
        session, owner_id=owner_id, name_zh=DEFAULT_NAME, name_en="Default collection", by=by, now=now
    )


def find_collection(session: ReadSession, *, owner_id: UUID, name: str) -> Collection:
    """Return an owner's collection by its Chinese or English name. Raises CollectionNotFound."""
    statement = select(CollectionRow).where(
        CollectionRow.owner_id == owner_id, (col(CollectionRow.name_zh) == name) | (col(CollectionRow.name_en) == name)
    )
    row = session.exec(statement).first()
    if row is None:
        raise CollectionNotFound(N_("There is no collection “{name}”."), name=name)
    return _collection(row)


def list_collections(session: ReadSession, *, owner_id: UUID | None = None) -> tuple[Collection, ...]:
    """Return the collections of one owner or of all, by name."""
    statement = select(CollectionRow).order_by(col(CollectionRow.name_zh))
    if owner_id is not None:
        statement = statement.where(CollectionRow.owner_id == owner_id)
    return tuple(_collection(row) for row in session.exec(statement))


def _collection(row: CollectionRow) -> Collection:
    return Collection(CollectionId(row.id), row.owner_id, row.name_zh, row.name_en, row.reviewers)
