"""The evidence bundle as a download, for pages and programs: the licence's parties, the operator, the regulator."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import require_person
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.evidence.bundle import export_bundle
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
