"""What an engine must do: few calls on plain values, the same answer from each adapter (contract tests)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

SCHEMA_VERSION = 2
KEYWORDS = ("kind", "district", "theme", "owner", "decade", "language", "offer", "readers", "group")
NUMBERS = ("version", "first_day", "last_day", "start_ms", "added")
STREAMS = ("chars", "bigrams", "words", "title_chars", "title_words")
PHRASED = ("chars", "title_chars")
BOOSTS: Mapping[str, float] = {"chars": 1.0, "bigrams": 1.0, "words": 1.0, "title_words": 2.0, "title_chars": 1.0}


class IndexName(StrEnum):
    """Assets and shots are indexes of their own."""

    ASSETS = "assets"
    SHOTS = "shots"


@dataclass(frozen=True, slots=True)
class IndexDocument:
    """What an index holds of an asset or a shot: `group` is the asset's id, streams are tokens joined by spaces."""

    id: str
    group: str
    version: int
    streams: Mapping[str, str]
    keywords: Mapping[str, Sequence[str]]
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Clause:
    """Token phrases of which one must occur in a stream of PHRASED."""

    any_of: tuple[tuple[str, ...], ...]
    stream: str = "chars"


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """A compiled query. Filters: field → one of the values; `without`: none of them. Ranges: inclusive, None open."""

    index: IndexName
    must: tuple[Clause, ...] = ()
    must_not: tuple[Clause, ...] = ()
    ranking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facet_filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    facets: tuple[str, ...] = ()
    sort: str = ""
    descending: bool = False
    size: int = 20
    offset: int = 0


@dataclass(frozen=True, slots=True)
class EngineHit:
    """A matching document."""

    id: str
    group: str
    score: float


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """Exact total, the page, and per facet the values with counts (its own selection not applied)."""

    total: int
    hits: tuple[EngineHit, ...]
    facets: Mapping[str, Mapping[str, int]]


class SearchEngine(Protocol):
    """One adapter. Every call raises SearchUnavailable when the engine is away."""

    def replace(self, groups: Sequence[str], documents: Mapping[IndexName, Sequence[IndexDocument]]) -> None:
        """Make the documents of these assets exactly these; visible to the next search."""

    def search(self, request: EngineRequest) -> EngineAnswer: ...

    def versions(self, index: IndexName) -> dict[str, int]:
        """Return id → version of everything that is indexed."""

    def rebuild(self, batches: Iterable[Mapping[IndexName, Sequence[IndexDocument]]]) -> None:
        """Fill a new index beside the old one, then switch; readers are never without."""

    def close(self) -> None: ...
