"""Disputes as their readers see them: where each stands, what was said, who may act next and until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import Actor, may, require_person
from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_
from ledger import permissions
from ledger.case_errors import CaseNotFound
from ledger.case_models import CaseRow, CaseStepRow
from ledger.case_steps import Exhibit
from ledger.cases import CaseId, may_see
from ledger.disputes import CaseState, SubjectKind
from ledger.models import EntryRow
from ledger.types import EntryState
from ledger.waiting import awaited_houses

PAGE = 50


class Side(StrEnum):
    """Who may act."""

    CLAIMANT = "claimant"
    RESPONDENT = "respondent"
    EITHER = "either"
    BOTH = "both"
    AUTHORITY = "authority"
    OPERATOR = "operator"


SIDE_NAMES: dict[Side, str] = {
    Side.CLAIMANT: N_("Claimant"),
    Side.RESPONDENT: N_("Respondent"),
    Side.EITHER: N_("Either side"),
    Side.BOTH: N_("Both sides together"),
    Side.AUTHORITY: N_("Authority"),
    Side.OPERATOR: N_("Exchange operator"),
}
ACT_NAMES: dict[str, str] = {
    "open": N_("Opened"),
    "answer": N_("Answered"),
    "freeze": N_("Interim order: frozen"),
    "lift": N_("Interim order lifted"),
    "decide": N_("Decided"),
    "appeal": N_("Appealed"),
    "offer": N_("Settlement offered"),
    "settle": N_("Settled"),
    "withdraw": N_("Withdrawn by the claimant"),
    "close": N_("Closed by the operator"),
}
NEXT_NAMES: dict[str, str] = {
    "answer": N_("Answer"),
    "freeze": N_("Freeze the work"),
    "lift": N_("Lift the interim order"),
    "decide": N_("Decide"),
    "appeal": N_("Appeal"),
    "settle": N_("Settle"),
    "withdraw": N_("Withdraw"),
    "close": N_("Close"),
}
STATE_WORDS: dict[CaseState, tuple[str, str]] = {
    CaseState.NONE: (N_("Never opened: refused by the ledger, or not signed"), "bad"),
    CaseState.OPEN: (N_("Waits for the answer"), "busy"),
    CaseState.ANSWERED: (N_("Waits for the decision"), "busy"),
    CaseState.DECIDED: (N_("Decided, open to appeal"), "warn"),
    CaseState.APPEALED: (N_("Appealed, waits for the last decision"), "busy"),
    CaseState.FINAL: (N_("Decided for good"), "good"),
    CaseState.CLOSED: (N_("Dispute closed"), ""),
}
UNSIGNED_WORD = (N_("Waits for the claimant’s signature"), "busy")


@dataclass(frozen=True, slots=True)
class NextStep:
    """What somebody may do next; `until` is the last moment, None where no term runs."""

    act: str
    who: Side
    until: datetime | None


@dataclass(frozen=True, slots=True)
class StepView:
    """A step of a dispute; `state` is None for what never goes to the ledger."""

    number: int
    act: str
    organisation_id: UUID
    text: str
    exhibits: tuple[Exhibit, ...]
    at: datetime
    due: datetime | None
    digest: str
    state: EntryState | None
    block: int | None
    transaction: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CaseView:
    """A dispute; `due` is the end of the term that runs, None where none does.

    `unsigned_by` are the houses whose signature its newest step waits for; until they sign, that step does not count.
    """

    id: CaseId
    kind: SubjectKind
    asset_id: UUID
    licence_number: int | None
    claimant_id: UUID
    respondent_id: UUID
    title: str
    state: CaseState
    is_frozen: bool
    due: datetime | None
    opened_at: datetime
    unsigned_by: tuple[UUID, ...]

    @property
    def word(self) -> tuple[str, str]:
        """Say where it stands, in a word and its mark."""
        is_unsigned = self.state == CaseState.NONE and self.unsigned_by
        return UNSIGNED_WORD if is_unsigned else STATE_WORDS[self.state]


@dataclass(frozen=True, slots=True)
class CasePage:
    """Disputes, newest first; `after` is where the next page begins."""

    cases: tuple[CaseView, ...]
    after: UUID | None


def get_case(session: ReadSession, *, case_id: UUID, by: Actor) -> CaseView:
    """Return one dispute. Raises NotSignedIn, CaseNotFound, also where it is none of this reader's business."""
    require_person(by)
    row = session.get(CaseRow, case_id)
    if row is None or not may_see(row, by):
        raise CaseNotFound
    return _case(row, awaited_houses(session, subject_ids=[row.id]))


