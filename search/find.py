"""Answers a query: compiles it for the engine, re-checks every hit with `may_show`, lands on the best shot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asset_hub.accounts import Actor
from asset_hub.catalogue import AssetView, PartView, get_assets
from asset_hub.catalogue.visibility import HOUSE_ROLES, OVERSEERS
from asset_hub.core.db import ReadSession
from asset_hub.core.edtf import day_number
from asset_hub.core.paging import BadPageToken, decode_cursor, encode_cursor
from marketplace.availability import Answer, availability_of_page
from marketplace.terms import LicenceTerms
from search.documents import EVERYBODY, OVERSEER
from search.engine import Clause, EngineHit, EngineRequest, IndexName, SearchEngine
from search.fields import Clauses, Years, read_clauses
from search.query import FACETS, Scope, SearchQuery, Sort, Term, parse_terms
from search.rights import FreeFilter, free_filter, read_availability
from search.text import SEPARATOR, analyse, is_han

_MAX_OFFSET = 10_000
_MAX_RANKING = 60
_SORT_FIELDS = {Sort.RELEVANCE: "", Sort.OLDEST: "first_day", Sort.NEWEST: "first_day", Sort.ADDED: "added"}


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An asset with the shot to land on, if one was meant."""

    asset: AssetView
    shot: PartView | None
    score: float


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of hits: exact total, facets as field → value → count, the token of the next page."""

    total: int
    hits: tuple[SearchHit, ...]
    facets: Mapping[str, Mapping[str, int]]
    after: str | None
    terms: tuple[tuple[str, ...], ...]


def search_assets(
    session: ReadSession, engine: SearchEngine, query: SearchQuery, *, by: Actor, now: datetime
) -> SearchPage:
    """Answer a query with what this reader may know of; where availability is asked, with what is free.

    Totals and facets are the engine's, exact as of its last flush; every displayed hit is checked again in the
    database. Raises BadPageToken, BadQuery, SearchUnavailable.
    """
    clauses = read_clauses(session, parse_terms(query.text))
    terms = clauses.terms
    offset = _offset_of(query.after)
    asked = read_availability(query.availability) if query.availability else None
    free = free_filter(session, asked, now=now) if asked else FreeFilter({}, {})
    request = _compile(query, clauses, free, by, offset)
    answer = engine.search(request)
    views = get_assets(session, asset_ids=_ids(answer.hits), by=by, now=now)
    shown = {str(view.id): view for view in _still_free(session, views, asked, by, now)}
    shots = _best_shots(engine, query, terms, by, shown)
    hits = tuple(
        SearchHit(shown[hit.group], _shot_of(hit, shown[hit.group], shots), hit.score)
        for hit in answer.hits
        if hit.group in shown
    )
    more = offset + len(answer.hits) < answer.total and offset + query.size < _MAX_OFFSET
    positive = tuple(tokens for term in terms if not term.is_excluded for tokens in term.any_of)
    return SearchPage(
        answer.total, hits if query.size else (), answer.facets,
        encode_cursor(offset + query.size) if more and query.size else None, positive,
    )  # fmt: skip


def reader_tokens(by: Actor) -> tuple[str, ...]:
    """Return the tokens this reader holds; the index tells by them what they may know of."""
    tokens = [EVERYBODY]
    if by.organisation_id is not None:
        tokens.append(f"house:{by.organisation_id}")
        if by.roles & HOUSE_ROLES:
            tokens.append(f"staff:{by.organisation_id}")
    if by.roles & OVERSEERS:
        tokens.append(OVERSEER)
    return tuple(tokens)


def _offset_of(after: str | None) -> int:
    if not after:
        return 0
    (offset,) = decode_cursor(after, length=1)
    if not isinstance(offset, int) or not 0 <= offset <= _MAX_OFFSET:
        raise BadPageToken
    return offset


def _still_free(
    session: ReadSession, views: Sequence[AssetView], asked: LicenceTerms | None, by: Actor, now: datetime
) -> Sequence[AssetView]:
    if asked is None or not views:
        return views
    answers = availability_of_page(session, assets=views, terms=asked, by=by, now=now)
    return [view for view in views if answers[view.id].answer == Answer.FREE]


def _compile(query: SearchQuery, clauses: Clauses, free: FreeFilter, by: Actor, offset: int) -> EngineRequest:
    filters = {"readers": reader_tokens(by), **clauses.filters, **free.filters}
    if query.only is not None:
        filters["group"] = tuple(str(asset_id) for asset_id in query.only)
    return EngineRequest(
        index=IndexName.SHOTS if query.scope == Scope.SHOTS else IndexName.ASSETS,
        must=tuple(_clause(term) for term in clauses.terms if not term.is_excluded),
        must_not=tuple(_clause(term) for term in clauses.terms if term.is_excluded),
        ranking=_ranking(clauses.terms),
        filters=filters,
        without={**clauses.without, **free.without},
        facet_filters=dict(query.filters),
        ranges=_ranges(query.years, clauses.years),
        facets=FACETS,
        sort=_SORT_FIELDS[query.sort],
        descending=query.sort in (Sort.NEWEST, Sort.ADDED),
        size=query.size,
        offset=offset,
    )


def _clause(term: Term) -> Clause:
    return Clause(term.any_of, "title_chars" if term.field == "title" else "chars")


def _ranges(*asked: Years) -> dict[str, tuple[int | None, int | None]]:
    """Return the ranges of first and last days of what meets every one of these spans of years."""
    firsts = [first for first, _ in asked if first is not None]
    lasts = [last for _, last in asked if last is not None]
    ranges: dict[str, tuple[int | None, int | None]] = {}
    if firsts:
        ranges["last_day"] = (day_number(max(firsts), 1, 1), None)
    if lasts:
        ranges["first_day"] = (None, day_number(min(lasts), 12, 31))
    return ranges


def _ranking(terms: Sequence[Term]) -> dict[str, tuple[str, ...]]:
    streams: dict[str, list[str]] = {"chars": [], "bigrams": [], "words": [], "title_chars": [], "title_words": []}
    for term in terms:
        for tokens in () if term.is_excluded else term.any_of:
            parts = analyse(_rejoin(tokens))
            streams["chars"] += tokens
            streams["bigrams"] += parts.bigrams
            streams["words"] += parts.words
            streams["title_chars"] += tokens
            streams["title_words"] += (*parts.words, *parts.bigrams)
    return {stream: tuple(dict.fromkeys(found))[:_MAX_RANKING] for stream, found in streams.items() if found}


def _rejoin(tokens: Sequence[str]) -> str:
    text = ""
    for token in tokens:
        text += "，" if token == SEPARATOR else token if is_han(token[0]) else f" {token} "
    return text


def _best_shots(
    engine: SearchEngine,
    query: SearchQuery,
    terms: Sequence[Term],
    by: Actor,
    shown: Mapping[str, AssetView],
) -> dict[str, str]:
    """Return asset → the shot whose own words fit best; none where only the film as a whole was meant."""
    films = tuple(group for group, view in shown.items() if view.parts)
    if query.scope == Scope.SHOTS or not terms or not films:
        return {}
    ranking = _ranking(terms)
    own: dict[str, tuple[str, ...]] = {
        stream: ranking[stream] for stream in ("title_chars", "title_words") if stream in ranking
    }
    found = engine.search(
        EngineRequest(
            index=IndexName.SHOTS, ranking=own, filters={"readers": reader_tokens(by), "group": films}, size=200
        )
    )
    best: dict[str, str] = {}
    for hit in found.hits:
        if hit.score > 0:
            best.setdefault(hit.group, hit.id)
    return best


def _shot_of(hit: EngineHit, view: AssetView, shots: Mapping[str, str]) -> PartView | None:
    wanted = hit.id if hit.id != hit.group else shots.get(hit.group)
    return next((part for part in view.parts if str(part.id) == wanted), None)


def _ids(hits: Sequence[EngineHit]) -> list[UUID]:
    return list(dict.fromkeys(UUID(hit.group) for hit in hits))
