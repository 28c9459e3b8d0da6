"""Tables of accounts: people, parties, their memberships, browser sessions and API tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime


class PersonRow(SQLModel, table=True):
    """Somebody who can sign in. `password` is an argon2 digest, empty where nobody may sign in with one."""

    __tablename__ = "accounts_person"

    id: UUID = Field(primary_key=True)
    login: str = Field(unique=True)
    name: str
    password: str = ""
    language: str = "zh"
    created_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PartyRow(SQLModel, table=True):
    """An organisation, a natural person or a foreign body that can hold or buy rights.

    A credit code belongs to one party; applications that were refused do not count.
    """

    __tablename__ = "accounts_party"
    __table_args__ = (
        sa.Index(
            "uq_accounts_party_credit_code",
            "credit_code",
            unique=True,
            sqlite_where=sa.text("state != 'refused'"),
            postgresql_where=sa.text("state != 'refused'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    kind: str
    state: str
    name_zh: str
    name_en: str = ""
    credit_code: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JsonColumn)
    applied_by: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    admitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PartyCheckRow(SQLModel, table=True):
    """One checker's verdict on an application; two different people must agree."""

    __tablename__ = "accounts_party_check"
    __table_args__ = (sa.UniqueConstraint("party_id", "person_id"),)

    id: UUID = Field(primary_key=True)
    party_id: UUID = Field(foreign_key="accounts_party.id")
    person_id: UUID = Field(foreign_key="accounts_person.id")
    note: str = ""
    checked_at: datetime = Field(sa_type=UtcDateTime)


class PartySuspensionRow(SQLModel, table=True):
    """Why a house was suspended and reinstated, by whom."""

    __tablename__ = "accounts_party_suspension"

    id: UUID = Field(primary_key=True)
    party_id: UUID = Field(foreign_key="accounts_party.id", index=True)
    reason: str
    by_id: UUID | None = None
    at: datetime = Field(sa_type=UtcDateTime)
    end_reason: str = ""
    ended_by_id: UUID | None = None
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MembershipRow(SQLModel, table=True):
    """A person's roles in one organisation."""

    __tablename__ = "accounts_membership"
    __table_args__ = (sa.UniqueConstraint("person_id", "party_id"),)

    id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="accounts_person.id")
    party_id: UUID = Field(foreign_key="accounts_party.id")
    roles: list[str] = Field(default_factory=list, sa_type=JsonColumn)


class TokenRow(SQLModel, table=True):
    """An API token or a browser session; only the SHA-256 of the secret is kept."""

    __tablename__ = "accounts_token"

    id: UUID = Field(primary_key=True)
    kind: str
    digest: str = Field(unique=True)
    membership_id: UUID = Field(foreign_key="accounts_membership.id")
    scopes: list[str] | None = Field(default=None, sa_type=JsonColumn)
    name: str = ""
    expires_at: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class SignInFailureRow(SQLModel, table=True):
    """A try at a sign-in name from a client's address, kept for some minutes."""

    __tablename__ = "accounts_sign_in_failure"

    id: UUID = Field(primary_key=True)
    login: str = Field(index=True)
    source: str = Field(default="", sa_column_kwargs={"server_default": ""})
    at: datetime = Field(sa_type=UtcDateTime)
