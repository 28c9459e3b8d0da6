"""Orders as acts of the exchange: each checked against the rules, kept here, and on its way to SettlementLedger.

The chain holds salted commitments; amounts, receipts and terms stay here. One act of an order is on its way at a time,
so that no network may reorder two; what buyer or seller sign by a key of their own waits for that first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.text import N_
from ledger.acts import org_key
from ledger.carried import CASHIER, OPERATOR, UNSIGNED, read_act, write_act
from ledger.entries import admit_organisation, canonical, commitment_to, record_entry
from ledger.models import EntryRow
from ledger.order_models import SettlementRow
from ledger.settlements import (
    NOT_PAID,
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
    order_key,
)
from ledger.signed import amount_commitment
from ledger.signing import HomeKeys, Keys
from ledger.types import UNSIGNED_REASON, EntryKind, EntryState
from ledger.vault import speaking
from ledger.waiting import awaited_houses

ACCEPT_WITHIN = timedelta(days=7)
PAY_GRACE = timedelta(days=1)
"""The chain may have an order some time after it was placed: its time to pay ends this much later there."""
MOST_REFUNDS = 4
STATE_WORDS: Mapping[OrderState, tuple[str, str]] = {
    OrderState.NONE: (N_("Not on the ledger"), "warn"),
    OrderState.OPENED: (N_("Order opened"), "busy"),
    OrderState.ATTESTED: (N_("Payment attested, second key to come"), "busy"),
    OrderState.CONTESTED: (N_("Payment contested: the two keys saw different things"), "bad"),
    OrderState.PAID: (N_("Payment confirmed by both keys"), "good"),
    OrderState.DELIVERED: (N_("Delivered, the buyer may answer"), "busy"),
    OrderState.ACCEPTED: (N_("Accepted by the buyer"), "good"),
    OrderState.CLOSED: (N_("Order closed"), ""),
    OrderState.EXPIRED: (N_("Expired unpaid"), ""),
}

ACT_NAMES: Mapping[str, str] = {
    "OpenOrder": N_("Opened by buyer and seller"),
    "AttestPaid": N_("Payment attested"),
    "ConfirmPaid": N_("Second key: what the bank statement shows"),
    "AttestRefunded": N_("Refund attested by both keys"),
    "Deliver": N_("Handed over by the seller"),
    "Accept": N_("Accepted by the buyer"),
    "Close": N_("Closed by the exchange"),
    "CloseTogether": N_("Ended by buyer and seller"),
    "Expire": N_("Lapsed unpaid"),
}


@dataclass(frozen=True, slots=True)
class OrderOnLedger:
    """An order as the ledger has it; `due` in unix seconds, `stays_fen` is the price less what went back.

    `is_waiting` while an act is on its way or waits for the signatures of `unsigned_by`; `is_stuck` when the ledger
    refused the newest, `is_lapsed` when it is refused because a house did not sign in time.
    """

    id: UUID
    asset_id: UUID
    buyer_id: UUID
    seller_id: UUID
    state: OrderState
    due: int
    stays_fen: int
    is_waiting: bool
    is_stuck: bool
    is_lapsed: bool
    unsigned_by: tuple[UUID, ...]
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class OrderStep:
    """An act of an order on the ledger; `act` is a key of ACT_NAMES."""

    act: str
    state: EntryState
    at: datetime
    block: int | None
    transaction: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody saw of a payment: fen, the receipt as the bank writes it, when."""

    fen: int
    receipt: str
    at: datetime


def open_order(
    session: WriteSession,
    keys: HomeKeys,
    *,
    order_id: UUID,
    asset_id: UUID,
    buyer_id: UUID,
    seller_id: UUID,
    fen: int,
    terms: Mapping[str, Any],
    pay_by: datetime,
    now: datetime,
) -> None:
    """Record that buyer and seller agree on an order. Idempotent. Raises ActRefused."""
    if session.get(SettlementRow, order_id, with_for_update=True) is not None:
        return
    for house in (buyer_id, seller_id):
        admit_organisation(session, keys, organisation_id=house, now=now)
    amount, ceiling = _openings(keys, order_id, fen)
    facts = OrderFacts(
        org_key(buyer_id), org_key(seller_id),
        commitment_to(keys.salt(f"order-terms:{order_id}"), canonical(terms).encode()),
        amount_commitment(fen, amount), amount_commitment(fen, ceiling),
        int(ACCEPT_WITHIN.total_seconds()), MOST_REFUNDS,
    )  # fmt: skip
    act = OpenOrder(UNSIGNED, order_key(order_id), facts, int((pay_by + PAY_GRACE).timestamp()))
    opened = act.after(time=int(now.timestamp()))
    session.add(
        SettlementRow(
            id=order_id, asset_id=asset_id, buyer_id=buyer_id, seller_id=seller_id, fen=fen, facts=_json(facts),
            held=_json(NOT_PAID), due=opened.due, opened_at=now,
        )
    )  # fmt: skip
    record_entry(session, EntryKind.ORDER, order_id, write_act(act, [buyer_id, seller_id]), now)


