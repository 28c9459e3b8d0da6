"""Dates of things, from BCE to today: EDTF text (ISO 8601-2) to a span of whole days."""

from dataclasses import dataclass

from edtf import EDTFParseException, parse_edtf

from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_

_MAX_TEXT = 64
_MAX_YEAR = 9_999


class BadDate(BadInput):
    """A text that is no EDTF date, or a day that does not exist."""

    slug, title = "bad-date", N_("Not a date")


@dataclass(frozen=True, slots=True)
class EdtfSpan:
    """First and last day of a date as day numbers (see `day_number`), and the astronomical year it starts in.

    Year 0 is 1 BCE, year -299 is 300 BCE (ISO 8601-1, 4.3.2).
    """

    text: str
    first_day: int
    last_day: int
    year: int


def day_number(year: int, month: int, day: int) -> int:
    """Return days since 1970-01-01 in the proleptic Gregorian calendar; negative before; any year.

    Source: H. Hinnant, chrono-compatible low-level date algorithms (days_from_civil).
    """
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def parse_edtf_span(text: str) -> EdtfSpan:
    """Read an EDTF date, interval or approximate date. Raises BadDate, also for open or unreadable ones."""
    cleaned = text.strip()
    if not cleaned or len(cleaned) > _MAX_TEXT or cleaned[0] == "/" or cleaned[-1] == "/":
        raise BadDate(N_("“{text}” is not a date."), text=cleaned[:_MAX_TEXT])
    try:
        parsed = parse_edtf(cleaned)
        lower, upper = parsed.lower_strict(), parsed.upper_strict()
        first, last = day_number(*lower[:3]), day_number(*upper[:3])
    except (EDTFParseException, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadDate(N_("“{text}” is not a date."), text=cleaned) from error
    if last < first or abs(lower[0]) > _MAX_YEAR or abs(upper[0]) > _MAX_YEAR:
        raise BadDate(N_("“{text}” is not a date."), text=cleaned)
    return EdtfSpan(cleaned, first, last, lower[0])
