"""The curator's desk: what is in a draft, in which order, and what of it the public may not see today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import ANONYMOUS, Actor, require
from asset_hub.catalogue import AssetId, AssetNotFound, AssetView, PartView, get_asset, get_assets, may_show_many
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from asset_hub.curation import permissions
from asset_hub.curation.catalogues import clean_words, find_own, lock_own, part_of, pin, rows_of
from asset_hub.curation.errors import AlreadyIn, ItemNotFound, TooManyItems
from asset_hub.curation.models import CatalogueItemRow, CatalogueRow

MAX_ITEMS, MAX_WORDS = 200, 2000


@dataclass(frozen=True, slots=True)
class NewItem:
    """Something to be put into a catalogue; `words` by language ("zh", "en")."""

    asset_id: UUID
    part_id: UUID | None = None
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DraftItem:
    """An item as its curator sees it: `asset` is None where even the curator may no longer know of it."""

    id: UUID
    asset: AssetView | None
    part: PartView | None
    words: Mapping[str, str]
    is_public: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A catalogue as its house edits it; `has_changes` where the public sees something else."""

    id: UUID
    slug: str
    title: Mapping[str, str]
    intro: Mapping[str, str]
    items: tuple[DraftItem, ...]
    published_at: datetime | None
    has_changes: bool

    @property
    def warnings(self) -> int:
        """How many items the public may not see today."""
        return sum(not item.is_public for item in self.items)

    def has(self, asset_id: UUID, part_id: UUID | None) -> bool:
        return any(
            item.asset is not None and (item.asset.id, item.part.id if item.part else None) == (asset_id, part_id)
            for item in self.items
        )


def list_own(session: ReadSession, *, by: Actor, now: datetime) -> tuple[Draft, ...]:
    """Return the catalogues of the actor's house, the newest first; as many queries for a hundred as for one."""
    require(by, permissions.CURATE, organisation_id=by.organisation_id)
    statement = select(CatalogueRow).where(CatalogueRow.owner_id == by.organisation_id)
    rows = session.exec(statement.order_by(col(CatalogueRow.created_at).desc(), col(CatalogueRow.id).desc())).all()
    return _drafts(session, rows, by, now)


def get_own(session: ReadSession, *, catalogue_id: UUID, by: Actor, now: datetime) -> Draft:
    """Return a catalogue of the actor's house for editing. Raises CatalogueNotFound."""
    return _drafts(session, [find_own(session, catalogue_id, by)], by, now)[0]


def set_items(session: WriteSession, *, catalogue_id: UUID, items: Sequence[NewItem], by: Actor, now: datetime) -> None:
    """Replace what is in it, in this order. Raises CatalogueNotFound, AssetNotFound, TooManyItems, WordsTooLong."""
    row = lock_own(session, catalogue_id, by)
    if len(items) > MAX_ITEMS:
        raise TooManyItems(N_("A catalogue holds at most {count} items."), count=MAX_ITEMS)
    wanted = {item.asset_id for item in items}
    if may_show_many(session, asset_ids=wanted, by=by, now=now) != wanted:
        raise AssetNotFound
    session.connection().execute(sa.delete(CatalogueItemRow).where(col(CatalogueItemRow.catalogue_id) == row.id))
    session.add_all(_new_row(row.id, position, item) for position, item in enumerate(items))
    session.flush()


def add_item(session: WriteSession, *, catalogue_id: UUID, item: NewItem, by: Actor, now: datetime) -> AssetView:
    """Put something at the end; return what it was.

    Raises CatalogueNotFound, AssetNotFound, ItemNotFound for a part of another asset, AlreadyIn, TooManyItems.
    """
    row = lock_own(session, catalogue_id, by)
    asset = get_asset(session, asset_id=item.asset_id, by=by, now=now)
    if item.part_id is not None and part_of(asset, item.part_id) is None:
        raise ItemNotFound
    there = rows_of(session, catalogue_id=row.id)
    if any((other.asset_id, other.part_id) == (item.asset_id, item.part_id) for other in there):
        raise AlreadyIn
    if len(there) >= MAX_ITEMS:
        raise TooManyItems(N_("A catalogue holds at most {count} items."), count=MAX_ITEMS)
    session.add(_new_row(row.id, there[-1].position + 1 if there else 0, item))
    session.flush()
    return asset


def remove_item(session: WriteSession, *, catalogue_id: UUID, item_id: UUID, by: Actor) -> None:
    """Take an item out. Raises CatalogueNotFound, ItemNotFound."""
    row = lock_own(session, catalogue_id, by)
    item = session.get(CatalogueItemRow, item_id)
    if item is None or item.catalogue_id != row.id:
        raise ItemNotFound
    session.delete(item)
    session.flush()


def arrange_items(
    session: WriteSession,
    *,
    catalogue_id: UUID,
    order: Sequence[UUID],
    words: Mapping[UUID, Mapping[str, str]],
    by: Actor,
) -> None:
    """Put items in this order and change their words; those not named stay, after the others.

    What somebody took out meanwhile stays out. Raises CatalogueNotFound, WordsTooLong.
    """
    row = lock_own(session, catalogue_id, by)
    there = {item.id: item for item in rows_of(session, catalogue_id=row.id)}
    named = [item_id for item_id in dict.fromkeys(order) if item_id in there]
    chosen = [*named, *(item_id for item_id in there if item_id not in set(named))]
    for position, item_id in enumerate(chosen):
        there[item_id].position = -1 - position
        if item_id in words:
            there[item_id].words = clean_words(words[item_id], longest=MAX_WORDS)
    session.flush()
    for position, item_id in enumerate(chosen):
        there[item_id].position = position
    session.flush()


def moved(order: Sequence[UUID], item_id: UUID, *, step: int) -> list[UUID]:
    """Return the order with one item a place earlier (-1) or later (+1); at the end it stays."""
    found = list(order)
    if item_id in found:
        at = found.index(item_id)
        to = min(max(at + step, 0), len(found) - 1)
        found.insert(to, found.pop(at))
    return found


def _new_row(catalogue_id: UUID, position: int, item: NewItem) -> CatalogueItemRow:
    return CatalogueItemRow(
        id=new_id(), catalogue_id=catalogue_id, position=position, asset_id=item.asset_id, part_id=item.part_id,
        words=clean_words(item.words, longest=MAX_WORDS),
    )  # fmt: skip


def _drafts(session: ReadSession, rows: Sequence[CatalogueRow], by: Actor, now: datetime) -> tuple[Draft, ...]:
    statement = select(CatalogueItemRow).where(col(CatalogueItemRow.catalogue_id).in_([row.id for row in rows]))
    items = session.exec(statement.order_by(col(CatalogueItemRow.position))).all()
    ids = list({item.asset_id for item in items})
    known = {asset.id: asset for asset in get_assets(session, asset_ids=ids, by=by, now=now)}
    public = may_show_many(session, asset_ids=ids, by=ANONYMOUS, now=now)
    return tuple(_draft(row, [item for item in items if item.catalogue_id == row.id], known, public) for row in rows)


def _draft(
    row: CatalogueRow, items: Sequence[CatalogueItemRow], known: Mapping[AssetId, AssetView], public: set[AssetId]
) -> Draft:
    shown = tuple(
        DraftItem(
            item.id, asset := known.get(AssetId(item.asset_id)), part_of(asset, item.part_id) if asset else None,
            item.words, item.asset_id in public,
        )
        for item in items
    )  # fmt: skip
    return Draft(
        row.id, row.slug, row.title, row.intro, shown, row.published_at,
        row.published is not None and row.published != pin(row, items),
    )  # fmt: skip
