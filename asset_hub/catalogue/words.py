"""How the catalogue speaks on pages: names of elements, what set a value in words, codes by their names."""

import calendar
import re

from asset_hub.catalogue.tables import name_of
from asset_hub.catalogue.types import ValueView
from asset_hub.core.text import N_, Text

ELEMENT_NAMES: dict[str, str] = {
    "title": N_("Title"),
    "alternative": N_("Other title"),
    "date": N_("Date"),
    "district": N_("District"),
    "place": N_("Place"),
    "people": N_("People"),
    "creator": N_("Creator"),
    "contributor": N_("Contributor"),
    "subject": N_("Subject"),
    "theme": N_("Theme"),
    "description": N_("Description"),
    "identifier": N_("Other numbers"),
    "provenance": N_("Provenance"),
    "language": N_("Language"),
    "rights_statement": N_("Rights statement"),
    "transition": N_("Transition"),
}
_TABLES = {"district": "gbt2260_chongqing", "theme": "chongqing_themes"}
_DATE = re.compile(
    r"(?P<year>-?\d{3}(?:\d|(?P<decade>X)))(?:-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?(?P<sign>[~?%]?)", re.ASCII
)
_OPEN, _MONTHS = ("", ".."), 12
_SOURCES: tuple[tuple[str, str], ...] = (
    ("person:", N_("a person wrote it")),
    ("sheet", N_("the holder's own sheet")),
    ("file:name", N_("the name of the file")),
    ("file:embedded", N_("the file itself says so")),
    ("rule:", N_("a rule found it in the words")),
    ("harvest", N_("harvested")),
)


def value_in_words(value: ValueView, language: str) -> str:
    """Return what a value says in the reader's language: a code by its name, a date as people write it."""
    if value.element == "date":
        return date_in_words(value.value, language)
    table = _TABLES.get(value.element)
    return name_of(table, value.code, language) if table and value.code else value.value


def date_in_words(text: str, language: str) -> str:
    """Return an EDTF date as people write it (c. May 1983, 300 BCE, 618–907); what is none stays as it is."""
    sides = text.strip().split("/")
    words = [_moment_in_words(side.strip(), language) for side in sides]
    if len(sides) == 1:
        return words[0] or text
    first, last = words if len(sides) == 2 else ("", "")
    if first and last:
        return f"{first}–{last}"
    if first and sides[1] in _OPEN:
        return f"{first}起" if language == "zh" else f"from {first}"
    if last and sides[0] in _OPEN:
        return f"至{last}" if language == "zh" else f"until {last}"
    return text


def _moment_in_words(text: str, language: str) -> str:
    """Return one side of a date in words; empty for what is no year, month or day."""
    found = _DATE.fullmatch(text)
    if found is None:
        return ""
    year, month, day = int(found["year"].replace("X", "0")), int(found["month"] or 0), int(found["day"] or 0)
    if month > _MONTHS or (found["decade"] and month):
        return ""
    write = _chinese_day if language == "zh" else _english_day
    words = write(year, month, day, is_decade=bool(found["decade"]))
    about, uncertain = found["sign"] in ("~", "%"), found["sign"] in ("?", "%")
    if language == "zh":
        return f"{'约' if about else ''}{words}{'（存疑）' if uncertain else ''}"
    return f"{'c. ' if about else ''}{words}{' (uncertain)' if uncertain else ''}"


def _chinese_day(year: int, month: int, day: int, *, is_decade: bool) -> str:
    """Write a day in Chinese; year 0 is 公元前1年, -299 is 公元前300年 (ISO 8601-1, 4.3.2)."""
    words = f"公元前{1 - year}年" if year <= 0 else f"{year}年"
    return f"{words[:-1]}年代" if is_decade else words + (f"{month}月" if month else "") + (f"{day}日" if day else "")


def _english_day(year: int, month: int, day: int, *, is_decade: bool) -> str:
    words = f"{1 - year} BCE" if year <= 0 else str(year)
    name = calendar.month_name[month] if month else ""
    return f"{words}s" if is_decade else " ".join(filter(None, (str(day) if day else "", name, words)))


def source_in_words(source: str) -> Text:
    """Return what set a value, for people; a tool keeps its name and version."""
    for prefix, words in _SOURCES:
        if source.startswith(prefix):
            return Text(words)
    return Text(N_("made by {tool}"), {"tool": source})
