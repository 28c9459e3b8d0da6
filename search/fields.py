"""Turns the `field:` clauses that people type into filters; what a field does not know is searched as words instead."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from asset_hub.accounts.parties import parties_called
from asset_hub.catalogue import AssetKind, load_table, places, related_places
from asset_hub.core.db import ReadSession
from search.query import Term
from search.text import normalise

Years = tuple[int | None, int | None]
_KIND_WORDS: dict[AssetKind, tuple[str, ...]] = {
    AssetKind.FILM: ("film", "video", "影片", "影像", "视频", "电影"),
    AssetKind.PICTURE: ("picture", "photo", "image", "图片", "照片"),
    AssetKind.SOUND: ("sound", "audio", "声音", "音频", "录音"),
    AssetKind.DOCUMENT: ("document", "text", "文献", "文档"),
    AssetKind.RECORD: ("record", "记录"),
}
_YEARS = re.compile(r"(\d{1,4})(?:年?(?:\.\.|[-–—~至到])(\d{1,4}))?年?")
_DECADE = re.compile(r"(\d{1,3}0)(?:s|年代)")


@dataclass(frozen=True, slots=True)
class Clauses:
    """What was typed, sorted: terms for the text, values per filter that one must or must not have, years."""

    terms: tuple[Term, ...]
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    without: dict[str, tuple[str, ...]] = field(default_factory=dict)
    years: Years = (None, None)


def read_clauses(session: ReadSession, terms: Sequence[Term]) -> Clauses:
    """Resolve the clauses of filters; `title:` stays a term. Two clauses of one filter mean either."""
    texts: list[Term] = []
    filters: dict[str, tuple[str, ...]] = {}
    without: dict[str, tuple[str, ...]] = {}
    years: Years = (None, None)
    for term in terms:
        span = _years_of(term)
        values = _values_of(session, term)
        if span is not None:
            years = _meet(years, span)
        elif values:
            place = without if term.is_excluded else filters
            name = "owner" if term.field == "holder" else term.field
            place[name] = tuple(dict.fromkeys((*place.get(name, ()), *values)))
        else:
            texts.append(term if term.field == "title" else term.model_copy(update={"field": ""}))
    return Clauses(tuple(texts), filters, without, years)


def _values_of(session: ReadSession, term: Term) -> list[str]:
    find: Callable[[str], Sequence[str]] | None = {
        "kind": _kinds,
        "district": _districts,
        "theme": _themes,
        "holder": lambda text: [str(party) for party in parties_called(session, text=text)],
    }.get(term.field)
    return [value for text in term.typed for value in find(text.strip())] if find else []


def _kinds(text: str) -> list[str]:
    return [str(kind) for kind, words in _KIND_WORDS.items() if normalise(text) in words]


def _districts(text: str) -> list[str]:
    found = [place.code for place in places().values() if _is_called(text, place.code, place.name_zh, place.name_en)]
    return [code for place in found for code in related_places(place)]


def _themes(text: str) -> list[str]:
    rows = load_table("chongqing_themes").rows
    return [row["local_code"] for row in rows if _is_called(text, row["local_code"], row["name_zh"], row["name_en"])]


def _is_called(text: str, code: str, *names: str) -> bool:
    typed = normalise(text)
    return bool(typed) and (typed == code or any(normalise(name).startswith(typed) for name in names))


def _years_of(term: Term) -> Years | None:
    if term.field != "year" or term.is_excluded or len(term.typed) > 1:
        return None
    text = normalise(term.typed[0]).strip()
    if decade := _DECADE.fullmatch(text):
        return int(decade[1]), int(decade[1]) + 9
    if found := _YEARS.fullmatch(text):
        first, last = int(found[1]), int(found[2] or found[1])
        return min(first, last), max(first, last)
    return None


def _meet(one: Years, other: Years) -> Years:
    firsts = [year for year in (one[0], other[0]) if year is not None]
    lasts = [year for year in (one[1], other[1]) if year is not None]
    return max(firsts, default=None), min(lasts, default=None)
