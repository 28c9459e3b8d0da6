"""Tables of the ledger: the chain's state, the journal it can be rebuilt from, entries and projections."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime


class StateRow(SQLModel, table=True):
    """The embedded chain's key-value store (state trie, blocks)."""

    __tablename__ = "ledger_state"

    key: bytes = Field(primary_key=True)
    value: bytes


class JournalRow(SQLModel, table=True):
    """One signed transaction as it was executed: append-only, each row sealed with the digest of the one before."""

    __tablename__ = "ledger_journal"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    raw: bytes
    tx_hash: bytes = Field(unique=True)
    sender: bytes
    nonce: int
    block_number: int = Field(index=True)
    block_index: int
    block_time: int = Field(sa_type=sa.BigInteger)
    block_hash: bytes
    status: int
    gas_used: int
    receipt: bytes
    revert: bytes = b""
    seal: bytes


class BlockRow(SQLModel, table=True):
    """A block's header as RLP, by number; `receipts` (an RLP list) only where others' transactions are in it too."""

    __tablename__ = "ledger_block"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    hash: bytes = Field(unique=True)
    header: bytes
    time: int = Field(sa_type=sa.BigInteger)
    receipts: bytes | None = None


class ChainRow(SQLModel, table=True):
    """Which chain this home records on, once it does: what signatures bind and certificates name. One row."""

    __tablename__ = "ledger_chain"

    engine: str = Field(primary_key=True)
    chain_id: int = Field(sa_type=sa.BigInteger)
    genesis: bytes


class ContractRow(SQLModel, table=True):
    """Where each contract was deployed."""

    __tablename__ = "ledger_contract"

    name: str = Field(primary_key=True)
    address: bytes


class EntryRow(SQLModel, table=True):
    """Something to be recorded, in the order it was decided; `args` are plain JSON, bytes as hex."""

    __tablename__ = "ledger_entry"
    __table_args__ = (sa.Index("ix_ledger_entry_open", "state", "number"),)

    id: UUID = Field(primary_key=True)
    number: int = Field(sa_type=sa.BigInteger, unique=True)
    kind: str
    subject_id: UUID = Field(index=True)
    args: dict[str, Any] = Field(default_factory=dict, sa_type=JsonColumn)
    state: str
    op_id: bytes = Field(unique=True)
    tx_hash: bytes | None = None
    block_number: int | None = None
    reason: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OrgRow(SQLModel, table=True):
    """An organisation on the ledger and the address of the key held for it (平台托管)."""

    __tablename__ = "ledger_org"

    organisation_id: UUID = Field(primary_key=True)
    address: bytes


class WorkRow(SQLModel, table=True):
    """An asset on the ledger: its statement and the salt of the commitment to it."""

    __tablename__ = "ledger_work"

    asset_id: UUID = Field(primary_key=True)
    registrar_id: UUID
    statement: str
    salt: bytes
    revision: int = 1


class GrantRow(SQLModel, table=True):
    """A licence or a hold (预留) as three words (hex): it blocks others from the moment it is decided.

    A hold has `lapses_at`; `ended_at` is the time of the block that terminated it, or turned the hold into a licence.
    """

    __tablename__ = "ledger_grant"

    number: int = Field(primary_key=True, sa_type=sa.BigInteger, sa_column_kwargs={"autoincrement": False})
    asset_id: UUID = Field(index=True)
    licence_id: UUID = Field(unique=True)
    entry_id: UUID
    is_exclusive: bool
    is_in_head: bool = False
    position: int | None = None
    words: list[str] = Field(sa_type=JsonColumn)
    document: str
    salt: bytes
    licensor_id: UUID
    licensee_id: UUID
    terms: bytes
    parent: int | None = Field(default=None, sa_type=sa.BigInteger)
    lapses_at: int | None = Field(default=None, sa_type=sa.BigInteger)
    ended_at: int | None = Field(default=None, sa_type=sa.BigInteger)


class TitleListRow(SQLModel, table=True):
    """The title list of a work as the chain has it: who holds which rights in which shares, and what is pledged.

    `shares` are [holder, rights, bps] and `pledges` [pledgor, pledgee, rights]; ids of organisations, rights as hex.
    """

    __tablename__ = "ledger_title"

    asset_id: UUID = Field(primary_key=True)
    shares: list[Any] = Field(sa_type=JsonColumn)
    pledges: list[Any] = Field(sa_type=JsonColumn)
    head: bytes
    entry_id: UUID


class DeedRow(SQLModel, table=True):
    """An act that several sides must agree to: it is recorded when the last of them has."""

    __tablename__ = "ledger_deed"

    id: UUID = Field(primary_key=True)
    kind: str
    asset_id: UUID = Field(index=True)
    args: dict[str, Any] = Field(sa_type=JsonColumn)
    sides: list[str] = Field(sa_type=JsonColumn)
    state: str = Field(index=True)
    proposed_by: UUID
    entry_id: UUID | None = Field(default=None, index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class AgreementRow(SQLModel, table=True):
    """A side's agreement to a deed: by which person, when."""

    __tablename__ = "ledger_agreement"

    deed_id: UUID = Field(primary_key=True, foreign_key="ledger_deed.id")
    organisation_id: UUID = Field(primary_key=True)
    person_id: UUID
    agreed_at: datetime = Field(sa_type=UtcDateTime)


class PauseRow(SQLModel, table=True):
    """Until when a register takes nothing new (暂停交易), from the moment that it is decided, and why."""

    __tablename__ = "ledger_pause"

    name: str = Field(primary_key=True)
    until: datetime = Field(sa_type=UtcDateTime)
    reason: str
    entry_id: UUID | None = None


class CounterRow(SQLModel, table=True):
    """The last number given: of entries, of licences, of journal rows."""

    __tablename__ = "ledger_counter"

    name: str = Field(primary_key=True)
    last: int = Field(default=0, sa_type=sa.BigInteger)
