"""Disputes on the real bytecode (py-evm) against the Python model: states, terms, the interim freeze."""

from dataclasses import replace
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from ledger.disputes import (
    LEAST_TERM_SECONDS,
    STEPS,
    Appeal,
    CaseAct,
    CaseRecord,
    CaseState,
    Claim,
    CloseCase,
    Decide,
    Interim,
    OpenCase,
    Respond,
    Settle,
    SubjectKind,
    Withdraw,
    advance_case,
    case_key,
    licence_subject,
)
from ledger.errors import ActRefused
from ledger.signing import Key
from tests.contracts.money import (
    AUTHORITY_KEY,
    BEGIN,
    BUYER,
    HOUSES,
    NOTARY_KEY,
    RELAYER,
    SELLER,
    SUSPENDED,
    THIRD,
    Turn,
    refuse_all_but_right,
    restricted,
    sandbox,
    word,
)
from tests.drill import grown, walk

pytestmark = pytest.mark.timeout(1800)
LEDGER = "DisputeRegister"
WHOLE_ACT = {
    "open": 225_000, "respond": 92_000, "interim": 81_000, "decide": 150_000, "appeal": 95_000, "close": 100_000,
    "settle": 101_000, "withdraw": 87_000,
}  # fmt: skip
NOTHING = b"\0" * 32
DAY = 86_400
MOSTLY = st.sampled_from([True] * 5 + [False])
NUMBERS = st.integers(0, 1)
KINDS = ["open", "respond", "interim", "decide", "appeal", "close", "withdraw", "settle"]
NEXT = {
    CaseState.NONE: ["open"], CaseState.OPEN: ["respond", "decide"], CaseState.ANSWERED: ["decide", "interim"],
    CaseState.DECIDED: ["appeal", "close"], CaseState.APPEALED: ["decide", "interim"], CaseState.FINAL: ["close"],
    CaseState.CLOSED: ["settle"],
}  # fmt: skip


