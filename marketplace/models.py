"""Tables of the trade."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime


class TitleRow(SQLModel, table=True):
    """The title to an asset: whose it is, by which instrument; `shares` maps party → basis points."""

    __tablename__ = "marketplace_title"

    asset_id: UUID = Field(primary_key=True, foreign_key="catalogue_asset.id")
    state: str
    shares: dict[str, int] = Field(default_factory=dict, sa_type=JsonColumn)
    instrument: str = ""
    instrument_sha256: str | None = None
    pledgee: str = ""
    recorded_by: UUID | None = None
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class ListingRow(SQLModel, table=True):
    """What a holder offers of an asset, and its price list."""

    __tablename__ = "marketplace_listing"

    asset_id: UUID = Field(primary_key=True, foreign_key="catalogue_asset.id")
    seller_id: UUID = Field(foreign_key="accounts_party.id", index=True)
    state: str
    prices: dict[str, Any] = Field(default_factory=dict, sa_type=JsonColumn)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class QuoteRow(SQLModel, table=True):
    """A signed quote: its inputs, its lines, until when it holds."""

    __tablename__ = "marketplace_quote"

    id: UUID = Field(primary_key=True)
    asset_id: UUID = Field(foreign_key="catalogue_asset.id", index=True)
    seller_id: UUID
    buyer_id: UUID = Field(foreign_key="accounts_party.id", index=True)
    terms: dict[str, Any] = Field(sa_type=JsonColumn)
    prices: dict[str, Any] = Field(sa_type=JsonColumn)
    seconds: int = 0
    net_fen: int = Field(sa_type=sa.BigInteger)
    tax_fen: int = Field(sa_type=sa.BigInteger)
    signature: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class OrderRow(SQLModel, table=True):
    """An order; while it is open and not expired its rights are held for the buyer.

    `seen` is what a bank statement shows of its payment and the ledger was not told yet: fen, receipt, at.
    """

    __tablename__ = "marketplace_order"

    id: UUID = Field(primary_key=True)
    quote_id: UUID = Field(foreign_key="marketplace_quote.id", unique=True)
    asset_id: UUID = Field(foreign_key="catalogue_asset.id", index=True)
    seller_id: UUID
    buyer_id: UUID = Field(index=True)
    placed_by: UUID | None = None
    state: str
    words: list[str] = Field(sa_type=JsonColumn)
    gross_fen: int = Field(sa_type=sa.BigInteger)
    placed_at: datetime = Field(sa_type=UtcDateTime)
    held_until: datetime = Field(sa_type=UtcDateTime)
    paid_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    payment: str = ""
    seen: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    refunded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    refund: str = ""


class LicenceRow(SQLModel, table=True):
    """A licence: recorded → confirmed → delivered, or refused by the chain."""

    __tablename__ = "marketplace_licence"

    id: UUID = Field(primary_key=True)
    number: int = Field(unique=True, sa_type=sa.BigInteger)
    order_id: UUID = Field(foreign_key="marketplace_order.id", unique=True)
    asset_id: UUID = Field(foreign_key="catalogue_asset.id", index=True)
    seller_id: UUID
    buyer_id: UUID = Field(index=True)
    terms: dict[str, Any] = Field(sa_type=JsonColumn)
    state: str
    sha256: str | None = None
    bytes_count: int = Field(default=0, sa_type=sa.BigInteger)
    file_name: str = ""
    mime: str = ""
    sm3: str = ""
    fingerprint: str = ""
    certificate_sha256: str | None = None
    pdf_sha256: str | None = None
    attested_day: str = ""
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RightsLockRow(SQLModel, table=True):
    """One row per asset: whoever changes its rights locks it first, so that all changes have one order."""

    __tablename__ = "marketplace_rights_lock"

    asset_id: UUID = Field(primary_key=True)
    changes: int = 0
