"""Takes orders to SettlementLedger and follows them there: what happened here is told act by act, afterwards.

Nothing of it is on the buyer's path: an order is placed, paid and delivered whether or not the ledger keeps up.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, require
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import BadInput
from asset_hub.core.money import Money
from asset_hub.core.text import N_
from ledger.order_models import SettlementRow
from ledger.orders import (
    OrderOnLedger,
    Seen,
    accept_order,
    attest_payment,
    close_order,
    confirm_payment,
    deliver_order,
    expire_order,
    forget_order,
    open_order,
    order_on_ledger,
    overdue_orders,
    refund_order,
    undo_order,
)
from ledger.settlements import OrderState as State
from ledger.signing import HomeKeys
from ledger.waiting import has_voice
from marketplace import permissions
from marketplace.errors import NotDelivered, NothingToConfirm, OrderNotFound
from marketplace.licences import LicenceState
from marketplace.models import LicenceRow, OrderRow, QuoteRow
from marketplace.orders import OrderState, follow_soon

_YUAN = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?")
_UNCONFIRMED = (State.OPENED, State.ATTESTED, State.CONTESTED)
_ACCEPTED, _UNANSWERED = "accepted by the buyer", "delivered, and not answered in time"
_UNDONE = "the ledger refused the licence; the price went back"


def follow_order(session: WriteSession, keys: HomeKeys, *, order_id: UUID, now: datetime) -> None:
    """Record the one act that brings the ledger nearer to how an order stands; none where the two agree.

    Idempotent: while an act is on its way, or waits for the signature of a house that keeps its own key, nothing is
    recorded, and its confirmation asks again. What the ledger refused, or a house did not sign in time, is not tried
    again by itself; only an acceptance that the buyer did not sign is no answer once its time is over. Nothing is
    recorded while a house has no valid key to sign with: `follow_house_soon` comes back to it.
    """
    order = session.get(OrderRow, order_id, with_for_update=True, populate_existing=True)
    if order is None or not _can_sign(session, order, now):
        return
    held = order_on_ledger(session, keys, order_id=order_id)
    if held is None:
        _open(session, keys, order, now)
    elif not held.is_waiting and held.state in _STEPS and (not held.is_stuck or _is_unanswered(held, now)):
        _STEPS[held.state](session, keys, order, held, now)


def _can_sign(session: WriteSession, order: OrderRow, now: datetime) -> bool:
    houses = (order.buyer_id, order.seller_id)
    return all(has_voice(session, organisation_id=house, now=now) for house in houses)


def _is_unanswered(held: OrderOnLedger, now: datetime) -> bool:
    return held.is_lapsed and held.state == State.DELIVERED and now.timestamp() > held.due


def follow_overdue(session: WriteSession, keys: HomeKeys, *, now: datetime) -> int:
    """Follow every order whose time to pay or to answer is over; return how many. Idempotent; run it every day."""
    overdue = overdue_orders(session, keys, now=now)
    for order_id in overdue:
        follow_order(session, keys, order_id=order_id, now=now)
    return len(overdue)


def follow_house_soon(session: WriteSession, *, organisation_id: UUID) -> None:
    """Have every order of a house that is not at its end on the ledger followed: its keys are others now."""
    is_new = col(SettlementRow.id).is_(None) & col(OrderRow.state).not_in((OrderState.CANCELLED, OrderState.LAPSED))
    statement = (
        select(OrderRow.id)
        .outerjoin(SettlementRow, col(SettlementRow.id) == col(OrderRow.id))
        .where(
            (col(OrderRow.buyer_id) == organisation_id) | (col(OrderRow.seller_id) == organisation_id),
            is_new | col(SettlementRow.state).not_in((int(State.CLOSED), int(State.EXPIRED))),
        )
        .order_by(col(OrderRow.id))
    )
    for order_id in session.exec(statement).all():
        follow_soon(session, order_id=order_id)


def try_again(session: WriteSession, keys: HomeKeys, *, order_id: UUID, by: Actor, now: datetime) -> None:
    """Record once more the act that the ledger refused or a house did not sign; without this nobody does.

    An order that was never taken there, or whose next act was not recorded, is followed; one whose act is on its way
    or waits for a signature stays as it is. Raises Forbidden, OrderNotFound, KeyMissing.
    """
    require(by, permissions.ATTEST)
    order = session.get(OrderRow, order_id, with_for_update=True, populate_existing=True)
    if order is None:
        raise OrderNotFound
    held = order_on_ledger(session, keys, order_id=order_id)
    if held is not None and held.is_waiting:
        return
    if held is None or held.state == State.NONE:
        forget_order(session, order_id=order_id)
        _open(session, keys, order, now)
    elif held.state in _STEPS:
        _STEPS[held.state](session, keys, order, replace(held, is_lapsed=False), now)


def note_seen(
    session: WriteSession, *, order_id: UUID, amount: Money, receipt: str, at: datetime | None = None
) -> None:
    """Keep what a bank statement shows of a payment, for the second key to say; `at` is the payment's time if None."""
    row = session.get_one(OrderRow, order_id, with_for_update=True)
    moment = at or row.paid_at
    row.seen = {"fen": amount.fen, "receipt": receipt, "at": moment.isoformat() if moment else ""}
    session.flush()
    follow_soon(session, order_id=order_id)


