"""The query document: closed and versioned, without engine syntax; and the lenient parser of what people type."""

import re
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from asset_hub.core.text import N_
from search.errors import BadQuery
from search.text import analyse

MAX_SIZE = 200
MAX_TEXT = 500
_MAX_TERMS = 24


class Scope(StrEnum):
    """What is searched: assets, or single shots."""

    ASSETS = "assets"
    SHOTS = "shots"


class Sort(StrEnum):
    """Best first, by the date of the work, or what came last first."""

    RELEVANCE = "relevance"
    OLDEST = "oldest"
    NEWEST = "newest"
    ADDED = "added"


Year = Annotated[int, Field(ge=-9999, le=9999)]
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
    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    filters: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    years: tuple[Year | None, Year | None] = (None, None)
    availability: Availability | None = None
    sort: Sort = Sort.RELEVANCE
    size: Annotated[int, Field(ge=0, le=MAX_SIZE)] = 24
    after: str | None = None
    only: tuple[UUID, ...] | None = None

    @field_validator("filters")
    @classmethod
    def _names_are_known(cls, filters: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        unknown = set(filters) - set(FACETS)
        if unknown:
            raise ValueError(f"no filter is called {', '.join(sorted(unknown))}")
        return filters


def read_query(document: object) -> SearchQuery:
    """Validate a query document. Raises BadQuery naming the member."""
    try:
        return SearchQuery.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadQuery(
            N_("{member}: {reason}"), member=".".join(str(part) for part in first["loc"]), reason=first["msg"]
        ) from error


class Term(BaseModel):
    """A phrase of tokens that must (or must not) occur; alternatives are joined by OR.

    `field` is what a clause like `title:` names, `typed` its alternatives as they were written.
    """

    model_config = ConfigDict(frozen=True)

    any_of: tuple[tuple[str, ...], ...]
    is_excluded: bool = False
    field: str = ""
    typed: tuple[str, ...] = ()


FIELD_WORDS: dict[str, str] = {
    "title": "title", "题名": "title", "题目": "title", "标题": "title", "片名": "title",
    "holder": "holder", "owner": "holder", "持有方": "holder", "权利人": "holder", "机构": "holder",
    "district": "district", "区县": "district", "地区": "district",
    "theme": "theme", "主题": "theme",
    "kind": "kind", "type": "kind", "类型": "kind", "类别": "kind",
    "year": "year", "date": "year", "年份": "year", "年代": "year", "日期": "year",
}  # fmt: skip
_PIECES = re.compile(
    r"(?P<minus>[-−–](?=\S))?"
    rf"(?:(?P<field>{'|'.join(FIELD_WORDS)})[:：]\s*)?"
    r'(?:"(?P<quoted>[^"]*)"?|“(?P<curly>[^”]*)”?|(?P<word>\S+))',
    re.IGNORECASE,
)


def parse_terms(text: str) -> tuple[Term, ...]:
    """Read what somebody typed: words, "phrases", −exclusions, OR, `field:` clauses. Nothing typed is ever an error."""
    terms: list[Term] = []
    joins_next = False
    for found in _PIECES.finditer(text[:MAX_TEXT]):
        word = found["quoted"] or found["curly"] or found["word"] or ""
        field = FIELD_WORDS.get((found["field"] or "").lower(), "")
        if found["word"] in ("OR", "或", "|") and terms and not field:
            joins_next = True
            continue
        tokens = analyse(word).chars
        if not tokens:
            continue
        last = terms[-1] if joins_next else None
        if last is not None and not last.is_excluded and field in ("", last.field):
            terms[-1] = Term(any_of=(*last.any_of, tokens), field=last.field, typed=(*last.typed, word))
        else:
            terms.append(Term(any_of=(tokens,), is_excluded=bool(found["minus"]), field=field, typed=(word,)))
        joins_next = False
    return tuple(terms[:_MAX_TERMS])
