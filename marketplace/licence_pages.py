"""Licences in the browser: how far they are, the file by an expiring link, the certificate to read and print."""

import io
import json
from typing import Any
from uuid import UUID

import segno
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from asset_hub.accounts import get_party, may, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import read_for_index
from asset_hub.core import clock
from asset_hub.core.files import read_blob
from asset_hub.core.text import N_
from asset_hub.web.ranges import serve_blob
from asset_hub.web.shell import language_of, render
from marketplace import permissions
from marketplace.delivery import LINK_SECONDS, certificate_of, fetch_delivery, open_link
from marketplace.licences import STATE_NAMES, LicenceState, get_licence, list_licences
from marketplace.pages import attachment, terms_in_words

router = APIRouter(include_in_schema=False)
_STEPS = (LicenceState.RECORDED, LicenceState.CONFIRMED, LicenceState.DELIVERED)
MARKS = {
    LicenceState.RECORDED: "busy",
    LicenceState.CONFIRMED: "busy",
    LicenceState.DELIVERED: "good",
    LicenceState.REFUSED: "bad",
}


@router.get("/licences")
def licence_list(request: Request, by: CurrentActor) -> Response:
    """The licences of one's house, as buyer and as seller."""
    language, house = language_of(request), require_organisation(by)
    with request.app.state.services.database.read() as session:
        licences = list_licences(session, by=by)
        ids = [one.asset_id for one in licences]
        titles = {view.id: view.title(language) for view, _ in read_for_index(session, asset_ids=ids, now=clock.now())}
    return render(
        request, "marketplace/licences.html", title=N_("Licences"), bought=[x for x in licences if x.buyer_id == house],
        sold=[x for x in licences if x.seller_id == house], titles=titles, states=STATE_NAMES, marks=MARKS,
    )  # fmt: skip


@router.get("/licences/{licence_id}")
def licence_page(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """One licence: how far it is, its terms, what can be downloaded, how to verify it."""
    language = language_of(request)
    require_organisation(by)
    with request.app.state.services.database.read() as session:
        licence = get_licence(session, licence_id=licence_id, by=by)
        ((asset, _held),) = read_for_index(session, asset_ids=[licence.asset_id], now=clock.now())
        seller, buyer = (
            get_party(session, organisation_id=party).name(language) for party in (licence.seller_id, licence.buyer_id)
        )
    return render(
        request, "marketplace/licence.html", title=N_("Licence"), licence=licence, asset=asset, seller=seller,
        buyer=buyer, words=terms_in_words(licence.terms, asset, language), steps=[STATE_NAMES[step] for step in _STEPS],
        position=_STEPS.index(licence.state) if licence.state in _STEPS else -1, hours=LINK_SECONDS // 3600,
        states=STATE_NAMES, marks=MARKS, is_moving=licence.state in _STEPS[:2],
        may_fetch=may(by, permissions.FETCH, organisation_id=licence.buyer_id),
    )  # fmt: skip


@router.get("/licences/{licence_id}/download")
def download(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """Lead to a fresh expiring link."""
    services = request.app.state.services
    require_organisation(by)
    with services.database.read() as session:
        licence = get_licence(session, licence_id=licence_id, by=by)
    return RedirectResponse(f"/deliveries/{open_link(services.settings.secret(), licence, by=by)}", status_code=303)


@router.api_route("/deliveries/{token}", methods=["GET", "HEAD"])
def delivery(request: Request, token: str) -> Response:
    """The licensed file, whole or by range; whoever holds the link may fetch it until it expires."""
    services = request.app.state.services
    with services.database.read() as session:
        found = fetch_delivery(session, services.settings.secret(), token=token)
    response = serve_blob(request, services.files, found.sha256, mime=found.mime)
    response.headers["Content-Disposition"] = attachment(found.name)
    return response


@router.get("/licences/{licence_id}/certificate.json")
def certificate_json(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """The certificate itself, byte for byte."""
    return _certificate(request, by, licence_id, 0, "json", "application/json")


@router.get("/licences/{licence_id}/certificate.pdf")
def certificate_pdf(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """The certificate as a page to print."""
    return _certificate(request, by, licence_id, 1, "pdf", "application/pdf")


@router.get("/licences/{licence_id}/certificate")
def certificate_page(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """The certificate to read: its facts come from the JSON certificate and nothing else."""
    services = request.app.state.services
    require_organisation(by)
    with services.database.read() as session:
        licence = get_licence(session, licence_id=licence_id, by=by)
        json_sha256, _ = certificate_of(session, licence_id=licence_id, by=by)
    document: dict[str, Any] = json.loads(read_blob(services.files, json_sha256))
    return render(
        request, "marketplace/certificate.html", title=N_("Certificate of licence"), licence=licence, document=document,
        facts=json.loads(document["licence"]), sha256=json_sha256,
    )  # fmt: skip


@router.get("/licences/{licence_id}/certificate.svg")
def certificate_code(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """A QR code that leads to the page where anybody verifies, with the digest of the delivered file."""
    services = request.app.state.services
    require_organisation(by)
    with services.database.read() as session:
        licence = get_licence(session, licence_id=licence_id, by=by)
        certificate_of(session, licence_id=licence_id, by=by)
    out = io.BytesIO()
    address = f"{str(request.base_url).rstrip('/')}/verify?digest={licence.sha256}"
    segno.make(address, error="m").save(out, kind="svg", scale=4, border=2, xmldecl=False, svgns=True)
    return Response(out.getvalue(), media_type="image/svg+xml")


def _certificate(request: Request, by: CurrentActor, licence_id: UUID, index: int, ending: str, mime: str) -> Response:
    services = request.app.state.services
    require_organisation(by)
    with services.database.read() as session:
        licence = get_licence(session, licence_id=licence_id, by=by)
        sha256 = certificate_of(session, licence_id=licence_id, by=by)[index]
    response = serve_blob(request, services.files, sha256, mime=mime)
    response.headers["Content-Disposition"] = attachment(f"certificate-{licence.number:06d}.{ending}")
    return response