class DisputeMachine(RuleBasedStateMachine):
    """Two cases, every act by the right and the wrong party, in time and late."""

    carried: ClassVar[int] = 0
    moves: ClassVar[set[tuple[CaseState, CaseState]]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.box = sandbox()
        self.now = BEGIN
        self.cases: dict[bytes, CaseRecord] = {}
        self.count = 0

    @rule(days=st.sampled_from([1, 3, 8]))
    def wait(self, days: int) -> None:
        self.now += days * DAY

    @rule(number=NUMBERS, data=st.data())
    def go_on(self, number: int, data: st.DataObject) -> None:
        record = self.cases.get(word(f"case {number}"))
        kind = data.draw(st.sampled_from(NEXT[record.state if record else CaseState.NONE]))
        self._attempt(kind, number, True, data)

    @rule(kind=st.sampled_from(KINDS), number=NUMBERS, is_right=MOSTLY, data=st.data())
    def attempt(self, kind: str, number: int, is_right: bool, data: st.DataObject) -> None:
        self._attempt(kind, number, is_right, data)

    def _attempt(self, kind: str, number: int, is_right: bool, data: st.DataObject) -> None:
        self.count += 1
        DisputeMachine.carried += 1
        case = word(f"case {number}")
        record = self.cases.get(case)
        act, signers = self._make(kind, case, record, data)
        reasons: set[str] = set()
        if not is_right:
            signers = [*signers[:-1], data.draw(st.sampled_from([RELAYER, HOUSES[THIRD]]))]
            reasons = {"NotSignedByRole", "NotSignedByOrg"}
        elif HOUSES[SUSPENDED] in signers and isinstance(act, OpenCase):
            reasons = {"NotSignedByOrg"}
        after, rules = self._advance(record, act)
        reasons |= rules
        outcome = self.box.do(act, *signers, time=self.now)

        assert outcome.accepted == (not reasons), (act, outcome.error, reasons)
        assert outcome.accepted or outcome.error in reasons
        if outcome.accepted and after is not None:
            DisputeMachine.moves.add((record.state if record else CaseState.NONE, after.state))
            self.cases[case] = after
        self._compare(case)

    def _compare(self, case: bytes) -> None:
        stored, record = self.box.words_of(LEDGER, "cases", case, count=6), self.cases.get(case)
        if record is None:
            assert stored == [0] * 6
            return
        claim = record.claim
        words = (claim.subject, claim.claimant, claim.respondent, record.evidence, record.decision)
        packed = record.due << 24 | record.is_frozen << 16 | claim.kind << 8 | record.state
        assert stored == [*(int.from_bytes(word, "big") for word in words), packed]

    def _advance(self, record: CaseRecord | None, act: OpenCase | CaseAct) -> tuple[CaseRecord | None, set[str]]:
        try:
            if isinstance(act, OpenCase):
                return (act.after(time=self.now), set()) if record is None else (None, {"CaseTaken"})
            if record is None:
                return None, {"NotInState"}
            return advance_case(record, act, time=self.now), set()
        except ActRefused as refused:
            return None, {str(refused.members["rule"])}

    def _make(
        self, kind: str, case: bytes, record: CaseRecord | None, data: st.DataObject
    ) -> tuple[OpenCase | CaseAct, list[Key]]:
        op = word(f"op {self.count}")
        claimant = record.claim.claimant if record else BUYER
        told = word(f"told {self.count}") if data.draw(MOSTLY) else NOTHING
        if kind == "open":
            return self._open(op, case, data)
        if kind == "decide":
            return self._decide(op, case, record, told, data)
        if kind == "appeal":
            org = data.draw(st.sampled_from([claimant, SELLER, SELLER, THIRD]))
            return Appeal(op, case, org, told), [HOUSES[org]]
        if kind == "interim":
            return Interim(op, case, data.draw(st.booleans()), told), [AUTHORITY_KEY]
        plain: dict[str, tuple[CaseAct, list[Key]]] = {
            "respond": (Respond(op, case, told), [HOUSES[SELLER]]),
            "close": (CloseCase(op, case, told), [NOTARY_KEY]),
            "withdraw": (Withdraw(op, case, told), [HOUSES[claimant]]),
            "settle": (Settle(op, case, told), [HOUSES[claimant], HOUSES[SELLER]]),
        }
        # Without a case there is no side that could sign: the contract says so before it looks at signatures.
        return plain[kind]

    def _open(self, op: bytes, case: bytes, data: st.DataObject) -> tuple[OpenCase, list[Key]]:
        claimant = data.draw(st.sampled_from([BUYER] * 5 + [SUSPENDED, SELLER]))
        kind = data.draw(st.sampled_from([SubjectKind.WORK, SubjectKind.LICENCE, SubjectKind.WORK, SubjectKind.NONE]))
        days = data.draw(st.sampled_from([7, 8, 20, 6]))
        claim = Claim(kind, word("work"), claimant, SELLER, word("exhibits"), self.now + days * DAY)
        return OpenCase(op, case, claim), [HOUSES[claimant]]

    def _decide(
        self, op: bytes, case: bytes, record: CaseRecord | None, told: bytes, data: st.DataObject
    ) -> tuple[Decide, list[Key]]:
        is_last = record is not None and record.state == CaseState.APPEALED
        terms = [0, 0, 0, self.now + 8 * DAY] if is_last else [self.now + 8 * DAY] * 3 + [self.now + 7 * DAY - 1, 0]
        return Decide(op, case, told, data.draw(st.sampled_from(terms))), [AUTHORITY_KEY]


def test_case_states_move_only_along_the_diagram_and_as_the_model_says() -> None:
    wanted = grown(500, 10_000)
    chosen = settings(
        max_examples=grown(5, 100), stateful_step_count=50, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate], report_multiple_bugs=False,
    )  # fmt: skip
    DisputeMachine.carried = 0
    every = set(CaseState) - {CaseState.NONE}
    walk(DisputeMachine, settings=chosen, while_=lambda: DisputeMachine.carried < wanted or (
        DisputeMachine.carried < 6 * wanted and every > {after for _, after in DisputeMachine.moves}
    ))  # fmt: skip
    print(f"engine: py-evm, DisputeRegister: {DisputeMachine.carried} calls")

    assert {(before, after) for before, after in DisputeMachine.moves if after not in STEPS[before] | {before}} == set()
    assert {after for _, after in DisputeMachine.moves} == every


