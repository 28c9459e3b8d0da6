"""From what a person fills in to licence terms and back: pure functions, a typed error for each field."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from urllib.parse import urlencode

from asset_hub.core.errors import BadInput
from asset_hub.core.period import DateRange
from asset_hub.core.rational import FrameRate, Span
from asset_hub.core.text import N_, Text
from ledger.codebook import CHONGQING, WORLD, GrantKind, find_use, mask_of_territories
from ledger.errors import UnknownTerm
from marketplace.terms import KIND_CODES, MAX_YEARS, ONLY_EXCLUSIVE, RESOLUTIONS, LicenceTerms

MAIN_TERRITORIES = (CHONGQING, "CN", WORLD)
_TIME_CODE = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d):(\d{2,3})")
_LONGEST, _MOST = 40, 300
Value = TypeVar("Value")


class BadTerms(BadInput):
    """A question that cannot be read; `problems` says per field what is wrong with it."""

    slug, title = "bad-terms", N_("The question is not complete")

    def __init__(self, problems: Mapping[str, Text]) -> None:
        first = next(iter(problems.values()))
        super().__init__(first.message, members={"fields": list(problems)}, **first.params)
        self.problems = dict(problems)


class _BadField(Exception):
    """One field that cannot be read; caught in this module."""

    def __init__(self, message: str, **params: object) -> None:
        super().__init__(message)
        self.text = Text(message, params)


@dataclass(frozen=True, slots=True)
class FilmTime:
    """The time base of an asset: rate and number of frames of its master, or no rate for what has none."""

    rate: FrameRate | None = None
    frames: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks for, as typed; empty texts are not given. `start_code`, `end_code`: time codes of a film.

    `sublicense` and `subject_to` are ticked or empty.
    """

    uses: tuple[str, ...] = ()
    territories: tuple[str, ...] = ("CN",)
    start: str = ""
    years: str = "1"
    kind: str = "non_exclusive"
    resolution: str = "1080"
    start_code: str = ""
    end_code: str = ""
    sublicense: str = ""
    subject_to: str = ""

    def pairs(self) -> list[tuple[str, str]]:
        """Return the question as the fields of a form."""
        rest = {"start": self.start, "years": self.years, "kind": self.kind, "resolution": self.resolution,
                "in": self.start_code, "out": self.end_code, "sublicense": self.sublicense,
                "subject_to": self.subject_to}  # fmt: skip
        many = [*(("use", use) for use in self.uses), *(("territory", place) for place in self.territories)]
        return [*many, *((name, value) for name, value in rest.items() if value)]

    def as_query(self) -> str:
        """Return the whole question as a query string, so that a link carries it."""
        return urlencode(self.pairs())


def read_question(values: Mapping[str, Sequence[str]]) -> Question:
    """Return the question that query parameters or a form carry; nothing is checked yet."""

    def first(name: str, otherwise: str = "") -> str:
        return next(iter(values.get(name, ())), otherwise).strip()[:_LONGEST]

    def many(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value[:_LONGEST] for value in values.get(name, ())[:_MOST] if value))

    return Question(
        uses=many("use"), territories=many("territory") or ("CN",), start=first("start"), years=first("years", "1"),
        kind=first("kind", "non_exclusive"), resolution=first("resolution", "1080"), start_code=first("in"),
        end_code=first("out"), sublicense=first("sublicense"), subject_to=first("subject_to"),
    )  # fmt: skip


def terms_of(question: Question, *, today: date, time: FilmTime | None = None) -> LicenceTerms:
    """Return the terms asked for; `time` is the film's. Raises BadTerms naming every field that cannot be read."""
    problems: dict[str, Text] = {}
    uses = _read(problems, "use", lambda: _uses(question))
    territories = _read(problems, "territory", lambda: _territories(question))
    start = _read(problems, "start", lambda: _day(question.start, today) if question.start else today)
    years = _read(problems, "years", lambda: _years(question.years))
    kind = _read(problems, "kind", lambda: _kind(question.kind))
    resolution = _read(problems, "resolution", lambda: _resolution(question.resolution))
    segment = _read(problems, "in", lambda: _segment(question, time or FilmTime()))
    subject_to = _read(problems, "subject_to", lambda: _subject_to(question, kind))
    if problems or uses is None or territories is None or start is None or years is None or kind is None:
        raise BadTerms(problems)
    window = DateRange.years_from(start, years)
    return LicenceTerms(
        uses, territories, window, kind, resolution or "", segment, may_sublicense=bool(question.sublicense),
        subject_to=subject_to,
    )  # fmt: skip


