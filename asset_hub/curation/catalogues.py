"""Themed catalogues from a draft to a published snapshot; what may no longer be shown falls out by itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import ANONYMOUS, Actor, require, require_organisation
from asset_hub.catalogue import AssetId, AssetNotFound, AssetView, PartView, get_assets, may_show_many
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from asset_hub.curation import permissions
from asset_hub.curation.errors import BadSlug, CatalogueNotFound, EmptyCatalogue
from asset_hub.curation.models import CatalogueItemRow, CatalogueRow

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_SLUG = 60


@dataclass(frozen=True, slots=True)
class NewItem:
    """Something to be put into a catalogue; `words` by language ("zh", "en")."""

    asset_id: UUID
    part_id: UUID | None = None
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item as shown: the asset as the reader may see it, the part, the curator's words."""

    asset: AssetView
    part: PartView | None
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """A published catalogue; texts by language."""

    id: UUID
    slug: str
    owner_id: UUID
    title: Mapping[str, str]
    intro: Mapping[str, str]
    items: tuple[ItemView, ...]
    published_at: datetime


def create_catalogue(
    session: WriteSession,
    *,
    slug: str,
    title: Mapping[str, str],
    intro: Mapping[str, str] | None = None,
    by: Actor,
    now: datetime,
) -> UUID:
    """Begin a catalogue of the actor's house under /catalogues/<slug>. Raises BadSlug."""
    owner_id = require_organisation(by)
    require(by, permissions.CURATE, organisation_id=owner_id)
    if not _SLUG.fullmatch(slug) or len(slug) > _MAX_SLUG:
        raise BadSlug(N_("Use small letters, digits and hyphens."))
    if session.exec(select(CatalogueRow.id).where(CatalogueRow.slug == slug)).first() is not None:
        raise BadSlug(N_("“{slug}” is taken."), slug=slug)
    row = CatalogueRow(
        id=new_id(), slug=slug, owner_id=owner_id, title=dict(title), intro=dict(intro or {}), created_at=now
    )
    session.add(row)
    session.flush()
    return row.id


def set_items(session: WriteSession, *, catalogue_id: UUID, items: Sequence[NewItem], by: Actor, now: datetime) -> None:
    """Replace what is in it, in this order. Raises CatalogueNotFound, AssetNotFound."""
    row = _own(session, catalogue_id, by)
    wanted = {item.asset_id for item in items}
    if may_show_many(session, asset_ids=wanted, by=by, now=now) != wanted:
        raise AssetNotFound
    session.connection().execute(sa.delete(CatalogueItemRow).where(col(CatalogueItemRow.catalogue_id) == row.id))
    session.add_all(
        CatalogueItemRow(
            id=new_id(), catalogue_id=row.id, position=position, asset_id=item.asset_id, part_id=item.part_id,
            words=dict(item.words),
        )
        for position, item in enumerate(items)
    )  # fmt: skip
    session.flush()


def publish_catalogue(session: WriteSession, *, catalogue_id: UUID, by: Actor, now: datetime) -> str:
    """Pin what is in it now for the public; return its slug. Raises EmptyCatalogue."""
    row = _own(session, catalogue_id, by)
    statement = (
        select(CatalogueItemRow).where(CatalogueItemRow.catalogue_id == row.id).order_by(col(CatalogueItemRow.position))
    )
    items = session.exec(statement).all()
    if not may_show_many(session, asset_ids=[item.asset_id for item in items], by=ANONYMOUS, now=now):
        raise EmptyCatalogue
    row.published = {
        "title": row.title, "intro": row.intro,
        "items": [
            {"asset": str(item.asset_id), "part": str(item.part_id) if item.part_id else None, "words": item.words}
            for item in items
        ],
    }  # fmt: skip
    row.published_at = now
    session.flush()
    return row.slug


def list_published(session: ReadSession, *, by: Actor, now: datetime) -> tuple[CatalogueView, ...]:
    """Return every published catalogue, newest first."""
    statement = (
        select(CatalogueRow)
        .where(col(CatalogueRow.published_at).is_not(None))
        .order_by(col(CatalogueRow.published_at).desc())
    )
    return tuple(_view(session, row, by, now) for row in session.exec(statement))


def get_published(session: ReadSession, *, slug: str, by: Actor, now: datetime) -> CatalogueView:
    """Return a published catalogue without what this reader may not see. Raises CatalogueNotFound."""
    row = session.exec(select(CatalogueRow).where(CatalogueRow.slug == slug)).first()
    if row is None or row.published is None:
        raise CatalogueNotFound
    return _view(session, row, by, now)


def _own(session: WriteSession, catalogue_id: UUID, by: Actor) -> CatalogueRow:
    row = session.get(CatalogueRow, catalogue_id, with_for_update=True)
    if row is None:
        raise CatalogueNotFound
    require(by, permissions.CURATE, organisation_id=row.owner_id)
    return row


def _view(session: ReadSession, row: CatalogueRow, by: Actor, now: datetime) -> CatalogueView:
    pinned = row.published or {"title": row.title, "intro": row.intro, "items": []}
    ids = [AssetId(UUID(item["asset"])) for item in pinned["items"]]
    assets = {asset.id: asset for asset in get_assets(session, asset_ids=list(dict.fromkeys(ids)), by=by, now=now)}
    items = tuple(
        ItemView(assets[asset_id], _part(assets[asset_id], item["part"]), item["words"])
        for asset_id, item in zip(ids, pinned["items"], strict=True)
        if asset_id in assets
    )
    return CatalogueView(
        row.id, row.slug, row.owner_id, pinned["title"], pinned["intro"], items, row.published_at or row.created_at
    )


def _part(asset: AssetView, part_id: str | None) -> PartView | None:
    return next((part for part in asset.parts if str(part.id) == part_id), None)
