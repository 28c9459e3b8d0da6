"""Licences in the browser: how far they are, the file by an expiring link, the certificate to read and to print."""

import io
import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

import segno
from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import Actor, may, party_names, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core.files import read_blob
from asset_hub.core.money import Money
from asset_hub.core.rational import FrameRate, Span
from asset_hub.core.text import N_, Text
from asset_hub.web.ranges import serve_blob
from asset_hub.web.shell import language_of, render, site_address
from ledger.entries import provenance_of
from ledger.revoked import read_revoked
from ledger.types import KIND_NAMES, EntryState
from marketplace import permissions
from marketplace.certificate_pdf import conditions_of, custody_in_english, sm2_of, witness_of
from marketplace.delivery import LINK_SECONDS, certificate_of, fetch_delivery, open_link
from marketplace.licences import STATE_NAMES, Licence, LicenceState, get_licence, list_licences
from marketplace.models import OrderRow
from marketplace.pages import shown_asset, shown_titles, standing_of
from marketplace.sublicences import may_offer, sublicences_of
from marketplace.wording import attachment, film_time, listed_terms, part_in_words, period, terms_in_words, use_name

router = APIRouter(include_in_schema=False)
_STEPS = (LicenceState.RECORDED, LicenceState.CONFIRMED, LicenceState.DELIVERED)
MARKS = {
    LicenceState.RECORDED: "busy",
    LicenceState.CONFIRMED: "busy",
    LicenceState.DELIVERED: "good",
    LicenceState.REFUSED: "bad",
}
ENTRY_STATES: dict[EntryState, tuple[str, str]] = {
    EntryState.UNSIGNED: (N_("waits for a house’s signature"), "busy"),
    EntryState.RECORDED: (N_("on its way to the ledger"), "busy"),
    EntryState.CONFIRMED: (N_("confirmed"), "good"),
    EntryState.REFUSED: (N_("refused"), "bad"),
}


@router.get("/licences")
def licence_list(request: Request, by: CurrentActor) -> Response:
    """The licences of one's house, as buyer and as seller."""
    language, house = language_of(request), require_organisation(by)
    with request.app.state.services.database.read() as session:
        licences = list_licences(session, by=by)
        titles = shown_titles(session, [one.asset_id for one in licences], by, language)
    joint = "、" if language == "zh" else ", "
    return render(
        request, "marketplace/licences.html", title=N_("Licences"), titles=titles, states=STATE_NAMES, marks=MARKS,
        bought=[one for one in licences if one.buyer_id == house],
        sold=[one for one in licences if one.seller_id == house and one.buyer_id != house],
        uses={one.id: joint.join(use_name(use, language) for use in one.terms.uses) for one in licences},
        periods={one.id: period(one.terms.window.start, one.terms.window.last_day, language) for one in licences},
        sells=may(by, permissions.SEE_GRANTS, organisation_id=house),
    )  # fmt: skip