def story(start: int) -> list[tuple[bytes, Turn]]:
    """Every function once, rightly: one case to its end, one withdrawn, one settled."""
    case, dropped, agreed = word("case"), word("withdrawn"), word("settled")
    buyer, seller = HOUSES[BUYER], HOUSES[SELLER]
    claim = Claim(SubjectKind.LICENCE, licence_subject(7), BUYER, SELLER, word("exhibits"), start + 8 * DAY)
    acts: list[tuple[OpenCase | CaseAct, tuple[Key, ...], int]] = [
        (OpenCase(word("1"), case, claim), (buyer,), 0),
        (OpenCase(word("2"), dropped, claim), (buyer,), 1),
        (Withdraw(word("3"), dropped, word("outcome")), (buyer,), 2),
        (OpenCase(word("4"), agreed, claim), (buyer,), 3),
        (Settle(word("5"), agreed, word("outcome")), (buyer, seller), 4),
        (Respond(word("6"), case, word("answer")), (seller,), 5),
        (Interim(word("7"), case, True, word("order")), (AUTHORITY_KEY,), 6),
        (Decide(word("8"), case, word("decision"), start + 8 * DAY), (AUTHORITY_KEY,), 7),
        (Appeal(word("9"), case, SELLER, word("grounds")), (seller,), 8),
        (Decide(word("10"), case, word("last decision"), 0), (AUTHORITY_KEY,), 9),
        (CloseCase(word("11"), case, word("outcome")), (NOTARY_KEY,), 10),
    ]
    return [(act.case, Turn(act, signers, start + after)) for act, signers, after in acts]


def test_every_dispute_act_needs_its_own_signatures_once_here_and_in_time() -> None:
    box = sandbox()
    turns = story(BEGIN)

    assert {turn.act.function for _, turn in turns} == restricted(LEDGER)
    for case, turn in turns:
        refuse_all_but_right(box, turn, getter="cases", keys=[case])


def test_terms_bind_both_sides() -> None:
    """No default decision while the respondent may answer, no answer and no appeal afterwards, no close before."""
    box = sandbox()
    case, start = case_key(UUID(int=5)), BEGIN
    due = start + LEAST_TERM_SECONDS
    claim = Claim(SubjectKind.WORK, word("work"), BUYER, SELLER, word("exhibits"), due)
    decide = Decide(word("2"), case, word("decision"), due + 1 + LEAST_TERM_SECONDS)
    hasty = replace(claim, respond_by=due - 1)
    assert box.do(OpenCase(word("0"), case, hasty), HOUSES[BUYER], time=start).error == "Malformed"
    assert box.do(OpenCase(word("1"), case, claim), HOUSES[BUYER], time=start).accepted
    assert box.do(decide, AUTHORITY_KEY, time=due).error == "TooSoon"
    assert box.do(Respond(word("3"), case, word("answer")), HOUSES[SELLER], time=due + 1).error == "TooLate"
    assert box.do(decide, AUTHORITY_KEY, time=due + 1).accepted
    close = CloseCase(word("4"), case, word("outcome"))
    assert box.do(close, NOTARY_KEY, time=decide.appeal_by).error == "TooSoon"
    appeal = Appeal(word("5"), case, SELLER, word("grounds"))
    assert box.do(appeal, HOUSES[SELLER], time=decide.appeal_by + 1).error == "TooLate"
    assert box.do(close, NOTARY_KEY, time=decide.appeal_by + 1).accepted


def test_a_freeze_ends_with_its_case() -> None:
    box = sandbox()
    turns = story(BEGIN)
    frozen = []
    for case, turn in turns:
        assert box.do(turn.act, *turn.signers, time=turn.time).accepted
        if case == word("case"):
            frozen.append(box.read(LEDGER, "cases", case)[7])

    assert frozen == [False, False, True, True, True, True, False]


def test_a_suspended_house_can_answer_and_not_complain() -> None:
    box = sandbox()
    turns = story(BEGIN)
    assert box.do(turns[0][1].act, HOUSES[BUYER], time=BEGIN).accepted
    for org in (BUYER, SELLER):
        assert box.suspend(org, time=BEGIN + 1).accepted
    start, answer = turns[1][1], turns[5][1]
    assert box.do(start.act, *start.signers, time=start.time).error == "NotSignedByOrg"
    assert box.do(answer.act, *answer.signers, time=answer.time).accepted


def test_disputes_cost_at_most_what_was_promised() -> None:
    box = sandbox()
    used: dict[str, int] = {}
    for _, turn in story(BEGIN):
        outcome = box.do(turn.act, *turn.signers, time=turn.time)
        assert outcome.accepted, outcome.error
        used[turn.act.function] = max(used.get(turn.act.function, 0), outcome.gas)

    print(used)
    assert {name: gas for name, gas in used.items() if gas > WHOLE_ACT[name]} == {}
