"""The first page and the search page."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import party_names
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import name_of
from asset_hub.catalogue.types import KIND_NAMES, AssetKind, FileRole
from asset_hub.core import clock
from asset_hub.core.db import ReadSession
from asset_hub.curation import list_published
from asset_hub.web.shell import language_of, render
from search.find import SearchHit, SearchPage, search_assets
from search.query import FACETS, Scope, SearchQuery, read_query
from search.text import mark_terms

router = APIRouter()
FACET_NAMES = {"kind": "Kind", "district": "District", "theme": "Theme", "owner": "Holder", "decade": "Decade"}


@router.get("/")
def home(request: Request, by: CurrentActor) -> Response:
    """What is new, the themed catalogues, and the search bar."""
    services = request.app.state.services
    with services.database.read() as session:
        page = search_assets(session, services.search, SearchQuery(size=12), by=by, now=clock.now())
        catalogues = list_published(session, by=by, now=clock.now())
    return render(
        request, "search/home.html", cards=_cards(page, language_of(request)), total=page.total,
        catalogues=catalogues, title="asset_hub",
    )  # fmt: skip


@router.get("/search")
def search_page(request: Request, by: CurrentActor, q: str = "", scope: str = "assets", after: str = "") -> Response:
    """Pictures first, facets beside; every selection is a plain link."""
    services = request.app.state.services
    chosen = {name: tuple(request.query_params.getlist(name)) for name in FACETS if request.query_params.getlist(name)}
    query = read_query({"text": q[:500], "scope": scope, "filters": chosen, "after": after or None})
    language = language_of(request)
    with services.database.read() as session:
        page = search_assets(session, services.search, query, by=by, now=clock.now())
        facets = _facets(session, page, chosen, language)
    return render(
        request, "search/search.html", query=query, page=page, cards=_cards(page, language), facets=facets,
        chosen=chosen, title=q or "Search", is_shots=query.scope == Scope.SHOTS,
    )  # fmt: skip


def _cards(page: SearchPage, language: str) -> list[dict[str, Any]]:
    return [_card(hit, page, language) for hit in page.hits]


def _card(hit: SearchHit, page: SearchPage, language: str) -> dict[str, Any]:
    asset, shot = hit.asset, hit.shot
    picture = asset.file(FileRole.THUMBNAIL)
    picture_id = shot.picture_id if shot is not None and shot.picture_id else picture.id if picture else None
    at = shot.rate.timecode(shot.span.start) if shot is not None and shot.rate else ""
    return {
        "number": asset.number, "kind": KIND_NAMES[asset.kind], "picture": picture_id, "at": at,
        "start": shot.start_ms / 1000 if shot is not None else 0, "is_shot": shot is not None,
        "title": mark_terms(asset.title(language), page.terms),
        "shot": mark_terms(shot.text("title", language), page.terms) if shot is not None else [],
        "date": asset.text("date", language),
    }  # fmt: skip


def _facets(
    session: ReadSession, page: SearchPage, chosen: dict[str, tuple[str, ...]], language: str
) -> list[dict[str, Any]]:
    owners = party_names(session, organisation_ids={UUID(v) for v in page.facets["owner"]}, language=language)
    shown = []
    for name, label in FACET_NAMES.items():
        counts = dict(page.facets[name]) | {
            value: 0 for value in chosen.get(name, ()) if value not in page.facets[name]
        }
        values = [
            {"value": value, "label": _label(name, value, language, owners), "count": count,
             "is_chosen": value in chosen.get(name, ())}
            for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ]  # fmt: skip
        shown.append({"name": name, "label": label, "values": values[:20]})
    return shown


def _label(name: str, value: str, language: str, owners: dict[Any, str]) -> str:
    if name == "kind":
        return KIND_NAMES[AssetKind(value)]
    if name == "district":
        return name_of("gbt2260_chongqing", value, language)
    if name == "theme":
        return name_of("chongqing_themes", value, language)
    return owners.get(UUID(value), value) if name == "owner" else value
