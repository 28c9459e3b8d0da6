"""JSON: what holds an asset back, holding it back, lifting that."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from asset_hub.accounts import Actor
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue.holding import MAX_REASON, read_holding
from asset_hub.catalogue.restrictions import Hold, holds_of, lift_restriction, require_restrict, restrict
from asset_hub.catalogue.types import AssetView, RestrictionKind
from asset_hub.catalogue.views import find_asset, get_asset
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession

router = APIRouter(prefix="/api/v1", tags=["catalogue"])


class NewRestriction(BaseModel):
    """A restriction. Days are Beijing days, `until` the last one; start and end are time codes of a sensitive span."""

    model_config = ConfigDict(extra="forbid")

    kind: RestrictionKind
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON)]
    first_day: Annotated[date | None, Field(alias="from")] = None
    until: date | None = None
    start: str = ""
    end: str = ""


class RestrictionFacts(BaseModel):
    """A restriction with who set it and who lifted it; `end_day` is the first day that is free again."""

    id: UUID
    kind: RestrictionKind
    reason: str
    authority: str
    start_day: date
    end_day: date | None
    frames: tuple[int, int] | None
    in_force: bool
    set_by: str
    set_at: datetime
    lifted_by: str
    lifted_at: datetime | None


class RestrictionList(BaseModel):
    """Every restriction that an asset ever had, the newest first."""

    restrictions: list[RestrictionFacts]


@router.get("/assets/{number}/restrictions")
def list_them(request: Request, by: CurrentActor, number: str) -> RestrictionList:
    """What holds an asset back and ever did, for those who may hold it back."""
    with request.app.state.services.database.read() as session:
        asset = _asset(session, number, by)
        require_restrict(by, owner_id=asset.owner_id)
        return RestrictionList(restrictions=_facts(session, asset, by))


@router.post("/assets/{number}/restrictions", status_code=201)
def hold_back(request: Request, by: CurrentActor, number: str, asked: NewRestriction) -> RestrictionFacts:
    """Hold an asset back: search, pages and files stop showing it at once."""
    now = clock.now()
    typed = {name: str(value) for name, value in asked.model_dump(by_alias=True).items() if value is not None}
    with request.app.state.services.database.write() as session:
        asset = _asset(session, number, by)
        require_restrict(by, owner_id=asset.owner_id)
        holding = read_holding(typed, asset, now=now)
        restrict(
            session, asset_id=asset.id, kind=holding.kind, reason=holding.reason, window=holding.window,
            first_day=holding.first_day, span=holding.span, by=by, now=now,
        )  # fmt: skip
        return _facts(session, asset, by)[0]


@router.delete("/assets/{number}/restrictions/{restriction_id}")
def lift(request: Request, by: CurrentActor, number: str, restriction_id: UUID) -> RestrictionFacts:
    """Lift a restriction; it stays in the record."""
    with request.app.state.services.database.write() as session:
        asset = _asset(session, number, by)
        lift_restriction(session, restriction_id=restriction_id, asset_id=asset.id, by=by, now=clock.now())
        return next(one for one in _facts(session, asset, by) if one.id == restriction_id)


def _asset(session: ReadSession, number: str, by: Actor) -> AssetView:
    return get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())


def _facts(session: ReadSession, asset: AssetView, by: Actor) -> list[RestrictionFacts]:
    today = beijing_date(clock.now())
    return [_describe(hold, today) for hold in holds_of(session, asset_id=asset.id, by=by)]


def _describe(hold: Hold, today: date) -> RestrictionFacts:
    held = hold.restriction
    return RestrictionFacts(
        id=held.id, kind=held.kind, reason=held.reason, authority=held.authority, start_day=held.start_day,
        end_day=held.end_day, frames=(held.span.start, held.span.end) if held.span else None,
        in_force=held.is_in_force(today), set_by=hold.set_by, set_at=hold.set_at, lifted_by=hold.lifted_by,
        lifted_at=held.lifted_at,
    )  # fmt: skip
