"""Orders on the real bytecode (py-evm) against the Python model: states, payments, refunds, receipts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ledger.errors import ActRefused
from ledger.settlements import (
    NOT_PAID,
    STEPS,
    Accept,
    AttestPaid,
    AttestRefunded,
    Close,
    CloseTogether,
    ConfirmPaid,
    Deliver,
    Expire,
    Held,
    Opening,
    OpenOrder,
    OrderAct,
    OrderFacts,
    OrderRecord,
    OrderState,
    Payment,
    Refund,
    add_up,
    advance_order,
    may_notary_close,
    order_digest,
)
from ledger.signed import amount_commitment
from ledger.signing import Key
from tests.contracts.engine import Outcome
from tests.contracts.money import (
    AUTHORITY_KEY,
    BEGIN,
    BUYER,
    CASHIERS,
    FAR,
    HOUSES,
    NOTARY_KEY,
    RELAYER,
    SELLER,
    STRANGER,
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
LEDGER = "SettlementLedger"
UNSIGNED = {"NotSignedByRole", "NotSignedByOrg"}
WHOLE_ACT = {
    "open": 120_500, "attestPaid": 112_000, "confirmPaid": 88_000, "attestRefunded": 123_000, "deliver": 91_000,
    "accept": 89_000, "close": 88_000, "closeTogether": 102_000, "expire": 80_000,
}  # fmt: skip


class Mistake(StrEnum):
    NONE = "none"
    SIGNER = "signed by a stranger"
    RELAYER = "signed by the relayer"
    STALE = "brings another witness"
    LATE = "after its deadline"


MISTAKES = st.sampled_from([Mistake.NONE] * 6 + [mistake for mistake in Mistake if mistake != Mistake.NONE])
MOSTLY = st.sampled_from([True] * 4 + [False])
NEXT = {
    OrderState.NONE: "open", OrderState.OPENED: "attest", OrderState.ATTESTED: "confirm",
    OrderState.CONTESTED: "confirm", OrderState.PAID: "deliver", OrderState.DELIVERED: "accept",
    OrderState.ACCEPTED: "refund", OrderState.CLOSED: "close", OrderState.EXPIRED: "expire",
}  # fmt: skip
PRICE, CEILING = Opening(500_000, word("price salt")), Opening(550_000, word("ceiling salt"))
FACTS = OrderFacts(
    BUYER, SELLER, word("terms"), amount_commitment(PRICE.fen, PRICE.salt),
    amount_commitment(CEILING.fen, CEILING.salt), 86_400, 3,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """What the contract did: states before and after, the act, its events."""

    example: int
    order: bytes
    before: OrderState
    after: OrderState
    act: OpenOrder | OrderAct
    outcome: Outcome


class OrderMachine(RuleBasedStateMachine):
    """Three orders, every act rightly and wrongly, at any time."""

    carried: ClassVar[int] = 0
    examples: ClassVar[int] = 0
    done: ClassVar[list[Step]] = []
    openings: ClassVar[dict[bytes, Opening]] = {FACTS.amount: PRICE, FACTS.ceiling: CEILING}

    def __init__(self) -> None:
        super().__init__()
        self.box = sandbox()
        self.now = BEGIN
        self.orders: dict[bytes, OrderRecord] = {}
        self.receipts: set[bytes] = set()
        self.last: tuple[str, bytes] | None = None
        self.count = 0
        OrderMachine.examples += 1

    @rule(seconds=st.sampled_from([1, 3600, 40_000, 90_000]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(number=st.integers(0, 2), data=st.data())
    def go_on(self, number: int, data: st.DataObject) -> None:
        record = self.orders.get(word(f"order {number}"))
        kind = NEXT[record.state if record else OrderState.NONE]
        if record and record.state == OrderState.OPENED and self.now > record.due:
            kind = "expire"
        self._attempt(kind, number, Mistake.NONE, data)

    @rule(
        kind=st.sampled_from([
            "open", "attest", "confirm", "confirm", "refund", "deliver", "accept", "close", "close_together", "expire",
        ]),
        number=st.integers(0, 2), mistake=MISTAKES, data=st.data(),
    )  # fmt: skip
    def attempt(self, kind: str, number: int, mistake: Mistake, data: st.DataObject) -> None:
        self._attempt(kind, number, mistake, data)

    @rule()
    def repeat(self) -> None:
        if self.last is not None:
            OrderMachine.carried += 1
            assert self.box.send(*self.last, time=self.now).error == "AlreadyDone"

    @invariant()
    def the_contract_holds_what_the_model_holds(self) -> None:
        for order, record in self.orders.items():
            packed = record.refunds << 240 | record.due << 200 | record.state << 192
            assert self.box.words_of(LEDGER, "orders", order) == [packed | order_digest(record.facts, record.held)]

    def _attempt(self, kind: str, number: int, mistake: Mistake, data: st.DataObject) -> None:
        self.count += 1
        OrderMachine.carried += 1
        order = word(f"order {number}")
        record = self.orders.get(order)
        makers: dict[str, Callable[..., tuple[OpenOrder | OrderAct, list[Key], bool]]] = {
            "open": self._open, "attest": self._attest, "confirm": self._confirm, "refund": self._refund,
            "deliver": self._deliver, "accept": self._accept, "close": self._close,
            "close_together": self._close_together, "expire": self._expire,
        }  # fmt: skip
        act, signers, may_sign = makers[kind](order, record, data)
        if mistake == Mistake.STALE and not isinstance(act, OpenOrder | Close | Expire):
            act = replace(act, held=Held(word("no such receipt"), 1, STRANGER.address))
        if mistake in (Mistake.SIGNER, Mistake.RELAYER):
            wrong = STRANGER if mistake == Mistake.SIGNER else RELAYER
            place = data.draw(st.integers(0, len(signers) - 1))
            signers, may_sign = [*signers[:place], wrong, *signers[place + 1 :]], False
        is_late = mistake == Mistake.LATE
        call = self.box.sign(act, *signers, deadline=self.now - 1 if is_late else FAR)
        outcome = self.box.send(*call, time=self.now)
        self._compare(order, record, act, signers, outcome, may_sign=may_sign, is_late=is_late)
        if outcome.accepted:
            self.last = call

    def _compare(
        self, order: bytes, record: OrderRecord | None, act: OpenOrder | OrderAct, signers: list[Key],
        outcome: Outcome, *, may_sign: bool, is_late: bool,
    ) -> None:  # fmt: skip
        """Carry the act in the model too; the contract must say the same, for one of the same reasons."""
        after, reasons = self._advance(record, act, signers)
        reasons |= set() if may_sign else UNSIGNED
        if isinstance(act, AttestPaid | AttestRefunded):
            receipt = act.payment.receipt if isinstance(act, AttestPaid) else act.refund.receipt
            reasons |= {"ReceiptTaken"} if receipt in self.receipts else set()
        if is_late:
            reasons = {"DeadlinePassed"}
        assert outcome.accepted == (not reasons), (act, outcome.error, reasons)
        if not outcome.accepted:
            assert outcome.error in reasons
            return
        assert after is not None
        before = record.state if record else OrderState.NONE
        self.orders[order] = after
        if isinstance(act, AttestPaid | AttestRefunded):
            self.receipts.add(act.payment.receipt if isinstance(act, AttestPaid) else act.refund.receipt)
        OrderMachine.done.append(Step(OrderMachine.examples, order, before, after.state, act, outcome))

    def _advance(
        self, record: OrderRecord | None, act: OpenOrder | OrderAct, signers: list[Key]
    ) -> tuple[OrderRecord | None, set[str]]:
        try:
            if isinstance(act, OpenOrder):
                return (act.after(time=self.now), set()) if record is None else (None, {"OrderTaken"})
            if record is None:
                return None, {"NotInState"}
            return advance_order(record, act, time=self.now, signers=[key.address for key in signers]), set()
        except ActRefused as refused:
            return None, {str(refused.members["rule"])}

    def _op(self) -> bytes:
        return word(f"op {self.count}")

    def _open(self, order: bytes, record: OrderRecord | None, data: st.DataObject) -> tuple[OpenOrder, list[Key], bool]:
        facts = replace(
            FACTS,
            buyer=data.draw(st.sampled_from([BUYER] * 6 + [SELLER, SUSPENDED])),
            terms=data.draw(st.sampled_from([word("terms")] * 6 + [b"\0" * 32])),
            max_refunds=data.draw(st.integers(0, 3)),
        )
        act = OpenOrder(self._op(), order, facts, self.now + data.draw(st.sampled_from([3600, 100_000, 100_000, 0])))
        return act, [HOUSES[facts.buyer], HOUSES[SELLER]], facts.buyer != SUSPENDED

    def _known(self, record: OrderRecord | None) -> tuple[OrderFacts, Held]:
        return (record.facts, record.held) if record else (FACTS, NOT_PAID)

    def _receipt(self, data: st.DataObject) -> bytes:
        used = sorted(self.receipts)
        is_fresh = not used or data.draw(MOSTLY)
        return word(f"receipt {self.count}") if is_fresh else data.draw(st.sampled_from(used))

    def _attest(
        self, order: bytes, record: OrderRecord | None, data: st.DataObject
    ) -> tuple[AttestPaid, list[Key], bool]:
        facts, held = self._known(record)
        amount = facts.amount if data.draw(MOSTLY) else word("another amount")
        paid_at = self.now - data.draw(st.sampled_from([0, 5, 600, -1]))
        payment = Payment(amount, self._receipt(data), paid_at)
        return AttestPaid(self._op(), order, facts, held, payment), [data.draw(st.sampled_from(CASHIERS))], True

    def _confirm(
        self, order: bytes, record: OrderRecord | None, data: st.DataObject
    ) -> tuple[ConfirmPaid, list[Key], bool]:
        facts, held = self._known(record)
        payment = data.draw(
            st.sampled_from([
                *[Payment(facts.amount, held.receipt, held.paid_at)] * 4,
                Payment(word("less"), held.receipt, held.paid_at),
                Payment(facts.amount, word("another receipt"), held.paid_at),
                Payment(facts.amount, held.receipt, held.paid_at + 1),
            ])
        )  # fmt: skip
        return ConfirmPaid(self._op(), order, facts, held, payment), [data.draw(st.sampled_from(CASHIERS))], True

    def _refund(
        self, order: bytes, record: OrderRecord | None, data: st.DataObject
    ) -> tuple[AttestRefunded, list[Key], bool]:
        """Payment operators sign no refund above what is left: `add_up` tells them."""
        facts, held = self._known(record)
        number = (record.refunds if record else 0) + data.draw(st.sampled_from([1, 1, 1, 1, 0, 2]))
        left = add_up(facts, amount=PRICE, ceiling=CEILING, refunds=self._refunds_of(order))
        opening = Opening(data.draw(st.integers(0, left)), word(f"refund salt {OrderMachine.examples} {self.count}"))
        commitment = amount_commitment(opening.fen, opening.salt)
        OrderMachine.openings[commitment] = opening
        refund = Refund(commitment, self._receipt(data), self.now - data.draw(st.integers(0, 60)), number)
        signers = [data.draw(st.sampled_from(CASHIERS)), data.draw(st.sampled_from(CASHIERS))]
        return AttestRefunded(self._op(), order, facts, held, refund), signers, True

    def _refunds_of(self, order: bytes) -> list[tuple[bytes, Opening]]:
        return refunds_in([s for s in OrderMachine.done if (s.example, s.order) == (OrderMachine.examples, order)])

    def _deliver(
        self, order: bytes, record: OrderRecord | None, data: st.DataObject
    ) -> tuple[Deliver, list[Key], bool]:
        facts, held = self._known(record)
        signer = data.draw(st.sampled_from([HOUSES[SELLER], NOTARY_KEY, HOUSES[facts.buyer], AUTHORITY_KEY]))
        return (
            Deliver(self._op(), order, facts, held, word("delivery")),
            [signer],
            signer in (HOUSES[SELLER], NOTARY_KEY),
        )

    def _accept(self, order: bytes, record: OrderRecord | None, data: st.DataObject) -> tuple[Accept, list[Key], bool]:
        facts, held = self._known(record)
        signer = data.draw(st.sampled_from([HOUSES[facts.buyer], HOUSES[facts.buyer], HOUSES[SELLER], NOTARY_KEY]))
        return Accept(self._op(), order, facts, held), [signer], signer == HOUSES[facts.buyer]

    def _close(self, order: bytes, record: OrderRecord | None, data: st.DataObject) -> tuple[Close, list[Key], bool]:
        signer = data.draw(st.sampled_from([NOTARY_KEY, NOTARY_KEY, NOTARY_KEY, AUTHORITY_KEY, HOUSES[BUYER]]))
        by_notary = signer == NOTARY_KEY and record is not None and may_notary_close(record, time=self.now)
        return Close(self._op(), order, word("reason")), [signer], by_notary or signer == AUTHORITY_KEY

    def _close_together(
        self, order: bytes, record: OrderRecord | None, data: st.DataObject
    ) -> tuple[CloseTogether, list[Key], bool]:
        facts, held = self._known(record)
        signers = [HOUSES[facts.buyer], HOUSES[SELLER] if data.draw(st.booleans()) else HOUSES[THIRD]]
        act = CloseTogether(self._op(), order, facts, held, word("reason"))
        return act, signers, signers[1] == HOUSES[SELLER]

    def _expire(self, order: bytes, record: OrderRecord | None, data: st.DataObject) -> tuple[Expire, list[Key], bool]:
        return Expire(self._op(), order), [NOTARY_KEY], True


def refunds_in(steps: list[Step]) -> list[tuple[bytes, Opening]]:
    """Return the refunds that the log of one order names, with their openings."""
    logged = [e.members["refund"][0] for s in steps for e in s.outcome.events if e.name == "Refunded"]
    return [(commitment, OrderMachine.openings[commitment]) for commitment in logged]


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    """Run the machine for at least 1,000 calls (10,000 in drill) and return what was done."""
    wanted = grown(500, 10_000)
    chosen = settings(
        max_examples=grown(5, 100), stateful_step_count=40, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate], report_multiple_bugs=False,
    )  # fmt: skip
    OrderMachine.carried = 0
    walk(OrderMachine, settings=chosen, while_=lambda: OrderMachine.carried < wanted or (
        OrderMachine.carried < 6 * wanted and bool(_unseen(OrderMachine.done))
    ))  # fmt: skip
    print(f"engine: py-evm, SettlementLedger: {OrderMachine.carried} calls, {len(OrderMachine.done)} done")
    return OrderMachine.done


def _unseen(steps: list[Step]) -> set[OrderState]:
    """Return the states that no order has come to yet; random walks are made longer for them."""
    return set(OrderState) - {OrderState.NONE} - {step.after for step in steps}


def by_order(steps: list[Step]) -> dict[tuple[int, bytes], list[Step]]:
    found: dict[tuple[int, bytes], list[Step]] = {}
    for step in steps:
        found.setdefault((step.example, step.order), []).append(step)
    return found


def test_invariant_17_order_states_move_only_along_the_diagram(steps: list[Step]) -> None:
    moves = {(step.before, step.after) for step in steps}

    assert {(before, after) for before, after in moves if after not in STEPS[before]} == set()
    assert _unseen(steps) == set()


def test_invariant_18_a_payment_names_its_orders_amount_and_the_openings_add_up(steps: list[Step]) -> None:
    counted = 0
    for taken in by_order(steps).values():
        for step in taken:
            if isinstance(step.act, AttestPaid):
                assert step.act.payment.amount == step.act.facts.amount == FACTS.amount
            if step.after == OrderState.PAID and isinstance(step.act, ConfirmPaid):
                assert step.act.payment == Payment(FACTS.amount, step.act.held.receipt, step.act.held.paid_at)
        refunds = refunds_in(taken)
        stays = add_up(FACTS, amount=PRICE, ceiling=CEILING, refunds=refunds)
        assert stays == PRICE.fen - sum(opening.fen for _, opening in refunds) >= 0
        counted += len(refunds)
    assert counted > 0


def test_invariant_19_a_receipt_counts_once(steps: list[Step]) -> None:
    for example in {step.example for step in steps}:
        logged = [
            e.members["receipt"] for s in steps if s.example == example for e in s.outcome.events
            if e.name in ("PaymentAttested", "Refunded")
        ]  # fmt: skip
        assert len(logged) == len(set(logged))
    assert sum(isinstance(step.act, AttestPaid) for step in steps) > 0


@given(st.lists(st.integers(0, 400_000), max_size=4), st.data())
def test_openings_that_do_not_add_up_are_refused(amounts: list[int], data: st.DataObject) -> None:
    openings = [Opening(fen, word(f"salt {n}")) for n, fen in enumerate(amounts)]
    refunds = [(amount_commitment(opening.fen, opening.salt), opening) for opening in openings]

    if sum(amounts) <= PRICE.fen:
        assert add_up(FACTS, amount=PRICE, ceiling=CEILING, refunds=refunds) == PRICE.fen - sum(amounts)
    else:
        with pytest.raises(ActRefused) as refused:
            add_up(FACTS, amount=PRICE, ceiling=CEILING, refunds=refunds)
        assert refused.value.members == {"rule": "RefundsAbovePayment"}
    with pytest.raises(ActRefused) as refused:
        add_up(FACTS, amount=replace(PRICE, fen=PRICE.fen - 1), ceiling=CEILING, refunds=refunds)
    assert refused.value.members == {"rule": "OpeningDiffers"}
    dear = replace(FACTS, ceiling=amount_commitment(PRICE.fen - 1, CEILING.salt))
    with pytest.raises(ActRefused) as refused:
        add_up(dear, amount=PRICE, ceiling=replace(CEILING, fen=PRICE.fen - 1), refunds=refunds)
    assert refused.value.members == {"rule": "AboveCeiling"}


def story(start: int) -> list[tuple[bytes, Turn]]:
    """Every function once, rightly; contested and confirmed on the way."""
    buyer, seller = HOUSES[BUYER], HOUSES[SELLER]
    order, lapsed, dropped = word("sold"), word("lapsed"), word("dropped")
    payment = Payment(FACTS.amount, word("receipt"), start - 5)
    held = Held(payment.receipt, payment.paid_at, CASHIERS[0].address)
    refund = Refund(word("refund"), word("refund receipt"), start, 1)
    differs = replace(payment, amount=word("less"))
    acts: list[tuple[OpenOrder | OrderAct, tuple[Key, ...], int]] = [
        (OpenOrder(word("1"), order, FACTS, start + 1000), (buyer, seller), 0),
        (AttestPaid(word("2"), order, FACTS, NOT_PAID, payment), (CASHIERS[0],), 1),
        (ConfirmPaid(word("3"), order, FACTS, held, differs), (CASHIERS[1],), 2),
        (ConfirmPaid(word("4"), order, FACTS, held, payment), (CASHIERS[2],), 3),
        (AttestRefunded(word("5"), order, FACTS, held, refund), (CASHIERS[2], CASHIERS[0]), 4),
        (Deliver(word("6"), order, FACTS, held, word("delivery")), (seller,), 5),
        (Accept(word("7"), order, FACTS, held), (buyer,), 6),
        (Close(word("8"), order, word("reason")), (NOTARY_KEY,), 7),
        (OpenOrder(word("9"), lapsed, FACTS, start + 1000), (buyer, seller), 8),
        (OpenOrder(word("10"), dropped, FACTS, start + 1000), (buyer, seller), 9),
        (CloseTogether(word("11"), dropped, FACTS, NOT_PAID, word("reason")), (buyer, seller), 10),
        (Expire(word("12"), lapsed), (NOTARY_KEY,), 1001),
    ]
    return [(act.order, Turn(act, signers, start + after)) for act, signers, after in acts]


def test_every_order_act_needs_its_own_signatures_once_here_and_in_time() -> None:
    box = sandbox()
    turns = story(BEGIN)

    assert {turn.act.function for _, turn in turns} == restricted(LEDGER)
    for order, turn in turns:
        refuse_all_but_right(box, turn, getter="orders", keys=[order])


def test_the_first_payment_operator_cannot_confirm_and_nobody_refunds_alone() -> None:
    box = sandbox()
    turns = story(BEGIN)
    for _, turn in turns[:2]:
        assert box.do(turn.act, *turn.signers, time=turn.time).accepted
    confirm, refund = turns[3][1], turns[4][1]
    assert box.do(confirm.act, CASHIERS[0], time=confirm.time).error == "SameKey"
    assert box.do(confirm.act, CASHIERS[1], time=confirm.time).accepted
    assert box.do(refund.act, CASHIERS[1], CASHIERS[1], time=refund.time).error == "SameKey"
    assert box.read(LEDGER, "orders", word("sold"))[3] == 0


def test_a_suspended_buyer_can_accept_and_not_order() -> None:
    box = sandbox()
    turns = story(BEGIN)
    for _, turn in [*turns[:2], turns[3], turns[5]]:
        assert box.do(turn.act, *turn.signers, time=turn.time).accepted
    assert box.suspend(BUYER, time=BEGIN + 5).accepted
    accept, start = turns[6][1], turns[8][1]
    assert box.do(start.act, *start.signers, time=start.time).error == "NotSignedByOrg"
    assert box.do(accept.act, *accept.signers, time=accept.time).accepted


def test_orders_cost_at_most_what_was_promised() -> None:
    box = sandbox()
    used: dict[str, int] = {}
    for _, turn in story(BEGIN):
        outcome = box.do(turn.act, *turn.signers, time=turn.time)
        assert outcome.accepted, outcome.error
        used[turn.act.function] = max(used.get(turn.act.function, 0), outcome.gas)

    print(used)
    assert {name: gas for name, gas in used.items() if gas > WHOLE_ACT[name]} == {}
