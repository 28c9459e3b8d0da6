"""Restrictions: rows with a reason, an authority and dates. Higher packages call down to set them."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import Actor, may, require
from asset_hub.catalogue import permissions
from asset_hub.catalogue.assets import lock_asset, touch_asset
from asset_hub.catalogue.errors import AssetNotFound
from asset_hub.catalogue.models import RestrictionRow
from asset_hub.catalogue.types import RestrictionId, RestrictionKind
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.period import DateRange
from asset_hub.core.rational import Span


def restrict(
    session: WriteSession,
    *,
    asset_id: UUID,
    kind: RestrictionKind,
    reason: str,
    authority: str,
    window: DateRange | None = None,
    span: Span | None = None,
    by: Actor,
    now: datetime,
) -> RestrictionId:
    """Hold an asset back from today, or for a window of Beijing days; a span only marks part of it."""
    row = lock_asset(session, asset_id)
    if not may(by, permissions.RESTRICT):
        require(by, permissions.RESTRICT_OWN, organisation_id=row.owner_id)
    restriction = RestrictionRow(
        id=new_id(), asset_id=asset_id, kind=kind, reason=reason, authority=authority,
        start_day=window.start if window else beijing_date(now), end_day=window.end if window else None,
        span_start=span.start if span else None, span_end=span.end if span else None,
        created_by=by.person_id, created_at=now,
    )  # fmt: skip
    session.add(restriction)
    touch_asset(session, asset_id=asset_id)
    return RestrictionId(restriction.id)


def lift_restriction(session: WriteSession, *, restriction_id: UUID, by: Actor, now: datetime) -> None:
    """End a restriction; the row stays as a record. Idempotent. Raises AssetNotFound."""
    restriction = session.get(RestrictionRow, restriction_id, with_for_update=True)
    if restriction is None:
        raise AssetNotFound
    row = lock_asset(session, restriction.asset_id)
    if not may(by, permissions.RESTRICT):
        require(by, permissions.RESTRICT_OWN, organisation_id=row.owner_id)
    if restriction.lifted_at is None:
        restriction.lifted_at = now
        touch_asset(session, asset_id=restriction.asset_id)


def restrictions_in_force(
    session: ReadSession, *, asset_ids: Collection[UUID] | None = None, now: datetime
) -> dict[UUID, list[Span | None]]:
    """Return asset → what is held back on the Beijing day of `now`, a span or the whole (None); in one query.

    Without ids, of every asset. Says nothing of why: that is for the house and the overseers.
    """
    today = beijing_date(now)
    statement = select(RestrictionRow.asset_id, RestrictionRow.span_start, RestrictionRow.span_end).where(
        col(RestrictionRow.lifted_at).is_(None),
        col(RestrictionRow.start_day) <= today,
        sa.or_(col(RestrictionRow.end_day).is_(None), col(RestrictionRow.end_day) > today),
    )
    if asset_ids is not None:
        statement = statement.where(col(RestrictionRow.asset_id).in_(asset_ids))
    found: dict[UUID, list[Span | None]] = defaultdict(list)
    for asset_id, start, end in session.exec(statement):
        found[asset_id].append(Span(start, end) if start is not None and end is not None else None)
    return dict(found)
