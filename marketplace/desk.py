"""The rights desk: whose the rights are, what is offered at which prices, which licences were given."""

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import Actor, get_party, party_names, require, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import AssetView, find_asset, get_asset, list_assets
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.period import DateRange
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from ledger.consents import title_on_chain
from marketplace import permissions
from marketplace.availability import Availability, availability_of_page
from marketplace.desk_forms import SHARE_ROWS, BadDesk, read_prices, read_title, write_hundredths
from marketplace.errors import NotForSale
from marketplace.licence_pages import MARKS
from marketplace.licences import STATE_NAMES as LICENCE_STATES
from marketplace.listings import Listing, close_listing, listing_of, listings_of, publish_listing
from marketplace.pages import Posted, shown_titles
from marketplace.sales import Sale, list_sales, takings
from marketplace.terms import LicenceTerms
from marketplace.title import STATE_NAMES, Title, record_title, title_of, titles_of
from marketplace.wording import ANSWER_MARKS, ANSWER_NAMES, terms_in_words, use_name, use_names

router = APIRouter(include_in_schema=False)
STANDARD_USES = ("satellite_tv", "streaming", "exhibition")


@router.get("/rights")
def rights_page(request: Request, by: CurrentActor, after: str | None = None) -> Response:
    """The house's assets: their title, what is offered of them, what is still free."""
    house, language, now = require_organisation(by), language_of(request), clock.now()
    require(by, permissions.RECORD_TITLE, organisation_id=house)
    with request.app.state.services.database.read() as session:
        page = list_assets(session, owner_id=house, after=after, by=by, now=now)
        ids = [asset.id for asset in page.assets]
        titles, listings = titles_of(session, asset_ids=ids), listings_of(session, asset_ids=ids)
        free = {use: _free(session, page.assets, use, by) for use in STANDARD_USES}
    return render(
        request, "marketplace/rights.html", title=N_("Rights"), assets=page.assets, titles=titles, listings=listings,
        free=free, standard={use: use_name(use, language) for use in STANDARD_USES}, states=STATE_NAMES,
        answers=ANSWER_NAMES, marks=ANSWER_MARKS, after=page.after,
    )  # fmt: skip


@router.get("/rights/sales")
def sales_page(request: Request, by: CurrentActor) -> Response:
    """Every licence the house gave, to whom and for how much."""
    require_organisation(by)
    with request.app.state.services.database.read() as session:
        sales = list_sales(session, by=by)
        shown = _sales(session, request, sales)
        titles = shown_titles(session, [sale.licence.asset_id for sale in sales], by, language_of(request))
    return render(
        request, "marketplace/sales.html", title=N_("Sales"), titles=titles, total=takings(sales), shown=shown
    )  # fmt: skip


@router.get("/rights/{number}")
def right_page(request: Request, number: str, by: CurrentActor) -> Response:
    """The title, the price list and the licences of one asset."""
    return _desk(request, number, by)


@router.post("/rights/{number}/title")
def set_title(request: Request, number: str, by: CurrentActor, form: Posted) -> Response:
    """Record whose the rights are; what is wrong is said beside its field and what was typed stays."""
    typed = {name: str(value) for name, value in form.items()}
    try:
        with request.app.state.services.database.write() as session:
            asset = _asset_of_house(session, number, by)
            title = read_title(session, typed)
            record_title(
                session, asset_id=asset.id, state=title.state, shares=title.shares, instrument=title.instrument,
                instrument_sha256=title.instrument_sha256, pledgee=title.pledgee, by=by, now=clock.now(),
            )  # fmt: skip
    except BadDesk as error:
        return _desk(request, number, by, typed_title=typed, problems=error.problems)
    return redirect(f"/rights/{number}", said=Text(N_("The title is recorded.")))


@router.post("/rights/{number}/listing")
def set_listing(request: Request, number: str, by: CurrentActor, form: Posted) -> Response:
    """Offer an asset at these prices; what is wrong is said beside its field and what was typed stays."""
    typed = {name: str(value) for name, value in form.items()}
    try:
        with request.app.state.services.database.write() as session:
            asset = _asset_of_house(session, number, by)
            publish_listing(session, asset_id=asset.id, prices=read_prices(typed), by=by, now=clock.now())
    except BadDesk as error:
        return _desk(request, number, by, typed_prices=typed, problems=error.problems)
    except NotForSale as error:
        return _desk(request, number, by, typed_prices=typed, problems={"offer": error.text})
    return redirect(f"/rights/{number}", said=Text(N_("It is offered at these prices.")))


