"""The first page and the search page."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import Actor
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue.types import FileRole
from asset_hub.core import clock
from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_
from asset_hub.curation import list_published
from asset_hub.curation.catalogues import CatalogueView
from asset_hub.web.shell import language_of, render
from ledger.codebook import CHONGQING, COUNTRIES, USES, WORLD, name_of_territory
from marketplace.availability import Availability, availability_of_page
from search.asked import RightsAsked, query_of, read_asked, read_rights
from search.find import SearchPage, search_assets
from search.query import SearchQuery, Sort
from search.shown import cards_of, chips_of, facets_of, picture_of

router = APIRouter()
_NEW_SHOWN, _SIZE = 8, 24
_NEAR = (WORLD, "CN", CHONGQING, "HK", "MO", "TW")
SORT_NAMES: dict[Sort, str] = {
    Sort.RELEVANCE: N_("Best match first"),
    Sort.ADDED: N_("Last added first"),
    Sort.NEWEST: N_("Newest date first"),
    Sort.OLDEST: N_("Oldest date first"),
}


@router.get("/")
def home(request: Request, by: CurrentActor) -> Response:
    """Wide pictures, the themed catalogues, what is new, and the three things one can do here."""
    services = request.app.state.services
    language = language_of(request)
    with services.database.read() as session:
        query = SearchQuery(size=_NEW_SHOWN, sort=Sort.ADDED)
        page = search_assets(session, services.search, query, by=by, now=clock.now())
        catalogues = [_cover(one, language) for one in list_published(session, by=by, now=clock.now())]
    return render(
        request, "search/home.html", cards=cards_of(page, {}, language=language), total=page.total,
        catalogues=catalogues, title=N_("Chongqing, shot by shot"),
    )  # fmt: skip


@router.get("/search")
def search_page(request: Request, by: CurrentActor, after: str = "") -> Response:
    """Pictures first, facets beside; every selection is a plain link, nothing typed is an error."""
    services = request.app.state.services
    asked, language, now = read_asked(request.query_params), language_of(request), clock.now()
    rights = read_rights(asked, now=now)
    query = query_of(asked, rights, after=after, size=_SIZE)
    with services.database.read() as session:
        page = search_assets(session, services.search, query, by=by, now=now)
        answers = _answers(session, page, rights, by)
        facets = facets_of(session, page, asked, language=language)
    return render(
        request, "search/search.html", asked=asked, rights=rights, page=page, facets=facets,
        cards=cards_of(page, answers, language=language), chips=chips_of(facets, asked), sorts=SORT_NAMES,
        uses=[(use.code, use.name_zh if language == "zh" else use.name_en) for use in USES],
        territories=_territories(language), title=asked["q"] or N_("Search"),
    )  # fmt: skip


def _answers(session: ReadSession, page: SearchPage, rights: RightsAsked, by: Actor) -> dict[UUID, Availability]:
    if rights.terms is None:
        return {}
    assets = list({hit.asset.id: hit.asset for hit in page.hits}.values())
    return availability_of_page(session, assets=assets, terms=rights.terms, by=by, now=clock.now())


def _cover(catalogue: CatalogueView, language: str) -> dict[str, Any]:
    pictures = [picture_of(item.asset, FileRole.PREVIEW) for item in catalogue.items]
    return {
        "slug": catalogue.slug, "title": catalogue.title.get(language) or catalogue.title["zh"],
        "intro": catalogue.intro.get(language) or catalogue.intro.get("zh", ""), "count": len(catalogue.items),
        "picture": next((picture for picture in pictures if picture), None),
    }  # fmt: skip


def _territories(language: str) -> Sequence[tuple[str, str]]:
    near = [(code, name_of_territory(code, language)) for code in _NEAR]
    far = [(code, name_of_territory(code, language)) for code in COUNTRIES if code not in _NEAR]
    return near + sorted(far, key=lambda one: one[1] if language == "en" else one[0])
