"""The public list of themed catalogues and each of them."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue.types import FileRole
from asset_hub.core import clock
from asset_hub.curation.catalogues import get_published, list_published
from asset_hub.web.shell import language_of, render

router = APIRouter()


@router.get("/catalogues")
def catalogue_list(request: Request, by: CurrentActor) -> Response:
    """Every published catalogue."""
    with request.app.state.services.database.read() as session:
        catalogues = list_published(session, by=by, now=clock.now())
    return render(request, "curation/list.html", catalogues=catalogues, role=FileRole.THUMBNAIL, title="catalogues")


@router.get("/catalogues/{slug}")
def catalogue_page(request: Request, slug: str, by: CurrentActor) -> Response:
    """One catalogue, without what this reader may not see."""
    with request.app.state.services.database.read() as session:
        shown = get_published(session, slug=slug, by=by, now=clock.now())
    title = shown.title.get(language_of(request)) or shown.title["zh"]
    return render(request, "curation/catalogue.html", catalogue=shown, role=FileRole.PREVIEW, title=title)
