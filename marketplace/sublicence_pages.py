"""Sub-licences in the browser and as JSON: a licensee's offer to a house, what is offered to and from one's house."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from asset_hub.accounts import Actor, find_party, may, party_names, require, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.accounts.errors import PartyNotFound
from asset_hub.catalogue import get_assets
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.errors import AssetHubError, BadInput
from asset_hub.core.period import DateRange
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from ledger.codebook import KIND_NAMES, mask_of_territories
from ledger.errors import NotSublicensable
from marketplace import permissions
from marketplace.desk_forms import hundredths
from marketplace.errors import BadPrice, LicenceNotFound, NotForSale, WindowTaken
from marketplace.forms import FilmTime, Question, question_of, read_question, terms_of
from marketplace.licences import Licence, get_licence
from marketplace.orders import STATE_NAMES
from marketplace.pages import ORDER_MARKS, Posted, shown_asset, shown_titles
from marketplace.routes import quote_facts
from marketplace.sublicences import SublicenceOffer, list_offers, may_offer, offer_sublicence, withdraw_offer
from marketplace.terms import KIND_CODES, RESOLUTIONS, LicenceTerms
from marketplace.wording import RESOLUTION_NAMES, film_time, listed_terms, place_names, terms_in_words, use_name

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["marketplace"])


class NewSublicence(BaseModel):
    """An offer: the house by id, credit code or name; what is left out is as in the licence above."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    house: str = Field(min_length=1, max_length=200)
    net_fen: int = Field(gt=0, lt=10**13)
    uses: list[str] = Field(default=[], max_length=96)
    territories: list[str] = Field(default=[], max_length=256)
    first_day: date | None = None
    last_day: date | None = None
    kind: str = "non_exclusive"
    resolution: str = Field(default="", max_length=40)
    start_code: str = Field(default="", alias="in", max_length=40)
    end_code: str = Field(default="", alias="out", max_length=40)
    subject_to: bool = False


@router.get("/sublicences")
def offers_page(request: Request, by: CurrentActor) -> Response:
    """The sub-licences that are offered to one's house and by it."""
    house, language, now = require_organisation(by), language_of(request), clock.now()
    with request.app.state.services.database.read() as session:
        offers = list_offers(session, by=by, now=now)
        titles = shown_titles(session, [one.quote.asset_id for one in offers], by, language)
        names = names_of_sides(session, offers, language)
    rows = {one.quote.id: listed_terms({one.quote.terms.parent or 0: one.quote.terms}, language)[0] for one in offers}
    return render(
        request, "marketplace/sublicences.html", title=N_("Offers of sub-licences"), titles=titles, names=names,
        states=STATE_NAMES, marks=ORDER_MARKS,
        to_us=[one for one in offers if one.quote.buyer_id == house], rows=rows,
        by_us=[one for one in offers if one.quote.seller_id == house],
        may_withdraw=may(by, permissions.SUBLICENSE, organisation_id=house),
    )  # fmt: skip


