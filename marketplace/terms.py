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
from ledger.grants import GrantTerms, Words

KIND_CODES = {"non_exclusive": GrantKind.NON_EXCLUSIVE, "sole": GrantKind.SOLE, "exclusive": GrantKind.EXCLUSIVE}
RESOLUTIONS = ("540", "1080", "2160", "original")
MAX_YEARS = 50
ONLY_EXCLUSIVE = N_("Only a sole or exclusive licence can be subject to others.")


@dataclass(frozen=True, slots=True)
class LicenceTerms:
    """Uses and territories by code, Beijing days, kind, resolution, a segment in master frames or the whole.

    `subject_to` holds the numbers of the licences that an exclusive one leaves standing, None where it is strict;
    `parent` is the number of the licence that it is given under.
    """

    uses: tuple[str, ...]
    territories: tuple[str, ...]
    window: DateRange
    kind: GrantKind = GrantKind.NON_EXCLUSIVE
    resolution: str = "1080"
    segment: Span | None = None
    may_sublicense: bool = False
    subject_to: tuple[int, ...] | None = None
    parent: int | None = None

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
        if self.subject_to is not None and self.kind == GrantKind.NON_EXCLUSIVE:
            raise BadInput(ONLY_EXCLUSIVE)
        if self.may_sublicense and self.parent is not None:
            raise BadInput(N_("A sub-licence cannot be sub-licensed."))

    def grant(self) -> GrantTerms:
        """Return what the ledger records of it."""
        return GrantTerms(
            self.uses, self.territories, self.window, self.kind, segment=self.segment,
            may_sublicense=self.may_sublicense,
        )  # fmt: skip

    def words(self) -> Words:
        """Return the words of the licence that is asked for; it has no number yet."""
        return self.grant().words(0, parent=self.parent or 0)

    def as_json(self) -> dict[str, Any]:
        """Return plain values; `read_terms` undoes it."""
        return {
            "uses": list(self.uses), "territories": list(self.territories), "start": self.window.start.isoformat(),
            "end": self.window.end.isoformat(), "kind": int(self.kind), "resolution": self.resolution,
            "segment": [self.segment.start, self.segment.end] if self.segment else None,
            "may_sublicense": self.may_sublicense, "parent": self.parent,
            "subject_to": None if self.subject_to is None else list(self.subject_to),
        }  # fmt: skip


def read_terms(values: Mapping[str, Any]) -> LicenceTerms:
    """Undo `LicenceTerms.as_json`, also of terms that were written before licences had conditions. Raises BadInput."""
    segment, subject_to = values["segment"], values.get("subject_to")
    return LicenceTerms(
        uses=tuple(values["uses"]), territories=tuple(values["territories"]),
        window=DateRange(date.fromisoformat(values["start"]), date.fromisoformat(values["end"])),
        kind=GrantKind(values["kind"]), resolution=values["resolution"],
        segment=Span(segment[0], segment[1]) if segment else None,
        may_sublicense=values.get("may_sublicense", False), parent=values.get("parent"),
        subject_to=None if subject_to is None else tuple(subject_to),
    )  # fmt: skip