def confirm_from_statement(
    session: WriteSession, *, order_id: UUID, amount: Money, receipt: str, by: Actor, now: datetime
) -> None:
    """Say what the bank statement shows of a payment; what differs from the first word contests it on the ledger.

    An empty receipt means the one that was attested. Raises Forbidden, OrderNotFound, NothingToConfirm.
    """
    require(by, permissions.ATTEST)
    del now
    row = session.get(OrderRow, order_id, with_for_update=True)
    if row is None:
        raise OrderNotFound
    held = session.get(SettlementRow, order_id)
    if row.paid_at is None or (held is not None and held.state not in _UNCONFIRMED):
        raise NothingToConfirm
    note_seen(session, order_id=order_id, amount=amount, receipt=receipt or row.payment)


def read_yuan(text: str) -> Money:
    """Read an amount as a bank statement writes it: 1,234.50. Raises BadInput."""
    found = _YUAN.fullmatch(text.strip().removeprefix("¥").replace(",", ""))
    if found is None:
        raise BadInput(N_("“{text}” is no amount in yuan."), text=text[:20])
    return Money(int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")))


def accept_delivery(session: WriteSession, *, order_id: UUID, by: Actor, now: datetime) -> None:
    """Accept as the buyer what was delivered. Idempotent. Raises OrderNotFound, Forbidden, NotDelivered."""
    row = session.get(OrderRow, order_id, with_for_update=True)
    if row is None or row.buyer_id != by.organisation_id:
        raise OrderNotFound
    require(by, permissions.ORDER, organisation_id=row.buyer_id)
    licence = session.exec(select(LicenceRow).where(LicenceRow.order_id == order_id)).first()
    if licence is None or licence.state != LicenceState.DELIVERED:
        raise NotDelivered
    row.accepted_at = row.accepted_at or now
    session.flush()
    follow_soon(session, order_id=order_id)


def _open(session: WriteSession, keys: HomeKeys, order: OrderRow, now: datetime) -> None:
    if order.state in (OrderState.CANCELLED, OrderState.LAPSED):
        return
    quote = session.get_one(QuoteRow, order.quote_id)
    terms = {
        "quote": str(quote.id), "terms": quote.terms, "net_fen": quote.net_fen, "tax_fen": quote.tax_fen,
    }  # fmt: skip
    open_order(
        session, keys, order_id=order.id, asset_id=order.asset_id, buyer_id=order.buyer_id, seller_id=order.seller_id,
        fen=order.gross_fen, terms=terms, pay_by=max(order.held_until, now), now=now,
    )  # fmt: skip


def _after_opened(session: WriteSession, keys: HomeKeys, order: OrderRow, held: OrderOnLedger, now: datetime) -> None:
    if order.paid_at is not None:
        seen = Seen(order.gross_fen, order.payment, order.paid_at)
        attest_payment(session, keys, order_id=order.id, seen=seen, now=now)
    elif now.timestamp() > held.due:
        if order.state == OrderState.OPEN:
            order.state = OrderState.LAPSED
        expire_order(session, keys, order_id=order.id, now=now)


def _tell_second_look(
    session: WriteSession, keys: HomeKeys, order: OrderRow, _held: OrderOnLedger, now: datetime
) -> None:
    """Say what the statement shows, once: what stays contested waits for somebody to look again."""
    if order.seen is not None:
        seen = Seen(order.seen["fen"], order.seen["receipt"], datetime.fromisoformat(order.seen["at"]))
        order.seen = None
        confirm_payment(session, keys, order_id=order.id, seen=seen, now=now)


def _after_paid(session: WriteSession, keys: HomeKeys, order: OrderRow, held: OrderOnLedger, now: datetime) -> None:
    if order.refunded_at is not None and held.stays_fen:
        seen = Seen(order.gross_fen, order.refund, order.refunded_at)
        refund_order(session, keys, order_id=order.id, seen=seen, now=now)
        return
    if order.refunded_at is not None:
        undo_order(session, keys, order_id=order.id, reason=_UNDONE, now=now)
        return
    licence = session.exec(select(LicenceRow).where(LicenceRow.order_id == order.id)).first()
    if licence is not None and licence.state == LicenceState.DELIVERED and licence.sha256 is not None:
        deliver_order(session, keys, order_id=order.id, sha256=licence.sha256, now=now)


def _after_delivered(
    session: WriteSession, keys: HomeKeys, order: OrderRow, held: OrderOnLedger, now: datetime
) -> None:
    if order.accepted_at is not None and not held.is_lapsed:
        accept_order(session, keys, order_id=order.id, now=now)
    elif now.timestamp() > held.due:
        close_order(session, keys, order_id=order.id, reason=_UNANSWERED, now=now)


def _after_accepted(
    session: WriteSession, keys: HomeKeys, order: OrderRow, _held: OrderOnLedger, now: datetime
) -> None:
    close_order(session, keys, order_id=order.id, reason=_ACCEPTED, now=now)


_STEPS: Mapping[State, Callable[[WriteSession, HomeKeys, OrderRow, OrderOnLedger, datetime], None]] = {
    State.OPENED: _after_opened,
    State.ATTESTED: _tell_second_look,
    State.CONTESTED: _tell_second_look,
    State.PAID: _after_paid,
    State.DELIVERED: _after_delivered,
    State.ACCEPTED: _after_accepted,
}
