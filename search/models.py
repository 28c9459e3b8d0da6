"""What waits to be indexed: one row per asset, however often it changed meanwhile."""

from uuid import UUID

from sqlmodel import Field, SQLModel


class PendingRow(SQLModel, table=True):
    """An asset whose documents are out of date; `change` grows with each change so that none is forgotten."""

    __tablename__ = "search_pending"

    asset_id: UUID = Field(primary_key=True)
    change: UUID
