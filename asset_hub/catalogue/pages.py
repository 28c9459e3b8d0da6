"""Pages of assets, the files they show, and pictures by IIIF; each asks `may_show` through the catalogue."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from asset_hub.accounts import Actor, get_party, may
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import permissions
from asset_hub.catalogue.errors import AssetNotFound, BadRestriction
from asset_hub.catalogue.holding import length_of, read_holding
from asset_hub.catalogue.restrictions import Hold, holds_of, lift_restriction, may_restrict, require_restrict, restrict
from asset_hub.catalogue.types import HIDING, KIND_NAMES, RESTRICTION_NAMES, AssetView, FileRole, FileView, PartLevel
from asset_hub.catalogue.views import find_asset, find_file, get_asset, sees_all_of
from asset_hub.catalogue.words import ELEMENT_NAMES, source_in_words, value_in_words
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.text import N_, Text
from asset_hub.media import PUBLIC_LONGEST, ImageRequest, cut_image, image_info
from asset_hub.web.ranges import serve_blob
from asset_hub.web.shell import language_of, redirect, render, site_address

router = APIRouter()
_SHOWN = (FileRole.PREVIEW, FileRole.THUMBNAIL, FileRole.PROXY, FileRole.POSTER, FileRole.SHOT)
_FACTS = ("date", "district", "place", "people", "creator")
_ORDER = {element: position for position, element in enumerate(ELEMENT_NAMES)}
ROLE_NAMES: dict[FileRole, str] = {
    FileRole.MASTER: N_("Master"),
    FileRole.PREVIEW: N_("Preview"),
    FileRole.THUMBNAIL: N_("Thumbnail"),
    FileRole.PYRAMID: N_("Deep zoom"),
    FileRole.PROXY: N_("Low bit-rate proxy"),
    FileRole.POSTER: N_("Poster"),
    FileRole.SPRITE: N_("Sprite"),
    FileRole.WAVEFORM: N_("Wave form"),
    FileRole.SHOT: N_("Still of a shot"),
}
EVENT_NAMES: dict[str, str] = {
    "fixity check": N_("Fixity check"),
    "format identification": N_("Format identification"),
    "metadata extraction": N_("Technical facts"),
    "derivation": N_("Derivatives made"),
    "shot detection": N_("Shot detection"),
    "classification": N_("Classification by rules"),
}


@router.get("/assets/{number}")
def asset_page(request: Request, number: str, by: CurrentActor, t: float | None = None) -> Response:
    """The asset as hub: its media large, its shots, its description with why it says so, its files and checks."""
    return _asset_page(request, number, by, start=t)


@router.post("/assets/{number}/restrictions", include_in_schema=False)
def hold_back(
    request: Request, number: str, by: CurrentActor, kind: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "", first_day: Annotated[str, Form(alias="from")] = "",
    until: Annotated[str, Form()] = "", start: Annotated[str, Form()] = "", end: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Hold the asset back; what is wrong is said beside its field and what was typed stays."""
    typed = {"kind": kind, "reason": reason, "from": first_day, "until": until, "start": start, "end": end}
    now = clock.now()
    try:
        with request.app.state.services.database.write() as session:
            asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=now)
            require_restrict(by, owner_id=asset.owner_id)
            holding = read_holding(typed, asset, now=now)
            restrict(
                session, asset_id=asset.id, kind=holding.kind, reason=holding.reason, window=holding.window,
                first_day=holding.first_day, span=holding.span, by=by, now=now,
            )  # fmt: skip
    except BadRestriction as error:
        return _asset_page(request, number, by, typed=typed, problems=error.problems)
    return redirect(f"/assets/{number}", said=Text(N_("The restriction is recorded.")))


@router.post("/assets/{number}/restrictions/{restriction_id}/lift", include_in_schema=False)
def lift(request: Request, number: str, restriction_id: UUID, by: CurrentActor) -> Response:
    """Lift a restriction; it stays in the record."""
    with request.app.state.services.database.write() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
        lift_restriction(session, restriction_id=restriction_id, asset_id=asset.id, by=by, now=clock.now())
    return redirect(f"/assets/{number}", said=Text(N_("The restriction is lifted.")))