def attest_payment(session: WriteSession, keys: HomeKeys, *, order_id: UUID, seen: Seen, now: datetime) -> None:
    """Say as the payment operator what arrived. Raises ActRefused, for another amount too."""
    row, record = _standing(session, order_id)
    payment = _payment(keys, row, seen)
    act = AttestPaid(UNSIGNED, order_key(order_id), record.facts, record.held, payment)
    _take(session, keys, row, record, act, [OPERATOR], now)


def confirm_payment(session: WriteSession, keys: HomeKeys, *, order_id: UUID, seen: Seen, now: datetime) -> None:
    """Say with the second key what the bank statement shows; what differs contests the payment. Raises ActRefused."""
    row, record = _standing(session, order_id)
    payment = _payment(keys, row, seen)
    act = ConfirmPaid(UNSIGNED, order_key(order_id), record.facts, record.held, payment)
    _take(session, keys, row, record, act, [CASHIER], now)


def refund_order(session: WriteSession, keys: HomeKeys, *, order_id: UUID, seen: Seen, now: datetime) -> None:
    """Say with both keys what went back. Raises ActRefused, also where more went back than was paid."""
    row, record = _standing(session, order_id)
    number = record.refunds + 1
    salt = keys.salt(f"order-refund:{order_id}:{number}")
    refund = Refund(amount_commitment(seen.fen, salt), _receipt(keys, seen), int(seen.at.timestamp()), number)
    row.refunds = [*row.refunds, seen.fen]
    _stays(keys, row)
    act = AttestRefunded(UNSIGNED, order_key(order_id), record.facts, record.held, refund)
    _take(session, keys, row, record, act, [OPERATOR, CASHIER], now)


def deliver_order(session: WriteSession, keys: HomeKeys, *, order_id: UUID, sha256: str, now: datetime) -> None:
    """Say as the seller what was handed over, by its digest. Raises ActRefused."""
    row, record = _standing(session, order_id)
    delivery = commitment_to(keys.salt(f"order-delivery:{order_id}"), bytes.fromhex(sha256))
    act = Deliver(UNSIGNED, order_key(order_id), record.facts, record.held, delivery)
    _take(session, keys, row, record, act, [row.seller_id], now)


def accept_order(session: WriteSession, keys: HomeKeys, *, order_id: UUID, now: datetime) -> None:
    """Say as the buyer that what came is what was ordered. Raises ActRefused."""
    row, record = _standing(session, order_id)
    act = Accept(UNSIGNED, order_key(order_id), record.facts, record.held)
    _take(session, keys, row, record, act, [row.buyer_id], now)


def close_order(session: WriteSession, keys: HomeKeys, *, order_id: UUID, reason: str, now: datetime) -> None:
    """Close as the notary what was accepted, or delivered and left unanswered. Raises ActRefused."""
    row, record = _standing(session, order_id)
    act = Close(UNSIGNED, order_key(order_id), _why(keys, row, reason))
    _take(session, keys, row, record, act, [OPERATOR], now)


def undo_order(session: WriteSession, keys: HomeKeys, *, order_id: UUID, reason: str, now: datetime) -> None:
    """Close for both sides an order that came to nothing. Raises ActRefused."""
    row, record = _standing(session, order_id)
    reason_digest = _why(keys, row, reason)
    act = CloseTogether(UNSIGNED, order_key(order_id), record.facts, record.held, reason_digest)
    _take(session, keys, row, record, act, [row.buyer_id, row.seller_id], now)


def expire_order(session: WriteSession, keys: HomeKeys, *, order_id: UUID, now: datetime) -> None:
    """Note that nothing was paid in time. Raises ActRefused."""
    row, record = _standing(session, order_id)
    _take(session, keys, row, record, Expire(UNSIGNED, order_key(order_id)), [OPERATOR], now)


