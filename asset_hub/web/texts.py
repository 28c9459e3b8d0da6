"""Languages of the pages: English message ids, Chinese from the .po files beside the code, read once at start."""

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

from asset_hub.core.clock import BEIJING
from asset_hub.core.text import EN, ZH, Language

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_KILO = 1024


@cache
def chinese() -> dict[str, str]:
    """Return every message id with its Chinese text."""
    found: dict[str, str] = {}
    folder = files("asset_hub.web").joinpath("locales", "zh")
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".po"):
            with entry.open("rb") as file:
                found |= {str(m.id): str(m.string) for m in read_po(file, locale="zh") if m.id and m.string}
    return found


def translator(language: str) -> Callable[[str], str]:
    """Return the function that turns a message id into this language."""
    table = chinese() if language == ZH else {}
    return lambda message: table.get(message, message)


def choose_language(*, asked: str | None, kept: str | None, accepted: str) -> Language:
    """Choose by the link, then the cookie, then the browser; Chinese where nothing is said."""
    for said in (asked, kept):
        if said in (ZH, EN):
            return Language(said)
    first = accepted.split(",")[0].strip().lower()
    return EN if first.startswith("en") else ZH


def write_day(day: date, language: str) -> str:
    """Write a date as its reader does: 2026年11月25日, 25 November 2026."""
    if language == ZH:
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def write_moment(moment: datetime, language: str) -> str:
    """Write an aware moment in Beijing time, to the minute."""
    local = moment.astimezone(BEIJING)
    return f"{write_day(local.date(), language)} {local:%H:%M}"


def write_size(count: int) -> str:
    """Write a number of bytes with a binary unit: 3.4 MB."""
    size, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < _KILO or unit == "TB":
            break
        size /= _KILO
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
