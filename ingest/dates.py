"""Dates as archivists write them in a cell → EDTF (ISO 8601-2)."""

import re

from asset_hub.catalogue import load_table
from asset_hub.core.edtf import BadDate, parse_edtf_span
from asset_hub.core.text import N_

_CHINESE = re.compile(
    r"(?P<bce>公元前|前|西元前)?(?:公元)?(?P<year>\d{1,4})"
    r"(?:年|(?:年|[-./])(?P<month>\d{1,2})(?:月|(?:月|[-./])(?P<day>\d{1,2})日?)?)?"
)


def read_date(text: str) -> str:
    """Return the EDTF text of 1983年5月, 公元前316年, 唐, 1983/5/2, 1983-05 or any EDTF. Raises BadDate."""
    cleaned = text.strip().replace(" 00:00:00", "")
    if found := _CHINESE.fullmatch(cleaned):
        return _from_parts(found)
    for row in load_table("relic_periods").rows:
        if row["start_year"] and cleaned in (
            row["name_zh"],
            f"{row['name_zh']}代",
            f"{row['name_zh']}朝",
            row["name_en"],
        ):
            return parse_edtf_span(f"{_year(int(row['start_year']))}/{_year(int(row['end_year']))}").text
    return parse_edtf_span(cleaned).text


def _from_parts(found: "re.Match[str]") -> str:
    year = int(found["year"])
    if year == 0:
        raise BadDate(N_("“{text}” is not a date."), text=found[0])
    parts = [_year(-year if found["bce"] else year)]
    if found["month"]:
        parts.append(f"{int(found['month']):02d}")
    if found["day"]:
        parts.append(f"{int(found['day']):02d}")
    return parse_edtf_span("-".join(parts)).text


def _year(year: int) -> str:
    """Write a historical year (no year 0; -316 is 316 BCE) as an astronomical one (-0315)."""
    astronomical = year + 1 if year < 0 else year
    return f"-{-astronomical:04d}" if astronomical < 0 else f"{astronomical:04d}"
