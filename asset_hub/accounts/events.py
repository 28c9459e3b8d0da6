"""What accounts tell the packages above."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from asset_hub.core.events import Event


@dataclass(frozen=True, slots=True)
class OrganisationAdmitted(Event):
    """A party was admitted by two checkers; the ledger registers its keys."""

    name: ClassVar[str] = "accounts.organisation_admitted"

    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class OrganisationStatusChanged(Event):
    """A house was suspended or reinstated; the ledger says so too."""

    name: ClassVar[str] = "accounts.organisation_status_changed"

    organisation_id: UUID
