"""The trade in the browser: ask, quote, order, pay through the simulator."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from asset_hub.accounts import Actor, get_party, may, require, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import AssetView, find_asset, get_asset, get_assets
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from ledger.codebook import KIND_NAMES
from ledger.orders import STATE_WORDS as ORDER_WORDS
from ledger.orders import order_on_ledger, steps_of_orders
from ledger.pages import order_step
from marketplace import permissions
from marketplace.availability import Answer, Availability, availability
from marketplace.errors import DisclosureChanged, WindowTaken
from marketplace.forms import MAIN_TERRITORIES, BadTerms, Question, question_of, read_question, terms_of
from marketplace.licences import Licence, LicenceState, licence_of_order, terms_by_number
from marketplace.listings import Listing, listing_of
from marketplace.matrix import rights_matrix
from marketplace.orders import (
    STATE_NAMES,
    Order,
    OrderState,
    cancel_order,
    get_order,
    list_orders,
    order_of_quote,
    place_order,
)
from marketplace.quotes import get_quote
from marketplace.quotes import quote as make_quote
from marketplace.settlement import SimulatedRail, pay_order
from marketplace.settling import accept_delivery
from marketplace.terms import KIND_CODES, LicenceTerms
from marketplace.wording import (
    ANSWER_MARKS,
    ANSWER_NAMES,
    RESOLUTION_NAMES,
    film_time,
    listed_terms,
    place_names,
    shot_span,
    terms_in_words,
    use_names,
)

router = APIRouter(include_in_schema=False)
ORDER_MARKS: dict[OrderState, str] = {
    OrderState.OPEN: "busy",
    OrderState.PAID: "busy",
    OrderState.LICENSED: "good",
    OrderState.LAPSED: "warn",
    OrderState.CANCELLED: "warn",
    OrderState.REFUND_DUE: "bad",
    OrderState.REFUNDED: "",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its answer, or with what is wrong with each of its fields."""

    question: Question
    terms: LicenceTerms | None = None
    found: Availability | None = None
    problems: Mapping[str, Text] | None = None


async def posted(request: Request) -> FormData:
    """Return the fields of a posted form."""
    return await request.form(max_files=1, max_fields=400)


Posted = Annotated[FormData, Depends(posted)]


@router.get("/assets/{number}/offer")
def offer_page(request: Request, number: str, by: CurrentActor, shot: str = "") -> Response:
    """The availability card: a sentence one can edit, its answer at once, the overview of the next year."""
    return _offer(request, number, by, shot=shot)


@router.post("/assets/{number}/quotes")
def ask_quote(request: Request, number: str, by: CurrentActor, form: Posted) -> Response:
    """Make a quote from the question; what cannot be read is said beside its field."""
    services, now = request.app.state.services, clock.now()
    require(by, permissions.QUOTE)
    question = read_question({name: [str(value) for value in form.getlist(name)] for name in form})
    try:
        with services.database.write() as session:
            asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=now)
            terms = terms_of(question, today=beijing_date(now), time=film_time(asset))
            made = make_quote(session, services.settings.secret(), asset_id=asset.id, terms=terms, by=by, now=now)
    except (BadTerms, WindowTaken) as error:
        return _offer(request, number, by, question=question, status=error.status)
    return redirect(f"/quotes/{made.id}")


@router.get("/quotes/{quote_id}")
def quote_page(request: Request, by: CurrentActor, quote_id: UUID) -> Response:
    """An itemised quote: its terms in words, who sells, until when it holds."""
    return _quote(request, by, quote_id)


@router.post("/quotes/{quote_id}/order")
def order_it(request: Request, by: CurrentActor, quote_id: UUID) -> Response:
    """Accept a quote; the rights are held for a while. Whoever comes second reads from when they are free again."""
    services = request.app.state.services
    require(by, permissions.ORDER, organisation_id=by.organisation_id)
    try:
        with services.database.write() as session:
            order = place_order(session, services.settings.secret(), quote_id=quote_id, by=by, now=clock.now())
    except (WindowTaken, DisclosureChanged) as error:
        return _quote(request, by, quote_id, taken=error)
    return redirect(f"/orders/{order.id}")


@router.get("/orders")
def order_list(request: Request, by: CurrentActor) -> Response:
    """The orders of one's house."""
    house = require_organisation(by)
    with request.app.state.services.database.read() as session:
        orders = [one for one in list_orders(session, by=by) if one.buyer_id == house]
        titles = shown_titles(session, [one.asset_id for one in orders], by, language_of(request))
    return render(
        request, "marketplace/orders.html", title=N_("Orders"), orders=orders, titles=titles, states=STATE_NAMES,
        marks=ORDER_MARKS, now=clock.now(),
    )  # fmt: skip


