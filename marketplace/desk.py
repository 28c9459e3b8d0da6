"""The rights desk: whose the rights are, what is offered at which prices, which licences were given."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import find_party, get_party, may, party_names, require, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import AssetView, find_asset, get_asset, list_assets
from asset_hub.core import clock
from asset_hub.core.db import ReadSession
from asset_hub.core.errors import AssetHubError
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from marketplace import permissions
from marketplace.errors import BadPrice, BadShares
from marketplace.licences import STATE_NAMES as LICENCE_STATES
from marketplace.licences import list_licences
from marketplace.listings import close_listing, listing_of, publish_listing
from marketplace.pages import Posted, use_names
from marketplace.title import STATE_NAMES, WHOLE, TitleState, record_title, title_of

router = APIRouter(include_in_schema=False)
_SHARE_ROWS = 4


@router.get("/rights")
def rights_page(request: Request, by: CurrentActor, after: str | None = None) -> Response:
    """The house's assets with their title and what is offered of them."""
    house = require_organisation(by)
    require(by, permissions.RECORD_TITLE, organisation_id=house)
    with request.app.state.services.database.read() as session:
        page = list_assets(session, owner_id=house, after=after, by=by, now=clock.now())
        rows = [_row(session, asset, language_of(request)) for asset in page.assets]
    return render(
        request, "marketplace/rights.html", title=N_("Rights"), rows=rows, states=STATE_NAMES, after=page.after
    )


@router.get("/rights/{number}")
def right_page(request: Request, number: str, by: CurrentActor) -> Response:
    """The title and the price list of one asset."""
    return _desk(request, number, by)


@router.post("/rights/{number}/title")
def set_title(request: Request, number: str, by: CurrentActor, form: Posted) -> Response:
    """Record whose the rights are; a wrong share is said beside the form."""
    typed = {name: str(value) for name, value in form.items()}
    try:
        state = TitleState(typed.get("state", ""))
        with request.app.state.services.database.write() as session:
            asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
            shares = _shares(session, typed) if state == TitleState.HELD else {}
            record_title(
                session, asset_id=asset.id, state=state, shares=shares, instrument=typed.get("instrument", "")[:300],
                pledgee=typed.get("pledgee", "")[:200], by=by, now=clock.now(),
            )  # fmt: skip
    except (BadShares, ValueError) as error:
        return _desk(
            request, number, by, problem=error.text if isinstance(error, AssetHubError) else Text(BadShares.title)
        )
    return redirect(f"/rights/{number}", said=Text(N_("The title is recorded.")))


@router.post("/rights/{number}/listing")
def set_listing(request: Request, number: str, by: CurrentActor, form: Posted) -> Response:
    """Offer an asset at these prices; a wrong amount is said beside the form."""
    typed = {name: str(value) for name, value in form.items()}
    try:
        uses = {name[4:]: fen_of(value) for name, value in typed.items() if name.startswith("use:") and value.strip()}
        prices = {"uses": uses, "floor": fen_of(typed.get("floor") or "0"), "exclusive": "exclusive" in typed}
        with request.app.state.services.database.write() as session:
            asset_id = find_asset(session, text=number)
            publish_listing(session, asset_id=asset_id, prices=prices, by=by, now=clock.now())
    except BadPrice as error:
        return _desk(request, number, by, problem=error.text)
    return redirect(f"/rights/{number}", said=Text(N_("It is offered at these prices.")))


@router.post("/rights/{number}/listing/close")
def take_back(request: Request, number: str, by: CurrentActor) -> Response:
    """Take the offer back; licences that were given stay."""
    with request.app.state.services.database.write() as session:
        close_listing(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
    return redirect(f"/rights/{number}", said=Text(N_("It is no longer offered. Licences that were given stay.")))


def fen_of(yuan: str) -> int:
    """Return an amount typed in yuan as fen, exactly. Raises BadPrice."""
    try:
        fen = Decimal(yuan.strip().replace(",", "")) * 100
    except InvalidOperation as error:
        raise BadPrice(N_("“{text}” is not an amount in yuan."), text=yuan[:40]) from error
    if not fen.is_finite() or fen != fen.to_integral_value() or not 0 <= fen < 10**13:
        raise BadPrice(N_("“{text}” is not an amount in yuan."), text=yuan[:40])
    return int(fen)


def _shares(session: ReadSession, typed: Mapping[str, str]) -> dict[UUID, int]:
    shares: dict[UUID, int] = {}
    for row in range(_SHARE_ROWS):
        name, percent = typed.get(f"party{row}", "").strip(), typed.get(f"share{row}", "").strip()
        if not name:
            continue
        try:
            bps = Decimal(percent) * 100
        except InvalidOperation as error:
            raise BadShares from error
        if not bps.is_finite() or bps != bps.to_integral_value():
            raise BadShares
        shares[find_party(session, text=name).id] = int(bps)
    if sum(shares.values()) != WHOLE:
        raise BadShares
    return shares


def _row(session: ReadSession, asset: AssetView, language: str) -> dict[str, Any]:
    title, listing = title_of(session, asset=asset), listing_of(session, asset_id=asset.id)
    return {"number": asset.number, "title": asset.title(language), "state": title.state, "pledgee": title.pledgee,
            "uses": len(listing.prices["uses"]) if listing else 0}  # fmt: skip


def _desk(request: Request, number: str, by: CurrentActor, *, problem: Text | None = None) -> Response:
    language = language_of(request)
    with request.app.state.services.database.read() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
        require(by, permissions.RECORD_TITLE, organisation_id=asset.owner_id)
        title, listing = title_of(session, asset=asset), listing_of(session, asset_id=asset.id)
        names = party_names(session, organisation_ids=set(title.shares), language="zh")
        house = get_party(session, organisation_id=asset.owner_id).name_zh
        sold = [one for one in list_licences(session, by=by) if one.asset_id == asset.id]
    shares = [(names[party], f"{bps / 100:g}") for party, bps in title.shares.items()] or [(house, "100")]
    return render(
        request, "marketplace/right.html", status=422 if problem else 200, title=asset.title(language), asset=asset,
        held=title, shares=(shares + [("", "")] * _SHARE_ROWS)[:_SHARE_ROWS], listing=listing, problem=problem,
        states=STATE_NAMES, uses=use_names(language), sold=sold, licence_states=LICENCE_STATES,
        may_list=may(by, permissions.LIST, organisation_id=asset.owner_id),
    )  # fmt: skip
