"""Tables of the chain's index: blocks, raw events, where the index stands, and what the events say.

Everything here can be made again from the chain; nothing else may refer to it by a foreign key. Hashes, identifiers
and words of 256 bits are bytes as they are on chain; the licence number has its 80 bits.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime

_BY_HAND = {"autoincrement": False}


class CursorRow(SQLModel, table=True):
    """How far one network is indexed: tip, last final block, last block whose side effects are queued."""

    __tablename__ = "chain_cursor"

    network: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    name: str = Field(unique=True)
    number: int = Field(sa_type=sa.BigInteger)
    hash: bytes
    final: int = Field(sa_type=sa.BigInteger)
    announced: int = Field(sa_type=sa.BigInteger)
    contracts: bytes
    version: int


class ChainBlockRow(SQLModel, table=True):
    """A block of the chain as the index follows it."""

    __tablename__ = "chain_block"

    network: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    number: int = Field(primary_key=True, sa_type=sa.BigInteger, sa_column_kwargs=_BY_HAND)
    hash: bytes
    parent: bytes
    time: int = Field(sa_type=sa.BigInteger)
    is_final: bool


class EventRow(SQLModel, table=True):
    """A log of one of our contracts, as it came; `topics` are joined, 32 bytes each."""

    __tablename__ = "chain_event"
    __table_args__ = (sa.UniqueConstraint("block_hash", "log_index"),)

    network: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    block_number: int = Field(primary_key=True, sa_type=sa.BigInteger, sa_column_kwargs=_BY_HAND)
    log_index: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    block_hash: bytes
    tx_hash: bytes
    tx_index: int
    address: bytes
    topics: bytes
    data: bytes


class UndoRow(SQLModel, table=True):
    """What a projected row was before a block that is not final yet; `before` is None when there was none."""

    __tablename__ = "chain_undo"

    network: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    block_number: int = Field(primary_key=True, sa_type=sa.BigInteger, sa_column_kwargs=_BY_HAND)
    entity: str = Field(primary_key=True)
    key: bytes = Field(primary_key=True)
    before: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)


class RevertRow(SQLModel, table=True):
    """A reorganisation that was followed: which blocks went, down to which the chain held."""

    __tablename__ = "chain_revert"

    id: UUID = Field(primary_key=True)
    network: int
    from_number: int = Field(sa_type=sa.BigInteger)
    from_hash: bytes
    to_number: int = Field(sa_type=sa.BigInteger)
    events: int
    at: datetime = Field(sa_type=UtcDateTime)


class OrgView(SQLModel, table=True):
    """An organisation as OrgRegistry knows it."""

    __tablename__ = "chain_org"

    network: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    org: bytes = Field(primary_key=True)
    status: int
    credential: bytes
    block_number: int = Field(sa_type=sa.BigInteger)


class KeyView(SQLModel, table=True):
    """A key of an organisation; `valid_until` is None while it counts."""

    __tablename__ = "chain_key"

    network: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    address: bytes = Field(primary_key=True)
    org: bytes = Field(index=True)
    valid_from: int = Field(sa_type=sa.BigInteger)
    valid_until: int | None = Field(default=None, sa_type=sa.BigInteger)
    block_number: int = Field(sa_type=sa.BigInteger)


class WorkView(SQLModel, table=True):
    """A work as WorkRegistry knows it."""

    __tablename__ = "chain_work"

    network: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    work: bytes = Field(primary_key=True)
    registrar: bytes
    commitment: bytes
    status: int
    revision: int
    block_number: int = Field(sa_type=sa.BigInteger)


class GrantView(SQLModel, table=True):
    """A licence or hold of GrantLedger, `ended_at` in unix seconds; by block and log index it stands in its list."""

    __tablename__ = "chain_grant"
    __table_args__ = (sa.Index("ix_chain_grant_work", "network", "work"),)

    network: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    licence: bytes = Field(primary_key=True)
    work: bytes
    licensor: bytes
    licensee: bytes
    word1: bytes
    word2: bytes
    word3: bytes
    terms: bytes
    is_exclusive: bool
    log_index: int
    ended_at: int | None = Field(default=None, sa_type=sa.BigInteger)
    block_number: int = Field(sa_type=sa.BigInteger)


class HeadView(SQLModel, table=True):
    """The two heads of a work; `exclusive_time` (unix seconds) is when the exclusive one last changed."""

    __tablename__ = "chain_head"

    network: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    work: bytes = Field(primary_key=True)
    exclusive_head: bytes
    non_exclusive_head: bytes
    exclusive_time: int | None = Field(default=None, sa_type=sa.BigInteger)
    block_number: int = Field(sa_type=sa.BigInteger)


class AnchorView(SQLModel, table=True):
    """A root with the time of its block."""

    __tablename__ = "chain_anchor"

    network: int = Field(primary_key=True, sa_column_kwargs=_BY_HAND)
    root: bytes = Field(primary_key=True)
    leaf_count: int = Field(sa_type=sa.BigInteger)
    kind: int
    time: int = Field(sa_type=sa.BigInteger)
    block_number: int = Field(sa_type=sa.BigInteger)
