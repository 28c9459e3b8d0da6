"""The words of the catalogue: kinds, secrecy, roles of files, and the values that go in and out."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from asset_hub.catalogue.errors import RefusedSecrecy
from asset_hub.core.rational import FrameRate, Span
from asset_hub.core.text import N_

AssetId = NewType("AssetId", UUID)
FileId = NewType("FileId", UUID)
PartId = NewType("PartId", UUID)
_CONTROLS = dict.fromkeys([*(code for code in range(0x20) if chr(code) not in "\t\n"), 0x7F])
CollectionId = NewType("CollectionId", UUID)
RestrictionId = NewType("RestrictionId", UUID)


class AssetKind(StrEnum):
    """What an asset is; a record has no file of its own here."""

    FILM = "film"
    PICTURE = "picture"
    SOUND = "sound"
    DOCUMENT = "document"
    RECORD = "record"


KIND_NAMES: dict[AssetKind, str] = {
    AssetKind.FILM: N_("Film"),
    AssetKind.PICTURE: N_("Picture"),
    AssetKind.SOUND: N_("Sound"),
    AssetKind.DOCUMENT: N_("Document"),
    AssetKind.RECORD: N_("Record"),
}


class AssetState(StrEnum):
    """A draft waits for people; a published asset is found; a withdrawn one is kept and not shown."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Secrecy(StrEnum):
    """Levels that may enter. State secrets never do: see `parse_secrecy`."""

    OPEN = "公开"
    INTERNAL = "内部"
    UNREVIEWED = "未审"


REFUSED_SECRECY = ("秘密", "机密", "绝密")


def parse_secrecy(text: str) -> Secrecy:
    """Read a 密级 as people write it. Raises RefusedSecrecy for 秘密 and above, and for words that are no level.

    Source: 保守国家秘密法 arts. 14 and 27 ff.: state secrets have no business in a networked exchange.
    """
    cleaned = text.strip().replace("级", "")
    if any(level in cleaned for level in REFUSED_SECRECY):
        raise RefusedSecrecy(N_("Material marked “{level}” is refused before its first byte."), level=text.strip())
    try:
        return Secrecy(cleaned)
    except ValueError as error:
        raise RefusedSecrecy(
            N_("“{level}” is no level we know: 公开, 内部 or 未审."), level=text.strip()[:40]
        ) from error


class FileRole(StrEnum):
    """What a file is for. Masters leave only by licence."""

    MASTER = "master"
    PREVIEW = "preview"
    THUMBNAIL = "thumbnail"
    PYRAMID = "pyramid"
    PROXY = "proxy"
    POSTER = "poster"
    SPRITE = "sprite"
    WAVEFORM = "waveform"
    SHOT = "shot"


class PartLevel(StrEnum):
    """Layers of a description (GY/T 202.1-2004: programme, segment, scene, shot) and of pages and pictures."""

    PROGRAMME = "programme"
    SEGMENT = "segment"
    SCENE = "scene"
    SHOT = "shot"
    PAGE = "page"
    REGION = "region"


class RestrictionKind(StrEnum):
    """Why an asset, or a span of it, is held back."""

    EMBARGO = "embargo"
    TAKE_DOWN = "take_down"
    FREEZE = "freeze"
    MISSING_PERMIT = "missing_permit"
    SENSITIVE_SPAN = "sensitive_span"


RESTRICTION_NAMES: dict[RestrictionKind, str] = {
    RestrictionKind.TAKE_DOWN: N_("Take-down"),
    RestrictionKind.EMBARGO: N_("Embargo"),
    RestrictionKind.FREEZE: N_("Halt of trade"),
    RestrictionKind.MISSING_PERMIT: N_("Missing permit"),
    RestrictionKind.SENSITIVE_SPAN: N_("Sensitive span"),
}
HIDING = (
    RestrictionKind.EMBARGO,
    RestrictionKind.TAKE_DOWN,
    RestrictionKind.FREEZE,
    RestrictionKind.MISSING_PERMIT,
)


@dataclass(frozen=True, slots=True)
class ElementValue:
    """One value of one element, with what set it (`source`, e.g. "sheet" or "rule:classify/1") and how sure (0–1)."""

    element: str
    value: str
    source: str
    lang: str | None = None
    confidence: float = 1.0
    group: int = 0
    code: str | None = None

    def __post_init__(self) -> None:
        """Leave out control characters: no database keeps all of them and no page shows any."""
        object.__setattr__(self, "value", self.value.translate(_CONTROLS))


