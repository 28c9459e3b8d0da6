"""JSON of the trade: availability, quotes, orders, payments, licences and their certificates."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from asset_hub.accounts import require, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import find_asset, get_asset
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.errors import AssetHubError
from asset_hub.core.text import Text
from asset_hub.web.shell import language_of
from asset_hub.web.texts import translator
from ledger.revoked import read_revoked
from marketplace import permissions
from marketplace.availability import Availability, availability
from marketplace.delivery import open_link
from marketplace.forms import Question, read_question, terms_of
from marketplace.licence_pages import certificate_file
from marketplace.licences import Licence, LicenceState, get_licence, list_licences, terms_by_number
from marketplace.orders import Order, place_order
from marketplace.quotes import Quote, quote
from marketplace.settlement import SimulatedRail, pay_order
from marketplace.terms import LicenceTerms
from marketplace.wording import film_time

router = APIRouter(prefix="/api/v1", tags=["marketplace"])


class NewQuote(BaseModel):
    """A question: codes of the code book; `in` and `out` are time codes HH:MM:SS:FF at the film's rate."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    uses: list[str] = Field(min_length=1, max_length=96)
    territories: list[str] = Field(default=["CN"], min_length=1, max_length=256)
    start: date | None = None
    years: int = Field(default=1, ge=1, le=50)
    kind: str = "non_exclusive"
    resolution: str = "1080"
    start_code: str = Field(default="", alias="in", max_length=40)
    end_code: str = Field(default="", alias="out", max_length=40)
    may_sublicense: bool = False
    subject_to: bool = False

    def question(self) -> Question:
        """Return the same question as a page asks it."""
        return Question(
            tuple(self.uses), tuple(self.territories), self.start.isoformat() if self.start else "", str(self.years),
            self.kind, self.resolution, self.start_code, self.end_code,
            sublicense="on" if self.may_sublicense else "", subject_to="on" if self.subject_to else "",
        )  # fmt: skip


@router.get("/assets/{number}/availability")
def ask(request: Request, number: str, by: CurrentActor) -> dict[str, Any]:
    """Say whether it is free; `use`, `territory` (repeated), `start`, `years`, `kind`, `resolution`, `in`, `out`.

    `sublicense=on`: with the right to sub-license; `subject_to=on`: leaving the non-exclusive licences that stand.
    """
    question = read_question({name: request.query_params.getlist(name) for name in request.query_params})
    now = clock.now()
    with request.app.state.services.database.read() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=now)
        terms = terms_of(question, today=beijing_date(now), time=film_time(asset))
        found = availability(session, asset_id=asset.id, terms=terms, by=by, now=now)
    return {"asset": asset.number, "terms": _terms(terms), **_answer(found, language_of(request))}


@router.post("/assets/{number}/quotes", status_code=201)
def new_quote(request: Request, number: str, by: CurrentActor, asked: NewQuote) -> dict[str, Any]:
    """Make a signed, itemised quote for the caller's house."""
    services, now = request.app.state.services, clock.now()
    require(by, permissions.QUOTE)
    with services.database.write() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=now)
        terms = terms_of(asked.question(), today=beijing_date(now), time=film_time(asset))
        made = quote(session, services.settings.secret(), asset_id=asset.id, terms=terms, by=by, now=now)
        return {"asset": asset.number} | quote_facts(session, made, language_of(request))


@router.post("/quotes/{quote_id}/orders", status_code=201)
def new_order(request: Request, by: CurrentActor, quote_id: UUID) -> dict[str, Any]:
    """Accept a quote; the same quote again is the same order."""
    services = request.app.state.services
    require(by, permissions.ORDER, organisation_id=by.organisation_id)
    with services.database.write() as session:
        return _order(place_order(session, services.settings.secret(), quote_id=quote_id, by=by, now=clock.now()))


