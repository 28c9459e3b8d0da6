"""Tables of disputes and royalty statements: what the chain only knows by salted digests."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime


class CaseRow(SQLModel, table=True):
    """A dispute as DisputeRegister holds it, with its title; times in unix seconds as on chain.

    `state` is 0 where the ledger refused to open it. `restriction_id` is what holds the asset back.
    """

    __tablename__ = "ledger_case"

    id: UUID = Field(primary_key=True)
    kind: int
    asset_id: UUID = Field(index=True)
    licence_number: int | None = Field(default=None, sa_type=sa.BigInteger)
    claimant_id: UUID = Field(index=True)
    respondent_id: UUID = Field(index=True)
    title: str
    claimed: bytes
    respond_by: int = Field(sa_type=sa.BigInteger)
    evidence: bytes
    decision: bytes
    state: int
    is_frozen: bool = False
    due: int = Field(sa_type=sa.BigInteger)
    restriction_id: UUID | None = None
    opened_at: datetime = Field(sa_type=UtcDateTime)


class CaseStepRow(SQLModel, table=True):
    """A step of a dispute: who said what with which exhibits; `digest` is the root on chain over salted digests.

    `entry_id` is None for an offer to settle, which the chain does not see; `before` restores the case when the
    ledger refuses the step.
    """

    __tablename__ = "ledger_case_step"
    __table_args__ = (sa.UniqueConstraint("case_id", "number"),)

    id: UUID = Field(primary_key=True)
    case_id: UUID = Field(foreign_key="ledger_case.id", index=True)
    number: int
    act: str
    organisation_id: UUID
    person_id: UUID | None = None
    text: str
    exhibits: list[dict[str, str]] = Field(sa_type=JsonColumn)
    salt: bytes
    digest: bytes
    due: int = Field(default=0, sa_type=sa.BigInteger)
    entry_id: UUID | None = Field(default=None, unique=True)
    before: dict[str, Any] = Field(default_factory=dict, sa_type=JsonColumn)
    at: datetime = Field(sa_type=UtcDateTime)


class StatementRow(SQLModel, table=True):
    """The royalty statement of a licensor for a month, `period` as YYYYMM; `revision` is the newest."""

    __tablename__ = "ledger_statement"
    __table_args__ = (sa.UniqueConstraint("licensor_id", "period"),)

    id: UUID = Field(primary_key=True)
    licensor_id: UUID
    period: int
    revision: int
    objections: int = 0


class StatementRevisionRow(SQLModel, table=True):
    """One revision: the Merkle-sum root on chain, the total behind its commitment, why it was revised."""

    __tablename__ = "ledger_statement_revision"
    __table_args__ = (sa.UniqueConstraint("statement_id", "number"),)

    id: UUID = Field(primary_key=True)
    statement_id: UUID = Field(foreign_key="ledger_statement.id")
    number: int
    root: bytes
    total_fen: int = Field(sa_type=sa.BigInteger)
    total_salt: bytes
    reason: str = ""
    entry_id: UUID = Field(unique=True)
    at: datetime = Field(sa_type=UtcDateTime)


class StatementLineRow(SQLModel, table=True):
    """A payee's line of a revision; the salt hides the label, and its digest with the label salts the line."""

    __tablename__ = "ledger_statement_line"
    __table_args__ = (sa.UniqueConstraint("revision_id", "position"),)

    id: UUID = Field(primary_key=True)
    revision_id: UUID = Field(foreign_key="ledger_statement_revision.id")
    position: int
    payee_id: UUID = Field(index=True)
    label: str
    fen: int = Field(sa_type=sa.BigInteger)
    label_salt: bytes


class ObjectionRow(SQLModel, table=True):
    """What a house objects to a revision; only a salted digest of the text is on chain."""

    __tablename__ = "ledger_statement_objection"

    id: UUID = Field(primary_key=True)
    statement_id: UUID = Field(foreign_key="ledger_statement.id", index=True)
    revision: int
    organisation_id: UUID
    person_id: UUID | None = None
    text: str
    salt: bytes
    entry_id: UUID = Field(unique=True)
    at: datetime = Field(sa_type=UtcDateTime)
