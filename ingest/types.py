"""The words of intake."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from asset_hub.core.text import N_

AccessionId = NewType("AccessionId", UUID)
ItemId = NewType("ItemId", UUID)
UploadId = NewType("UploadId", UUID)


class ItemStatus(StrEnum):
    """What became of a thing offered. Offered = accepted + duplicate + rejected + quarantined once all are done."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"


STATUS_NAMES: dict[ItemStatus, str] = {
    ItemStatus.WAITING: N_("Being examined"),
    ItemStatus.ACCEPTED: N_("Accepted"),
    ItemStatus.DUPLICATE: N_("Duplicate"),
    ItemStatus.REJECTED: N_("Rejected"),
    ItemStatus.QUARANTINED: N_("Quarantined"),
}


class Door(StrEnum):
    """How things came in."""

    FOLDER = "folder"
    SHEET = "sheet"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class ItemView:
    """A thing offered, as shown: `reason` is {"slug", "message", "params"} or None."""

    id: ItemId
    path: str
    status: ItemStatus
    sha256: str | None
    bytes_count: int
    reason: dict[str, Any] | None
    asset_id: UUID | None
    job_id: UUID | None


@dataclass(frozen=True, slots=True)
class AccessionView:
    """An intake as shown."""

    id: AccessionId
    number: str
    owner_id: UUID
    door: Door
    secrecy: str
    created_at: datetime
    is_sealed: bool
    is_closed: bool
    receipt_sha256: str | None
    counts: dict[ItemStatus, int]

    @property
    def offered(self) -> int:
        return sum(self.counts.values())


def show_bytes(name: bytes) -> str:
    """Return a name for people: undecodable bytes and control characters as escapes, never lost."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
