"""`may_show`: the one answer that pages, files, tiles, search and exports ask. One SQL expression decides."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import ANONYMOUS, Actor, Role
from asset_hub.catalogue.models import AssetRow, RestrictionRow
from asset_hub.catalogue.types import HIDING, AssetId, AssetState, Secrecy
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession

HOUSE_ROLES = frozenset({Role.ARCHIVIST, Role.CATALOGUER, Role.AUDITOR, Role.RIGHTS_DESK, Role.CURATOR})
OVERSEERS = frozenset({Role.OPERATOR, Role.REGULATOR})


def may_show(session: ReadSession, *, asset_id: UUID, by: Actor, now: datetime) -> bool:
    """Say whether this reader may know that the asset exists."""
    return bool(may_show_many(session, asset_ids=[asset_id], by=by, now=now))


def may_show_many(session: ReadSession, *, asset_ids: Iterable[UUID], by: Actor, now: datetime) -> set[AssetId]:
    """Return those of the assets that this reader may know of, in one query."""
    statement = select(AssetRow.id).where(col(AssetRow.id).in_(list(asset_ids)), visible_to(by, now=now))
    return {AssetId(found) for found in session.exec(statement)}


def visible_to(by: Actor, *, now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition on `catalogue_asset` under which a reader may know of it.

    Drafts and withdrawn assets: their house's staff, and overseers unless 内部. Published: everybody, but 内部
    only its house, and a hiding restriction leaves only its house's staff and overseers. 未审 counts as a draft.
    """
    by = by if by.reaches("catalogue") else ANONYMOUS
    house = _in_house(by)
    staff = house if by.roles & HOUSE_ROLES else sa.false()
    overseer = sa.true() if by.roles & OVERSEERS else sa.false()
    is_internal = col(AssetRow.secrecy) == Secrecy.INTERNAL
    is_public = sa.and_(col(AssetRow.state) == AssetState.PUBLISHED, col(AssetRow.secrecy) != Secrecy.UNREVIEWED)
    readers = sa.or_(~is_internal, house)
    return sa.or_(
        sa.and_(is_public, readers, ~is_held_back(now)),
        staff,
        sa.and_(overseer, ~is_internal),
    )


def may_know_why(by: Actor, *, owner_id: UUID, custodian_id: UUID | None) -> bool:
    """Say whether this reader may know why an asset is held back: its house's staff and the overseers."""
    in_house = by.organisation_id is not None and by.organisation_id in (owner_id, custodian_id)
    return bool((in_house and by.roles & HOUSE_ROLES) or by.roles & OVERSEERS)


def _in_house(by: Actor) -> sa.ColumnElement[bool]:
    if by.organisation_id is None:
        return sa.false()
    return sa.or_(
        col(AssetRow.owner_id) == by.organisation_id,
        sa.func.coalesce(col(AssetRow.custodian_id) == by.organisation_id, sa.false()),
    )


def is_held_back(now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that a hiding restriction is in force on the Beijing day of `now`."""
    today = beijing_date(now)
    return sa.exists(
        sa.select(col(RestrictionRow.id)).where(
            col(RestrictionRow.asset_id) == col(AssetRow.id),
            col(RestrictionRow.kind).in_([str(kind) for kind in HIDING]),
            col(RestrictionRow.lifted_at).is_(None),
            col(RestrictionRow.start_day) <= today,
            sa.or_(col(RestrictionRow.end_day).is_(None), col(RestrictionRow.end_day) > today),
        )
    )
