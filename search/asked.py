"""What the address of a search page asks, read leniently; and addresses that change one thing and keep the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from asset_hub.core.clock import beijing_date
from asset_hub.core.period import DateRange
from asset_hub.core.text import N_, Text
from marketplace.terms import MAX_YEARS, LicenceTerms
from search.errors import BadQuery
from search.query import FACETS, MAX_TEXT, Availability, Scope, SearchQuery, Sort
from search.rights import read_availability

_PLAIN = ("q", "scope", "sort", "year_from", "year_to", "use", "territory", "from", "years", "only_free")
_OLDEST, _LATEST = -9999, 9999
_USUAL_YEARS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters as they came, only what is known; empty values are left out."""

    plain: Mapping[str, str]
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.plain.get(name, "")

    @property
    def scope(self) -> Scope:
        return Scope.SHOTS if self["scope"] == Scope.SHOTS else Scope.ASSETS

    @property
    def sort(self) -> Sort:
        """What is chosen; without words to be relevant to, what came last is first."""
        if self["sort"] in tuple(Sort):
            return Sort(self["sort"])
        return Sort.RELEVANCE if self["q"].strip() else Sort.ADDED

    @property
    def years(self) -> tuple[int | None, int | None]:
        return _year(self["year_from"]), _year(self["year_to"])

    def pairs(self, *, without: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """Return every parameter but those named, in one order."""
        plain = [(name, self[name]) for name in _PLAIN if self[name] and name not in without]
        facets = [(name, value) for name in FACETS for value in self.chosen.get(name, ()) if name not in without]
        return plain + facets

    def url(self, **changes: str) -> str:
        """Return the address of the first page with these parameters changed; an empty value leaves one out."""
        return _address(replace(self, plain={**self.plain, **changes}).pairs())

    def toggled(self, facet: str, value: str) -> str:
        """Return the address with a value of a facet chosen, or no longer chosen."""
        values = self.chosen.get(facet, ())
        now = tuple(v for v in values if v != value) if value in values else (*values, value)
        return _address(replace(self, chosen={**self.chosen, facet: now}).pairs())

    def without(self, *names: str) -> str:
        """Return the address without these parameters."""
        return _address(self.pairs(without=names))

    def page(self, after: str) -> str:
        """Return the address of the page that this token names."""
        return _address([*self.pairs(), ("after", after)])


@dataclass(frozen=True, slots=True)
class RightsAsked:
    """The sentence about rights: its words for the form, the terms if all are good, else what is wrong."""

    use: str
    territory: str
    start: str
    years: int
    terms: LicenceTerms | None = None
    problem: Text | None = None


def read_asked(parameters: QueryParams) -> Asked:
    """Read the parameters of an address; what is not known is left out, nothing is an error."""
    plain = {name: value for name in _PLAIN if (value := parameters.get(name, "").strip()[:MAX_TEXT])}
    chosen = {name: tuple(dict.fromkeys(values)) for name in FACETS if (values := parameters.getlist(name)[:50])}
    return Asked(plain, chosen)


def read_rights(asked: Asked, *, now: datetime) -> RightsAsked:
    """Read the sentence about rights; a day or use that is none comes back as a problem to show."""
    years = int(asked["years"]) if asked["years"].isdecimal() and len(asked["years"]) <= 2 else _USUAL_YEARS
    words = RightsAsked(
        asked["use"], asked["territory"] or "CN", asked["from"] or str(beijing_date(now)), min(max(years, 1), MAX_YEARS)
    )
    if not words.use:
        return words
    try:
        return replace(words, terms=read_availability(_availability(words)))
    except BadQuery as error:
        return replace(words, problem=error.text)


def query_of(asked: Asked, rights: RightsAsked, *, after: str, size: int) -> SearchQuery:
    """Return the query document of a page; only what is free when that is asked and can be answered."""
    first, last = asked.years
    return SearchQuery(
        text=asked["q"], scope=asked.scope, sort=asked.sort, filters=dict(asked.chosen), years=(first, last), size=size,
        after=after or None, availability=_availability(rights) if rights.terms and asked["only_free"] else None,
    )  # fmt: skip


def _availability(words: RightsAsked) -> Availability:
    try:
        last = DateRange.years_from(date.fromisoformat(words.start), words.years).last_day
    except (ValueError, OverflowError) as error:
        raise BadQuery(N_("“{day}” is no day; write it as 2026-12-31."), day=words.start[:30]) from error
    return Availability(use=words.use, territory=words.territory, start=words.start, last_day=str(last))


def _year(text: str) -> int | None:
    try:
        year = int(text)
    except ValueError:
        return None
    return year if _OLDEST <= year <= _LATEST else None


def _address(pairs: list[tuple[str, str]]) -> str:
    return f"/search?{urlencode(pairs)}" if pairs else "/search"
