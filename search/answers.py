"""The answer to a query as programs read it: the same on the command line and over HTTP."""

from collections.abc import Mapping
from uuid import UUID

from pydantic import BaseModel

from asset_hub.catalogue import AssetKind
from search.find import SearchHit, SearchPage


class HitFacts(BaseModel):
    """An asset, and the shot to land on if one was meant."""

    asset: UUID
    number: str
    kind: AssetKind
    shot: UUID | None
    title: str
    start_ms: int | None
    score: float


class SearchAnswer(BaseModel):
    """Exact total, the page's hits, facets as field → code → count, the token of the next page."""

    total: int
    hits: list[HitFacts]
    facets: Mapping[str, Mapping[str, int]]
    after: str | None


def describe_page(page: SearchPage, *, language: str) -> SearchAnswer:
    """Return a page for programs, titles in this language where there are any."""
    hits = [_describe(hit, language) for hit in page.hits]
    return SearchAnswer(total=page.total, hits=hits, facets=page.facets, after=page.after)


def _describe(hit: SearchHit, language: str) -> HitFacts:
    return HitFacts(
        asset=hit.asset.id, number=hit.asset.number, kind=hit.asset.kind, title=hit.asset.title(language),
        shot=hit.shot.id if hit.shot else None, start_ms=hit.shot.start_ms if hit.shot else None,
        score=round(hit.score, 4),
    )  # fmt: skip
