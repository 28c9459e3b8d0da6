"""The trade in the browser: ask, quote, order, pay through the simulator, licences and what they deliver."""

from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import quote as escape
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from asset_hub.accounts import Actor, get_party, may, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import AssetKind, AssetView, FileRole, PartLevel, find_asset, get_asset
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.errors import AssetHubError
from asset_hub.core.rational import FrameRate
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from ledger.codebook import COUNTRIES, KIND_NAMES, USES, name_of_territory
from marketplace import permissions
from marketplace.availability import Answer, Availability, availability
from marketplace.forms import MAIN_TERRITORIES, Question, question_of, read_question, terms_of
from marketplace.listings import Listing, listing_of
from marketplace.models import QuoteRow
from marketplace.orders import STATE_NAMES as ORDER_STATES
from marketplace.orders import OrderState, get_order, list_orders, place_order
from marketplace.quotes import get_quote
from marketplace.quotes import quote as make_quote
from marketplace.settlement import SimulatedRail, pay_order
from marketplace.terms import KIND_CODES, RESOLUTIONS, LicenceTerms

router = APIRouter(include_in_schema=False)
ANSWER_NAMES: dict[Answer, str] = {
    Answer.FREE: N_("Free"),
    Answer.CONFLICT: N_("Taken"),
    Answer.UNKNOWN: N_("Cannot be answered yet"),
}


@dataclass(frozen=True, slots=True)
class FilmTime:
    """The time base of an asset that has one."""

    rate: FrameRate | None
    frames: int


async def posted(request: Request) -> FormData:
    """Return the fields of a posted form."""
    return await request.form(max_files=1, max_fields=400)


Posted = Annotated[FormData, Depends(posted)]


@router.get("/assets/{number}/offer")
def offer_page(request: Request, number: str, by: CurrentActor, shot: float | None = None) -> Response:
    """The availability card: a sentence one can edit, its answer, the price list in words."""
    services, language = request.app.state.services, language_of(request)
    question = read_question({name: request.query_params.getlist(name) for name in request.query_params})
    with services.database.read() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
        time, listing = film_time(asset), listing_of(session, asset_id=asset.id)
        question = _prefilled(question, asset, listing, shot)
        found, problem = _answer(session, asset, question, time, by)
        matrix = _matrix(session, asset, listing, by)
    return render(
        request, "marketplace/offer.html", title=asset.title(language), asset=asset, question=question, found=found,
        problem=problem, listing=listing, time=time, answers=ANSWER_NAMES, matrix=matrix, uses=use_names(language),
        kinds=[(name, KIND_NAMES[code]) for name, code in KIND_CODES.items()], resolutions=RESOLUTIONS,
        places=place_names(language), may_quote=may(by, permissions.QUOTE), shown_places=MAIN_TERRITORIES,
        place_of=lambda code: name_of_territory(code, language), today=beijing_date(clock.now()),
    )  # fmt: skip


@router.post("/assets/{number}/quotes")
def ask_quote(request: Request, number: str, by: CurrentActor, form: Posted) -> Response:
    """Make a quote from the question."""
    services = request.app.state.services
    question = read_question({name: [str(value) for value in form.getlist(name)] for name in form})
    with services.database.write() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
        time = film_time(asset)
        terms = terms_of(question, today=beijing_date(clock.now()), rate=time.rate, frames=time.frames)
        made = make_quote(
            session, services.settings.secret(), asset_id=asset.id, terms=terms, by=by, now=clock.now()
        )  # fmt: skip
    return redirect(f"/quotes/{made.id}")


@router.get("/quotes/{quote_id}")
def quote_page(request: Request, by: CurrentActor, quote_id: UUID) -> Response:
    """An itemised quote."""
    language = language_of(request)
    require_organisation(by)
    with request.app.state.services.database.read() as session:
        made = get_quote(session, quote_id=quote_id, by=by)
        asset = get_asset(session, asset_id=made.asset_id, by=by, now=clock.now())
        seller = get_party(session, organisation_id=made.seller_id).name(language)
    question = question_of(made.terms, rate=film_time(asset).rate)
    return render(
        request, "marketplace/quote.html", title=N_("Quote"), quote=made, asset=asset, seller=seller,
        words=terms_in_words(made.terms, asset, language), question=question, may_order=may(
            by, permissions.ORDER, organisation_id=made.buyer_id), has_expired=made.expires_at <= clock.now(),
    )  # fmt: skip


@router.post("/quotes/{quote_id}/order")
def order_it(request: Request, by: CurrentActor, quote_id: UUID) -> Response:
    """Accept a quote; the rights are held for a while."""
    services = request.app.state.services
    with services.database.write() as session:
        order = place_order(session, services.settings.secret(), quote_id=quote_id, by=by, now=clock.now())
    return redirect(f"/orders/{order.id}")


@router.get("/orders")
def order_list(request: Request, by: CurrentActor) -> Response:
    """The orders of one's house."""
    language = language_of(request)
    require_organisation(by)
    with request.app.state.services.database.read() as session:
        orders = list_orders(session, by=by)
        titles = {one.id: _title(session, one.asset_id, by, language) for one in orders}
    return render(
        request, "marketplace/orders.html", title=N_("Orders"), orders=orders, titles=titles, states=ORDER_STATES
    )


