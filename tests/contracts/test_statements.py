"""Statements on the real bytecode (py-evm) against the Python model: revisions count up by one."""

from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from ledger.errors import ActRefused
from ledger.merklesum import Line, build_tree, prove_line, verify_line
from ledger.signed import amount_commitment
from ledger.signing import Key
from ledger.statements import Objection, Publish, Revise, StatementAct, StatementRecord, advance_statement
from tests.contracts.money import (
    AUTHORITY_KEY,
    BEGIN,
    HOUSES,
    NOTARY_KEY,
    RELAYER,
    SELLER,
    SUSPENDED,
    Turn,
    refuse_all_but_right,
    restricted,
    sandbox,
    word,
)
from tests.drill import grown, walk

pytestmark = pytest.mark.timeout(1800)
LEDGER = "StatementLedger"
WHOLE_ACT = {"publish": 145_000, "revise": 95_000, "objection": 86_000}
NOTHING = b"\0" * 32
MOSTLY = st.sampled_from([True] * 5 + [False])
Subject = tuple[bytes, int]
SUBJECTS: list[Subject] = [(SELLER, 202611), (SELLER, 202612), (SUSPENDED, 202612)]


class StatementMachine(RuleBasedStateMachine):
    """Three statements, published, revised and objected to, rightly and wrongly."""

    carried: ClassVar[int] = 0
    examples: ClassVar[int] = 0
    revisions: ClassVar[dict[tuple[int, Subject], list[int]]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.box = sandbox()
        self.now = BEGIN
        self.statements: dict[Subject, StatementRecord] = {}
        self.count = 0
        StatementMachine.examples += 1

    @rule(subject=st.sampled_from(SUBJECTS), is_whole=MOSTLY, by=st.sampled_from([NOTARY_KEY] * 3 + [RELAYER]))
    def publish(self, subject: Subject, is_whole: bool, by: Key) -> None:
        root = word(f"root {self.count}") if is_whole else NOTHING
        self._carry(subject, Publish(self._op(), *subject, root, word("total")), by, may_sign=by == NOTARY_KEY)

    @rule(subject=st.sampled_from(SUBJECTS))
    def go_on(self, subject: Subject) -> None:
        record = self.statements.get(subject)
        root, total = word(f"root {self.count}"), word(f"total {self.count}")
        op = self._op()
        act: StatementAct = Publish(op, *subject, root, total)
        if record:
            act = Revise(op, *subject, record.revision + 1, root, total, word("reason"))
        self._carry(subject, act, NOTARY_KEY, may_sign=True)

    @rule(
        subject=st.sampled_from(SUBJECTS), step=st.sampled_from([1, 1, 1, 1, 1, 0, 2, -1]), is_new=MOSTLY,
        is_reasoned=MOSTLY, by=st.sampled_from([NOTARY_KEY] * 5 + [RELAYER, AUTHORITY_KEY, HOUSES[SELLER]]),
    )  # fmt: skip
    def revise(self, subject: Subject, step: int, is_new: bool, is_reasoned: bool, by: Key) -> None:
        record = self.statements.get(subject)
        number = max(0, (record.revision if record else 1) + step)
        root = word(f"root {self.count}") if is_new or record is None else record.root
        reason = word("reason") if is_reasoned else NOTHING
        act = Revise(self._op(), *subject, number, root, word(f"total {self.count}"), reason)
        self._carry(subject, act, by, may_sign=by == NOTARY_KEY)

    @rule(
        subject=st.sampled_from(SUBJECTS), step=st.sampled_from([0, 0, 0, 1, -1]), is_grounded=MOSTLY,
        by=st.sampled_from([HOUSES[SELLER], HOUSES[SUSPENDED], NOTARY_KEY]),
    )  # fmt: skip
    def objection(self, subject: Subject, step: int, is_grounded: bool, by: Key) -> None:
        record = self.statements.get(subject)
        revision = max(0, (record.revision if record else 1) + step)
        act = Objection(self._op(), *subject, revision, word("grounds") if is_grounded else NOTHING)
        self._carry(subject, act, by, may_sign=by == HOUSES[subject[0]])

    def _op(self) -> bytes:
        self.count += 1
        self.now += 60
        return word(f"op {self.count}")

    def _carry(self, subject: Subject, act: StatementAct, by: Key, *, may_sign: bool) -> None:
        StatementMachine.carried += 1
        record = self.statements.get(subject)
        reasons = set() if may_sign else {"NotSignedByRole", "NotSignedByOrg"}
        try:
            after = advance_statement(record, act, time=self.now)
        except ActRefused as refused:
            reasons.add(str(refused.members["rule"]))
            after = record if record else StatementRecord(NOTHING, NOTHING, 0, 0, 0)
        outcome = self.box.do(act, by, time=self.now)

        assert outcome.accepted == (not reasons), (act, outcome.error, reasons)
        assert outcome.accepted or outcome.error in reasons
        if outcome.accepted:
            self.statements[subject] = after
            if not isinstance(act, Objection):
                self._log(subject, act, outcome.events[0].members, record)
        held = self.statements.get(subject, StatementRecord(NOTHING, NOTHING, 0, 0, 0))
        packed = held.objections << 96 | held.revision << 64 | held.published_at
        words = [int.from_bytes(held.root, "big"), int.from_bytes(held.total, "big"), packed]
        licensor, period = subject
        assert self.box.words_of(LEDGER, "statements", licensor, period.to_bytes(32, "big"), count=3) == words

    def _log(
        self, subject: Subject, act: Publish | Revise, event: dict[str, object], record: StatementRecord | None
    ) -> None:
        """Keep the revision that the log names; it must also name the root that it replaces."""
        if isinstance(act, Revise):
            assert record is not None
            assert event["next"] == (act.number, act.root, act.total, act.reason)
            assert event["earlier"] == record.root
        number = 1 if isinstance(act, Publish) else act.number
        StatementMachine.revisions.setdefault((StatementMachine.examples, subject), []).append(number)


def test_invariant_21_revisions_count_up_by_one() -> None:
    wanted = grown(500, 10_000)
    chosen = settings(
        max_examples=grown(5, 100), stateful_step_count=40, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate], report_multiple_bugs=False,
    )  # fmt: skip
    StatementMachine.carried = 0
    walk(StatementMachine, settings=chosen, while_=lambda: StatementMachine.carried < wanted)
    print(f"engine: py-evm, StatementLedger: {StatementMachine.carried} calls")

    logged = StatementMachine.revisions.values()
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in logged)
    assert max(len(numbers) for numbers in logged) > 3


