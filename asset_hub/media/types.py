"""What comes out of media: plain frozen values, readable from JSON because the child that made them is not trusted."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from asset_hub.core.rational import FrameRate

MAX_PIXELS = 1_000_000_000
MAX_SIDE = 40_000


class MediaKind(StrEnum):
    """What a file is, for the choice of stages."""

    FILM = "film"
    PICTURE = "picture"
    SOUND = "sound"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Format:
    """A format as PRONOM knows it; `puid` is None where the signatures do not know the file."""

    mime: str
    puid: str | None
    name: str
    tool: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Technical facts. Pixels as shown (orientation applied); `frames` and `rate` only for films."""

    kind: MediaKind
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    frames: int = 0
    rate: FrameRate | None = None
    has_sound: bool = False
    captured: str = ""
    has_location: bool = False
    technical: dict[str, Any] = field(default_factory=dict)
    tool: str = ""


@dataclass(frozen=True, slots=True)
class Derivative:
    """A file made from a master: its role's name ("preview", "pyramid", …), where it lies now, and its format."""

    role: str
    path: Path
    mime: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class GreyPicture:
    """A small picture's brightness, a byte a pixel, row by row."""

    width: int
    height: int
    samples: bytes


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames [start, end) between two transitions; `opened_by` is cut, fade, dissolve or start."""

    start: int
    end: int
    opened_by: str
    confidence: float


@dataclass(frozen=True, slots=True)
class ShotList:
    """The shots of a film in frames of `rate`, and what found them."""

    rate: FrameRate
    frames: int
    shots: tuple[Shot, ...]
    tool: str
