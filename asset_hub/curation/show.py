"""What the pages and the JSON of catalogues show of an item: its picture, its address, its holder, the words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from asset_hub.accounts import party_names
from asset_hub.catalogue import AssetView, FileRole, FileView, PartView
from asset_hub.catalogue.words import value_in_words
from asset_hub.core.db import ReadSession
from asset_hub.core.text import LANGUAGES
from asset_hub.curation.catalogues import CatalogueView, ItemView

_LARGE = (FileRole.PREVIEW, FileRole.POSTER, FileRole.THUMBNAIL)
_SMALL = (FileRole.THUMBNAIL, FileRole.POSTER, FileRole.PREVIEW)


@dataclass(frozen=True, slots=True)
class Words:
    """A text in the reader's language; `lang` is set where there was only the other."""

    text: str
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a picture is; width and height are 0 where they are not known."""

    url: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One work of a catalogue as a page shows it."""

    url: str
    number: str
    title: str
    shot: str
    facts: str
    holder: str
    picture: Picture | None
    words: Words | None
    is_film: bool


@dataclass(frozen=True, slots=True)
class Credit:
    """A house and how many of its works are shown."""

    holder: str
    count: int


def words_in(texts: Mapping[str, str], language: str) -> Words | None:
    """Return a text in this language, else in the other and marked as such; None where there is none."""
    if texts.get(language):
        return Words(texts[language])
    other = next((name for name in LANGUAGES if texts.get(name)), None)
    return Words(texts[other], "zh-CN" if other == "zh" else str(other)) if other else None


def title_in(catalogue_title: Mapping[str, str], language: str) -> Words:
    """Return a catalogue's title for this reader; every catalogue has a Chinese one."""
    return words_in(catalogue_title, language) or Words("")


def exhibits_of(session: ReadSession, catalogue: CatalogueView, *, language: str) -> tuple[Exhibit, ...]:
    """Return the works of a catalogue with their holders' names; one query."""
    owners = {item.asset.owner_id for item in catalogue.items}
    names = party_names(session, organisation_ids=owners, language=language)
    return tuple(_exhibit(item, names, language) for item in catalogue.items)


def credits_of(exhibits: Iterable[Exhibit]) -> tuple[Credit, ...]:
    """Return who lent how much, the largest lender first."""
    counts: dict[str, int] = {}
    for one in exhibits:
        counts[one.holder] = counts.get(one.holder, 0) + 1
    return tuple(Credit(name, count) for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def cover_of(catalogue: CatalogueView) -> Picture | None:
    """Return the first picture of a catalogue."""
    return next((found for item in catalogue.items if (found := large_picture(item.asset, item.part))), None)


def large_picture(asset: AssetView, part: PartView | None) -> Picture | None:
    """Return the picture of the shot, else the largest that pages may show."""
    return _picture(asset, part, _LARGE)


def small_picture(asset: AssetView, part: PartView | None) -> Picture | None:
    """Return the smallest picture of it."""
    return _picture(asset, part, _SMALL)


def url_of(asset: AssetView, part: PartView | None) -> str:
    """Return the page of a work; of a shot, at its moment."""
    if part is None or part.rate is None:
        return f"/assets/{asset.number}"
    start = part.start_ms / 1000
    return f"/assets/{asset.number}?t={start}#t={start}"


def shot_name(part: PartView | None, language: str) -> str:
    """Return a shot's time code and title, empty for a whole work."""
    if part is None:
        return ""
    at = part.rate.timecode(part.span.start) if part.rate else ""
    return " ".join(filter(None, (at, part.text("title", language))))


def _exhibit(item: ItemView, names: Mapping[UUID, str], language: str) -> Exhibit:
    asset, part = item.asset, item.part
    return Exhibit(
        url=url_of(asset, part), number=asset.number, title=asset.title(language), shot=shot_name(part, language),
        facts=_facts(asset, language), holder=names.get(asset.owner_id, ""),
        picture=large_picture(asset, part), words=words_in(item.words, language),
        is_film=asset.file(FileRole.PROXY) is not None,
    )  # fmt: skip


def _facts(asset: AssetView, language: str) -> str:
    found: list[str] = []
    for element in ("creator", "date", "place"):
        said = [value for value in asset.values if value.element == element]
        mine = [value for value in said if value.lang in (None, language)] or said
        found += dict.fromkeys(value_in_words(value, language) for value in mine[:3])
    return " · ".join(dict.fromkeys(found))


def _picture(asset: AssetView, part: PartView | None, roles: Iterable[FileRole]) -> Picture | None:
    if part is not None and part.picture_id is not None:
        return _sized(next((file for file in asset.files if file.id == part.picture_id), None), part.picture_id)
    found = next((file for role in roles if (file := asset.file(role)) is not None), None)
    return _sized(found, found.id) if found is not None else None


def _sized(file: FileView | None, file_id: UUID) -> Picture:
    technical = file.technical if file is not None else {}
    return Picture(f"/files/{file_id}", int(technical.get("width") or 0), int(technical.get("height") or 0))
