"""What the ledger tells others."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from asset_hub.core.events import Event


@dataclass(frozen=True, slots=True)
class EntryConfirmed(Event):
    """The chain has an entry, and it is final."""

    name: ClassVar[str] = "ledger.entry_confirmed"

    entry_id: UUID
    subject_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class EntryRefused(Event):
    """The chain refused an entry."""

    name: ClassVar[str] = "ledger.entry_refused"

    entry_id: UUID
    subject_id: UUID
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class DayAttested(Event):
    """A third party has stamped or countersigned the end of a day (YYYY-MM-DD, Beijing)."""

    name: ClassVar[str] = "ledger.day_attested"

    day: str