@router.get("/orders/{order_id}")
def order_page(request: Request, by: CurrentActor, order_id: UUID) -> Response:
    """What is due and until when the rights are held."""
    language = language_of(request)
    require_organisation(by)
    with request.app.state.services.database.read() as session:
        order = get_order(session, order_id=order_id, by=by)
        asset = get_asset(session, asset_id=order.asset_id, by=by, now=clock.now())
        terms = get_quote(session, quote_id=session.get_one(QuoteRow, order.quote_id).id, by=by).terms
    return render(
        request, "marketplace/order.html", title=N_("Order"), order=order, asset=asset, states=ORDER_STATES,
        words=terms_in_words(terms, asset, language), reference=SimulatedRail().request(order),
        is_open=order.state == OrderState.OPEN, has_lapsed=order.held_until <= clock.now(),
        may_order=may(by, permissions.ORDER, organisation_id=order.buyer_id),
    )  # fmt: skip


@router.post("/orders/{order_id}/pay")
def pay(request: Request, by: CurrentActor, order_id: UUID) -> Response:
    """Pay through the simulator; no money moves. The licence is recorded in the same transaction."""
    services = request.app.state.services
    with services.database.write() as session:
        licence = pay_order(session, services.keys, SimulatedRail(), order_id=order_id, by=by, now=clock.now())
    return redirect(f"/licences/{licence.id}")


def film_time(asset: AssetView) -> FilmTime:
    """Return rate and length of a film's master; no rate for what has no frames."""
    master = asset.file(FileRole.MASTER)
    if asset.kind != AssetKind.FILM or master is None or not master.technical.get("rate"):
        return FilmTime(None, 0)
    return FilmTime(FrameRate(*master.technical["rate"]), int(master.technical.get("frames") or 0))


def terms_in_words(terms: LicenceTerms, asset: AssetView, language: str) -> list[tuple[str, str | Text]]:
    """Return the terms as lines for people: (label, words); the last day is included."""
    names = use_names(language)
    days = Text(N_("{first} to {last}, both included"),
                {"first": terms.window.start.isoformat(), "last": terms.window.last_day.isoformat()})  # fmt: skip
    joint = "、" if language == "zh" else ", "
    lines: list[tuple[str, str | Text]] = [
        (N_("Uses"), joint.join(names[use] for use in terms.uses)),
        (N_("Territory"), joint.join(name_of_territory(code, language) for code in terms.territories)),
        (N_("Period"), days),
        (N_("Kind of licence"), Text(KIND_NAMES[terms.kind])),
        (N_("Resolution"), terms.resolution),
    ]
    rate = film_time(asset).rate
    if terms.segment is not None and rate is not None:
        codes = f"{rate.timecode(terms.segment.start)} – {rate.timecode(terms.segment.end)}"
        lines.append((N_("Part of the film"), codes))
    return lines


def use_names(language: str) -> dict[str, str]:
    """Return the uses of the code book by code, in the reader's language."""
    return {use.code: use.name_zh if language == "zh" else use.name_en for use in USES}


def place_names(language: str) -> list[tuple[str, str]]:
    """Return territories by code: the main ones first, then countries and regions by name."""
    main = [(code, name_of_territory(code, language)) for code in reversed(MAIN_TERRITORIES)]
    others = [(code, name_of_territory(code, language)) for code in COUNTRIES if code not in MAIN_TERRITORIES]
    return main + sorted(others, key=lambda pair: pair[1])


def attachment(name: str) -> str:
    """Return a Content-Disposition that keeps any name (RFC 6266, RFC 8187)."""
    plain = "".join(c if (c.isascii() and c.isalnum()) or c in "-_." else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{escape(name)}"


def _prefilled(question: Question, asset: AssetView, listing: Listing | None, shot: float | None) -> Question:
    uses = question.uses
    if not uses and listing is not None:
        uses = ("streaming",) if "streaming" in listing.prices["uses"] else tuple(listing.prices["uses"])[:1]
    filled = replace(question, uses=uses)
    if shot is None or question.start_code:
        return filled
    for part in asset.parts:
        if part.level == PartLevel.SHOT and part.rate and abs(part.start_ms / 1000 - shot) < 0.02:
            return replace(
                filled, start_code=part.rate.timecode(part.span.start), end_code=part.rate.timecode(part.span.end)
            )
    return filled


def _answer(
    session: ReadSession, asset: AssetView, question: Question, time: FilmTime, by: Actor
) -> tuple[Availability | None, Text | None]:
    """Return the answer, or why the question itself cannot be read."""
    if not question.uses:
        return None, None
    try:
        terms = terms_of(question, today=beijing_date(clock.now()), rate=time.rate, frames=time.frames)
        return availability(session, asset_id=asset.id, terms=terms, by=by, now=clock.now()), None
    except AssetHubError as error:
        return None, error.text


def _matrix(session: ReadSession, asset: AssetView, listing: Listing | None, by: Actor) -> dict[str, dict[str, Answer]]:
    """Return use → territory → answer for one year from today, non-exclusive, over what is on the price list."""
    if listing is None:
        return {}
    today, found = beijing_date(clock.now()), dict[str, dict[str, Answer]]()
    for use in listing.prices["uses"]:
        found[use] = {}
        for place in MAIN_TERRITORIES:
            terms = terms_of(Question(uses=(use,), territories=(place,)), today=today)
            found[use][place] = availability(session, asset_id=asset.id, terms=terms, by=by, now=clock.now()).answer
    return found


def _title(session: ReadSession, asset_id: UUID, by: Actor, language: str) -> str:
    try:
        return get_asset(session, asset_id=asset_id, by=by, now=clock.now()).title(language)
    except AssetHubError:
        return "–"