@router.post("/orders/{order_id}/payments", status_code=201)
def new_payment(request: Request, by: CurrentActor, order_id: UUID) -> dict[str, Any]:
    """Pay through the simulator (no money moves); answers with the licence, recorded in the same transaction."""
    services = request.app.state.services
    require_organisation(by)
    with services.database.write() as session:
        licence = pay_order(session, services.keys, SimulatedRail(), order_id=order_id, by=by, now=clock.now())
    return _licence(licence, "")


@router.get("/licences")
def licences(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Return the licences of the caller's house, newest first."""
    require_organisation(by)
    with request.app.state.services.database.read() as session:
        return {"licences": [_licence(one, "") for one in list_licences(session, by=by)]}


@router.get("/licences/{licence_id}")
def licence(request: Request, by: CurrentActor, licence_id: UUID) -> dict[str, Any]:
    """Return one licence; `download` is an expiring link for the buyer once it is delivered."""
    services = request.app.state.services
    require_organisation(by)
    with services.database.read() as session:
        found = get_licence(session, licence_id=licence_id, by=by)
        revoked = read_revoked(session, services.settings.home)
    try:
        token = open_link(services.settings.secret(), found, revoked=revoked, by=by)
    except AssetHubError:
        token = ""
    return _licence(found, token)


@router.get("/licences/{licence_id}/certificate")
def certificate(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """Return the JSON certificate, byte for byte."""
    return certificate_file(request, by, licence_id, ending="json", mime="application/json")


def _answer(found: Availability, language: str) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "answer": str(found.answer), "reasons": _said(found.reasons, language),
        "free_from": found.free_from.isoformat() if found.free_from else None,
    }  # fmt: skip
    return facts | ({"with_licences": list(found.with_licences)} if found.with_licences else {})


def _said(texts: Sequence[Text], language: str) -> list[str]:
    words = translator(language)
    return [text.render(words) for text in texts]


def _terms(terms: LicenceTerms) -> dict[str, Any]:
    return {
        "uses": list(terms.uses), "territories": list(terms.territories), "first_day": terms.window.start.isoformat(),
        "last_day": terms.window.last_day.isoformat(), "kind": terms.kind.name.lower(), "resolution": terms.resolution,
        "segment_frames": [terms.segment.start, terms.segment.end] if terms.segment else None,
        "may_sublicense": terms.may_sublicense, "parent": terms.parent,
        "subject_to": None if terms.subject_to is None else list(terms.subject_to),
    }  # fmt: skip


def quote_facts(session: ReadSession, made: Quote, language: str) -> dict[str, Any]:
    """Return a quote as plain JSON; `standing` is what the licences cover that it is subject to, not whose they are."""
    words = translator(language)
    standing = terms_by_number(session, numbers=made.terms.subject_to or ())
    lines = [{"label": line.label.render(words), "fen": line.amount.fen} for line in made.price.lines]
    return {
        "id": str(made.id), "terms": _terms(made.terms), "lines": lines, "currency": "CNY",
        "standing": [{"number": number, **_terms(terms)} for number, terms in standing.items()],
        "net_fen": made.price.net.fen, "tax_fen": made.price.tax.fen, "gross_fen": made.price.gross.fen,
        "expires_at": made.expires_at.isoformat(),
    }  # fmt: skip


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": str(order.id), "quote": str(order.quote_id), "state": str(order.state), "gross_fen": order.gross.fen,
        "currency": "CNY", "held_until": order.held_until.isoformat(), "reference": SimulatedRail().request(order),
    }  # fmt: skip


def _licence(found: Licence, token: str) -> dict[str, Any]:
    is_delivered = found.state == LicenceState.DELIVERED
    return {
        "id": str(found.id), "number": found.number, "state": str(found.state), "order": str(found.order_id),
        "terms": _terms(found.terms), "seller": str(found.seller_id), "buyer": str(found.buyer_id),
        "file": {"name": found.file_name, "bytes": found.bytes_count, "sha256": found.sha256, "mime": found.mime}
        if is_delivered else None,
        "download": f"/deliveries/{token}" if token else None,
        "certificate": f"/api/v1/licences/{found.id}/certificate" if is_delivered else None,
        "recorded_at": found.recorded_at.isoformat(),
    }  # fmt: skip
