"""The queue of the review desk: drafts of a house, what each still lacks, which one comes next."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import Actor, require
from asset_hub.catalogue import (
    AssetState,
    AssetView,
    FileId,
    FileRole,
    PartLevel,
    PartView,
    ReviewProgress,
    Secrecy,
    get_assets,
    list_collections,
)
from asset_hub.catalogue import permissions as catalogue_permissions
from asset_hub.catalogue.models import AssetRow, ReviewRow
from asset_hub.core.db import ReadSession
from asset_hub.core.paging import decode_cursor, encode_cursor
from asset_hub.core.text import N_
from ingest.models import ItemRow

PAGE = 24
_PICTURES = (FileRole.THUMBNAIL, FileRole.POSTER, FileRole.PREVIEW)


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft in the queue: how many machine values wait, and which facts are missing (message ids)."""

    asset: AssetView
    picture: FileId | None
    waiting: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DraftPage:
    """A page of drafts, newest first, and how many there are in all."""

    drafts: tuple[Draft, ...]
    total: int
    after: str | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the review of a draft is, and whether this person has agreed already."""

    progress: ReviewProgress
    is_mine: bool


def list_drafts(
    session: ReadSession,
    *,
    accession_id: UUID | None = None,
    after: str | None = None,
    size: int = PAGE,
    by: Actor,
    now: datetime,
) -> DraftPage:
    """Return drafts of the actor's house, of one intake or of all. Raises BadPageToken."""
    require(by, catalogue_permissions.DESCRIBE, organisation_id=by.organisation_id)
    mine = _mine(by, accession_id)
    total = session.exec(select(sa.func.count()).select_from(AssetRow).where(*mine)).one()
    statement = select(AssetRow.id, AssetRow.number).where(*mine).order_by(col(AssetRow.number).desc()).limit(size + 1)
    if after is not None:
        statement = statement.where(col(AssetRow.number) < str(decode_cursor(after, length=1)[0]))
    rows = session.exec(statement).all()
    assets = get_assets(session, asset_ids=[row[0] for row in rows[:size]], by=by, now=now)
    token = encode_cursor(rows[size - 1][1]) if len(rows) > size else None
    return DraftPage(tuple(_draft(asset) for asset in assets), total, token)


def next_draft(session: ReadSession, *, number: str, accession_id: UUID | None, by: Actor) -> str | None:
    """Return the number of the draft after this one, the first one after the last; None when there is no other."""
    newest_first = select(AssetRow.number).where(*_mine(by, accession_id), AssetRow.number != number)
    newest_first = newest_first.order_by(col(AssetRow.number).desc()).limit(1)
    below = session.exec(newest_first.where(col(AssetRow.number) < number)).first()
    return below or session.exec(newest_first).first()


def missing_facts(asset: AssetView) -> tuple[str, ...]:
    """Return the names of facts that an asset should have and lacks."""
    has = {(value.element, value.lang) for value in asset.values} | {(value.element, None) for value in asset.values}
    wanted = (
        (N_("Chinese title"), ("title", "zh") in has),
        (N_("English title"), ("title", "en") in has),
        (N_("Date"), ("date", None) in has),
        (N_("District or place"), ("district", None) in has or ("place", None) in has),
        (N_("Description"), ("description", None) in has),
        (N_("Level of secrecy"), asset.secrecy != Secrecy.UNREVIEWED),
        (N_("Titles of shots"), all(_has_title(part) for part in asset.parts if part.level == PartLevel.SHOT)),
    )
    return tuple(name for name, is_there in wanted if not is_there)


def agreement_of(session: ReadSession, *, asset: AssetView, by: Actor) -> Agreement:
    """Return who agreed to a draft so far, of how many its collection wants."""
    agreed = set(session.exec(select(ReviewRow.person_id).where(ReviewRow.asset_id == asset.id)))
    collections = {one.id: one.reviewers for one in list_collections(session, owner_id=asset.owner_id)}
    wanted = collections.get(asset.collection_id, 1) if asset.collection_id else 1
    return Agreement(ReviewProgress(min(len(agreed), wanted), wanted), by.person_id in agreed)


def _has_title(part: PartView) -> bool:
    return any(value.element == "title" for value in part.values)


def _mine(by: Actor, accession_id: UUID | None) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [
        col(AssetRow.owner_id) == by.organisation_id,
        col(AssetRow.state) == AssetState.DRAFT,
    ]
    if accession_id is not None:
        of_intake = sa.select(col(ItemRow.asset_id)).where(
            col(ItemRow.accession_id) == accession_id, col(ItemRow.asset_id).is_not(None)
        )
        conditions.append(col(AssetRow.id).in_(of_intake))
    return conditions


def _draft(asset: AssetView) -> Draft:
    picture = next((file.id for role in _PICTURES if (file := asset.file(role))), None)
    waiting = sum(value.accepted_at is None for value in asset.values)
    return Draft(asset, picture, waiting, missing_facts(asset))