def question_of(terms: LicenceTerms, *, time: FilmTime | None = None) -> Question:
    """Return the question whose answer these terms are; part of a year counts as a year."""
    names = {code: name for name, code in KIND_CODES.items()}
    rate, codes = time.rate if time else None, ("", "")
    if terms.segment is not None and rate is not None:
        codes = (rate.timecode(terms.segment.start), rate.timecode(terms.segment.end))
    start = terms.window.start
    years = next(n for n in range(1, MAX_YEARS + 2) if DateRange.years_from(start, n).end >= terms.window.end)
    return Question(
        terms.uses, terms.territories, start.isoformat(), str(years), names[GrantKind(terms.kind)], terms.resolution,
        *codes, sublicense="on" if terms.may_sublicense else "",
        subject_to="" if terms.subject_to is None else "on",
    )  # fmt: skip


def _read(problems: dict[str, Text], field: str, read: Callable[[], Value]) -> Value | None:
    try:
        return read()
    except (_BadField, UnknownTerm) as error:
        problems[field] = error.text
        return None


def _uses(question: Question) -> tuple[str, ...]:
    if not question.uses:
        raise _BadField(N_("Choose at least one use."))
    return tuple(dict.fromkeys(find_use(use).code for use in question.uses))


def _territories(question: Question) -> tuple[str, ...]:
    mask_of_territories(question.territories)
    return (WORLD,) if WORLD in question.territories else question.territories


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise _BadField(N_("“{text}” is not a date: write 2026-12-31."), text=text) from error
    if not 0 <= day.year - today.year <= MAX_YEARS or day < today:
        raise _BadField(N_("The first day is today or later, at most {years} years ahead."), years=MAX_YEARS)
    return day


def _years(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= MAX_YEARS:
        raise _BadField(N_("A whole number of years from 1 to {most}."), most=MAX_YEARS)
    return int(text)


def _kind(name: str) -> GrantKind:
    if name not in KIND_CODES:
        raise _BadField(N_("There is no kind of licence “{name}”."), name=name)
    return KIND_CODES[name]


def _resolution(name: str) -> str:
    if name not in RESOLUTIONS:
        raise _BadField(N_("There is no resolution “{name}”."), name=name)
    return name


def _subject_to(question: Question, kind: GrantKind | None) -> tuple[int, ...] | None:
    """Return an empty list for who agrees to be subject to others: the quote fills it."""
    if not question.subject_to:
        return None
    if kind == GrantKind.NON_EXCLUSIVE:
        raise _BadField(ONLY_EXCLUSIVE)
    return ()


def _segment(question: Question, time: FilmTime) -> Span | None:
    if not question.start_code and not question.end_code:
        return None
    if time.rate is None:
        raise _BadField(N_("Only a film has time codes."))
    start = _frame(question.start_code, time.rate) if question.start_code else 0
    end = _frame(question.end_code, time.rate) if question.end_code else time.frames
    if not start < end <= time.frames:
        whole = time.rate.timecode(time.frames)
        raise _BadField(N_("The part must lie within the film: it ends at {end}, after its start."), end=whole)
    return Span(start, end)


def _frame(code: str, rate: FrameRate) -> int:
    found, nominal = _TIME_CODE.fullmatch(code.strip()), -(-rate.num // rate.den)
    if found is None or int(found[4]) >= nominal:
        raise _BadField(
            N_("“{text}” is not a time code: write 00:00:12:05, {rate} frames a second."), text=code, rate=nominal
        )
    hours, minutes, seconds, frame = (int(part) for part in found.groups())
    return (hours * 3600 + minutes * 60 + seconds) * nominal + frame
