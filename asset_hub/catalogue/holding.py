"""Holding back as people ask for it on a page, in JSON or on the command line: one reader for the three doors."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from asset_hub.catalogue.errors import BadRestriction
from asset_hub.catalogue.types import AssetKind, AssetView, FileRole, RestrictionKind
from asset_hub.core.clock import beijing_date
from asset_hub.core.errors import BadInput
from asset_hub.core.period import DateRange
from asset_hub.core.rational import FrameRate, Span
from asset_hub.core.text import N_, Text

MAX_REASON = 500
Found = TypeVar("Found")
_TIME_CODE = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d):(\d{2,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Holding:
    """What `restrict` is told."""

    kind: RestrictionKind
    reason: str
    window: DateRange | None
    first_day: date
    span: Span | None


def read_holding(typed: Mapping[str, str], asset: AssetView, *, now: datetime) -> Holding:
    """Read kind, reason, from, until (the last day, included) and the time codes start and end of a span.

    Raises BadRestriction naming every field that is wrong.
    """
    problems: dict[str, str | Text] = {}
    kind = _read(problems, "kind", lambda: _kind(typed.get("kind", "")))
    reason = _read(problems, "reason", lambda: _reason(typed.get("reason", "")))
    first_day = _read(problems, "from", lambda: _day(typed.get("from", ""))) or beijing_date(now)
    last_day = _read(problems, "until", lambda: _day(typed.get("until", "")))
    window = _read(problems, "until", lambda: DateRange.through(first_day, last_day)) if last_day else None
    codes = typed.get("start", "").strip(), typed.get("end", "").strip()
    span = _read(problems, "start", lambda: _span(codes[0], codes[1], asset, kind))
    if problems or kind is None or reason is None:
        raise BadRestriction(problems)
    return Holding(kind, reason, window, first_day, span)


def length_of(asset: AssetView) -> tuple[FrameRate, int] | None:
    """Return rate and number of frames of a film's master; None for what has no time codes."""
    master = asset.file(FileRole.MASTER)
    if asset.kind != AssetKind.FILM or master is None or not master.technical.get("rate"):
        return None
    return FrameRate(*master.technical["rate"]), int(master.technical.get("frames") or 0)


def _read(problems: dict[str, str | Text], field: str, read: Callable[[], Found]) -> Found | None:
    try:
        return read()
    except BadInput as error:
        problems[field] = error.text
        return None


def _kind(text: str) -> RestrictionKind:
    if text not in tuple(RestrictionKind):
        raise BadInput(N_("Choose why it is held back."))
    return RestrictionKind(text)


def _reason(text: str) -> str:
    if not text.strip() or len(text.strip()) > MAX_REASON:
        raise BadInput(N_("Give the reason, in at most {count} characters."), count=MAX_REASON)
    return text.strip()


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput(N_("Write the day as 2027-06-30."), text=text[:40]) from error


def _span(start: str, end: str, asset: AssetView, kind: RestrictionKind | None) -> Span | None:
    if kind is not RestrictionKind.SENSITIVE_SPAN:
        if start or end:
            raise BadInput(N_("Only a sensitive span is a part; everything else holds back the whole."))
        return None
    length = length_of(asset)
    if length is None:
        raise BadInput(N_("Only a film has time codes."))
    rate, frames = length
    first, last = _frame(start, rate), _frame(end, rate)
    if not first < last <= frames:
        whole = rate.timecode(frames)
        raise BadInput(N_("The part must lie within the film: it ends at {end}, after its start."), end=whole)
    return Span(first, last)


def _frame(code: str, rate: FrameRate) -> int:
    found, nominal = _TIME_CODE.fullmatch(code), -(-rate.num // rate.den)
    if found is None or int(found[4]) >= nominal:
        raise BadInput(
            N_("“{text}” is not a time code: write 00:00:12:05, {rate} frames a second."), text=code[:40], rate=nominal
        )
    hours, minutes, seconds, frame = (int(part) for part in found.groups())
    return (hours * 3600 + minutes * 60 + seconds) * nominal + frame
