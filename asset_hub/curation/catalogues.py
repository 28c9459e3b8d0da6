"""Themed catalogues from a draft to a published snapshot; what may no longer be shown falls out by itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unicodedata import category
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from asset_hub.accounts import ANONYMOUS, Actor, require, require_organisation
from asset_hub.catalogue import AssetId, AssetView, PartView, get_assets, may_show_many
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.text import LANGUAGES, N_
from asset_hub.curation import permissions
from asset_hub.curation.errors import (
    AddressIsKept,
    BadSlug,
    CatalogueNotFound,
    EmptyCatalogue,
    MissingTitle,
    NotPublished,
    WordsTooLong,
)
from asset_hub.curation.models import CatalogueItemRow, CatalogueRow

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_SLUG, _MAX_TITLE, _MAX_INTRO = 60, 200, 5000


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
    """Begin a catalogue of the actor's house under /catalogues/<slug>. Raises BadSlug, MissingTitle, WordsTooLong."""
    owner_id = require_organisation(by)
    require(by, permissions.CURATE, organisation_id=owner_id)
    row = CatalogueRow(id=new_id(), slug="", owner_id=owner_id, title={}, created_at=now)
    _write_texts(session, row, slug, title, intro or {})
    return row.id


def update_texts(
    session: WriteSession,
    *,
    catalogue_id: UUID,
    slug: str,
    title: Mapping[str, str],
    intro: Mapping[str, str],
    by: Actor,
) -> None:
    """Change title, introduction and address; the public sees it when it is published again.

    Raises CatalogueNotFound, MissingTitle, WordsTooLong, BadSlug, AddressIsKept once people know the address.
    """
    row = lock_own(session, catalogue_id, by)
    if row.published is not None and slug != row.slug:
        raise AddressIsKept
    _write_texts(session, row, slug, title, intro)


def publish_catalogue(session: WriteSession, *, catalogue_id: UUID, by: Actor, now: datetime) -> str:
    """Pin what is in it now for the public; return its slug. Raises CatalogueNotFound, EmptyCatalogue."""
    row = lock_own(session, catalogue_id, by)
    items = rows_of(session, catalogue_id=row.id)
    if not may_show_many(session, asset_ids=[item.asset_id for item in items], by=ANONYMOUS, now=now):
        raise EmptyCatalogue
    row.published, row.published_at = pin(row, items), now
    session.flush()
    return row.slug


def withdraw_catalogue(session: WriteSession, *, catalogue_id: UUID, by: Actor) -> None:
    """Take it back from the public; the draft stays. Raises CatalogueNotFound, NotPublished."""
    row = lock_own(session, catalogue_id, by)
    if row.published is None:
        raise NotPublished
    row.published, row.published_at = None, None
    session.flush()


def list_published(session: ReadSession, *, by: Actor, now: datetime) -> tuple[CatalogueView, ...]:
    """Return every published catalogue, newest first; as many queries for a hundred as for one."""
    statement = (
        select(CatalogueRow)
        .where(col(CatalogueRow.published_at).is_not(None))
        .order_by(col(CatalogueRow.published_at).desc(), col(CatalogueRow.id).desc())
    )
    pinned = [(row, row.published) for row in session.exec(statement) if row.published]
    assets = _assets(session, [entry for _row, snapshot in pinned for entry in snapshot["items"]], by, now)
    return tuple(view_of(row, snapshot, assets) for row, snapshot in pinned)


def get_published(session: ReadSession, *, slug: str, by: Actor, now: datetime) -> CatalogueView:
    """Return a published catalogue without what this reader may not see. Raises CatalogueNotFound."""
    if not _is_slug(slug):
        raise CatalogueNotFound
    row = session.exec(select(CatalogueRow).where(CatalogueRow.slug == slug)).first()
    if row is None or row.published is None:
        raise CatalogueNotFound
    return view_of(row, row.published, _assets(session, row.published["items"], by, now))


def preview_catalogue(session: ReadSession, *, catalogue_id: UUID, by: Actor, now: datetime) -> CatalogueView:
    """Return the draft as the public would see it today. Raises CatalogueNotFound."""
    row = find_own(session, catalogue_id, by)
    snapshot = pin(row, rows_of(session, catalogue_id=row.id))
    return view_of(row, snapshot, _assets(session, snapshot["items"], ANONYMOUS, now))


