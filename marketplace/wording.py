"""The trade in words for people: terms as lines, names of the code book by language, names of downloads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote as escape

from asset_hub.catalogue import AssetKind, AssetView, FileRole, PartLevel
from asset_hub.core.rational import FrameRate, Span
from asset_hub.core.text import N_, Text
from asset_hub.web.texts import write_day
from ledger.codebook import COUNTRIES, KIND_NAMES, USES, find_use, name_of_territory
from marketplace.availability import Answer
from marketplace.forms import MAIN_TERRITORIES, FilmTime
from marketplace.terms import LicenceTerms

ANSWER_NAMES: dict[Answer, str] = {
    Answer.FREE: N_("Free"),
    Answer.CONFLICT: N_("Taken"),
    Answer.UNKNOWN: N_("Cannot be answered yet"),
}
ANSWER_MARKS: dict[Answer, str] = {Answer.FREE: "good", Answer.CONFLICT: "bad", Answer.UNKNOWN: "warn"}
RESOLUTION_NAMES: dict[str, str] = {
    "540": N_("540 lines (preview)"),
    "1080": N_("1080 lines (HD)"),
    "2160": N_("2160 lines (4K)"),
    "original": N_("as kept by the archive"),
}


@dataclass(frozen=True, slots=True)
class ListedTerms:
    """A licence in a table, without its parties."""

    number: int
    kind: Text
    uses: str
    territories: str
    period: Text


_JOINTS = {"zh": "、", "en": ", "}


def film_time(asset: AssetView) -> FilmTime:
    """Return rate and length of a film's master; no rate for what has no frames."""
    master = asset.file(FileRole.MASTER)
    if asset.kind != AssetKind.FILM or master is None or not master.technical.get("rate"):
        return FilmTime()
    return FilmTime(FrameRate(*master.technical["rate"]), int(master.technical.get("frames") or 0))


def shot_span(asset: AssetView, shot: str) -> Span | None:
    """Return the frames of a shot, named by its id or by a second within it, as the asset page does."""
    shots = [part for part in asset.parts if part.level == PartLevel.SHOT and part.rate]
    for part in shots:
        if str(part.id) == shot:
            return part.span
    rate = film_time(asset).rate
    try:
        frame = round(float(shot) * rate.fraction) if rate else None
    except (ValueError, OverflowError):
        frame = None
    return next((part.span for part in shots if frame is not None and part.span.start <= frame < part.span.end), None)


def terms_in_words(terms: LicenceTerms, language: str, *, rate: FrameRate | None) -> list[tuple[str, str | Text]]:
    """Return the terms as lines for people: (label, words); the last day is included."""
    joint = _JOINTS[language]
    lines: list[tuple[str, str | Text]] = [
        (N_("Uses"), joint.join(use_name(use, language) for use in terms.uses)),
        (N_("Territory"), joint.join(name_of_territory(code, language) for code in terms.territories)),
        (N_("Period"), period(terms.window.start, terms.window.last_day, language)),
        (N_("Kind of licence"), Text(KIND_NAMES[terms.kind])),
        (N_("Resolution"), Text(RESOLUTION_NAMES[terms.resolution])),
    ]
    if terms.segment is not None:
        lines.append((N_("Part of the film"), part_in_words(terms.segment, rate)))
    return lines + _conditions(terms, joint)


def _conditions(terms: LicenceTerms, joint: str) -> list[tuple[str, str | Text]]:
    lines: list[tuple[str, str | Text]] = []
    if terms.may_sublicense:
        lines.append((N_("Right to sub-license"), Text(N_("included"))))
    if terms.parent is not None:
        above: dict[str, object] = {"number": f"{terms.parent:06d}"}
        lines.append((N_("Given under"), Text(N_("licence no. {number}; when that one ends, this one ends"), above)))
    if terms.subject_to is not None:
        numbers = joint.join(f"{number:06d}" for number in terms.subject_to)
        said = Text(N_("licence no. {number}"), {"number": numbers}) if numbers else Text(N_("the earlier licences"))
        lines.append((N_("Subject to"), said))
    return lines


def listed_terms(terms: Mapping[int, LicenceTerms], language: str) -> list[ListedTerms]:
    """Return licences by number as rows of a table, in order of their numbers."""
    joint = _JOINTS[language]
    return [
        ListedTerms(
            number, Text(KIND_NAMES[one.kind]), joint.join(use_name(use, language) for use in one.uses),
            joint.join(name_of_territory(code, language) for code in one.territories),
            period(one.window.start, one.window.last_day, language),
        )
        for number, one in sorted(terms.items())
    ]  # fmt: skip


def period(first: date, last: date, language: str) -> Text:
    """Return a period as people write it, its last day included (含当日)."""
    days = {"first": write_day(first, language), "last": write_day(last, language)}
    return Text(N_("{first} to {last}, last day included"), dict(days))


def part_in_words(span: Span, rate: FrameRate | None) -> Text:
    """Return a part of a film by time code and number of frames."""
    if rate is None:
        return Text(N_("frames {start} to {end}"), {"start": span.start, "end": span.end})
    return Text(
        N_("{start} to {end} ({frames} frames)"),
        {"start": rate.timecode(span.start), "end": rate.timecode(span.end), "frames": span.end - span.start},
    )


def use_name(code: str, language: str) -> str:
    """Return what people call a use."""
    use = find_use(code)
    return use.name_zh if language == "zh" else use.name_en


def use_names(language: str) -> dict[str, str]:
    """Return the uses of the code book by code."""
    return {use.code: use_name(use.code, language) for use in USES}


def place_names(language: str) -> dict[str, str]:
    """Return territories by code: the main ones first, then countries and regions by name."""
    main = {code: name_of_territory(code, language) for code in reversed(MAIN_TERRITORIES)}
    others = [(name_of_territory(code, language), code) for code in COUNTRIES if code not in main]
    return main | {code: name for name, code in sorted(others)}


def attachment(name: str) -> str:
    """Return a Content-Disposition that keeps any name (RFC 6266 with the encoding of RFC 8187)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{escape(name, safe='')}"
