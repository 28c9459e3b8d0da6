"""Royalty statements as their readers see them: whole to the licensor and the operator, to a payee its own lines."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import Actor, may, require_person
from asset_hub.core.db import ReadSession
from ledger import permissions
from ledger.case_errors import StatementBusy, StatementNotFound
from ledger.case_models import ObjectionRow, StatementLineRow, StatementRevisionRow, StatementRow
from ledger.certificates import keeper_words
from ledger.entries import canonical
from ledger.journal import prove_receipt
from ledger.merklesum import prove_line, write_proof
from ledger.models import EntryRow
from ledger.royalties import StatementId, lines_of, tree_of, write_month
from ledger.signing import HomeKeys
from ledger.sites import chain_name, find_site
from ledger.statement_proofs import PROOF_TYPE
from ledger.types import EntryState
from ledger.vault import speaking
from ledger.verifier import signing_digest

PAGE = 50


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of a statement."""

    payee_id: UUID
    label: str
    fen: int


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A revision as everybody concerned may see it."""

    number: int
    root: str
    total_fen: int
    reason: str
    at: datetime
    state: EntryState
    block: int | None
    transaction: str | None


@dataclass(frozen=True, slots=True)
class ObjectionView:
    """An objection; payees see only those of their own house."""

    organisation_id: UUID
    revision: int
    text: str
    at: datetime
    state: EntryState


@dataclass(frozen=True, slots=True)
class StatementView:
    """A statement of a month (YYYY-MM) in its newest revision; `objections` as the contract counts the licensor's."""

    id: StatementId
    licensor_id: UUID
    period: str
    revision: int
    objections: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class StatementPage:
    """Statements, newest first; `after` is where the next page begins."""

    statements: tuple[StatementView, ...]
    after: UUID | None


def get_statement(session: ReadSession, *, statement_id: UUID, by: Actor) -> StatementView:
    """Return one statement. Raises NotSignedIn, StatementNotFound, also where it is none of this reader's business."""
    require_person(by)
    row = session.get(StatementRow, statement_id)
    if row is None:
        raise StatementNotFound
    view = _view(row, by)
    if not view.is_whole and session.exec(_own_lines(by).where(StatementRow.id == row.id)).first() is None:
        raise StatementNotFound
    return view


def list_statements(session: ReadSession, *, after: UUID | None = None, by: Actor) -> StatementPage:
    """Return the statements that are this reader's business. Raises NotSignedIn."""
    require_person(by)
    statement = select(StatementRow).order_by(col(StatementRow.id).desc()).limit(PAGE + 1)
    if not may(by, permissions.OVERSEE_STATEMENTS):
        own = col(StatementRow.licensor_id) == _house(by)
        statement = statement.where(sa.or_(own, col(StatementRow.id).in_(_own_lines(by))))
    if after is not None:
        statement = statement.where(col(StatementRow.id) < after)
    rows = session.exec(statement).all()
    shown = tuple(_view(row, by) for row in rows[:PAGE])
    return StatementPage(shown, shown[-1].id if len(rows) > PAGE else None)


def revisions_of(session: ReadSession, *, statement: StatementView) -> tuple[RevisionView, ...]:
    """Return every revision of a statement that the reader was allowed to see, newest first."""
    found = session.exec(
        select(StatementRevisionRow, EntryRow)
        .join(EntryRow, col(EntryRow.id) == col(StatementRevisionRow.entry_id))
        .where(StatementRevisionRow.statement_id == statement.id)
        .order_by(col(StatementRevisionRow.number).desc())
    )
    return tuple(
        RevisionView(
            row.number, row.root.hex(), row.total_fen, row.reason, row.at, EntryState(entry.state), entry.block_number,
            entry.tx_hash.hex() if entry.tx_hash else None,
        )
        for row, entry in found
    )  # fmt: skip


def shown_lines(session: ReadSession, *, statement: StatementView, by: Actor) -> tuple[LineView, ...]:
    """Return the lines of the newest revision that this reader may see."""
    rows = lines_of(session, revision_id=_revision(session, statement).id)
    return tuple(
        LineView(row.payee_id, row.label, row.fen) for row in rows if statement.is_whole or row.payee_id == _house(by)
    )


def objections_of(session: ReadSession, *, statement: StatementView, by: Actor) -> tuple[ObjectionView, ...]:
    """Return the objections that this reader may see, oldest first."""
    found = session.exec(
        select(ObjectionRow, EntryRow)
        .join(EntryRow, col(EntryRow.id) == col(ObjectionRow.entry_id))
        .where(ObjectionRow.statement_id == statement.id)
        .order_by(col(ObjectionRow.id))
    )
    return tuple(
        ObjectionView(row.organisation_id, row.revision, row.text, row.at, EntryState(entry.state))
        for row, entry in found
        if statement.is_whole or row.organisation_id == _house(by)
    )