@router.post("/rights/{number}/listing/close")
def take_back(request: Request, number: str, by: CurrentActor) -> Response:
    """Take the offer back; licences and quotes that were given stay."""
    with request.app.state.services.database.write() as session:
        asset = _asset_of_house(session, number, by)
        close_listing(session, asset_id=asset.id, by=by, now=clock.now())
    return redirect(
        f"/rights/{number}", said=Text(N_("It is no longer offered. Licences and quotes that were given stay."))
    )


def _asset_of_house(session: ReadSession, number: str, by: Actor) -> AssetView:
    asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
    require(by, permissions.RECORD_TITLE, organisation_id=asset.owner_id)
    return asset


def _free(session: ReadSession, assets: tuple[AssetView, ...], use: str, by: Actor) -> dict[UUID, Availability]:
    now = clock.now()
    terms = LicenceTerms((use,), ("CN",), DateRange.years_from(beijing_date(now), 1))
    return availability_of_page(session, assets=assets, terms=terms, by=by, now=now)


def _sales(session: ReadSession, request: Request, sales: tuple[Sale, ...]) -> dict[str, object]:
    language = language_of(request)
    buyers = {sale.licence.buyer_id for sale in sales}
    return {
        "sales": sales, "buyers": party_names(session, organisation_ids=buyers, language=language),
        "words": {
            sale.licence.id: terms_in_words(sale.licence.terms, language, rate=None) for sale in sales
        },
        "licence_states": LICENCE_STATES, "licence_marks": MARKS,
    }  # fmt: skip


def _desk(
    request: Request, number: str, by: Actor, *, typed_title: Mapping[str, str] | None = None,
    typed_prices: Mapping[str, str] | None = None, problems: Mapping[str, Text] | None = None,
) -> Response:  # fmt: skip
    language = language_of(request)
    with request.app.state.services.database.read() as session:
        asset = _asset_of_house(session, number, by)
        title, listing = title_of(session, asset=asset), listing_of(session, asset_id=asset.id)
        names = party_names(session, organisation_ids=set(title.shares), language="zh")
        is_on_ledger = title_on_chain(session, asset_id=asset.id) is not None
        house = get_party(session, organisation_id=asset.owner_id).name_zh
        shown = _sales(session, request, list_sales(session, asset_id=asset.id, by=by))
    return render(
        request, "marketplace/right.html", status=422 if problems else 200, title=asset.title(language), asset=asset,
        held=title, listing=listing, problems=defaultdict(str, problems or {}), states=STATE_NAMES,
        typed=defaultdict(str, typed_title or _title_fields(title, names, house)), rows=range(SHARE_ROWS),
        prices=defaultdict(str, typed_prices or _price_fields(listing)), uses=use_names(language),
        shown=shown,
        on_ledger=[(names.get(house_id, "–"), bps) for house_id, bps in title.shares.items()] if is_on_ledger else [],
    )  # fmt: skip


def _title_fields(title: Title, names: Mapping[UUID, str], house: str) -> dict[str, str]:
    shares = [(names.get(party, str(party)), bps) for party, bps in title.shares.items()] or [(house, 10_000)]
    fields = {"state": str(title.state), "instrument": title.instrument, "pledgee": title.pledgee,
              "digest": title.instrument_sha256 or ""}  # fmt: skip
    for row, (name, bps) in enumerate(shares):
        fields |= {f"party{row}": name, f"share{row}": write_hundredths(bps)}
    return fields


def _price_fields(listing: Listing | None) -> dict[str, str]:
    if listing is None:
        return {"floor": "", "exclusive": "on"}
    fields = {f"use:{use}": write_hundredths(fen) for use, fen in listing.prices["uses"].items()}
    ticked = {name: "on" for name in ("exclusive", "subject_to") if listing.prices.get(name)}
    factor = listing.prices.get("sublicensing_bps", 0)
    sublicensing = {"sublicensing": write_hundredths(factor // 100)} if factor else {}
    return fields | ticked | sublicensing | {"floor": write_hundredths(listing.prices["floor"])}