def find_own(session: ReadSession, catalogue_id: UUID, by: Actor) -> CatalogueRow:
    """Return a catalogue of the actor's house. Raises CatalogueNotFound, also for those of other houses."""
    require(by, permissions.CURATE, organisation_id=by.organisation_id)
    row = session.get(CatalogueRow, catalogue_id)
    if row is None or row.owner_id != by.organisation_id:
        raise CatalogueNotFound
    return row


def lock_own(session: WriteSession, catalogue_id: UUID, by: Actor) -> CatalogueRow:
    """Return it locked, so that two curators of one house change it one after the other. Raises CatalogueNotFound."""
    row = find_own(session, catalogue_id, by)
    session.refresh(row, with_for_update=True)
    return row


def rows_of(session: ReadSession, *, catalogue_id: UUID) -> Sequence[CatalogueItemRow]:
    """Return the items of a draft in their order."""
    statement = select(CatalogueItemRow).where(CatalogueItemRow.catalogue_id == catalogue_id)
    return session.exec(statement.order_by(col(CatalogueItemRow.position))).all()


def pin(row: CatalogueRow, items: Sequence[CatalogueItemRow]) -> dict[str, Any]:
    """Return the snapshot of a draft."""
    return {
        "title": row.title, "intro": row.intro,
        "items": [
            {"asset": str(item.asset_id), "part": str(item.part_id) if item.part_id else None, "words": item.words}
            for item in items
        ],
    }  # fmt: skip


def view_of(row: CatalogueRow, snapshot: Mapping[str, Any], assets: Mapping[UUID, AssetView]) -> CatalogueView:
    """Return a snapshot with what of it is among `assets`."""
    items = tuple(
        ItemView(asset, part_of(asset, entry["part"]), entry["words"])
        for entry in snapshot["items"]
        if (asset := assets.get(UUID(entry["asset"]))) is not None
    )
    return CatalogueView(
        row.id, row.slug, row.owner_id, snapshot["title"], snapshot["intro"], items, row.published_at or row.created_at
    )


def part_of(asset: AssetView, part_id: str | UUID | None) -> PartView | None:
    """Return the part with this id, None where there is none."""
    return next((part for part in asset.parts if str(part.id) == str(part_id)), None)


def clean_words(words: Mapping[str, str], *, longest: int) -> dict[str, str]:
    """Return texts by language without blanks around them and without control characters. Raises WordsTooLong."""
    cleaned = {}
    for language in LANGUAGES:
        text = "".join(c for c in words.get(language, "") if c == "\n" or category(c)[0] != "C").strip()
        if len(text) > longest:
            raise WordsTooLong(N_("At most {count} characters, please."), count=longest)
        if text:
            cleaned[str(language)] = text
    return cleaned


def _write_texts(
    session: WriteSession, row: CatalogueRow, slug: str, title: Mapping[str, str], intro: Mapping[str, str]
) -> None:
    row.title = clean_words(title, longest=_MAX_TITLE)
    if "zh" not in row.title:
        raise MissingTitle
    row.intro = clean_words(intro, longest=_MAX_INTRO)
    if not _is_slug(slug):
        raise BadSlug(N_("Use small letters, digits and hyphens."))
    taken = select(CatalogueRow.id).where(CatalogueRow.slug == slug, CatalogueRow.id != row.id)
    with session.no_autoflush:
        if session.exec(taken).first() is not None:
            raise BadSlug(N_("“{slug}” is taken."), slug=slug)
    row.slug = slug
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise BadSlug(N_("“{slug}” is taken."), slug=slug) from error


def _is_slug(slug: str) -> bool:
    return len(slug) <= _MAX_SLUG and _SLUG.fullmatch(slug) is not None


def _assets(
    session: ReadSession, entries: Sequence[Mapping[str, Any]], by: Actor, now: datetime
) -> dict[UUID, AssetView]:
    ids = list(dict.fromkeys(AssetId(UUID(entry["asset"])) for entry in entries))
    return {asset.id: asset for asset in get_assets(session, asset_ids=ids, by=by, now=now)}
