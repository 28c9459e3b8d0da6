"""The public pages of themed catalogues: the list with its covers, and each catalogue as an exhibit."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.text import N_
from asset_hub.curation.catalogues import CatalogueView, get_published, list_published
from asset_hub.curation.show import cover_of, credits_of, exhibits_of, title_in, words_in
from asset_hub.web.shell import language_of, render, site_address

router = APIRouter(include_in_schema=False)


@router.get("/catalogues")
def catalogue_list(request: Request, by: CurrentActor) -> Response:
    """Every published catalogue with its cover."""
    language = language_of(request)
    with request.app.state.services.database.read() as session:
        catalogues = list_published(session, by=by, now=clock.now())
    shown = [
        {"slug": one.slug, "title": title_in(one.title, language), "intro": words_in(one.intro, language),
         "cover": cover_of(one), "count": len(one.items), "published_at": one.published_at}
        for one in catalogues
    ]  # fmt: skip
    return render(request, "curation/list.html", catalogues=shown, title=N_("Themed catalogues"))


@router.get("/catalogues/{slug}")
def catalogue_page(request: Request, slug: str, by: CurrentActor) -> Response:
    """One catalogue, without what this reader may not see."""
    with request.app.state.services.database.read() as session:
        shown = get_published(session, slug=slug, by=by, now=clock.now())
        exhibits = exhibits_of(session, shown, language=language_of(request))
    return render(request, "curation/catalogue.html", exhibits=exhibits, **exhibit_page(request, shown), draft=None,
        credits=credits_of(exhibits))  # fmt: skip


def exhibit_page(request: Request, shown: CatalogueView) -> dict[str, Any]:
    """Return what the exhibit's template needs beside its works."""
    language = language_of(request)
    title, cover = title_in(shown.title, language), cover_of(shown)
    base = site_address(request)
    other = "en" if language == "zh" else "zh"
    return {
        "title": title.text, "title_lang": title.lang, "second": shown.title.get(other, "") if not title.lang else "",
        "intro": words_in(shown.intro, language), "cover": cover, "share": base + cover.url if cover else "",
        "url": f"{base}/catalogues/{shown.slug}", "published_at": shown.published_at,
    }  # fmt: skip