@dataclass(frozen=True, slots=True)
class FileRef:
    """A stored file and what it is for; `name` keeps the exact bytes of what somebody called it."""

    sha256: str
    bytes_count: int
    role: FileRole
    name: bytes
    mime: str
    puid: str | None = None
    technical: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A part to be written: half-open [start, end) in frames of `rate` (or pages), with its own values and picture."""

    level: PartLevel
    span: Span
    rate: FrameRate | None = None
    values: tuple[ElementValue, ...] = ()
    source: str = ""
    confidence: float = 1.0
    picture: FileRef | None = None


@dataclass(frozen=True, slots=True)
class ReviewProgress:
    """How many people agreed to a draft, of how many its collection wants."""

    agreed: int
    wanted: int

    @property
    def is_complete(self) -> bool:
        return self.agreed >= self.wanted


@dataclass(frozen=True, slots=True)
class ValueView:
    """A value as shown, with why it says so."""

    element: str
    value: str
    lang: str | None
    code: str | None
    source: str
    confidence: float
    group: int
    accepted_by: str | None = None
    accepted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FileView:
    """A file as shown; its `id` is the address under which it may be served."""

    id: FileId
    asset_id: AssetId
    role: FileRole
    sha256: str
    bytes_count: int
    name: bytes
    mime: str
    puid: str | None
    technical: dict[str, Any]

    @property
    def shown_name(self) -> str:
        """The name for people: undecodable bytes as escapes, control characters visible."""
        text = self.name.decode("utf-8", "backslashreplace")
        return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


@dataclass(frozen=True, slots=True)
class PartView:
    """A part of the tree with its values."""

    id: PartId
    level: PartLevel
    span: Span
    rate: FrameRate | None
    values: tuple[ValueView, ...]
    source: str
    confidence: float
    picture_id: FileId | None

    def text(self, element: str, language: str) -> str:
        return best_text(self.values, element, language)

    @property
    def start_ms(self) -> int:
        return self.rate.to_ms(self.span.start) if self.rate else 0


@dataclass(frozen=True, slots=True)
class EventView:
    """One thing that was done to an asset's files (PREMIS event)."""

    kind: str
    tool: str
    outcome: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RestrictionView:
    """A restriction as those who may know it see it; days are Beijing days, `end_day` is the first free one."""

    id: RestrictionId
    kind: RestrictionKind
    reason: str
    authority: str
    start_day: date
    end_day: date | None
    span: Span | None
    by_exchange: bool
    lifted_at: datetime | None

    @property
    def last_day(self) -> date | None:
        return self.end_day - timedelta(days=1) if self.end_day else None

    def is_in_force(self, today: date) -> bool:
        """Say whether it holds on this Beijing day."""
        return self.lifted_at is None and self.start_day <= today and (self.end_day is None or today < self.end_day)


@dataclass(frozen=True, slots=True)
class AssetView:
    """Everything shown about one asset."""

    id: AssetId
    number: str
    kind: AssetKind
    state: AssetState
    secrecy: Secrecy
    owner_id: UUID
    custodian_id: UUID | None
    collection_id: CollectionId | None
    row_version: int
    values: tuple[ValueView, ...]
    files: tuple[FileView, ...]
    parts: tuple[PartView, ...]
    restrictions: tuple[RestrictionView, ...]
    events: tuple[EventView, ...]

    def title(self, language: str) -> str:
        return best_text(self.values, "title", language) or self.number

    def text(self, element: str, language: str) -> str:
        return best_text(self.values, element, language)

    def all_texts(self, element: str) -> tuple[str, ...]:
        return tuple(value.value for value in self.values if value.element == element)

    def codes(self, element: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(v.code for v in self.values if v.element == element and v.code))

    def file(self, role: FileRole) -> FileView | None:
        return next((file for file in self.files if file.role == role), None)


def best_text(values: tuple[ValueView, ...], element: str, language: str) -> str:
    """Return the value in the reader's language, else in any, the accepted and the surest first; empty if none."""
    found = [value for value in values if value.element == element]
    found.sort(key=lambda v: (v.lang != language, v.accepted_by is None, -v.confidence))
    return found[0].value if found else ""
