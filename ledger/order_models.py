"""The table of orders as SettlementLedger holds them, with what opens their commitments."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime


class SettlementRow(SQLModel, table=True):
    """An order on the ledger: `facts` and `held` as plain JSON, times in unix seconds as on chain, `refunds` in fen.

    `refunds` has the one that is on its way too, `refund_count` is the chain's. `state` is 0 until the ledger has the
    order, and stays 0 where it refused to open it.
    """

    __tablename__ = "ledger_order"

    id: UUID = Field(primary_key=True)
    asset_id: UUID = Field(index=True)
    buyer_id: UUID = Field(index=True)
    seller_id: UUID = Field(index=True)
    fen: int = Field(sa_type=sa.BigInteger)
    facts: dict[str, Any] = Field(sa_type=JsonColumn)
    held: dict[str, Any] = Field(default_factory=dict, sa_type=JsonColumn)
    state: int = 0
    due: int = Field(sa_type=sa.BigInteger)
    refunds: list[int] = Field(default_factory=list, sa_type=JsonColumn)
    refund_count: int = 0
    opened_at: datetime = Field(sa_type=UtcDateTime)
