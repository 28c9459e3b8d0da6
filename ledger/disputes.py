"""Disputes on chain: the states of a case and the acts that move it (DisputeRegister.sol). Pure: no database, no chain.

An interim order freezes nothing by itself: the service applies WorkRegistry.setStatus beside it.
"""

from collections.abc import Collection
from dataclasses import astuple, dataclass, replace
from enum import IntEnum
from typing import ClassVar
from uuid import UUID

from ledger.merkle import keccak
from ledger.signed import SignedAct, refuse

LEAST_TERM_SECONDS = 7 * 86_400
_NOTHING = b"\0" * 32


class CaseState(IntEnum):
    """Where a case stands; the numbers are the contract's."""

    NONE = 0
    OPEN = 1
    ANSWERED = 2
    DECIDED = 3
    APPEALED = 4
    FINAL = 5
    CLOSED = 6


class SubjectKind(IntEnum):
    """What a case is about."""

    NONE = 0
    WORK = 1
    LICENCE = 2


LIVE = frozenset(CaseState) - {CaseState.NONE, CaseState.CLOSED}
STEPS: dict[CaseState, frozenset[CaseState]] = {
    CaseState.NONE: frozenset({CaseState.OPEN}),
    CaseState.OPEN: frozenset({CaseState.ANSWERED, CaseState.DECIDED, CaseState.CLOSED}),
    CaseState.ANSWERED: frozenset({CaseState.DECIDED, CaseState.CLOSED}),
    CaseState.DECIDED: frozenset({CaseState.APPEALED, CaseState.CLOSED}),
    CaseState.APPEALED: frozenset({CaseState.FINAL, CaseState.CLOSED}),
    CaseState.FINAL: frozenset({CaseState.CLOSED}),
    CaseState.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claimant brings: `evidence` is the root over its exhibits, `respond_by` in unix seconds."""

    kind: SubjectKind
    subject: bytes
    claimant: bytes
    respondent: bytes
    evidence: bytes
    respond_by: int


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case as the contract holds it; `due` is the end of the term that runs: to answer, or to appeal."""

    claim: Claim
    evidence: bytes
    decision: bytes
    state: CaseState
    is_frozen: bool
    due: int


@dataclass(frozen=True, slots=True)
class OpenCase(SignedAct):
    """Signed by the claimant."""

    contract: ClassVar[str] = "DisputeRegister"
    function: ClassVar[str] = "open"
    type_text: ClassVar[str] = (
        "Open(bytes32 opId,bytes32 id,uint8 kind,bytes32 subject,bytes32 claimant,bytes32 respondent,bytes32 evidence,"
        "uint40 respondBy,uint256 deadline)"
    )
    op_id: bytes
    case: bytes
    claim: Claim

    def members(self) -> list[object]:
        return [self.case, *astuple(self.claim)]

    def arguments(self) -> list[object]:
        return [self.case, astuple(self.claim)]

    def after(self, *, time: int) -> CaseRecord:
        """Return the case that this opens. Raises ActRefused under the contract's name of the rule."""
        claim = self.claim
        is_short = claim.respond_by < time + LEAST_TERM_SECONDS
        is_empty = claim.kind == SubjectKind.NONE or _NOTHING in (claim.subject, claim.evidence, claim.respondent)
        if is_short or is_empty or claim.claimant == claim.respondent:
            raise refuse("Malformed")
        return CaseRecord(claim, claim.evidence, _NOTHING, CaseState.OPEN, False, claim.respond_by)


@dataclass(frozen=True, slots=True)
class Respond(SignedAct):
    """Signed by the respondent; `answer` is the root over its exhibits."""

    contract: ClassVar[str] = "DisputeRegister"
    function: ClassVar[str] = "respond"
    type_text: ClassVar[str] = "Respond(bytes32 opId,bytes32 id,bytes32 answer,uint256 deadline)"
    op_id: bytes
    case: bytes
    answer: bytes

    def members(self) -> list[object]:
        return [self.case, self.answer]

    def after(self, record: CaseRecord, *, time: int) -> CaseRecord:
        """Return the case afterwards. Raises ActRefused."""
        _require_state(record, {CaseState.OPEN})
        if time > record.due:
            raise refuse("TooLate")
        if self.answer == _NOTHING:
            raise refuse("Malformed")
        return replace(record, state=CaseState.ANSWERED, evidence=keccak(record.evidence + self.answer))


@dataclass(frozen=True, slots=True)
class Interim(SignedAct):
    """Signed by an authority: set or lift the freeze; `order` is the digest of its text."""

    contract: ClassVar[str] = "DisputeRegister"
    function: ClassVar[str] = "interim"
    type_text: ClassVar[str] = "Interim(bytes32 opId,bytes32 id,bool frozen,bytes32 order,uint256 deadline)"
    op_id: bytes
    case: bytes
    is_frozen: bool
    order: bytes

    def members(self) -> list[object]:
        return [self.case, self.is_frozen, self.order]

    def after(self, record: CaseRecord) -> CaseRecord:
        """Return the case afterwards. Raises ActRefused."""
        _require_state(record, LIVE)
        if self.is_frozen == record.is_frozen or self.order == _NOTHING:
            raise refuse("Malformed")
        return replace(record, is_frozen=self.is_frozen)


@dataclass(frozen=True, slots=True)
class Decide(SignedAct):
    """Signed by an authority; `appeal_by` in unix seconds the first time, 0 on appeal."""

    contract: ClassVar[str] = "DisputeRegister"
    function: ClassVar[str] = "decide"
    type_text: ClassVar[str] = "Decide(bytes32 opId,bytes32 id,bytes32 decision,uint40 appealBy,uint256 deadline)"
    op_id: bytes
    case: bytes
    decision: bytes
    appeal_by: int

    def members(self) -> list[object]:
        return [self.case, self.decision, self.appeal_by]

    def after(self, record: CaseRecord, *, time: int) -> CaseRecord:
        """Return the case afterwards. Raises ActRefused."""
        _require_state(record, {CaseState.OPEN, CaseState.ANSWERED, CaseState.APPEALED})
        if record.state == CaseState.OPEN and time <= record.due:
            raise refuse("TooSoon")
        is_last = record.state == CaseState.APPEALED
        is_term_good = self.appeal_by == 0 if is_last else self.appeal_by >= time + LEAST_TERM_SECONDS
        if self.decision == _NOTHING or not is_term_good:
            raise refuse("Malformed")
        state = CaseState.FINAL if is_last else CaseState.DECIDED
        return replace(record, decision=self.decision, state=state, due=self.appeal_by)


@dataclass(frozen=True, slots=True)
class Appeal(SignedAct):
    """Signed by `org`, one of the two sides; `grounds` is the root over what it adds."""

    contract: ClassVar[str] = "DisputeRegister"
    function: ClassVar[str] = "appeal"
    type_text: ClassVar[str] = "Appeal(bytes32 opId,bytes32 id,bytes32 org,bytes32 grounds,uint256 deadline)"
    op_id: bytes
    case: bytes
    org: bytes
    grounds: bytes

    def members(self) -> list[object]:
        return [self.case, self.org, self.grounds]

    def after(self, record: CaseRecord, *, time: int) -> CaseRecord:
        """Return the case afterwards. Raises ActRefused."""
        _require_state(record, {CaseState.DECIDED})
        if time > record.due:
            raise refuse("TooLate")
        if self.org not in (record.claim.claimant, record.claim.respondent):
            raise refuse("NotAParty")
        if self.grounds == _NOTHING:
            raise refuse("Malformed")
        return replace(record, state=CaseState.APPEALED, evidence=keccak(record.evidence + self.grounds))


@dataclass(frozen=True, slots=True)
class CloseCase(SignedAct):
    """Signed by the notary once the decision stands; `outcome` is the digest of the record of it."""

    contract: ClassVar[str] = "DisputeRegister"
    function: ClassVar[str] = "close"
    type_text: ClassVar[str] = "Close(bytes32 opId,bytes32 id,bytes32 outcome,uint256 deadline)"
    op_id: bytes
    case: bytes
    outcome: bytes

    def members(self) -> list[object]:
        return [self.case, self.outcome]

    def after(self, record: CaseRecord, *, time: int) -> CaseRecord:
        """Return the case afterwards. Raises ActRefused."""
        _require_state(record, {CaseState.DECIDED, CaseState.FINAL})
        if record.state == CaseState.DECIDED and time <= record.due:
            raise refuse("TooSoon")
        return _closed(record, self.outcome)


@dataclass(frozen=True, slots=True)
class Withdraw(SignedAct):
    """Signed by the claimant, before a decision."""

    contract: ClassVar[str] = "DisputeRegister"
    function: ClassVar[str] = "withdraw"
    type_text: ClassVar[str] = "Withdraw(bytes32 opId,bytes32 id,bytes32 outcome,uint256 deadline)"
    op_id: bytes
    case: bytes
    outcome: bytes

    def members(self) -> list[object]:
        return [self.case, self.outcome]

    def after(self, record: CaseRecord) -> CaseRecord:
        """Return the case afterwards. Raises ActRefused."""
        _require_state(record, {CaseState.OPEN, CaseState.ANSWERED})
        return _closed(record, self.outcome)


@dataclass(frozen=True, slots=True)
class Settle(SignedAct):
    """Signed by the claimant, then the respondent: a settlement, or a decision taken as it is."""

    contract: ClassVar[str] = "DisputeRegister"
    function: ClassVar[str] = "settle"
    type_text: ClassVar[str] = "Settle(bytes32 opId,bytes32 id,bytes32 outcome,uint256 deadline)"
    op_id: bytes
    case: bytes
    outcome: bytes

    def members(self) -> list[object]:
        return [self.case, self.outcome]

    def after(self, record: CaseRecord) -> CaseRecord:
        """Return the case afterwards. Raises ActRefused."""
        _require_state(record, LIVE)
        return _closed(record, self.outcome)


CaseAct = Respond | Interim | Decide | Appeal | CloseCase | Withdraw | Settle


def advance_case(record: CaseRecord, act: CaseAct, *, time: int) -> CaseRecord:
    """Return a case after an act at `time`; who may sign is not looked at here.

    Raises ActRefused whose member `rule` is the name of the contract's error.
    """
    if isinstance(act, Interim | Withdraw | Settle):
        return act.after(record)
    return act.after(record, time=time)


def case_key(case_id: UUID) -> bytes:
    """Return the opaque name of a case on chain."""
    return keccak(b"asset_hub/case:" + case_id.bytes)


def licence_subject(number: int) -> bytes:
    """Return how a case names a licence: its number, of at most 80 bits, as a word."""
    if not 0 < number < 1 << 80:
        raise ValueError("a licence number has at most 80 bits")
    return number.to_bytes(32, "big")


def _require_state(record: CaseRecord, states: Collection[CaseState]) -> None:
    if record.state not in states:
        raise refuse("NotInState")


def _closed(record: CaseRecord, outcome: bytes) -> CaseRecord:
    if outcome == _NOTHING:
        raise refuse("Malformed")
    return replace(record, state=CaseState.CLOSED, is_frozen=False)
