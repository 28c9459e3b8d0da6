"""What search pages show: cards with their chip, facets with their links, chosen values as chips."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from asset_hub.accounts import party_names
from asset_hub.catalogue import AssetView, load_table, places
from asset_hub.catalogue.types import KIND_NAMES, AssetKind, FileRole
from asset_hub.catalogue.words import date_in_words
from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_, Text
from asset_hub.web.texts import write_day
from marketplace.availability import Answer, Availability
from search.asked import Asked
from search.find import SearchHit, SearchPage
from search.text import mark_terms

_VALUES_SHOWN = 16
FACET_NAMES: dict[str, str] = {
    "kind": N_("Kind"),
    "district": N_("District"),
    "theme": N_("Theme"),
    "owner": N_("Holder"),
    "decade": N_("Decade"),
    "language": N_("Language of the title"),
}
_LANGUAGES: dict[str, str] = {"zh": N_("Chinese"), "en": N_("English")}
Pieces = list[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Card:
    """A hit as the card macro of the shell reads it; `chip` is (word, kind of status)."""

    number: str
    kind: str
    picture: UUID | None
    at: str
    start: float
    is_shot: bool
    title: Pieces
    shot: Pieces
    date: str
    chip: tuple[Text, str] | None


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet: the code, what people call it, how many, and the address that chooses or drops it."""

    label: Text
    count: int
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet with its values, the most frequent first."""

    name: str
    label: str
    values: tuple[FacetValue, ...]


def cards_of(page: SearchPage, answers: Mapping[UUID, Availability], *, language: str) -> list[Card]:
    """Return the hits as cards, with the answer about rights where one was asked for."""
    return [_card(hit, page, answers.get(hit.asset.id), language) for hit in page.hits]


def picture_of(asset: AssetView, role: FileRole = FileRole.THUMBNAIL) -> UUID | None:
    """Return the picture that stands for an asset."""
    found = asset.file(role) or asset.file(FileRole.POSTER) or asset.file(FileRole.THUMBNAIL)
    return found.id if found else None


def facets_of(session: ReadSession, page: SearchPage, asked: Asked, *, language: str) -> list[Facet]:
    """Return the facets; chosen values are always there, also with nothing found."""
    names = _names(session, page, asked, language)
    return [Facet(name, label, _values(name, page, asked, names)) for name, label in FACET_NAMES.items()]


def chips_of(facets: list[Facet], asked: Asked) -> list[tuple[Text, str]]:
    """Return (what is chosen, the address without it)."""
    chips = [(value.label, value.url) for facet in facets for value in facet.values if value.is_chosen]
    first, last = asked.years
    if first is not None or last is not None:
        span: dict[str, object] = {"first": "…" if first is None else first, "last": "…" if last is None else last}
        chips.append((Text(N_("Years {first} to {last}"), span), asked.without("year_from", "year_to")))
    return chips


def _card(hit: SearchHit, page: SearchPage, answer: Availability | None, language: str) -> Card:
    asset, shot = hit.asset, hit.shot
    return Card(
        number=asset.number, kind=KIND_NAMES[asset.kind], date=date_in_words(asset.text("date", language), language),
        picture=(shot.picture_id if shot else None) or picture_of(asset),
        at=shot.rate.timecode(shot.span.start) if shot and shot.rate else "",
        start=shot.start_ms / 1000 if shot else 0, is_shot=shot is not None,
        title=mark_terms(asset.title(language), page.terms),
        shot=mark_terms(shot.text("title", language), page.terms) if shot else [],
        chip=_chip(answer, language) if answer else (Text(N_("Held back")), "warn") if asset.restrictions else None,
    )  # fmt: skip


def _chip(answer: Availability, language: str) -> tuple[Text, str]:
    if answer.answer == Answer.FREE:
        return Text(N_("Free")), "good"
    if answer.answer == Answer.CONFLICT and answer.free_from is not None:
        return Text(N_("Free from {day}"), {"day": write_day(answer.free_from, language)}), "bad"
    return Text(N_("Not on offer")), "warn"


def _values(name: str, page: SearchPage, asked: Asked, names: Mapping[str, str]) -> tuple[FacetValue, ...]:
    chosen = asked.chosen.get(name, ())
    counts = {**dict.fromkeys(chosen, 0), **page.facets[name]}
    ordered = sorted(counts, key=lambda value: (value not in chosen, -counts[value], value))
    return tuple(
        FacetValue(_label(name, value, names), counts[value], asked.toggled(name, value), value in chosen)
        for value in ordered[:_VALUES_SHOWN]
    )


def _names(session: ReadSession, page: SearchPage, asked: Asked, language: str) -> dict[str, str]:
    """Return code → name of districts, themes and holders; codes that are none are shown as they came."""
    column = "name_en" if language == "en" else "name_zh"
    names = {p.code: (p.name_en if language == "en" else p.name_zh) or p.name_zh for p in places().values()}
    names |= {row["local_code"]: row[column] or row["name_zh"] for row in load_table("chongqing_themes").rows}
    owners = {UUID(value) for value in (*page.facets["owner"], *asked.chosen.get("owner", ())) if _is_uuid(value)}
    found = party_names(session, organisation_ids=owners, language=language)
    return names | {str(owner): name for owner, name in found.items()}


def _label(name: str, value: str, names: Mapping[str, str]) -> Text:
    if name == "kind" and value in tuple(AssetKind):
        return Text(KIND_NAMES[AssetKind(value)])
    if name == "decade" and value.lstrip("-").isdecimal():
        before = value.startswith("-")
        return Text(N_("{decade}s BCE") if before else N_("{decade}s"), {"decade": value.lstrip("-")})
    if name == "language" and value in _LANGUAGES:
        return Text(_LANGUAGES[value])
    return Text("{name}", {"name": names.get(value, value)})


def _is_uuid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
