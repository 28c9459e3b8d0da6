"""Tables of themed catalogues."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime


class CatalogueRow(SQLModel, table=True):
    """A catalogue; `published` is the pinned snapshot that the public sees."""

    __tablename__ = "curation_catalogue"

    id: UUID = Field(primary_key=True)
    slug: str = Field(unique=True)
    owner_id: UUID = Field(foreign_key="accounts_party.id", index=True)
    title: dict[str, str] = Field(sa_type=JsonColumn)
    intro: dict[str, str] = Field(default_factory=dict, sa_type=JsonColumn)
    published: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class CatalogueItemRow(SQLModel, table=True):
    """One asset, or one part of it, at its place with the curator's words."""

    __tablename__ = "curation_item"
    __table_args__ = (sa.UniqueConstraint("catalogue_id", "position"),)

    id: UUID = Field(primary_key=True)
    catalogue_id: UUID = Field(foreign_key="curation_catalogue.id")
    position: int
    asset_id: UUID = Field(foreign_key="catalogue_asset.id", index=True)
    part_id: UUID | None = None
    words: dict[str, str] = Field(default_factory=dict, sa_type=JsonColumn)
