"""Orders on chain: their states, the acts that move them, and what their commitments add up to (SettlementLedger.sol).

No amount goes on chain: only commitments that the parties can open. Pure: no database, no chain.
"""

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, replace
from enum import IntEnum
from typing import ClassVar
from uuid import UUID

from eth_abi.abi import encode

from ledger.merkle import keccak
from ledger.signed import SignedAct, amount_commitment, refuse

PAYMENT_OPERATOR = 14
_NOTHING = b"\0" * 32
_NOBODY = b"\0" * 20
_DIGEST_MASK = (1 << 192) - 1


class OrderState(IntEnum):
    """Where an order stands; the numbers are the contract's."""

    NONE = 0
    OPENED = 1
    ATTESTED = 2
    CONTESTED = 3
    PAID = 4
    DELIVERED = 5
    ACCEPTED = 6
    CLOSED = 7
    EXPIRED = 8


LIVE = frozenset(OrderState) - {OrderState.NONE, OrderState.CLOSED, OrderState.EXPIRED}
REFUNDABLE = frozenset({OrderState.PAID, OrderState.DELIVERED, OrderState.ACCEPTED})
STEPS: dict[OrderState, frozenset[OrderState]] = {
    OrderState.NONE: frozenset({OrderState.OPENED}),
    OrderState.OPENED: frozenset({OrderState.ATTESTED, OrderState.EXPIRED, OrderState.CLOSED}),
    OrderState.ATTESTED: frozenset({OrderState.PAID, OrderState.CONTESTED, OrderState.CLOSED}),
    OrderState.CONTESTED: frozenset({OrderState.ATTESTED, OrderState.CONTESTED, OrderState.PAID, OrderState.CLOSED}),
    OrderState.PAID: frozenset({OrderState.PAID, OrderState.DELIVERED, OrderState.CLOSED}),
    OrderState.DELIVERED: frozenset({OrderState.DELIVERED, OrderState.ACCEPTED, OrderState.CLOSED}),
    OrderState.ACCEPTED: frozenset({OrderState.ACCEPTED, OrderState.CLOSED}),
    OrderState.CLOSED: frozenset(),
    OrderState.EXPIRED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What buyer and seller sign. `amount` and `ceiling` are commitments; `accept_within` in seconds after delivery."""

    buyer: bytes
    seller: bytes
    terms: bytes
    amount: bytes
    ceiling: bytes
    accept_within: int
    max_refunds: int


@dataclass(frozen=True, slots=True)
class Held:
    """The first attestation of a payment; NOT_PAID before it. `receipt` is the salted digest of the bank's receipt."""

    receipt: bytes = _NOTHING
    paid_at: int = 0
    attester: bytes = _NOBODY

    def packed(self) -> tuple[bytes, int, str]:
        return self.receipt, self.paid_at, "0x" + self.attester.hex()


NOT_PAID = Held()


@dataclass(frozen=True, slots=True)
class Payment:
    """What one payment operator saw: a commitment to the amount, the receipt, the bank's time in unix seconds."""

    amount: bytes
    receipt: bytes
    paid_at: int


@dataclass(frozen=True, slots=True)
class Refund:
    """What went back; `number` counts from 1 within the order."""

    amount: bytes
    receipt: bytes
    paid_at: int
    number: int


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as the contract holds it, with the facts behind its digest."""

    facts: OrderFacts
    held: Held
    state: OrderState
    due: int
    refunds: int


@dataclass(frozen=True, slots=True)
class OpenOrder(SignedAct):
    """Signed by the buyer, then the seller."""

    contract: ClassVar[str] = "SettlementLedger"
    function: ClassVar[str] = "open"
    type_text: ClassVar[str] = (
        "Open(bytes32 opId,bytes32 order,bytes32 buyer,bytes32 seller,bytes32 terms,bytes32 amount,bytes32 ceiling,"
        "uint32 acceptWithin,uint16 maxRefunds,uint40 payBy,uint256 deadline)"
    )
    op_id: bytes
    order: bytes
    facts: OrderFacts
    pay_by: int

    def members(self) -> list[object]:
        return [self.order, *astuple(self.facts), self.pay_by]

    def arguments(self) -> list[object]:
        return [self.order, astuple(self.facts), self.pay_by]

    def after(self, *, time: int) -> OrderRecord:
        """Return the order that this opens. Raises ActRefused under the contract's name of the rule."""
        facts = self.facts
        if _NOTHING in (facts.terms, facts.amount, facts.ceiling) or facts.buyer == facts.seller or self.pay_by <= time:
            raise refuse("Malformed")
        return OrderRecord(facts, NOT_PAID, OrderState.OPENED, self.pay_by, 0)


@dataclass(frozen=True, slots=True)
class AttestPaid(SignedAct):
    """Signed by a payment operator. `facts` and `held` are the order as it is recorded."""

    contract: ClassVar[str] = "SettlementLedger"
    function: ClassVar[str] = "attestPaid"
    type_text: ClassVar[str] = (
        "Payment(bytes32 opId,bytes32 order,bytes32 amount,bytes32 receipt,uint64 paidAt,uint256 deadline)"
    )
    op_id: bytes
    order: bytes
    facts: OrderFacts
    held: Held
    payment: Payment

    def members(self) -> list[object]:
        return [self.order, *astuple(self.payment)]

    def arguments(self) -> list[object]:
        return [self.order, astuple(self.facts), self.held.packed(), astuple(self.payment)]

    def after(self, record: OrderRecord, *, time: int, attester: bytes) -> OrderRecord:
        """Return the order afterwards; `attester` is the address that signed. Raises ActRefused."""
        _require(record, self.facts, self.held, {OrderState.OPENED, OrderState.CONTESTED})
        if self.payment.amount != record.facts.amount:
            raise refuse("AmountDiffers")
        _check_receipt(self.payment.receipt, self.payment.paid_at, time)
        held = Held(self.payment.receipt, self.payment.paid_at, attester)
        return replace(record, held=held, state=OrderState.ATTESTED)


@dataclass(frozen=True, slots=True)
class ConfirmPaid(SignedAct):
    """Signed by another payment operator, from the bank statement; what differs contests the payment."""

    contract: ClassVar[str] = "SettlementLedger"
    function: ClassVar[str] = "confirmPaid"
    type_text: ClassVar[str] = (
        "Confirmation(bytes32 opId,bytes32 order,bytes32 amount,bytes32 receipt,uint64 paidAt,uint256 deadline)"
    )
    op_id: bytes
    order: bytes
    facts: OrderFacts
    held: Held
    payment: Payment

    def members(self) -> list[object]:
        return [self.order, *astuple(self.payment)]

    def arguments(self) -> list[object]:
        return [self.order, astuple(self.facts), self.held.packed(), astuple(self.payment)]

    def after(self, record: OrderRecord, *, second: bytes) -> OrderRecord:
        """Return the order afterwards. Raises ActRefused."""
        _require(record, self.facts, self.held, {OrderState.ATTESTED, OrderState.CONTESTED})
        if second == record.held.attester:
            raise refuse("SameKey")
        seen = Payment(record.facts.amount, record.held.receipt, record.held.paid_at)
        return replace(record, state=OrderState.PAID if self.payment == seen else OrderState.CONTESTED)


@dataclass(frozen=True, slots=True)
class AttestRefunded(SignedAct):
    """Signed by two different payment operators."""

    contract: ClassVar[str] = "SettlementLedger"
    function: ClassVar[str] = "attestRefunded"
    type_text: ClassVar[str] = (
        "Refund(bytes32 opId,bytes32 order,bytes32 amount,bytes32 receipt,uint64 paidAt,uint16 number,uint256 deadline)"
    )
    op_id: bytes
    order: bytes
    facts: OrderFacts
    held: Held
    refund: Refund

    def members(self) -> list[object]:
        return [self.order, *astuple(self.refund)]

    def arguments(self) -> list[object]:
        return [self.order, astuple(self.facts), self.held.packed(), astuple(self.refund)]

    def after(self, record: OrderRecord, *, time: int, attesters: Sequence[bytes]) -> OrderRecord:
        """Return the order afterwards. Raises ActRefused."""
        _require(record, self.facts, self.held, REFUNDABLE)
        if self.refund.number != record.refunds + 1:
            raise refuse("NotInOrder")
        if self.refund.number > record.facts.max_refunds:
            raise refuse("TooManyRefunds")
        if self.refund.amount == _NOTHING:
            raise refuse("Malformed")
        _check_receipt(self.refund.receipt, self.refund.paid_at, time)
        if len(set(attesters)) != len(attesters):
            raise refuse("SameKey")
        return replace(record, refunds=self.refund.number)


@dataclass(frozen=True, slots=True)
class Deliver(SignedAct):
    """Signed by the seller or the notary; `delivery` is a salted digest of what was handed over."""

    contract: ClassVar[str] = "SettlementLedger"
    function: ClassVar[str] = "deliver"
    type_text: ClassVar[str] = "Deliver(bytes32 opId,bytes32 order,bytes32 delivery,uint256 deadline)"
    op_id: bytes
    order: bytes
    facts: OrderFacts
    held: Held
    delivery: bytes

    def members(self) -> list[object]:
        return [self.order, self.delivery]

    def arguments(self) -> list[object]:
        return [self.order, astuple(self.facts), self.held.packed(), self.delivery]

    def after(self, record: OrderRecord, *, time: int) -> OrderRecord:
        """Return the order afterwards; it is overdue when the buyer has not answered by `due`. Raises ActRefused."""
        _require(record, self.facts, self.held, {OrderState.PAID})
        if self.delivery == _NOTHING:
            raise refuse("Malformed")
        return replace(record, state=OrderState.DELIVERED, due=time + record.facts.accept_within)


@dataclass(frozen=True, slots=True)
class Accept(SignedAct):
    """Signed by the buyer."""

    contract: ClassVar[str] = "SettlementLedger"
    function: ClassVar[str] = "accept"
    type_text: ClassVar[str] = "Accept(bytes32 opId,bytes32 order,uint256 deadline)"
    op_id: bytes
    order: bytes
    facts: OrderFacts
    held: Held

    def members(self) -> list[object]:
        return [self.order]

    def arguments(self) -> list[object]:
        return [self.order, astuple(self.facts), self.held.packed()]

    def after(self, record: OrderRecord) -> OrderRecord:
        """Return the order afterwards. Raises ActRefused."""
        _require(record, self.facts, self.held, {OrderState.DELIVERED})
        return replace(record, state=OrderState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Close(SignedAct):
    """Signed by the notary when the order is done, else by an authority."""

    contract: ClassVar[str] = "SettlementLedger"
    function: ClassVar[str] = "close"
    type_text: ClassVar[str] = "Close(bytes32 opId,bytes32 order,bytes32 reason,uint256 deadline)"
    op_id: bytes
    order: bytes
    reason: bytes

    def members(self) -> list[object]:
        return [self.order, self.reason]

    def after(self, record: OrderRecord) -> OrderRecord:
        """Return the order afterwards. Raises ActRefused."""
        _require_state(record, LIVE)
        return replace(record, state=OrderState.CLOSED)


@dataclass(frozen=True, slots=True)
class CloseTogether(SignedAct):
    """Signed by the buyer, then the seller."""

    contract: ClassVar[str] = "SettlementLedger"
    function: ClassVar[str] = "closeTogether"
    type_text: ClassVar[str] = "Close(bytes32 opId,bytes32 order,bytes32 reason,uint256 deadline)"
    op_id: bytes
    order: bytes
    facts: OrderFacts
    held: Held
    reason: bytes

    def members(self) -> list[object]:
        return [self.order, self.reason]

    def arguments(self) -> list[object]:
        return [self.order, astuple(self.facts), self.held.packed(), self.reason]

    def after(self, record: OrderRecord) -> OrderRecord:
        """Return the order afterwards. Raises ActRefused."""
        _require(record, self.facts, self.held, LIVE)
        return replace(record, state=OrderState.CLOSED)


@dataclass(frozen=True, slots=True)
class Expire(SignedAct):
    """Signed by the notary."""

    contract: ClassVar[str] = "SettlementLedger"
    function: ClassVar[str] = "expire"
    type_text: ClassVar[str] = "Expire(bytes32 opId,bytes32 order,uint256 deadline)"
    op_id: bytes
    order: bytes

    def members(self) -> list[object]:
        return [self.order]

    def after(self, record: OrderRecord, *, time: int) -> OrderRecord:
        """Return the order afterwards. Raises ActRefused."""
        _require_state(record, {OrderState.OPENED})
        if time <= record.due:
            raise refuse("NotDue")
        return replace(record, state=OrderState.EXPIRED)


OrderAct = AttestPaid | ConfirmPaid | AttestRefunded | Deliver | Accept | Close | CloseTogether | Expire


def advance_order(record: OrderRecord, act: OrderAct, *, time: int, signers: Sequence[bytes]) -> OrderRecord:
    """Return an order after an act at `time`, signed by these addresses; who may sign is not looked at here.

    Raises ActRefused whose member `rule` is the name of the contract's error.
    """
    if isinstance(act, AttestPaid):
        return act.after(record, time=time, attester=signers[0])
    if isinstance(act, ConfirmPaid):
        return act.after(record, second=signers[0])
    if isinstance(act, AttestRefunded):
        return act.after(record, time=time, attesters=signers)
    if isinstance(act, Deliver | Expire):
        return act.after(record, time=time)
    return act.after(record)


def order_key(order_id: UUID) -> bytes:
    """Return the opaque name of an order on chain."""
    return keccak(b"asset_hub/order:" + order_id.bytes)


def order_digest(facts: OrderFacts, held: Held) -> int:
    """Return the 192 bits that the contract's slot holds of an order's facts and first attestation."""
    kinds = ["bytes32"] * 5 + ["uint32", "uint16", "bytes32", "uint64", "address"]
    return int.from_bytes(keccak(encode(kinds, [*astuple(facts), *held.packed()])), "big") & _DIGEST_MASK


def may_notary_close(record: OrderRecord, *, time: int) -> bool:
    """Say whether the notary may close this order; else it takes an authority, or both sides."""
    is_overdue = record.state == OrderState.DELIVERED and time > record.due
    return record.state == OrderState.ACCEPTED or is_overdue


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment to an amount."""

    fen: int
    salt: bytes


def add_up(
    facts: OrderFacts, *, amount: Opening, ceiling: Opening, refunds: Sequence[tuple[bytes, Opening]]
) -> int:  # fmt: skip
    """Return what stays paid, in fen: the price less the refunds, each a commitment of the log with its opening.

    Raises ActRefused when an opening does not fit, the price is above the ceiling, or the refunds above the price.
    """
    opened = [(facts.amount, amount), (facts.ceiling, ceiling), *refunds]
    if any(amount_commitment(opening.fen, opening.salt) != commitment for commitment, opening in opened):
        raise refuse("OpeningDiffers")
    if amount.fen > ceiling.fen:
        raise refuse("AboveCeiling")
    stays = amount.fen - sum(opening.fen for _, opening in refunds)
    if stays < 0:
        raise refuse("RefundsAbovePayment")
    return stays


def _require(record: OrderRecord, facts: OrderFacts, held: Held, states: Collection[OrderState]) -> None:
    if (facts, held) != (record.facts, record.held):
        raise refuse("StaleWitness")
    _require_state(record, states)


def _require_state(record: OrderRecord, states: Collection[OrderState]) -> None:
    if record.state not in states:
        raise refuse("NotInState")


def _check_receipt(receipt: bytes, paid_at: int, time: int) -> None:
    if receipt == _NOTHING or not 0 < paid_at <= time:
        raise refuse("Malformed")
