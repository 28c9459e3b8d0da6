"""Tables of keys: which speak for a house or for the exchange; what houses have yet to sign or to confirm."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime


class KeyRow(SQLModel, table=True):
    """A key of a house by its address; `custody` says who keeps it, the operator (平台托管) or the house.

    `valid_from` and `valid_until` are the chain's times in unix seconds; of a proposed recovery `valid_from` is when
    it is ready. `sealed` is the secret of a key in custody, under the home's; none where it is derived from that.
    """

    __tablename__ = "ledger_key"

    organisation_id: UUID = Field(primary_key=True)
    address: bytes = Field(primary_key=True)
    custody: str
    purpose: int
    state: str
    valid_from: int | None = Field(default=None, sa_type=sa.BigInteger)
    valid_until: int | None = Field(default=None, sa_type=sa.BigInteger)
    entry_id: UUID | None = Field(default=None, index=True)
    sealed: bytes | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)


class OfficeKeyRow(SQLModel, table=True):
    """A key of the exchange itself by its address; `office` is what it is for (`ledger.signing.Office`).

    `sealed` is its secret under the home's, none for the one that the home began with. Times are the chain's in unix
    seconds: a key speaks from `valid_from`, which is empty until the chain has it, until `valid_until`.
    """

    __tablename__ = "ledger_office_key"

    address: bytes = Field(primary_key=True)
    office: str = Field(index=True)
    sealed: bytes | None = None
    valid_from: int | None = Field(default=None, sa_type=sa.BigInteger)
    valid_until: int | None = Field(default=None, sa_type=sa.BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)


class RoleChangeRow(SQLModel, table=True):
    """A change of who has which role: announced on the chain, and carried out after the administrator's delay.

    `steps` are [grant or revoke, role, address, delay in seconds], in their order. `office` is set where the exchange
    changes a key of its own; `keeper_id` where people of that house are to keep the role's key; `ready_at` (unix
    seconds) once the chain has the announcement.
    """

    __tablename__ = "ledger_role_change"

    id: UUID = Field(primary_key=True)
    office: str = ""
    keeper_id: UUID | None = None
    steps: list[Any] = Field(sa_type=JsonColumn)
    reason: str
    state: str = Field(index=True)
    ready_at: int | None = Field(default=None, sa_type=sa.BigInteger)
    entry_id: UUID | None = None
    refusal: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)


class RoleKeeperRow(SQLModel, table=True):
    """A role whose acts another key than the exchange's signs, by people of a house; times as above."""

    __tablename__ = "ledger_role_keeper"

    role: str = Field(primary_key=True)
    address: bytes
    organisation_id: UUID
    since: int = Field(sa_type=sa.BigInteger)


class SignatureRow(SQLModel, table=True):
    """A signature that an entry waits for: exactly what is to be signed (EIP-712), by whom, until when.

    `address` is set where only that key will do; `deadline` is in unix seconds, and part of what is signed.
    """

    __tablename__ = "ledger_signature"
    __table_args__ = (sa.UniqueConstraint("entry_id", "organisation_id", "slot"),)

    id: UUID = Field(primary_key=True)
    entry_id: UUID
    organisation_id: UUID = Field(index=True)
    slot: str
    address: bytes | None = None
    digest: bytes
    typed: dict[str, Any] = Field(sa_type=JsonColumn)
    deadline: int = Field(sa_type=sa.BigInteger)
    signature: bytes | None = None
    signed_by: bytes | None = None
    person_id: UUID | None = None
    signed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class ConfirmationRow(SQLModel, table=True):
    """A second person's word (复核) that an entry or a consent waits for: the operator's key signs for the house.

    `act_id` is the entry's id, or the deed's where nothing goes on the ledger yet.
    """

    __tablename__ = "ledger_confirmation"
    __table_args__ = (sa.UniqueConstraint("act_id", "organisation_id"),)

    id: UUID = Field(primary_key=True)
    act_id: UUID
    organisation_id: UUID = Field(index=True)
    asked_by: UUID
    deadline: int = Field(sa_type=sa.BigInteger)
    confirmed_by: UUID | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
