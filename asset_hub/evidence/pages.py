"""Evidence for pages and programs: a licence's bundle to its parties, an asset's capture record to its houses.

The operator and the regulator get both.
"""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import party_names, require_person
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.text import N_
from asset_hub.evidence.bundle import export_bundle
from asset_hub.evidence.capture import capture_of
from asset_hub.web.shell import language_of, render
from ingest.captures import reception_of
from marketplace.wording import attachment

router = APIRouter()


@router.get("/licences/{licence_id}/evidence.zip", include_in_schema=False)
def evidence_page(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """The bundle, made now."""
    return evidence(request, by, licence_id)


@router.get("/api/v1/licences/{licence_id}/evidence")
def evidence(request: Request, by: CurrentActor, licence_id: UUID) -> Response:
    """Return the evidence bundle (zip) of a delivered licence, made now."""
    require_person(by)
    services = request.app.state.services
    with services.database.read() as session:
        name, content = export_bundle(
            session, services.files, services.keys, licence_id=licence_id, home=services.settings.home,
            issuer=services.settings.issuer, by=by, now=clock.now(),
        )  # fmt: skip
    return Response(content, media_type="application/zip", headers={"Content-Disposition": attachment(name)})


@router.get("/assets/{number}/capture", include_in_schema=False)
def capture_page(request: Request, by: CurrentActor, number: str) -> Response:
    """The capture record of an asset's file: who took it in, by what, when, what was refused under its name."""
    require_person(by)
    services = request.app.state.services
    with services.database.read() as session:
        asset, record = capture_of(session, services.files, services.keys, asset=number, by=by, now=clock.now())
        house = UUID(record["record"]["organisation"])
        names = party_names(session, organisation_ids={house}, language=language_of(request))
    return render(
        request, "evidence/capture.html", title=N_("Capture record"), asset=asset, record=record["record"],
        received=reception_of(record["session"], record["record"]), house=names.get(house, "–"),
    )  # fmt: skip


@router.get("/api/v1/assets/{number}/capture")
def capture(request: Request, by: CurrentActor, number: str) -> dict[str, Any]:
    """Return the capture record of an asset's file, and the shared part of its intake (`session`)."""
    require_person(by)
    services = request.app.state.services
    with services.database.read() as session:
        _asset, record = capture_of(session, services.files, services.keys, asset=number, by=by, now=clock.now())
    return dict(record)