def list_cases(session: ReadSession, *, after: UUID | None = None, by: Actor) -> CasePage:
    """Return the disputes that are this reader's business. Raises NotSignedIn."""
    require_person(by)
    statement = select(CaseRow).order_by(col(CaseRow.id).desc()).limit(PAGE + 1)
    if not may(by, permissions.OVERSEE_CASES):
        house = by.organisation_id if may(by, permissions.SEE_CASES, organisation_id=by.organisation_id) else None
        statement = statement.where(sa.or_(col(CaseRow.claimant_id) == house, col(CaseRow.respondent_id) == house))
    if after is not None:
        statement = statement.where(col(CaseRow.id) < after)
    rows = session.exec(statement).all()
    awaited = awaited_houses(session, subject_ids=[row.id for row in rows])
    shown = tuple(_case(row, awaited) for row in rows[:PAGE])
    return CasePage(shown, shown[-1].id if len(rows) > PAGE else None)


def steps_of(session: ReadSession, *, case: CaseView) -> tuple[StepView, ...]:
    """Return every step of a dispute that the reader was allowed to see, oldest first."""
    statement = (
        select(CaseStepRow, EntryRow)
        .join(EntryRow, col(EntryRow.id) == col(CaseStepRow.entry_id), isouter=True)
        .where(CaseStepRow.case_id == case.id)
        .order_by(col(CaseStepRow.number))
    )
    return tuple(_step(step, entry) for step, entry in session.exec(statement))


def next_steps(case: CaseView, *, now: datetime) -> tuple[NextStep, ...]:
    """Return who may do what next; the contract asks the same once more."""
    if case.state in (CaseState.NONE, CaseState.CLOSED):
        return ()
    is_over = case.due is not None and now > case.due
    order = NextStep("lift" if case.is_frozen else "freeze", Side.AUTHORITY, None)
    return (*_main_steps(case, is_over), NextStep("settle", Side.BOTH, None), order)


def standing_offer(steps: Sequence[StepView]) -> StepView | None:
    """Return the newest offer to settle, None without one."""
    offers = [step for step in steps if step.act == "offer"]
    return offers[-1] if offers else None


def _main_steps(case: CaseView, is_over: bool) -> tuple[NextStep, ...]:
    decide, withdraw = NextStep("decide", Side.AUTHORITY, None), NextStep("withdraw", Side.CLAIMANT, None)
    close = NextStep("close", Side.OPERATOR, None)
    if case.state == CaseState.OPEN:
        return (decide if is_over else NextStep("answer", Side.RESPONDENT, case.due), withdraw)
    if case.state == CaseState.ANSWERED:
        return (decide, withdraw)
    if case.state == CaseState.DECIDED:
        return (close,) if is_over else (NextStep("appeal", Side.EITHER, case.due),)
    return (decide,) if case.state == CaseState.APPEALED else (close,)


def _case(row: CaseRow, awaited: Mapping[UUID, tuple[UUID, ...]]) -> CaseView:
    state = CaseState(row.state)
    runs = state in (CaseState.OPEN, CaseState.DECIDED)
    return CaseView(
        CaseId(row.id), SubjectKind(row.kind), row.asset_id, row.licence_number, row.claimant_id, row.respondent_id,
        row.title, state, row.is_frozen, _moment(row.due) if runs else None, row.opened_at, awaited.get(row.id, ()),
    )  # fmt: skip


def _step(step: CaseStepRow, entry: EntryRow | None) -> StepView:
    return StepView(
        step.number, step.act, step.organisation_id, step.text,
        tuple(Exhibit(one["name"], one["sha256"]) for one in step.exhibits), step.at, _moment(step.due),
        step.digest.hex(), EntryState(entry.state) if entry else None, entry.block_number if entry else None,
        entry.tx_hash.hex() if entry and entry.tx_hash else None, entry.reason if entry else None,
    )  # fmt: skip


def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def facts_of(case: CaseView) -> dict[str, Any]:
    """Return a dispute as plain JSON."""
    return {
        "id": str(case.id), "about": case.kind.name.lower(), "asset": str(case.asset_id),
        "licence": case.licence_number, "claimant": str(case.claimant_id), "respondent": str(case.respondent_id),
        "title": case.title, "state": case.state.name.lower(), "is_frozen": case.is_frozen,
        "until": case.due.isoformat() if case.due else None, "opened_at": case.opened_at.isoformat(),
        "unsigned_by": [str(house) for house in case.unsigned_by],
    }  # fmt: skip


def facts_of_next(step: NextStep) -> dict[str, Any]:
    """Return what may be done next as plain JSON."""
    return {"act": step.act, "who": str(step.who), "until": step.until.isoformat() if step.until else None}


def facts_of_step(step: StepView) -> dict[str, Any]:
    """Return a step as plain JSON; `digest` is what the ledger has of it."""
    return {
        "number": step.number, "act": step.act, "organisation": str(step.organisation_id), "text": step.text,
        "exhibits": [{"name": one.name, "sha256": one.sha256} for one in step.exhibits], "at": step.at.isoformat(),
        "until": step.due.isoformat() if step.due else None, "digest": step.digest,
        "state": str(step.state) if step.state else None, "block": step.block, "transaction": step.transaction,
        "reason": step.reason,
    }  # fmt: skip
