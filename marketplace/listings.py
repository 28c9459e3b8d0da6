"""Listings: a holder offers an asset with a price list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, require
from asset_hub.catalogue import get_asset, touch_asset
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.text import N_
from marketplace import permissions
from marketplace.errors import NotForSale
from marketplace.models import ListingRow
from marketplace.pricing import check_prices
from marketplace.title import TitleState, title_of


class ListingState(StrEnum):
    """Offered, or taken back."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Listing:
    """What is offered of an asset, by whom, at which prices."""

    asset_id: UUID
    seller_id: UUID
    prices: Mapping[str, Any]


def publish_listing(
    session: WriteSession, *, asset_id: UUID, prices: Mapping[str, Any], by: Actor, now: datetime
) -> Listing:
    """Offer an asset. Raises NotForSale without a held title of this house, BadPrice."""
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    require(by, permissions.LIST, organisation_id=asset.owner_id)
    title = title_of(session, asset=asset)
    if title.state != TitleState.HELD or asset.owner_id not in title.shares:
        raise NotForSale(N_("Record the title first: only a held title can be offered."))
    row = session.get(ListingRow, asset_id) or ListingRow(
        asset_id=asset_id, seller_id=asset.owner_id, state=ListingState.OPEN, changed_at=now
    )
    row.state, row.prices, row.changed_at = ListingState.OPEN, check_prices(prices), now
    session.add(row)
    touch_asset(session, asset_id=asset_id)
    return Listing(asset_id, row.seller_id, row.prices)


def close_listing(session: WriteSession, *, asset_id: UUID, by: Actor, now: datetime) -> None:
    """Take an offer back; licences and quotes that were given stay. Idempotent."""
    row = session.get(ListingRow, asset_id, with_for_update=True)
    if row is None:
        return
    require(by, permissions.LIST, organisation_id=row.seller_id)
    row.state, row.changed_at = ListingState.CLOSED, now
    touch_asset(session, asset_id=asset_id)


def listing_of(session: ReadSession, *, asset_id: UUID) -> Listing | None:
    """Return the open listing of an asset."""
    return listings_of(session, asset_ids=[asset_id]).get(asset_id)


def listings_of(session: ReadSession, *, asset_ids: Sequence[UUID]) -> dict[UUID, Listing]:
    """Return the open listings of these assets by asset, in one query."""
    statement = select(ListingRow).where(col(ListingRow.asset_id).in_(asset_ids), ListingRow.state == ListingState.OPEN)
    return {row.asset_id: Listing(row.asset_id, row.seller_id, row.prices) for row in session.exec(statement)}
