"""Orders: placing one holds the rights for a while; of racing buyers one gets them, the others a clear refusal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, func, select

from asset_hub.accounts import Actor, require, require_reach
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import Queue, enqueue
from asset_hub.core.money import Money
from asset_hub.core.text import N_
from ledger.grants import write_words
from marketplace import permissions
from marketplace.availability import require_free
from marketplace.checks import check_disclosed, check_still_sellable
from marketplace.errors import AlreadyPaid, NotPaid, OrderNotFound, QuoteExpired, QuoteNotFound, TooManyOrders
from marketplace.models import OrderRow, QuoteRow
from marketplace.quotes import is_genuine
from marketplace.terms import read_terms
from marketplace.title import lock_rights

HELD_FOR = timedelta(minutes=30)
MOST_OPEN = 20
FOLLOW = "marketplace.follow_order"


class OrderState(StrEnum):
    """Open and unpaid; paid; licensed; lapsed; taken back; to be paid back as the ledger refused, and paid back."""

    OPEN = "open"
    PAID = "paid"
    LICENSED = "licensed"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"


STATE_NAMES: dict[OrderState, str] = {
    OrderState.OPEN: N_("Not paid yet"),
    OrderState.PAID: N_("Paid"),
    OrderState.LICENSED: N_("Licensed"),
    OrderState.LAPSED: N_("Lapsed"),
    OrderState.CANCELLED: N_("Cancelled"),
    OrderState.REFUND_DUE: N_("To be paid back"),
    OrderState.REFUNDED: N_("Paid back"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """An order as its parties see it."""

    id: UUID
    quote_id: UUID
    asset_id: UUID
    seller_id: UUID
    buyer_id: UUID
    state: OrderState
    gross: Money
    held_until: datetime
    accepted_at: datetime | None


def place_order(session: WriteSession, secret: bytes, *, quote_id: UUID, by: Actor, now: datetime) -> Order:
    """Accept a quote; the rights are held until `held_until`. The same quote again is the same order.

    Raises QuoteNotFound, QuoteExpired, WindowTaken, AssetNotFound, NotForSale, DisclosureChanged, NotSublicensable.
    """
    quote = session.get(QuoteRow, quote_id)
    if quote is None or quote.buyer_id != by.organisation_id:
        raise QuoteNotFound
    require(by, permissions.ORDER, organisation_id=quote.buyer_id)
    lock_rights(session, asset_id=quote.asset_id)
    placed = session.exec(select(OrderRow).where(OrderRow.quote_id == quote_id)).first()
    if placed is not None:
        return order_view(placed)
    if quote.expires_at <= now or not is_genuine(secret, quote):
        raise QuoteExpired
    _check_open_orders(session, buyer_id=quote.buyer_id, now=now)
    terms = read_terms(quote.terms)
    check_still_sellable(
        session, asset_id=quote.asset_id, seller_id=quote.seller_id, terms=terms, by=by, now=now
    )  # fmt: skip
    require_free(session, asset_id=quote.asset_id, terms=terms, buyer_id=quote.buyer_id, now=now)
    check_disclosed(session, asset_id=quote.asset_id, terms=terms, now=now)
    row = OrderRow(
        id=new_id(), quote_id=quote_id, asset_id=quote.asset_id, seller_id=quote.seller_id, buyer_id=quote.buyer_id,
        placed_by=by.person_id, state=OrderState.OPEN, words=write_words(terms.words()),
        gross_fen=quote.net_fen + quote.tax_fen, placed_at=now, held_until=now + HELD_FOR,
    )  # fmt: skip
    session.add(row)
    session.flush()
    follow_soon(session, order_id=row.id)
    return order_view(row)


def cancel_order(session: WriteSession, *, order_id: UUID, by: Actor) -> Order:
    """Take back an order that is not paid; its rights are free at once. Idempotent. Raises OrderNotFound, NotPaid."""
    row = session.get(OrderRow, order_id, with_for_update=True)
    if row is None or row.buyer_id != by.organisation_id:
        raise OrderNotFound
    require(by, permissions.ORDER, organisation_id=row.buyer_id)
    if row.state not in (OrderState.OPEN, OrderState.CANCELLED):
        raise AlreadyPaid
    row.state = OrderState.CANCELLED
    session.flush()
    return order_view(row)


def _check_open_orders(session: ReadSession, *, buyer_id: UUID, now: datetime) -> None:
    """Keep one house from holding the whole catalogue with orders that it does not pay. Raises TooManyOrders."""
    open_now = select(func.count()).where(
        OrderRow.buyer_id == buyer_id, OrderRow.state == OrderState.OPEN, OrderRow.held_until > now
    )
    if session.exec(open_now).one() >= MOST_OPEN:
        raise TooManyOrders


def mark_paid(session: WriteSession, *, order_id: UUID, payment: str, amount: Money, now: datetime) -> Order:
    """Note a payment that a rail has attested. Idempotent. Raises NotPaid for another amount or a lapsed order."""
    row = session.get(OrderRow, order_id, with_for_update=True)
    if row is None:
        raise OrderNotFound
    if row.state in (OrderState.PAID, OrderState.LICENSED):
        return order_view(row)
    if amount != Money(row.gross_fen):
        raise NotPaid(N_("{got} was paid, {due} is due."), got=amount, due=Money(row.gross_fen))
    if row.state != OrderState.OPEN or row.held_until <= now:
        raise NotPaid(N_("The order had lapsed; the payment goes back."))
    row.state, row.paid_at, row.payment = OrderState.PAID, now, payment
    session.flush()
    follow_soon(session, order_id=order_id)
    return order_view(row)


def follow_soon(session: WriteSession, *, order_id: UUID) -> None:
    """Have a job tell the ledger how an order stands now: it waits for nobody, and nobody waits for it."""
    enqueue(session, FOLLOW, queue=Queue.CHAIN, dedupe_key=f"{FOLLOW}:{order_id}", order_id=order_id)


def get_order(session: ReadSession, *, order_id: UUID, by: Actor) -> Order:
    """Return an order of the actor's house. Raises OrderNotFound."""
    require_reach(by, "marketplace")
    row = session.get(OrderRow, order_id)
    if row is None or by.organisation_id not in (row.buyer_id, row.seller_id):
        raise OrderNotFound
    return order_view(row)


def order_of_quote(session: ReadSession, *, quote_id: UUID) -> Order | None:
    """Return the order that a quote became; the caller has checked whose the quote is."""
    row = session.exec(select(OrderRow).where(OrderRow.quote_id == quote_id)).first()
    return order_view(row) if row else None


def list_orders(session: ReadSession, *, by: Actor, limit: int = 100) -> tuple[Order, ...]:
    """Return the newest orders of the actor's house, as buyer or seller."""
    require_reach(by, "marketplace")
    statement = (
        select(OrderRow)
        .where((OrderRow.buyer_id == by.organisation_id) | (OrderRow.seller_id == by.organisation_id))
        .order_by(col(OrderRow.id).desc())
        .limit(limit)
    )
    return tuple(order_view(row) for row in session.exec(statement))


def state_at(order: Order, *, now: datetime) -> OrderState:
    """Return how an order stands at a moment: one that is not paid in time has lapsed, noted or not."""
    has_lapsed = order.state == OrderState.OPEN and order.held_until <= now
    return OrderState.LAPSED if has_lapsed else order.state


def order_view(row: OrderRow) -> Order:
    """Return a row as others may see it."""
    return Order(
        row.id, row.quote_id, row.asset_id, row.seller_id, row.buyer_id, OrderState(row.state), Money(row.gross_fen),
        row.held_until, row.accepted_at,
    )  # fmt: skip