@router.get("/licences/{licence_id}")
def licence_page(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """One licence: how far it is, its terms, what can be downloaded, how to verify it."""
    language, services = language_of(request), request.app.state.services
    require_organisation(by)
    with services.database.read() as session:
        licence = get_licence(session, licence_id=licence_id, by=by)
        asset = shown_asset(session, licence.asset_id, by)
        parties = {licence.seller_id, licence.buyer_id}
        names = party_names(session, organisation_ids=parties, language=language)
        trail = provenance_of(session, subject_ids=[licence_id])
        fee = Money(session.get_one(OrderRow, licence.order_id).gross_fen)
        revoked = read_revoked(session, services.settings.home)
        given, standing = sublicences_of(session, licence=licence, by=by), standing_of(session, licence.terms)
    rate = film_time(asset).rate if asset else None
    return render(
        request, "marketplace/licence.html", title=N_("Licence"), licence=licence, asset=asset, fee=fee,
        seller=names[licence.seller_id], buyer=names[licence.buyer_id], trail=trail, entry_names=KIND_NAMES,
        words=terms_in_words(licence.terms, language, rate=rate), steps=[STATE_NAMES[step] for step in _STEPS],
        position=_STEPS.index(licence.state) if licence.state in _STEPS else -1, hours=LINK_SECONDS // 3600,
        is_moving=licence.state in _STEPS[:2], link=_link(services, licence, revoked, by),
        is_revoked=licence.number in revoked,
        command=_command(licence), entry_states=ENTRY_STATES, standing=listed_terms(standing, language),
        given=[(one, listed_terms({one.number: one.terms}, language)[0]) for one in given], states=STATE_NAMES,
        marks=MARKS, may_offer=may_offer(licence, by=by),
    )  # fmt: skip


@router.api_route("/deliveries/{token}", methods=["GET", "HEAD"])
def delivery(request: Request, token: str) -> Response:
    """The licensed file, whole or by range; whoever holds the link may fetch it until it expires."""
    services = request.app.state.services
    with services.database.read() as session:
        found = fetch_delivery(
            session, services.settings.secret(), token=token, revoked=read_revoked(session, services.settings.home)
        )
    response = serve_blob(request, services.files, found.sha256, mime=found.mime)
    response.headers["Content-Disposition"] = attachment(found.name)
    if request.method == "HEAD":
        return Response(status_code=response.status_code, headers=dict(response.headers))
    return response


@router.get("/licences/{licence_id}/certificate.json")
def certificate_json(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """The certificate itself, byte for byte."""
    return certificate_file(request, by, licence_id, ending="json", mime="application/json")


@router.get("/licences/{licence_id}/certificate.pdf")
def certificate_pdf(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """The certificate as a page to print."""
    return certificate_file(request, by, licence_id, ending="pdf", mime="application/pdf")


@router.get("/licences/{licence_id}/certificate")
def certificate_page(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """The certificate to read: its facts come from the JSON certificate and nothing else."""
    services = request.app.state.services
    require_organisation(by)
    with services.database.read() as session:
        licence = get_licence(session, licence_id=licence_id, by=by)
        asset = shown_asset(session, licence.asset_id, by)
        sha256, _ = certificate_of(session, licence_id=licence_id, by=by)
    document: dict[str, Any] = json.loads(read_blob(services.files, sha256))
    facts: dict[str, Any] = json.loads(document["licence"])
    return render(
        request, "marketplace/certificate.html", title=N_("Certificate of licence"), licence=licence, document=document,
        facts=facts, conditions=conditions_of(facts), sha256=sha256, verify_at=_verify_at(request),
        witness=witness_of(document), signed_sm2=sm2_of(document), custody_en=custody_in_english(document),
        part=_part(facts["segment_frames"], film_time(asset).rate if asset else None),
    )  # fmt: skip


@router.get("/licences/{licence_id}/certificate.svg")
def certificate_code(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """A QR code that leads to the page where anybody verifies."""
    require_organisation(by)
    with request.app.state.services.database.read() as session:
        certificate_of(session, licence_id=licence_id, by=by)
    out = io.BytesIO()
    segno.make(_verify_at(request), error="m").save(out, kind="svg", scale=4, border=2, xmldecl=False, light="#fff")
    return Response(out.getvalue(), media_type="image/svg+xml")


def certificate_file(request: Request, by: Actor, licence_id: UUID, *, ending: str, mime: str) -> Response:
    """Answer with a certificate of the reader's house, as JSON or PDF."""
    services = request.app.state.services
    require_organisation(by)
    with services.database.read() as session:
        licence = get_licence(session, licence_id=licence_id, by=by)
        as_json, as_pdf = certificate_of(session, licence_id=licence_id, by=by)
    response = serve_blob(request, services.files, as_json if ending == "json" else as_pdf, mime=mime)
    response.headers["Content-Disposition"] = attachment(f"certificate-{licence.number:06d}.{ending}")
    return response


def _link(services: Any, licence: Licence, revoked: Collection[int], by: Actor) -> str:
    """Return a fresh download token for those who may fetch, empty for others and for a revoked licence."""
    may_fetch = may(by, permissions.FETCH, organisation_id=licence.buyer_id)
    if not may_fetch or licence.state != LicenceState.DELIVERED or licence.number in revoked:
        return ""
    return open_link(services.settings.secret(), licence, revoked=revoked, by=by)


def _command(licence: Licence) -> str:
    name = licence.file_name or "FILE"
    certificate = f"certificate-{licence.number:06d}.json"
    return f"asset-hub certificate verify {certificate} \\\n  --file {name} --trust trust.json"


def _verify_at(request: Request) -> str:
    return f"{site_address(request)}/verify"


def _part(frames: list[int] | None, rate: FrameRate | None) -> Text | None:
    return part_in_words(Span(*frames), rate) if frames else None
