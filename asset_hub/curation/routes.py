"""JSON: published catalogues."""

from typing import Any

from fastapi import APIRouter, Request

from asset_hub.accounts import party_names
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.curation.catalogues import CatalogueView, ItemView, get_published, list_published
from asset_hub.curation.show import cover_of, large_picture, url_of

router = APIRouter(prefix="/api/v1", tags=["catalogues"])


@router.get("/catalogues")
def all_catalogues(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Every published catalogue, newest first."""
    with request.app.state.services.database.read() as session:
        found = list_published(session, by=by, now=clock.now())
    return {"catalogues": [_head(one) | {"count": len(one.items)} for one in found]}


@router.get("/catalogues/{slug}")
def one_catalogue(request: Request, slug: str, by: CurrentActor) -> dict[str, Any]:
    """A published catalogue with what this reader may see of it."""
    with request.app.state.services.database.read() as session:
        shown = get_published(session, slug=slug, by=by, now=clock.now())
        owners = {item.asset.owner_id for item in shown.items}
        names = {
            language: party_names(session, organisation_ids=owners, language=language) for language in ("zh", "en")
        }
    items = [
        _item(item) | {"holder": {language: found.get(item.asset.owner_id, "") for language, found in names.items()}}
        for item in shown.items
    ]  # fmt: skip
    return _head(shown) | {"items": items}


def _head(shown: CatalogueView) -> dict[str, Any]:
    cover = cover_of(shown)
    return {
        "slug": shown.slug, "url": f"/catalogues/{shown.slug}", "title": dict(shown.title), "intro": dict(shown.intro),
        "cover": cover.url if cover else None, "published_at": shown.published_at.isoformat(),
    }  # fmt: skip


def _item(item: ItemView) -> dict[str, Any]:
    asset, part = item.asset, item.part
    picture = large_picture(asset, part)
    return {
        "number": asset.number, "kind": str(asset.kind), "title": {lang: asset.title(lang) for lang in ("zh", "en")},
        "url": url_of(asset, part), "picture": picture.url if picture else None, "words": dict(item.words),
        "shot": {
            "start": part.span.start, "end": part.span.end,
            "rate": [part.rate.num, part.rate.den] if part.rate else None,
        } if part else None,
    }  # fmt: skip