def forget_order(session: WriteSession, *, order_id: UUID) -> None:
    """Let an order be opened anew that the ledger refused to open, or that a house did not sign in time. Idempotent."""
    row = session.get(SettlementRow, order_id, with_for_update=True, populate_existing=True)
    if row is not None and row.state == OrderState.NONE:
        session.delete(row)
        session.flush()


def order_on_ledger(session: ReadSession, keys: HomeKeys, *, order_id: UUID) -> OrderOnLedger | None:
    """Return an order as the ledger has it, None where it was never sent there."""
    row = session.get(SettlementRow, order_id, populate_existing=True)
    return _view(session, keys, row) if row else None


def orders_of_asset(session: ReadSession, keys: HomeKeys, *, asset_id: UUID, house: UUID) -> tuple[OrderOnLedger, ...]:
    """Return the orders of a work in which a house buys or sells, oldest first."""
    statement = select(SettlementRow).where(
        SettlementRow.asset_id == asset_id,
        (col(SettlementRow.buyer_id) == house) | (col(SettlementRow.seller_id) == house),
    )
    rows = session.exec(statement.order_by(col(SettlementRow.id)))
    return tuple(_view(session, keys, row) for row in rows)


def unsettled_orders(session: ReadSession, keys: HomeKeys, *, limit: int = 200) -> tuple[OrderOnLedger, ...]:
    """Return what an operator has to look after: contested payments, refused acts, what waits for a second look."""
    refused = select(EntryRow.subject_id).where(EntryRow.kind == EntryKind.ORDER, EntryRow.state == EntryState.REFUSED)
    states = (int(OrderState.CONTESTED), int(OrderState.ATTESTED))
    statement = select(SettlementRow).where(
        sa.or_(col(SettlementRow.state).in_(states), col(SettlementRow.id).in_(refused))
    )
    rows = session.exec(statement.order_by(col(SettlementRow.state).desc(), col(SettlementRow.id)).limit(limit))
    views = (_view(session, keys, row) for row in rows)
    open_states = (OrderState.CONTESTED, OrderState.ATTESTED)
    return tuple(one for one in views if one.is_stuck or one.state in open_states)


def overdue_orders(session: ReadSession, keys: HomeKeys, *, now: datetime, limit: int = 50) -> tuple[UUID, ...]:
    """Return orders whose time to pay or to answer is over, and of which nothing is on its way.

    An acceptance that the buyer did not sign in time is no answer.
    """
    states = (int(OrderState.OPENED), int(OrderState.DELIVERED))
    statement = select(SettlementRow).where(
        col(SettlementRow.state).in_(states), col(SettlementRow.due) < int(now.timestamp())
    )
    views = (_view(session, keys, row) for row in session.exec(statement.order_by(col(SettlementRow.due))))
    due = (one.id for one in views if not one.is_waiting and (one.is_lapsed or not one.is_stuck))
    return tuple(islice(due, limit))


def steps_of_orders(session: ReadSession, *, order_ids: Collection[UUID]) -> dict[UUID, tuple[OrderStep, ...]]:
    """Return every act of these orders on the ledger, oldest first."""
    found: dict[UUID, list[OrderStep]] = {order_id: [] for order_id in order_ids}
    rows = session.exec(
        select(EntryRow)
        .where(col(EntryRow.subject_id).in_(order_ids), EntryRow.kind == EntryKind.ORDER)
        .order_by(col(EntryRow.number))
    )
    for row in rows:
        found[row.subject_id].append(
            OrderStep(
                row.args["act"], EntryState(row.state), row.confirmed_at or row.created_at, row.block_number,
                row.tx_hash.hex() if row.tx_hash else None, row.reason,
            )
        )  # fmt: skip
    return {order_id: tuple(steps) for order_id, steps in found.items()}


def order_confirmed(session: WriteSession, entry: EntryRow, time: int) -> None:
    """Do to our row what the contract did to its state."""
    row = session.get_one(SettlementRow, entry.subject_id, with_for_update=True, populate_existing=True)
    act = read_act(entry.args, entry.op_id)
    if isinstance(act, OpenOrder):
        row.state = int(OrderState.OPENED)
        return
    signers = [bytes.fromhex(one) for one in entry.args["addresses"]]
    after = advance_order(_record(row), act, time=time, signers=signers)  # type: ignore[arg-type]  # read by its name
    row.held, row.state, row.due, row.refund_count = _json(after.held), int(after.state), after.due, after.refunds


