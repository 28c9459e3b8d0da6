"""Exact time in media: whole frames (or samples) and a rational rate; milliseconds are only for show."""

from dataclasses import dataclass
from fractions import Fraction

from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_


@dataclass(frozen=True, slots=True)
class FrameRate:
    """Units per second as num/den, both positive; 25/1 is the default of the trade, 30000/1001 the exception."""

    num: int
    den: int = 1

    def __post_init__(self) -> None:
        if self.num <= 0 or self.den <= 0:
            raise BadInput(N_("{num}/{den} is not a frame rate."), num=self.num, den=self.den)

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.num, self.den)

    def to_ms(self, units: int) -> int:
        """Return the nearest millisecond of the start of a frame."""
        return round(Fraction(units * 1000) / self.fraction)

    def from_ms(self, ms: int) -> int:
        """Return the frame shown at a millisecond; exact inverse of `to_ms` for rates up to 500."""
        return round(Fraction(ms, 1000) * self.fraction)

    def timecode(self, units: int) -> str:
        """Return non-drop HH:MM:SS:FF, counting frames at the nominal (rounded-up) rate (SMPTE ST 12-1)."""
        nominal = -(-self.num // self.den)
        seconds, frame = divmod(units, nominal)
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open units [start, end) of a timeline; raises BadInput when empty or negative."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise BadInput(N_("The span {start}–{end} is empty."), start=self.start, end=self.end)

    def overlaps(self, other: "Span") -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Span") -> bool:
        return self.start <= other.start and other.end <= self.end
