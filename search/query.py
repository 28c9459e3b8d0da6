"""The query document: closed and versioned, without engine syntax; and the lenient parser of what people type."""

import re
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asset_hub.core.text import N_
from search.errors import BadQuery
from search.text import analyse

MAX_SIZE = 200
_MAX_TEXT = 500
_MAX_TERMS = 24


class Scope(StrEnum):
    """What is searched: assets, or single shots."""

    ASSETS = "assets"
    SHOTS = "shots"


class Sort(StrEnum):
    """Best first, or by date."""

    RELEVANCE = "relevance"
    OLDEST = "oldest"
    NEWEST = "newest"


FACETS = ("kind", "district", "theme", "owner", "decade", "language")


class Availability(BaseModel):
    """Only what is free for a use in a territory over Beijing dates, last day included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use: str
    territory: str
    start: str
    last_day: str


class SearchQuery(BaseModel):
    """Version 1 of the query document; its JSON is the permanent link."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    scope: Scope = Scope.ASSETS
    text: Annotated[str, Field(max_length=_MAX_TEXT)] = ""
    filters: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    years: tuple[int | None, int | None] = (None, None)
    availability: Availability | None = None
    sort: Sort = Sort.RELEVANCE
    size: Annotated[int, Field(ge=0, le=MAX_SIZE)] = 24
    after: str | None = None
    only: tuple[UUID, ...] | None = None


def read_query(document: object) -> SearchQuery:
    """Validate a query document. Raises BadQuery naming the member."""
    try:
        query = SearchQuery.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadQuery(
            N_("{member}: {reason}"), member=".".join(str(part) for part in first["loc"]), reason=first["msg"]
        ) from error
    unknown = set(query.filters) - set(FACETS)
    if unknown:
        raise BadQuery(N_("There is no filter {name}."), name=", ".join(sorted(unknown)))
    return query


class Term(BaseModel):
    """A phrase of tokens that must (or must not) occur; alternatives are joined by OR."""

    model_config = ConfigDict(frozen=True)

    any_of: tuple[tuple[str, ...], ...]
    is_excluded: bool = False


_PIECES = re.compile(r'(?P<minus>[-−–](?=\S))?(?:"(?P<quoted>[^"]*)"?|“(?P<curly>[^”]*)”?|(?P<word>\S+))')


def parse_terms(text: str) -> tuple[Term, ...]:
    """Read what somebody typed: words, "phrases", −exclusions, OR. Nothing typed is ever an error."""
    terms: list[Term] = []
    joins_next = False
    for found in _PIECES.finditer(text[:_MAX_TEXT]):
        word = found["quoted"] or found["curly"] or found["word"] or ""
        if found["word"] in ("OR", "或", "|") and terms:
            joins_next = True
            continue
        tokens = analyse(word).chars
        if not tokens:
            continue
        if joins_next and not terms[-1].is_excluded:
            terms[-1] = Term(any_of=(*terms[-1].any_of, tokens))
        else:
            terms.append(Term(any_of=(tokens,), is_excluded=bool(found["minus"])))
        joins_next = False
    return tuple(terms[:_MAX_TERMS])