@router.get("/orders/{order_id}")
def order_page(request: Request, by: CurrentActor, order_id: UUID) -> Response:
    """What is due, by which reference, and until when the rights are held."""
    language, now = language_of(request), clock.now()
    require_organisation(by)
    with request.app.state.services.database.read() as session:
        order = get_order(session, order_id=order_id, by=by)
        quote = get_quote(session, quote_id=order.quote_id, by=by)
        asset = shown_asset(session, order.asset_id, by)
        licence = licence_of_order(session, order_id=order_id)
        held = order_on_ledger(session, request.app.state.services.keys, order_id=order_id)
        steps = [order_step(one) for one in steps_of_orders(session, order_ids=[order_id])[order_id]]
    time = film_time(asset) if asset else None
    return render(
        request, "marketplace/order.html", title=N_("Order"), order=order, asset=asset, states=STATE_NAMES,
        marks=ORDER_MARKS, words=terms_in_words(quote.terms, language, rate=time.rate if time else None),
        reference=SimulatedRail().request(order), is_open=order.state == OrderState.OPEN, licence=licence,
        has_lapsed=order.held_until <= now, may_order=may(by, permissions.ORDER, organisation_id=order.buyer_id),
        again=question_of(quote.terms, time=time).as_query(), held=held, steps=steps, held_words=ORDER_WORDS,
        may_accept=_may_accept(order, licence, by), is_sublicence=quote.terms.parent is not None,
    )  # fmt: skip


@router.post("/orders/{order_id}/pay")
def pay(request: Request, by: CurrentActor, order_id: UUID) -> Response:
    """Pay through the simulator; no money moves. The licence is recorded in the same transaction."""
    services = request.app.state.services
    require_organisation(by)
    with services.database.write() as session:
        licence = pay_order(session, services.keys, SimulatedRail(), order_id=order_id, by=by, now=clock.now())
    return redirect(f"/licences/{licence.id}", said=Text(N_("Paid through the simulator: no money moved.")))


@router.post("/orders/{order_id}/cancel")
def cancel(request: Request, by: CurrentActor, order_id: UUID) -> Response:
    """Take back an order that is not paid."""
    with request.app.state.services.database.write() as session:
        cancel_order(session, order_id=order_id, by=by)
    return redirect(f"/orders/{order_id}", said=Text(N_("The order is cancelled; nothing was charged.")))


@router.post("/orders/{order_id}/accept")
def accept(request: Request, by: CurrentActor, order_id: UUID) -> Response:
    """Accept what was delivered, as the buyer."""
    with request.app.state.services.database.write() as session:
        accept_delivery(session, order_id=order_id, by=by, now=clock.now())
    return redirect(f"/orders/{order_id}", said=Text(N_("You accepted the delivery; the ledger will have it shortly.")))


def _may_accept(order: Order, licence: Licence | None, by: Actor) -> bool:
    is_delivered = licence is not None and licence.state == LicenceState.DELIVERED
    is_buyer = may(by, permissions.ORDER, organisation_id=order.buyer_id)
    return is_delivered and is_buyer and order.accepted_at is None


def shown_asset(session: ReadSession, asset_id: UUID, by: Actor) -> AssetView | None:
    """Return an asset, None where this reader may not know of it now."""
    return next(iter(get_assets(session, asset_ids=[asset_id], by=by, now=clock.now())), None)


def shown_titles(session: ReadSession, asset_ids: list[UUID], by: Actor, language: str) -> dict[UUID, str]:
    """Return the titles of those of the assets that this reader may know of now."""
    found = get_assets(session, asset_ids=list(dict.fromkeys(asset_ids)), by=by, now=clock.now())
    return {asset.id: asset.title(language) for asset in found}


def answer(session: ReadSession, *, asset: AssetView, question: Question, by: Actor) -> Asked:
    """Answer a question about an asset, or say what is wrong with it."""
    now = clock.now()
    try:
        terms = terms_of(question, today=beijing_date(now), time=film_time(asset))
    except BadTerms as error:
        return Asked(question, problems=error.problems)
    found = availability(session, asset_id=asset.id, terms=terms, by=by, now=now)
    return Asked(question, terms, found)


