"""Tables of the national standards and law as data: every row with its source, our own lists marked as ours.

The CSV files in `standards/` are the only place where codes are written down.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from asset_hub.catalogue.errors import UnknownCode
from asset_hub.core.text import N_

OWN = "本系统自定"
OFFICIAL = "标准"
LIANGJIANG_FROM = date(2025, 11, 1)
_LIANGJIANG_PARTS = ("500105", "500112")


@dataclass(frozen=True, slots=True)
class Table:
    """A table in the order of its source; each row is column → text, `status` says 标准 or 本系统自定."""

    name: str
    rows: tuple[Mapping[str, str], ...]

    def find(self, column: str, value: str) -> Mapping[str, str]:
        """Return the first row with this value. Raises UnknownCode."""
        for row in self.rows:
            if row[column] == value:
                return row
        raise UnknownCode(N_("“{code}” is not in the table {table}."), code=value, table=self.name)


@cache
def load_table(name: str) -> Table:
    """Read one table, e.g. "gbt2260_chongqing". Raises FileNotFoundError for a name that does not exist."""
    text = files("asset_hub.catalogue").joinpath("standards", f"{name}.csv").read_text(encoding="utf-8")
    return Table(name, tuple(csv.DictReader(text.splitlines())))


def table_names() -> tuple[str, ...]:
    """Return the names of all tables, sorted."""
    folder = files("asset_hub.catalogue").joinpath("standards")
    return tuple(sorted(entry.name[:-4] for entry in folder.iterdir() if entry.name.endswith(".csv")))


def name_of(table: str, code: str, language: str) -> str:
    """Return what people call a code; codes are never shown bare. Raises UnknownCode."""
    loaded = load_table(table)
    row = loaded.find("code" if "code" in loaded.rows[0] else "local_code", code)
    return row["name_en" if language == "en" else "name_zh"] or row["name_zh"]


@dataclass(frozen=True, slots=True)
class Place:
    """A district or county (GB/T 2260 and the 2025 change); 两江新区 has no published code, ours is local."""

    code: str
    name_zh: str
    name_en: str
    successor: str | None
    predecessors: tuple[str, ...]


LIANGJIANG_CODE = "cq-liangjiang"


@cache
def places() -> Mapping[str, Place]:
    """Return every place by code, predecessors and successors linked; GB/T 2260 gives no code for 两江新区 yet."""
    found = {}
    for row in load_table("gbt2260_chongqing").rows:
        code = row["code"] or LIANGJIANG_CODE
        found[code] = Place(
            code=code,
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            successor=LIANGJIANG_CODE if code in _LIANGJIANG_PARTS else None,
            predecessors=_LIANGJIANG_PARTS if code == LIANGJIANG_CODE else (),
        )
    return found


def related_places(code: str) -> tuple[str, ...]:
    """Return a place with its predecessors and successors, so that a search for one reaches all. Raises UnknownCode."""
    place = places().get(code)
    if place is None:
        raise UnknownCode(N_("“{code}” is not in the table {table}."), code=code, table="gbt2260_chongqing")
    return (code, *place.predecessors, *([place.successor] if place.successor else []))