def _asset_page(
    request: Request, number: str, by: Actor, *, start: float | None = None, typed: Mapping[str, str] | None = None,
    problems: Mapping[str, str | Text] | None = None,
) -> Response:  # fmt: skip
    with request.app.state.services.database.read() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
        holds = holds_of(session, asset_id=asset.id, by=by)
        holder = get_party(session, organisation_id=asset.owner_id)
        custodian = get_party(session, organisation_id=asset.custodian_id) if asset.custodian_id else None
    language = language_of(request)
    return render(
        request, "catalogue/asset.html", status=422 if problems else 200, asset=asset,
        holder=holder.name(language), kind=KIND_NAMES[asset.kind],
        custodian=custodian.name(language) if custodian else "", title=asset.title(language), start=start,
        shots=[part for part in asset.parts if part.level == PartLevel.SHOT], media=_media(asset),
        facts=_facts(asset, language), described=_described(asset, language), files=_files(asset),
        is_staff=_is_staff(asset, by), event_names=EVENT_NAMES, share=_share(request, asset),
        **_holding(asset, holds, by, typed, problems),
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
    file, longest = _pyramid(request, file_id, by)
    width, height = int(file.technical["width"]), int(file.technical["height"])
    info = image_info(f"{site_address(request)}/iiif/{file_id}", width=width, height=height, longest=longest)
    return JSONResponse(info, headers={"Access-Control-Allow-Origin": "*"})


@router.get("/iiif/{file_id}")
def iiif_base(file_id: UUID) -> Response:
    """The image's own address leads to what it is (section 2.1)."""
    return RedirectResponse(f"/iiif/{file_id}/info.json", status_code=303)


@router.get("/iiif/{file_id}/{region}/{size}/{rotation}/{quality}.{form}")
def iiif_image(
    request: Request, file_id: UUID, region: str, size: str, rotation: str, quality: str, form: str, by: CurrentActor
) -> Response:
    """A part of a picture; raises BadInput for what the interface does not define."""
    file, longest = _pyramid(request, file_id, by)
    with request.app.state.services.files.as_path(file.sha256) as path:
        content, mime = cut_image(path, ImageRequest(region, size, rotation, quality, form), longest=longest)
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "private, max-age=3600"}
    return Response(content, media_type=mime, headers=headers)


def _pyramid(request: Request, file_id: UUID, by: Actor) -> tuple[FileView, int | None]:
    """Return a picture and the longest side that this reader is shown, None for all of it."""
    with request.app.state.services.database.read() as session:
        file = find_file(session, file_id=file_id, by=by, now=clock.now())
        if file.role != FileRole.PYRAMID:
            raise AssetNotFound
        return file, None if sees_all_of(session, file_id=file_id, by=by) else PUBLIC_LONGEST


def _facts(asset: AssetView, language: str) -> list[tuple[str, str]]:
    found = []
    for element in _FACTS:
        said = [value for value in asset.values if value.element == element]
        mine = [value for value in said if value.lang in (None, language)] or said
        words = dict.fromkeys(value_in_words(value, language) for value in mine)
        if words:
            found.append((ELEMENT_NAMES[element], ("、" if language == "zh" else ", ").join(words)))
    return found


def _described(asset: AssetView, language: str) -> list[dict[str, Any]]:
    return [
        {
            "name": ELEMENT_NAMES.get(value.element, value.element),
            "words": value_in_words(value, language),
            "lang": value.lang,
            "why": source_in_words(value.source),
            "sure": round(value.confidence * 100),
            "is_accepted": value.accepted_at is not None,
        }
        for value in sorted(asset.values, key=lambda value: _ORDER.get(value.element, len(_ORDER)))
    ]


def _files(asset: AssetView) -> list[dict[str, Any]]:
    return [
        {"role": ROLE_NAMES[file.role], "name": file.shown_name, "mime": file.mime, "puid": file.puid,
         "bytes": file.bytes_count, "sha256": file.sha256, "technical": file.technical}
        for file in asset.files if file.role != FileRole.SHOT
    ]  # fmt: skip


def _media(asset: AssetView) -> dict[str, Any]:
    master = asset.file(FileRole.MASTER)
    rate = master.technical.get("rate") if master else None
    return {
        "proxy": asset.file(FileRole.PROXY),
        "poster": asset.file(FileRole.POSTER) or asset.file(FileRole.THUMBNAIL),
        "preview": asset.file(FileRole.PREVIEW) or asset.file(FileRole.THUMBNAIL),
        "pyramid": asset.file(FileRole.PYRAMID),
        "rate": rate or [25, 1],
    }


def _holding(
    asset: AssetView, holds: tuple[Hold, ...], by: Actor, typed: Mapping[str, str] | None,
    problems: Mapping[str, str | Text] | None,
) -> dict[str, Any]:  # fmt: skip
    """Return what the page shows of holding back: the record for those who may know it, the form for those who may."""
    length, today = length_of(asset), beijing_date(clock.now())
    return {
        "holds": holds, "may_restrict": may_restrict(by, owner_id=asset.owner_id),
        "may_lift_orders": may(by, permissions.RESTRICT), "today": today, "restriction_names": RESTRICTION_NAMES,
        "has_time_codes": length is not None, "timecode": length[0].timecode if length else str,
        "typed": defaultdict(str, typed or {"from": today.isoformat()}), "problems": defaultdict(str, problems or {}),
        "hidden_now": any(one.kind in HIDING for one in asset.restrictions),
    }  # fmt: skip


def _is_staff(asset: AssetView, by: Actor) -> bool:
    return may(by, permissions.DESCRIBE, organisation_id=asset.owner_id)


def _share(request: Request, asset: AssetView) -> str:
    picture = asset.file(FileRole.PREVIEW) or asset.file(FileRole.POSTER) or asset.file(FileRole.THUMBNAIL)
    return f"{site_address(request)}/files/{picture.id}" if picture else ""
