"""Tables of the catalogue. Elements are data, parts are one tree, files are optional."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime


class CollectionRow(SQLModel, table=True):
    """A collection and how its drafts are reviewed: by one person or by three."""

    __tablename__ = "catalogue_collection"
    __table_args__ = (sa.UniqueConstraint("owner_id", "name_zh"),)

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(foreign_key="accounts_party.id")
    name_zh: str
    name_en: str = ""
    reviewers: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)


class AssetRow(SQLModel, table=True):
    """One asset. `custodian_id` keeps it, `owner_id` brought it in; neither is by that its rights holder."""

    __tablename__ = "catalogue_asset"

    id: UUID = Field(primary_key=True)
    number: str = Field(unique=True)
    kind: str
    state: str
    secrecy: str
    owner_id: UUID = Field(foreign_key="accounts_party.id", index=True)
    custodian_id: UUID | None = Field(default=None, foreign_key="accounts_party.id")
    collection_id: UUID | None = Field(default=None, foreign_key="catalogue_collection.id", index=True)
    row_version: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: UUID | None = None
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class NumberRow(SQLModel, table=True):
    """The last number given per year."""

    __tablename__ = "catalogue_number"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last: int = 0


class FileRow(SQLModel, table=True):
    """A file of an asset; the bytes lie under their digest, the name is kept as bytes."""

    __tablename__ = "catalogue_file"

    id: UUID = Field(primary_key=True)
    asset_id: UUID = Field(foreign_key="catalogue_asset.id", index=True)
    role: str
    sha256: str = Field(index=True)
    bytes_count: int = Field(sa_type=sa.BigInteger)
    name: bytes
    mime: str
    puid: str | None = None
    technical: dict[str, Any] = Field(default_factory=dict, sa_type=JsonColumn)
    created_at: datetime = Field(sa_type=UtcDateTime)


class PartRow(SQLModel, table=True):
    """A node of an asset's part tree; [start, end) in frames of rate_num/rate_den, or pages."""

    __tablename__ = "catalogue_part"

    id: UUID = Field(primary_key=True)
    asset_id: UUID = Field(foreign_key="catalogue_asset.id", index=True)
    parent_id: UUID | None = Field(default=None, foreign_key="catalogue_part.id")
    level: str
    start: int = Field(sa_type=sa.BigInteger)
    end: int = Field(sa_type=sa.BigInteger)
    rate_num: int | None = None
    rate_den: int | None = None
    source: str = ""
    confidence: float = 1.0
    picture_id: UUID | None = Field(default=None, foreign_key="catalogue_file.id")


class ElementRow(SQLModel, table=True):
    """One value of one element of an asset or of one of its parts."""

    __tablename__ = "catalogue_element"

    id: UUID = Field(primary_key=True)
    asset_id: UUID = Field(foreign_key="catalogue_asset.id", index=True)
    part_id: UUID | None = Field(default=None, foreign_key="catalogue_part.id")
    element: str
    value: str
    lang: str | None = None
    code: str | None = None
    group: int = 0
    source: str
    confidence: float = 1.0
    accepted_by: UUID | None = None
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PreservationEventRow(SQLModel, table=True):
    """What was done to an asset's files, with which tool and outcome (PREMIS 3, event entity)."""

    __tablename__ = "catalogue_preservation_event"

    id: UUID = Field(primary_key=True)
    asset_id: UUID = Field(foreign_key="catalogue_asset.id", index=True)
    kind: str
    tool: str
    outcome: str
    detail: str = ""
    at: datetime = Field(sa_type=UtcDateTime)


class ReviewRow(SQLModel, table=True):
    """One person's agreement to a draft; three different people where the collection asks for 三审."""

    __tablename__ = "catalogue_review"
    __table_args__ = (sa.UniqueConstraint("asset_id", "person_id"),)

    id: UUID = Field(primary_key=True)
    asset_id: UUID = Field(foreign_key="catalogue_asset.id")
    person_id: UUID = Field(foreign_key="accounts_person.id")
    at: datetime = Field(sa_type=UtcDateTime)


class RestrictionRow(SQLModel, table=True):
    """Why an asset or a span of it is held back, on whose authority, from when until when (Beijing days).

    What the exchange itself ordered (`by_exchange`) the house cannot lift.
    """

    __tablename__ = "catalogue_restriction"

    id: UUID = Field(primary_key=True)
    asset_id: UUID = Field(foreign_key="catalogue_asset.id", index=True)
    kind: str
    reason: str
    authority: str
    start_day: date
    end_day: date | None = None
    span_start: int | None = Field(default=None, sa_type=sa.BigInteger)
    span_end: int | None = Field(default=None, sa_type=sa.BigInteger)
    by_exchange: bool = False
    created_by: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    lifted_by: UUID | None = None
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