def proof_for(session: ReadSession, keys: HomeKeys, *, statement_id: UUID, payee_id: UUID, by: Actor) -> bytes:
    """Return the proof of a payee's lines as one JSON document, to be shown to that payee only.

    Raises NotSignedIn, StatementNotFound, also for a payee without a line, StatementBusy before the ledger has it.
    """
    statement = get_statement(session, statement_id=statement_id, by=by)
    if not statement.is_whole and payee_id != _house(by):
        raise StatementNotFound
    revision = _revision(session, statement)
    rows = lines_of(session, revision_id=revision.id)
    own = [place for place, row in enumerate(rows) if row.payee_id == payee_id]
    if not own:
        raise StatementNotFound
    entry = session.get_one(EntryRow, revision.entry_id)
    if entry.state != EntryState.CONFIRMED:
        raise StatementBusy
    operator = speaking(session, keys).operator
    document: dict[str, Any] = {
        "type": PROOF_TYPE,
        "issuer": {"address": operator.address.hex(), "custody": keeper_words(session, statement.licensor_id)},
        "chain": chain_name(session),
        "statement": {
            "licensor": str(statement.licensor_id), "period": int(statement.period.replace("-", "")),
            "revision": revision.number, "root": revision.root.hex(), "total_fen": revision.total_fen,
            "total_salt": revision.total_salt.hex(),
        },
        "payee": str(payee_id),
        "published": _publication(session, entry),
        "lines": _proven(rows, own),
    }  # fmt: skip
    document["signature"] = operator.sign(signing_digest(document)).hex()
    return canonical(document).encode()


def proof_name(statement: StatementView, payee_id: UUID) -> str:
    """Return what a proof's file is called."""
    return f"statement-{statement.period}-r{statement.revision}-{payee_id.hex[-8:]}.json"


def _proven(rows: Sequence[StatementLineRow], own: Sequence[int]) -> list[dict[str, Any]]:
    tree = tree_of(rows)
    return [
        {
            "label": rows[place].label, "label_salt": rows[place].label_salt.hex(),
            "proof": json.loads(write_proof(prove_line(tree, place))),
        }
        for place in own
    ]  # fmt: skip


def _publication(session: ReadSession, entry: EntryRow) -> dict[str, Any]:
    """Return the proof that the entry's receipt is in its block: contract, header, position, trie nodes."""
    site = find_site(session)
    contract = site.addresses["StatementLedger"].hex() if site else ""
    return {"contract": contract, **prove_receipt(session, entry.tx_hash)}


def _revision(session: ReadSession, statement: StatementView) -> StatementRevisionRow:
    return session.exec(
        select(StatementRevisionRow).where(
            StatementRevisionRow.statement_id == statement.id, StatementRevisionRow.number == statement.revision
        )
    ).one()


def _view(row: StatementRow, by: Actor) -> StatementView:
    is_own = may(by, permissions.SEE_STATEMENTS, organisation_id=row.licensor_id)
    is_whole = is_own or may(by, permissions.OVERSEE_STATEMENTS)
    return StatementView(
        StatementId(row.id), row.licensor_id, write_month(row.period), row.revision, row.objections, is_whole
    )  # fmt: skip


def _house(by: Actor) -> UUID | None:
    """Return the house whose statements this reader may see, None for nobody's."""
    return by.organisation_id if may(by, permissions.SEE_STATEMENTS, organisation_id=by.organisation_id) else None


def _own_lines(by: Actor) -> Any:
    """Return the query for the statements in which the reader's house ever had a line."""
    return (
        select(StatementRow.id)
        .join(StatementRevisionRow, col(StatementRevisionRow.statement_id) == col(StatementRow.id))
        .join(StatementLineRow, col(StatementLineRow.revision_id) == col(StatementRevisionRow.id))
        .where(StatementLineRow.payee_id == _house(by))
    )


def facts_of(statement: StatementView) -> dict[str, Any]:
    """Return a statement as plain JSON."""
    return {
        "id": str(statement.id), "licensor": str(statement.licensor_id), "period": statement.period,
        "revision": statement.revision, "objections": statement.objections,
    }  # fmt: skip


def facts_of_revision(one: RevisionView) -> dict[str, Any]:
    """Return a revision as plain JSON."""
    return {
        "number": one.number, "root": one.root, "total_fen": one.total_fen, "reason": one.reason,
        "at": one.at.isoformat(), "state": str(one.state), "block": one.block, "transaction": one.transaction,
    }  # fmt: skip


def facts_of_line(one: LineView) -> dict[str, Any]:
    """Return a line as plain JSON."""
    return {"payee": str(one.payee_id), "label": one.label, "fen": one.fen}


def facts_of_objection(one: ObjectionView) -> dict[str, Any]:
    """Return an objection as plain JSON."""
    return {
        "organisation": str(one.organisation_id), "revision": one.revision, "text": one.text,
        "at": one.at.isoformat(), "state": str(one.state),
    }  # fmt: skip