def test_invariant_20_the_published_root_and_total_are_those_of_the_lines() -> None:
    """From lines to the chain and back: each payee checks its line against what the contract holds."""
    box = sandbox()
    lines = [Line(UUID(int=n + 1), 1_000 * n + 7, word(f"salt {n}")) for n in range(9)]
    tree = build_tree(lines)
    total = amount_commitment(tree.total_fen, word("total salt"))
    assert box.do(Publish(word("op"), SELLER, 202612, tree.root, total), NOTARY_KEY, time=BEGIN).accepted
    root, committed, *_ = box.read(LEDGER, "statements", SELLER, 202612)

    for index, line in enumerate(lines):
        proof = prove_line(tree, index)
        verify_line(root, proof)
        assert proof.line == line
        assert amount_commitment(proof.total_fen, word("total salt")) == committed
    assert tree.total_fen == sum(line.fen for line in lines)


def story(start: int) -> list[Turn]:
    return [
        Turn(Publish(word("1"), SELLER, 202612, word("root"), word("total")), (NOTARY_KEY,), start),
        Turn(
            Revise(word("2"), SELLER, 202612, 2, word("root 2"), word("total 2"), word("why")), (NOTARY_KEY,), start + 1
        ),
        Turn(Objection(word("3"), SELLER, 202612, 2, word("grounds")), (HOUSES[SELLER],), start + 2),
    ]


def test_every_statement_act_needs_its_own_signature_once_here_and_in_time() -> None:
    box = sandbox()
    turns = story(BEGIN)

    assert {turn.act.function for turn in turns} == restricted(LEDGER)
    for turn in turns:
        refuse_all_but_right(box, turn, getter="statements", keys=[SELLER, 202612])


def test_statements_cost_at_most_what_was_promised() -> None:
    box = sandbox()
    used = {}
    for turn in story(BEGIN):
        outcome = box.do(turn.act, *turn.signers, time=turn.time)
        assert outcome.accepted, outcome.error
        used[turn.act.function] = outcome.gas

    print(used)
    assert {name: gas for name, gas in used.items() if gas > WHOLE_ACT[name]} == {}


@pytest.mark.parametrize("part", ["licensor", "period", "root", "total"])
def test_an_empty_part_is_refused(part: str) -> None:
    box = sandbox()
    values: dict[str, bytes | int] = {"licensor": SELLER, "period": 1, "root": word("root"), "total": word("total")}
    values[part] = 0 if part == "period" else NOTHING
    outcome = box.do(Publish(word("op"), **values), NOTARY_KEY, time=BEGIN)  # type: ignore[arg-type]

    assert outcome.error == "Malformed"