def order_refused(session: WriteSession, entry: EntryRow) -> None:
    """Take back what the ledger refused: only a refund was written down before it was confirmed."""
    if entry.args["act"] == AttestRefunded.__name__:
        row = session.get_one(SettlementRow, entry.subject_id, with_for_update=True, populate_existing=True)
        row.refunds = row.refunds[:-1]


def _standing(session: WriteSession, order_id: UUID) -> tuple[SettlementRow, OrderRecord]:
    row = session.get_one(SettlementRow, order_id, with_for_update=True, populate_existing=True)
    return row, _record(row)


def _take(
    session: WriteSession, keys: HomeKeys, row: SettlementRow, record: OrderRecord, act: OrderAct,
    signers: Sequence[UUID | str], now: datetime,
) -> None:  # fmt: skip
    speaks = speaking(session, keys)
    addresses = [_address(speaks, signer) for signer in signers if isinstance(signer, str)]
    advance_order(record, act, time=int(now.timestamp()), signers=addresses)
    record_entry(session, EntryKind.ORDER, row.id, write_act(act, signers), now)


def _address(keys: Keys, signer: str) -> bytes:
    return keys.cashier.address if signer == CASHIER else keys.operator.address


def _record(row: SettlementRow) -> OrderRecord:
    facts = OrderFacts(**{name: _bytes(value) for name, value in row.facts.items()})
    held = Held(**{name: _bytes(value) for name, value in row.held.items()})
    return OrderRecord(facts, held, OrderState(row.state), row.due, row.refund_count)


def _payment(keys: HomeKeys, row: SettlementRow, seen: Seen) -> Payment:
    """Commit to what was seen: the amount that is due under its own salt, any other under another."""
    salt = _openings(keys, row.id, row.fen)[0] if seen.fen == row.fen else keys.salt(f"order-other:{row.id}:{seen.fen}")
    return Payment(amount_commitment(seen.fen, salt), _receipt(keys, seen), int(seen.at.timestamp()))


def _receipt(keys: HomeKeys, seen: Seen) -> bytes:
    """Commit to a receipt; the same receipt gives the same digest, so that the contract counts it once."""
    return commitment_to(keys.salt("order-receipts"), seen.receipt.encode())


def _why(keys: HomeKeys, row: SettlementRow, reason: str) -> bytes:
    return commitment_to(keys.salt(f"order-reason:{row.id}"), reason.encode())


def _openings(keys: HomeKeys, order_id: UUID, fen: int) -> tuple[bytes, bytes]:
    return keys.salt(f"order-amount:{order_id}:{fen}"), keys.salt(f"order-ceiling:{order_id}:{fen}")


def _stays(keys: HomeKeys, row: SettlementRow) -> int:
    """Return what stays paid, every commitment opened. Raises ActRefused where it does not add up."""
    amount, ceiling = (Opening(row.fen, salt) for salt in _openings(keys, row.id, row.fen))
    refunds = []
    for number, fen in enumerate(row.refunds, start=1):
        salt = keys.salt(f"order-refund:{row.id}:{number}")
        refunds.append((amount_commitment(fen, salt), Opening(fen, salt)))
    return add_up(_record(row).facts, amount=amount, ceiling=ceiling, refunds=refunds)


def _view(session: ReadSession, keys: HomeKeys, row: SettlementRow) -> OrderOnLedger:
    state, reason = session.exec(
        select(EntryRow.state, EntryRow.reason)
        .where(EntryRow.subject_id == row.id)
        .order_by(col(EntryRow.number).desc())
    ).first() or (None, None)
    is_unsigned, is_stuck = state == EntryState.UNSIGNED, state == EntryState.REFUSED
    missing = awaited_houses(session, subject_ids=[row.id]).get(row.id, ()) if is_unsigned else ()
    return OrderOnLedger(
        row.id, row.asset_id, row.buyer_id, row.seller_id, OrderState(row.state), row.due, _stays(keys, row),
        is_unsigned or state == EntryState.RECORDED, is_stuck, is_stuck and reason == UNSIGNED_REASON, missing,
        row.opened_at,
    )  # fmt: skip


def _json(value: OrderFacts | Held) -> dict[str, Any]:
    return {name: one.hex() if isinstance(one, bytes) else one for name, one in asdict(value).items()}


def _bytes(value: Any) -> Any:
    return bytes.fromhex(value) if isinstance(value, str) else value
