"""Restrictions: rows with a reason, an authority and dates. Higher packages call down to set them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import Actor, get_party, may, require, require_organisation
from asset_hub.accounts.models import PersonRow
from asset_hub.catalogue import permissions
from asset_hub.catalogue.assets import lock_asset, touch_asset
from asset_hub.catalogue.errors import AssetNotFound, BadRestriction
from asset_hub.catalogue.events import AssetChanged, TradeHalted
from asset_hub.catalogue.models import AssetRow, RestrictionRow
from asset_hub.catalogue.types import RestrictionId, RestrictionKind, RestrictionView
from asset_hub.catalogue.views import restriction_of_row
from asset_hub.catalogue.visibility import may_know_why
from asset_hub.core.clock import BEIJING, beijing_date
from asset_hub.core.db import ReadSession, WriteSession, database_of
from asset_hub.core.errors import Forbidden
from asset_hub.core.events import Event, emit
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import enqueue
from asset_hub.core.period import DateRange
from asset_hub.core.rational import Span
from asset_hub.core.text import N_


@dataclass(frozen=True, slots=True)
class Hold:
    """A restriction in the record of an asset, with the names of who set it and who lifted it."""

    restriction: RestrictionView
    set_by: str
    set_at: datetime
    lifted_by: str


def may_restrict(by: Actor, *, owner_id: UUID) -> bool:
    """Say whether this person may hold back an asset of that house."""
    return may(by, permissions.RESTRICT) or may(by, permissions.RESTRICT_OWN, organisation_id=owner_id)


def require_restrict(by: Actor, *, owner_id: UUID) -> bool:
    """Refuse who may not hold back an asset of that house; return whether it is the exchange that acts."""
    if may(by, permissions.RESTRICT):
        return True
    require(by, permissions.RESTRICT_OWN, organisation_id=owner_id)
    return False


def restrict(
    session: WriteSession,
    *,
    asset_id: UUID,
    kind: RestrictionKind,
    reason: str,
    authority: str = "",
    window: DateRange | None = None,
    first_day: date | None = None,
    span: Span | None = None,
    by: Actor,
    now: datetime,
) -> RestrictionId:
    """Hold an asset back from today, from `first_day`, or for a window of Beijing days; a span only marks part of it.

    Without an authority it is the actor's own house. Emits AssetChanged now and on the days it begins and ends.
    Raises BadRestriction for a span of something that is hidden whole.
    """
    row = lock_asset(session, asset_id)
    by_exchange = require_restrict(by, owner_id=row.owner_id)
    if span is not None and kind is not RestrictionKind.SENSITIVE_SPAN:
        raise BadRestriction({"span": N_("Only a sensitive span is a part; everything else holds back the whole.")})
    restriction = RestrictionRow(
        id=new_id(), asset_id=asset_id, kind=kind, reason=reason,
        authority=authority or get_party(session, organisation_id=require_organisation(by)).name_zh,
        start_day=window.start if window else first_day or beijing_date(now), end_day=window.end if window else None,
        span_start=span.start if span else None, span_end=span.end if span else None, by_exchange=by_exchange,
        created_by=by.person_id, created_at=now,
    )  # fmt: skip
    session.add(restriction)
    touch_asset(session, asset_id=asset_id)
    is_halt = by_exchange and kind is RestrictionKind.FREEZE
    if is_halt:
        emit(session, TradeHalted(asset_id))
    for day in (restriction.start_day, restriction.end_day):
        if day is not None and day > beijing_date(now):
            _announce_on(session, asset_id, day, (AssetChanged, TradeHalted) if is_halt else (AssetChanged,))
    return RestrictionId(restriction.id)


def lift_restriction(
    session: WriteSession, *, restriction_id: UUID, asset_id: UUID | None = None, by: Actor, now: datetime
) -> None:
    """End a restriction; the row stays as a record. Idempotent.

    Raises AssetNotFound, also for one of another asset than `asset_id`; Forbidden for what the exchange ordered.
    """
    restriction = session.get(RestrictionRow, restriction_id, with_for_update=True)
    if restriction is None or asset_id not in (None, restriction.asset_id):
        raise AssetNotFound
    by_exchange = require_restrict(by, owner_id=lock_asset(session, restriction.asset_id).owner_id)
    if restriction.by_exchange and not by_exchange:
        raise Forbidden(N_("The exchange ordered this: only its operator or the regulator lifts it."))
    if restriction.lifted_at is None:
        restriction.lifted_at, restriction.lifted_by = now, by.person_id
        touch_asset(session, asset_id=restriction.asset_id)
        if restriction.by_exchange and restriction.kind == RestrictionKind.FREEZE:
            emit(session, TradeHalted(restriction.asset_id))


def holds_of(session: ReadSession, *, asset_id: UUID, by: Actor) -> tuple[Hold, ...]:
    """Return every restriction an asset ever had, the newest first; nothing for those who may not know why."""
    asset = session.get(AssetRow, asset_id)
    if asset is None or not may_know_why(by, owner_id=asset.owner_id, custodian_id=asset.custodian_id):
        return ()
    statement = select(RestrictionRow).where(RestrictionRow.asset_id == asset_id)
    rows = session.exec(statement.order_by(col(RestrictionRow.id).desc())).all()
    people = {person for row in rows for person in (row.created_by, row.lifted_by) if person is not None}
    found = session.exec(select(PersonRow.id, PersonRow.name).where(col(PersonRow.id).in_(people)))
    names: dict[UUID | None, str] = dict(found.all())
    return tuple(
        Hold(restriction_of_row(row), names.get(row.created_by, ""), row.created_at, names.get(row.lifted_by, ""))
        for row in rows
    )


def restrictions_in_force(
    session: ReadSession, *, asset_ids: Collection[UUID] | None = None, now: datetime
) -> dict[UUID, list[Span | None]]:
    """Return asset → what is held back on the Beijing day of `now`, a span or the whole (None); in one query.

    Without ids, of every asset. Says nothing of why: that is for the house and the overseers.
    """
    statement = select(RestrictionRow.asset_id, RestrictionRow.span_start, RestrictionRow.span_end).where(
        *_in_force(now)
    )
    if asset_ids is not None:
        statement = statement.where(col(RestrictionRow.asset_id).in_(asset_ids))
    found: dict[UUID, list[Span | None]] = defaultdict(list)
    for asset_id, start, end in session.exec(statement):
        found[asset_id].append(Span(start, end) if start is not None and end is not None else None)
    return dict(found)


def halts_in_force(session: ReadSession, *, asset_id: UUID, now: datetime) -> dict[UUID, str]:
    """Return the halts of trade by the exchange that hold an asset back on the Beijing day of `now`, with why."""
    statement = select(RestrictionRow.id, RestrictionRow.reason).where(
        *_in_force(now), RestrictionRow.asset_id == asset_id, RestrictionRow.kind == RestrictionKind.FREEZE,
        col(RestrictionRow.by_exchange).is_(True),
    )  # fmt: skip
    return dict(session.exec(statement).all())


def _in_force(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of a restriction that holds on the Beijing day of `now`."""
    today = beijing_date(now)
    return (
        col(RestrictionRow.lifted_at).is_(None),
        col(RestrictionRow.start_day) <= today,
        sa.or_(col(RestrictionRow.end_day).is_(None), col(RestrictionRow.end_day) > today),
    )


def _announce_on(session: WriteSession, asset_id: UUID, day: date, events: Collection[type[Event]]) -> None:
    """Queue what listens to these events for the first moment of a Beijing day: who listens keeps no calendar."""
    moment = datetime.combine(day, time.min, tzinfo=BEIJING).astimezone(UTC)
    for event in events:
        for job_name in database_of(session).subscriptions.get(event, ()):
            enqueue(session, job_name, run_after=moment, asset_id=asset_id)