def _offer(
    request: Request, number: str, by: Actor, *, shot: str = "", question: Question | None = None, status: int = 200
) -> Response:
    language, now = language_of(request), clock.now()
    given = question or read_question({name: request.query_params.getlist(name) for name in request.query_params})
    is_first = question is None and "years" not in request.query_params
    with request.app.state.services.database.read() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=now)
        listing, time = listing_of(session, asset_id=asset.id), film_time(asset)
        asked = answer(session, asset=asset, question=_filled(given, asset, listing, shot, is_first), by=by)
        matrix = rights_matrix(session, asset=asset, listing=listing, by=by, now=now)
        seller = get_party(session, organisation_id=asset.owner_id).name(language)
    return render(
        request, "marketplace/offer.html", status=status, title=Text(N_("License “{title}”"),
        {"title": asset.title(language)}), name=asset.title(language), asset=asset, asked=asked,
        question=asked.question, found=asked.found, problems=asked.problems or {}, listing=listing, time=time,
        seller=seller, answers=ANSWER_NAMES, marks=ANSWER_MARKS, matrix=matrix, uses=use_names(language),
        places=place_names(language), main_places=MAIN_TERRITORIES, resolutions=RESOLUTION_NAMES,
        kinds=[(code, KIND_NAMES[kind]) for code, kind in KIND_CODES.items()], today=beijing_date(now),
        words=terms_in_words(asked.terms, language, rate=time.rate) if asked.terms else [],
        may_quote=may(by, permissions.QUOTE) and by.organisation_id is not None, later=_later(asked),
        subject_to=_subject_to(asked, listing),
    )  # fmt: skip


def _filled(question: Question, asset: AssetView, listing: Listing | None, shot: str, is_first: bool) -> Question:
    """Return what a page opens with: the first use on offer, and the time codes of the shot one came from."""
    span, rate = shot_span(asset, shot) if shot else None, film_time(asset).rate
    if span is not None and rate is not None and not question.start_code:
        question = replace(question, start_code=rate.timecode(span.start), end_code=rate.timecode(span.end))
    if question.uses or not is_first:
        return question
    offered = list(listing.prices["uses"]) if listing else []
    return replace(question, uses=("streaming",) if "streaming" in offered or not offered else tuple(offered[:1]))


def _subject_to(asked: Asked, listing: Listing | None) -> str:
    """Return the same question, subject to the licences that stand, where that is sold and the strict one is taken."""
    is_taken = asked.found is not None and asked.found.answer == Answer.CONFLICT and asked.terms is not None
    is_strict = is_taken and asked.terms is not None and asked.terms.subject_to is None
    if not is_strict or asked.question.kind == "non_exclusive" or not (listing and listing.prices.get("subject_to")):
        return ""
    return replace(asked.question, subject_to="on").as_query()


def _later(asked: Asked) -> str:
    """Return the same question from the first free day."""
    free_from = asked.found.free_from if asked.found else None
    return replace(asked.question, start=free_from.isoformat()).as_query() if free_from else ""


def standing_of(session: ReadSession, terms: LicenceTerms) -> dict[int, LicenceTerms]:
    """Return what the licences cover that these terms are subject to, by number."""
    return terms_by_number(session, numbers=terms.subject_to or ())


def _quote(
    request: Request, by: Actor, quote_id: UUID, *, taken: WindowTaken | DisclosureChanged | None = None
) -> Response:
    language, now = language_of(request), clock.now()
    require_organisation(by)
    with request.app.state.services.database.read() as session:
        made = get_quote(session, quote_id=quote_id, by=by)
        asset = get_asset(session, asset_id=made.asset_id, by=by, now=now)
        seller = get_party(session, organisation_id=made.seller_id).name(language)
        order, standing = order_of_quote(session, quote_id=quote_id), standing_of(session, made.terms)
    time = film_time(asset)
    question = question_of(made.terms, time=time)
    free_from, has_changed = taken.params.get("day") if taken else None, isinstance(taken, DisclosureChanged)
    return render(
        request, "marketplace/quote.html", status=taken.status if taken else 200, title=N_("Quote"), quote=made,
        asset=asset, seller=seller, words=terms_in_words(made.terms, language, rate=time.rate), order=order,
        question=question.as_query(), pairs=question.pairs(), taken=taken, free_from=free_from,
        has_expired=made.expires_at <= now,
        later=replace(question, start=str(free_from)).as_query() if free_from else "",
        may_order=may(by, permissions.ORDER, organisation_id=made.buyer_id), has_changed=has_changed,
        standing=listed_terms(standing, language), is_sublicence=made.terms.parent is not None,
    )  # fmt: skip
