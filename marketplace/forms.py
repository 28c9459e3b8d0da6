"""From what a person fills in to licence terms and back: pure functions, a typed error for each field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from asset_hub.core.errors import BadInput
from asset_hub.core.period import DateRange
from asset_hub.core.rational import FrameRate, Span
from asset_hub.core.text import N_
from ledger.codebook import CHONGQING, WORLD, GrantKind
from marketplace.terms import KIND_CODES, RESOLUTIONS, LicenceTerms

DEFAULT_YEARS = 1
MAIN_TERRITORIES = (CHONGQING, "CN", WORLD)
_CODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})[:;](\d{1,3})")


class BadTerms(BadInput):
    """A field of the question that cannot be read; `field` says which."""

    slug, title = "bad-terms", N_("The question is not complete")


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks for as typed; empty texts are not given. `start_code`, `end_code`: time codes of a film."""

    uses: tuple[str, ...] = ()
    territories: tuple[str, ...] = ("CN",)
    start: str = ""
    years: str = str(DEFAULT_YEARS)
    kind: str = "non_exclusive"
    resolution: str = "1080"
    start_code: str = ""
    end_code: str = ""

    def as_query(self) -> str:
        """Return the whole question as a query string, so that a link carries it."""
        pairs = [("use", use) for use in self.uses] + [("territory", place) for place in self.territories]
        rest = {"start": self.start, "years": self.years, "kind": self.kind, "resolution": self.resolution,
                "in": self.start_code, "out": self.end_code}  # fmt: skip
        return urlencode([*pairs, *((name, value) for name, value in rest.items() if value)])


def read_question(values: Mapping[str, Sequence[str]]) -> Question:
    """Return the question that query parameters or a form carry; nothing is checked yet."""

    def first(name: str, otherwise: str = "") -> str:
        return next(iter(values.get(name, ())), otherwise)[:40]

    return Question(
        uses=tuple(dict.fromkeys(values.get("use", ()))),
        territories=tuple(dict.fromkeys(values.get("territory", ()))) or ("CN",),
        start=first("start"), years=first("years", str(DEFAULT_YEARS)), kind=first("kind", "non_exclusive"),
        resolution=first("resolution", "1080"), start_code=first("in"), end_code=first("out"),
    )  # fmt: skip


def terms_of(question: Question, *, today: date, rate: FrameRate | None = None, frames: int = 0) -> LicenceTerms:
    """Return the terms asked for; `rate` and `frames` are the film's. Raises BadTerms naming the field, UnknownTerm."""
    first = _day(question.start) if question.start else today
    if not question.years.isdigit() or not 1 <= int(question.years) <= 50:
        raise BadTerms(N_("Years: a whole number from 1 to 50."), members={"field": "years"})
    if question.kind not in KIND_CODES:
        raise BadTerms(N_("There is no kind “{kind}”."), kind=question.kind, members={"field": "kind"})
    if question.resolution not in RESOLUTIONS:
        raise BadTerms(
            N_("There is no resolution “{name}”."), name=question.resolution, members={"field": "resolution"}
        )
    return LicenceTerms(
        question.uses, question.territories, DateRange.years_from(first, int(question.years)),
        KIND_CODES[question.kind], question.resolution, _segment(question, rate, frames),
    )  # fmt: skip


def question_of(terms: LicenceTerms, *, rate: FrameRate | None = None) -> Question:
    """Return the question whose answer these terms are; years are rounded up."""
    names = {code: name for name, code in KIND_CODES.items()}
    codes = ("", "")
    if terms.segment is not None and rate is not None:
        codes = (rate.timecode(terms.segment.start), rate.timecode(terms.segment.end))
    years = max(1, round(terms.window.days / 365.25))
    return Question(
        terms.uses, terms.territories, terms.window.start.isoformat(), str(years), names[GrantKind(terms.kind)],
        terms.resolution, *codes,
    )  # fmt: skip


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadTerms(
            N_("“{text}” is not a date: write 2026-12-31."), text=text, members={"field": "start"}
        ) from error


def _segment(question: Question, rate: FrameRate | None, frames: int) -> Span | None:
    if not question.start_code and not question.end_code:
        return None
    if rate is None:
        raise BadTerms(N_("Only a film has time codes."), members={"field": "in"})
    start = _frame(question.start_code, rate, "in") if question.start_code else 0
    end = _frame(question.end_code, rate, "out") if question.end_code else frames
    if not 0 <= start < end <= (frames or end):
        raise BadTerms(N_("The film has no such part: from {start} to {end}."), start=question.start_code,
                       end=question.end_code, members={"field": "in"})  # fmt: skip
    return Span(start, end)


def _frame(text: str, rate: FrameRate, field: str) -> int:
    found = _CODE.fullmatch(text.strip())
    nominal = -(-rate.num // rate.den)
    if found is None or int(found[4]) >= nominal or int(found[2]) > 59 or int(found[3]) > 59:
        raise BadTerms(N_("“{text}” is not a time code: write 00:00:12:05."), text=text, members={"field": field})
    hours, minutes, seconds, frame = (int(part) for part in found.groups())
    return (hours * 3600 + minutes * 60 + seconds) * nominal + frame
