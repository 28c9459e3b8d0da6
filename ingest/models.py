"""Tables of intake: the accession, what was offered in it, unfinished uploads."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime


class AccessionRow(SQLModel, table=True):
    """One intake: the unit of reporting. `source` lets an interrupted intake of the same folder go on."""

    __tablename__ = "ingest_accession"

    id: UUID = Field(primary_key=True)
    number: str = Field(unique=True)
    owner_id: UUID = Field(foreign_key="accounts_party.id", index=True)
    collection_id: UUID | None = Field(default=None, foreign_key="catalogue_collection.id")
    person_id: UUID = Field(foreign_key="accounts_person.id")
    door: str
    source: str = ""
    secrecy: str
    publish: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)
    sealed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    receipt_sha256: str | None = None
    captures_sha256: str | None = None


class AccessionNumberRow(SQLModel, table=True):
    """The last number given per year."""

    __tablename__ = "ingest_accession_number"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last: int = 0


class ItemRow(SQLModel, table=True):
    """One thing offered: a file under its path as bytes, or a row of a sheet. `key` is stable within the accession.

    `received` says by which device, clock and tools its bytes came in; None where none did.
    """

    __tablename__ = "ingest_item"
    __table_args__ = (
        sa.UniqueConstraint("accession_id", "key"),
        sa.Index("ix_ingest_item_state", "accession_id", "status"),
    )

    id: UUID = Field(primary_key=True)
    accession_id: UUID = Field(foreign_key="ingest_accession.id")
    key: bytes
    name: bytes
    status: str
    secrecy: str
    sha256: str | None = Field(default=None, index=True)
    bytes_count: int = Field(default=0, sa_type=sa.BigInteger)
    values: list[dict[str, Any]] = Field(default_factory=list, sa_type=JsonColumn)
    kind: str | None = None
    reason: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    asset_id: UUID | None = Field(default=None, foreign_key="catalogue_asset.id")
    job_id: UUID | None = None
    received: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MasterRow(SQLModel, table=True):
    """Which asset of an owner holds these bytes: the constraint that decides between equal files in a race."""

    __tablename__ = "ingest_master"

    owner_id: UUID = Field(primary_key=True, foreign_key="accounts_party.id")
    sha256: str = Field(primary_key=True)
    asset_id: UUID = Field(foreign_key="catalogue_asset.id")


class UploadRow(SQLModel, table=True):
    """A resumable upload; how far it is, is the length of its file."""

    __tablename__ = "ingest_upload"

    id: UUID = Field(primary_key=True)
    accession_id: UUID = Field(foreign_key="ingest_accession.id", index=True)
    person_id: UUID = Field(foreign_key="accounts_person.id")
    key: bytes
    name: bytes
    length: int = Field(sa_type=sa.BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)
    item_id: UUID | None = None
