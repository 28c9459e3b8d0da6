"""What a person changes on the review desk: typed text against what stands, only the difference is written.

A changed value is the person's ("person:<id>"); what is left as it is keeps its source and waits to be accepted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asset_hub.accounts import Actor, require
from asset_hub.catalogue import (
    AssetView,
    ElementValue,
    FileRef,
    PartLevel,
    PartSpec,
    PartView,
    Secrecy,
    ValueView,
    get_asset,
    load_table,
    name_of,
    parse_secrecy,
    places,
    replace_element,
    set_parts,
    set_secrecy,
)
from asset_hub.catalogue import permissions as catalogue_permissions
from asset_hub.catalogue.assets import lock_asset
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import AssetHubError
from asset_hub.core.text import N_, Text
from ingest.dates import read_date
from ingest.errors import DraftChanged, WrongFields

SLOTS = {
    "title_zh": ("title", "zh"), "title_en": ("title", "en"),
    "description_zh": ("description", "zh"), "description_en": ("description", "en"),
}  # fmt: skip
MANY = ("place", "people", "creator")
_LONGEST = 20_000
_THEMES = "chongqing_themes"


@dataclass(frozen=True, slots=True)
class Typed:
    """A form as sent: texts by field, codes of themes, titles of shots by position, the version it began from."""

    texts: Mapping[str, str]
    themes: tuple[str, ...]
    shots: Mapping[int, tuple[str, str]]
    secrecy: str
    version: int


def standing(asset: AssetView) -> Typed:
    """Return what stands, as the form shows it."""
    texts = {name: _best(_slot(asset, *slot)) for name, slot in SLOTS.items()}
    texts |= {name: "；".join(dict.fromkeys(v.value for v in _of(asset, name))) for name in MANY}
    texts["date"] = _best(_of(asset, "date"))
    texts["district"] = next((value.code for value in _sorted(_of(asset, "district")) if value.code), "")
    shots = {
        number: (_best(_slot_of(shot.values, "zh")), _best(_slot_of(shot.values, "en")))
        for number, shot in enumerate(shots_of(asset))
    }
    return Typed(texts, asset.codes("theme"), shots, asset.secrecy, asset.row_version)


def save_corrections(session: WriteSession, *, asset_id: UUID, typed: Typed, by: Actor, now: datetime) -> int:
    """Write what differs; return how many elements changed, shots counting as one.

    Raises DraftChanged when somebody saved meanwhile, WrongFields with a reason per field; nothing is written then.
    """
    lock_asset(session, asset_id)
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    require(by, catalogue_permissions.DESCRIBE, organisation_id=asset.owner_id)
    if asset.row_version != typed.version:
        raise DraftChanged(N_("What you typed is kept below and not saved. Look at it again, then save."))
    changes = compare(asset, typed, source=f"person:{by.person_id}")
    for element, values in changes.items():
        replace_element(session, asset_id=asset_id, element=element, values=values, by=by, now=now)
    count = len(changes)
    if parts := _changed_shots(asset, typed, source=f"person:{by.person_id}"):
        set_parts(session, asset_id=asset_id, level=PartLevel.SHOT, parts=parts, by=by, now=now)
        count += 1
    if typed.secrecy != asset.secrecy:
        set_secrecy(session, asset_id=asset_id, secrecy=Secrecy(typed.secrecy), by=by)
        count += 1
    return count


def compare(asset: AssetView, typed: Typed, *, source: str) -> dict[str, list[ElementValue]]:
    """Return the new values of every element that differs. Raises WrongFields."""
    before = standing(asset)
    changed = {name: text.strip() for name, text in typed.texts.items() if text.strip() != before.texts.get(name, "")}
    errors = _check(before, typed, changed)
    if errors:
        raise WrongFields(errors)
    found = _changed_slots(asset, changed, source)
    for name in MANY:
        if name in changed and split_many(changed[name]) != split_many(before.texts[name]):
            found[name] = _merged(asset, name, split_many(changed[name]), source)
    if "date" in changed:
        text = changed["date"]
        found["date"] = [ElementValue("date", read_date(text), source)] if text else []
    if "district" in changed:
        found["district"] = _district(changed["district"], source)
    if set(typed.themes) != set(before.themes):
        found["theme"] = _themes(asset, typed.themes, source)
    return found


def shots_of(asset: AssetView) -> list[PartView]:
    """Return the shots in their order."""
    return [part for part in asset.parts if part.level == PartLevel.SHOT]


def split_many(text: str) -> list[str]:
    """Split names written one after another with ；, ; 、 or |, each once."""
    for mark in ";、|\n":
        text = text.replace(mark, "；")
    return list(dict.fromkeys(part.strip() for part in text.split("；") if part.strip()))


def _check(before: Typed, typed: Typed, changed: Mapping[str, str]) -> dict[str, Text]:
    errors = {
        name: Text(N_("More than {limit} characters."), {"limit": _LONGEST})
        for name, text in changed.items()
        if len(text) > _LONGEST
    }
    titles = {name: changed.get(name, before.texts[name]) for name in ("title_zh", "title_en")}
    if not any(titles.values()):
        errors["title_zh"] = Text(N_("A title is needed in at least one language."))
    if changed.get("date"):
        errors |= _error_of("date", read_date, changed["date"])
    errors |= _error_of("secrecy", parse_secrecy, typed.secrecy)
    if changed.get("district") and changed["district"] not in places():
        errors["district"] = Text(N_("Choose a district from the list."))
    if not set(typed.themes) <= _theme_codes():
        errors["theme"] = Text(N_("Choose themes from the list."))
    return errors


def _error_of(name: str, read: Callable[[str], object], text: str) -> dict[str, Text]:
    try:
        read(text)
    except AssetHubError as error:
        return {name: error.text}
    return {}


def _changed_slots(asset: AssetView, changed: Mapping[str, str], source: str) -> dict[str, list[ElementValue]]:
    found: dict[str, list[ElementValue]] = {}
    for element in dict.fromkeys(SLOTS[name][0] for name in changed if name in SLOTS):
        values = [_kept(value) for value in _of(asset, element) if (value.lang or "zh") not in ("zh", "en")]
        for name, (other, lang) in SLOTS.items():
            if other != element:
                continue
            if name not in changed:
                values += [_kept(value) for value in _slot(asset, element, lang)]
            elif changed[name]:
                values.append(ElementValue(element, changed[name], source, lang))
        found[element] = values
    return found


def _merged(asset: AssetView, element: str, parts: Sequence[str], source: str) -> list[ElementValue]:
    there = {value.value: value for value in _of(asset, element)}
    return [
        _kept(there[part]) if part in there else ElementValue(element, part, source, _language(part)) for part in parts
    ]


def _district(code: str, source: str) -> list[ElementValue]:
    return [ElementValue("district", places()[code].name_zh, source, "zh", code=code)] if code else []


def _themes(asset: AssetView, codes: Sequence[str], source: str) -> list[ElementValue]:
    there = {value.code: value for value in _of(asset, "theme")}
    return [
        _kept(there[code])
        if code in there
        else ElementValue("theme", name_of(_THEMES, code, "zh"), source, "zh", code=code)
        for code in dict.fromkeys(codes)
    ]


def _theme_codes() -> set[str]:
    return {row["local_code"] for row in load_table(_THEMES).rows}


def _changed_shots(asset: AssetView, typed: Typed, *, source: str) -> list[PartSpec]:
    """Return every shot again with its new titles; empty when no title differs. Spans, rates and stills stay."""
    before = standing(asset).shots
    after = {number: typed.shots.get(number, titles) for number, titles in before.items()}
    if after == before:
        return []
    return [_spec(asset, shot, before[number], after[number], source) for number, shot in enumerate(shots_of(asset))]


def _spec(asset: AssetView, shot: PartView, before: tuple[str, str], after: tuple[str, str], source: str) -> PartSpec:
    values = [_kept(value) for value in shot.values if value.element != "title"]
    for lang, old, new in zip(("zh", "en"), before, after, strict=True):
        if new == old:
            values += [_kept(value) for value in _slot_of(shot.values, lang)]
        elif new:
            values.append(ElementValue("title", new, source, lang))
    still = next((file for file in asset.files if file.id == shot.picture_id), None)
    picture = (
        FileRef(still.sha256, still.bytes_count, still.role, still.name, still.mime, still.puid, still.technical)
        if still is not None
        else None
    )
    return PartSpec(shot.level, shot.span, shot.rate, tuple(values), shot.source, shot.confidence, picture)


def _of(asset: AssetView, element: str) -> list[ValueView]:
    return [value for value in asset.values if value.element == element]


def _slot(asset: AssetView, element: str, lang: str) -> list[ValueView]:
    return [value for value in _of(asset, element) if (value.lang or _language(value.value)) == lang]


def _slot_of(values: Sequence[ValueView], lang: str) -> list[ValueView]:
    return [v for v in values if v.element == "title" and (v.lang or _language(v.value)) == lang]


def _sorted(values: Sequence[ValueView]) -> list[ValueView]:
    return sorted(values, key=lambda value: (value.accepted_at is None, -value.confidence))


def _best(values: Sequence[ValueView]) -> str:
    found = _sorted(values)
    return found[0].value.strip() if found else ""


def _kept(value: ValueView) -> ElementValue:
    return ElementValue(value.element, value.value, value.source, value.lang, value.confidence, value.group, value.code)


def _language(text: str) -> str:
    return "zh" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en"
