"""What a buyer asks for, as the pages, the command line and JSON write it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from asset_hub.core.errors import BadInput
from asset_hub.core.period import DateRange
from asset_hub.core.rational import Span
from asset_hub.core.text import N_
from ledger.codebook import GrantKind, find_use, mask_of_territories
from ledger.grants import GrantTerms

KIND_CODES = {"non_exclusive": GrantKind.NON_EXCLUSIVE, "sole": GrantKind.SOLE, "exclusive": GrantKind.EXCLUSIVE}
RESOLUTIONS = ("540", "1080", "2160", "original")
MAX_YEARS = 50


@dataclass(frozen=True, slots=True)
class LicenceTerms:
    """Uses and territories by code, Beijing days, kind, resolution, a segment in master frames or the whole."""

    uses: tuple[str, ...]
    territories: tuple[str, ...]
    window: DateRange
    kind: GrantKind = GrantKind.NON_EXCLUSIVE
    resolution: str = "1080"
    segment: Span | None = None

    def __post_init__(self) -> None:
        for use in self.uses:
            find_use(use)
        mask_of_territories(self.territories)
        if not self.uses or not self.territories:
            raise BadInput(N_("Name at least one use and one territory."))
        if self.resolution not in RESOLUTIONS:
            raise BadInput(N_("There is no resolution “{name}”."), name=self.resolution[:20])
        if self.window.days > MAX_YEARS * 366:
            raise BadInput(N_("At most {years} years."), years=MAX_YEARS)

    def grant(self) -> GrantTerms:
        """Return what the ledger records of it."""
        return GrantTerms(self.uses, self.territories, self.window, self.kind, segment=self.segment)

    def as_json(self) -> dict[str, Any]:
        """Return plain values; `read_terms` undoes it."""
        return {
            "uses": list(self.uses), "territories": list(self.territories), "start": self.window.start.isoformat(),
            "end": self.window.end.isoformat(), "kind": int(self.kind), "resolution": self.resolution,
            "segment": [self.segment.start, self.segment.end] if self.segment else None,
        }  # fmt: skip


def read_terms(values: Mapping[str, Any]) -> LicenceTerms:
    """Undo `LicenceTerms.as_json`. Raises BadInput."""
    segment = values["segment"]
    return LicenceTerms(
        uses=tuple(values["uses"]), territories=tuple(values["territories"]),
        window=DateRange(date.fromisoformat(values["start"]), date.fromisoformat(values["end"])),
        kind=GrantKind(values["kind"]), resolution=values["resolution"],
        segment=Span(segment[0], segment[1]) if segment else None,
    )  # fmt: skip