@router.get("/licences/{licence_id}/sublicences")
def offer_form(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """The form of an offer, filled with what the licence above covers."""
    return _form(request, by, licence_id)


@router.post("/licences/{licence_id}/sublicences")
def offer_it(request: Request, by: CurrentActor, licence_id: UUID, form: Posted) -> Response:
    """Offer a sub-licence to a house; what is wrong is said above the form and what was typed stays."""
    services = request.app.state.services
    require_organisation(by)
    question = read_question({name: [str(value) for value in form.getlist(name)] for name in form})
    typed = {name: str(form.get(name, "")) for name in ("house", "last_day", "yuan")}
    try:
        with services.database.write() as session:
            above, time = _above(session, licence_id, by)
            fen = hundredths(typed["yuan"])
            if fen is None:
                raise BadPrice(N_("“{text}” is not an amount in yuan: write 1200 or 1200.50."), text=typed["yuan"][:40])
            made = offer_sublicence(
                session, services.settings.secret(), licence_id=licence_id,
                buyer_id=find_party(session, text=typed["house"].strip()).id, fen=fen,
                terms=_terms_under(above, question, typed["last_day"], time), by=by, now=clock.now(),
            )  # fmt: skip
    except (BadInput, PartyNotFound, NotSublicensable, WindowTaken, NotForSale) as error:
        return _form(request, by, licence_id, question=question, typed=typed, wrong=error)
    return redirect(f"/quotes/{made.id}", said=Text(N_("The sub-licence is offered; the other house was told.")))


@router.post("/sublicences/{quote_id}/withdraw")
def take_back(request: Request, by: CurrentActor, quote_id: UUID) -> Response:
    """Take an offer back that nobody ordered from."""
    with request.app.state.services.database.write() as session:
        withdraw_offer(session, quote_id=quote_id, by=by, now=clock.now())
    return redirect("/sublicences", said=Text(N_("The offer is taken back.")))


@api.get("/sublicences")
def offers(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Return the offers of sub-licences to and from the caller's house, newest first; each is a quote to order from."""
    require_organisation(by)
    language = language_of(request)
    with request.app.state.services.database.read() as session:
        found = list_offers(session, by=by, now=clock.now())
        return {"offers": offer_facts(session, found, by=by, language=language)}


@api.post("/licences/{licence_id}/sublicences", status_code=201)
def new_offer(request: Request, by: CurrentActor, licence_id: UUID, asked: NewSublicence) -> dict[str, Any]:
    """Offer a house a licence inside one's own; answers with the quote that the house orders from."""
    services = request.app.state.services
    require(by, permissions.SUBLICENSE, organisation_id=by.organisation_id)
    with services.database.write() as session:
        above, time = _above(session, licence_id, by)
        question = Question(
            tuple(asked.uses) or above.terms.uses, tuple(asked.territories) or above.terms.territories,
            asked.first_day.isoformat() if asked.first_day else "", "1", asked.kind,
            asked.resolution or above.terms.resolution, asked.start_code, asked.end_code,
            subject_to="on" if asked.subject_to else "",
        )  # fmt: skip
        made = offer_sublicence(
            session, services.settings.secret(), licence_id=licence_id, fen=asked.net_fen,
            buyer_id=find_party(session, text=asked.house).id, by=by, now=clock.now(),
            terms=_terms_under(above, question, asked.last_day.isoformat() if asked.last_day else "", time),
        )  # fmt: skip
        (facts,) = offer_facts(session, [SublicenceOffer(made)], by=by, language=language_of(request))
        return facts


@api.post("/sublicences/{quote_id}/withdrawal", status_code=204)
def withdrawal(request: Request, by: CurrentActor, quote_id: UUID) -> None:
    """Take an offer back that nobody ordered from."""
    with request.app.state.services.database.write() as session:
        withdraw_offer(session, quote_id=quote_id, by=by, now=clock.now())


def offer_facts(
    session: ReadSession, offers: Sequence[SublicenceOffer], *, by: Actor, language: str
) -> list[dict[str, Any]]:
    """Return offers as plain JSON: the quote, of which work, by whom and to whom; no work that is not shown now."""
    ids = list(dict.fromkeys(one.quote.asset_id for one in offers))
    works: dict[UUID, str] = {
        work.id: work.number for work in get_assets(session, asset_ids=ids, by=by, now=clock.now())
    }
    names = names_of_sides(session, offers, language)
    return [
        quote_facts(session, one.quote, language)
        | {
            "asset": works.get(one.quote.asset_id), "order": str(one.order_id) if one.order_id else None,
            "order_state": one.order_state, "is_open": one.is_open, "needs_new": one.needs_new,
            "licensor": {"id": str(one.quote.seller_id), "name": names.get(one.quote.seller_id)},
            "licensee": {"id": str(one.quote.buyer_id), "name": names.get(one.quote.buyer_id)},
        }
        for one in offers
    ]  # fmt: skip


def names_of_sides(session: ReadSession, offers: Sequence[SublicenceOffer], language: str) -> dict[UUID, str]:
    """Return the names of the houses that offers go from and to."""
    houses = {side for one in offers for side in (one.quote.seller_id, one.quote.buyer_id)}
    return party_names(session, organisation_ids=houses, language=language)


def _above(session: ReadSession, licence_id: UUID, by: Actor) -> tuple[Licence, FilmTime]:
    licence = get_licence(session, licence_id=licence_id, by=by)
    if licence.buyer_id != by.organisation_id:
        raise LicenceNotFound
    asset = shown_asset(session, licence.asset_id, by)
    return licence, film_time(asset) if asset else FilmTime()


def _terms_under(above: Licence, question: Question, last_day: str, time: FilmTime) -> LicenceTerms:
    """Return the terms asked for; a day or part that is not given is that of the licence above. Raises BadInput."""
    today = beijing_date(clock.now())
    start = question.start or max(today, above.terms.window.start).isoformat()
    terms = terms_of(replace(question, start=start, sublicense=""), today=today, time=time)
    try:
        last = date.fromisoformat(last_day) if last_day else above.terms.window.last_day
    except ValueError as error:
        raise BadInput(N_("“{text}” is not a date: write 2026-12-31."), text=last_day[:40]) from error
    return replace(
        terms, window=DateRange.through(terms.window.start, last), segment=terms.segment or above.terms.segment
    )  # fmt: skip


def _form(
    request: Request, by: Actor, licence_id: UUID, *, question: Question | None = None,
    typed: Mapping[str, str] | None = None, wrong: AssetHubError | None = None,
) -> Response:  # fmt: skip
    language = language_of(request)
    require_organisation(by)
    require(by, permissions.SUBLICENSE, organisation_id=by.organisation_id)
    with request.app.state.services.database.read() as session:
        above, time = _above(session, licence_id, by)
        asset = shown_asset(session, above.asset_id, by)
    terms = above.terms
    first = max(beijing_date(clock.now()), terms.window.start).isoformat()
    asked = question or replace(question_of(terms, time=time), start=first, kind="non_exclusive", subject_to="")
    return render(
        request, "marketplace/sublicence_form.html", status=wrong.status if wrong else 200,
        title=N_("Offer a sub-licence"), above=above, asset=asset, question=asked, wrong=wrong, time=time,
        typed=typed or {"house": "", "last_day": terms.window.last_day.isoformat(), "yuan": ""},
        uses={use: use_name(use, language) for use in terms.uses}, places=_places_inside(terms.territories, language),
        kinds=[(code, KIND_NAMES[kind]) for code, kind in KIND_CODES.items() if kind <= terms.kind],
        resolutions=[(name, RESOLUTION_NAMES[name]) for name in _up_to(RESOLUTIONS, terms.resolution)],
        words=terms_in_words(terms, language, rate=time.rate), may_offer=may_offer(above, by=by),
    )  # fmt: skip


def _places_inside(territories: Sequence[str], language: str) -> dict[str, str]:
    """Return the places that lie wholly inside others, by code: those themselves first."""
    outer, names = mask_of_territories(territories), place_names(language)
    inside = [code for code in names if code not in territories and not mask_of_territories([code]) & ~outer]
    return {code: names[code] for code in (*territories, *inside)}


def _up_to(names: Sequence[str], last: str) -> Sequence[str]:
    return names[: names.index(last) + 1]
