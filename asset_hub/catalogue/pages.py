"""Pages of assets, the files they show, and pictures by IIIF; each asks `may_show` through the catalogue."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from asset_hub.accounts import get_party
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue.errors import AssetNotFound
from asset_hub.catalogue.tables import name_of
from asset_hub.catalogue.types import KIND_NAMES, AssetView, FileRole, PartLevel
from asset_hub.catalogue.views import find_asset, find_file, get_asset
from asset_hub.core import clock
from asset_hub.media import ImageRequest, cut_image, image_info
from asset_hub.web.ranges import serve_blob
from asset_hub.web.shell import language_of, render

router = APIRouter()
_SHOWN = (FileRole.PREVIEW, FileRole.THUMBNAIL, FileRole.PROXY, FileRole.POSTER, FileRole.SHOT)
_DESCRIBED = ("date", "district", "place", "people", "creator", "subject", "theme", "description", "rights_statement")


@router.get("/assets/{number}")
def asset_page(request: Request, number: str, by: CurrentActor) -> Response:
    """The asset as hub: its media large, its shots, its description with why it says so, its files and checks."""
    with request.app.state.services.database.read() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
        holder = get_party(session, organisation_id=asset.owner_id)
    language = language_of(request)
    return render(
        request, "catalogue/asset.html", asset=asset, holder=holder.name(language), kind=KIND_NAMES[asset.kind],
        shots=[part for part in asset.parts if part.level == PartLevel.SHOT], described=_described(asset, language),
        media=_media(asset), title=asset.title(language),
    )  # fmt: skip


@router.get("/files/{file_id}")
def file_bytes(request: Request, file_id: UUID, by: CurrentActor) -> Response:
    """A derivative for pages; masters leave only by licence."""
    services = request.app.state.services
    with services.database.read() as session:
        file = find_file(session, file_id=file_id, by=by, now=clock.now())
    if file.role not in _SHOWN:
        raise AssetNotFound
    return serve_blob(request, services.files, file.sha256, mime=file.mime)


@router.get("/iiif/{file_id}/info.json")
def iiif_info(request: Request, file_id: UUID, by: CurrentActor) -> Response:
    """IIIF Image API 3.0, section 5."""
    with request.app.state.services.database.read() as session:
        file = find_file(session, file_id=file_id, by=by, now=clock.now())
    if file.role != FileRole.PYRAMID:
        raise AssetNotFound
    base = f"{str(request.base_url).rstrip('/')}/iiif/{file_id}"
    info = image_info(base, width=int(file.technical["width"]), height=int(file.technical["height"]))
    return JSONResponse(info, headers={"Access-Control-Allow-Origin": "*"})


@router.get("/iiif/{file_id}")
def iiif_base(file_id: UUID) -> Response:
    return RedirectResponse(f"/iiif/{file_id}/info.json", status_code=303)


@router.get("/iiif/{file_id}/{region}/{size}/{rotation}/{quality}.{form}")
def iiif_image(
    request: Request, file_id: UUID, region: str, size: str, rotation: str, quality: str, form: str, by: CurrentActor
) -> Response:
    """A part of a picture; raises BadInput for what the interface does not define."""
    services = request.app.state.services
    with services.database.read() as session:
        file = find_file(session, file_id=file_id, by=by, now=clock.now())
    if file.role != FileRole.PYRAMID:
        raise AssetNotFound
    with services.files.as_path(file.sha256) as path:
        content, mime = cut_image(path, ImageRequest(region, size, rotation, quality, form))
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "private, max-age=3600"}
    return Response(content, media_type=mime, headers=headers)


def _described(asset: AssetView, language: str) -> list[dict[str, Any]]:
    rows = []
    for element in _DESCRIBED:
        for value in asset.values:
            if value.element == element:
                shown = (
                    name_of("gbt2260_chongqing", value.code, language)
                    if element == "district" and value.code
                    else value.value
                )
                rows.append({"element": element, "shown": shown, "value": value})
    return rows


def _media(asset: AssetView) -> dict[str, Any]:
    pyramid = asset.file(FileRole.PYRAMID)
    return {
        "proxy": asset.file(FileRole.PROXY),
        "poster": asset.file(FileRole.POSTER) or asset.file(FileRole.THUMBNAIL),
        "preview": asset.file(FileRole.PREVIEW),
        "pyramid": pyramid,
    }
