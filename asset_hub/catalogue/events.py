"""What the catalogue tells the packages above."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from asset_hub.core.events import Event


@dataclass(frozen=True, slots=True)
class AssetPublished(Event):
    """An asset was published for the first time."""

    name: ClassVar[str] = "catalogue.asset_published"

    asset_id: UUID


@dataclass(frozen=True, slots=True)
class AssetChanged(Event):
    """Something that is shown about an asset, or whether it is shown, has changed."""

    name: ClassVar[str] = "catalogue.asset_changed"

    asset_id: UUID


@dataclass(frozen=True, slots=True)
class TradeHalted(Event):
    """The exchange has halted the trade of an asset or let it go on, or such a day has come; the ledger says so too."""

    name: ClassVar[str] = "catalogue.trade_halted"

    asset_id: UUID
