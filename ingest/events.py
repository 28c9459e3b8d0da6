"""What intake tells others."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from asset_hub.core.events import Event


@dataclass(frozen=True, slots=True)
class AccessionClosed(Event):
    """Every row of an intake has its outcome and its receipt is stored under `receipt_sha256`, the capture record
    under `captures_sha256`."""

    name: ClassVar[str] = "ingest.accession_closed"

    accession_id: UUID
    receipt_sha256: str
    captures_sha256: str
