"""Settlement: RMB moves outside; a rail asks for a payment and attests it. Only the simulator is built in."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, require
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.money import Money
from ledger.signing import HomeKeys
from marketplace import permissions
from marketplace.checks import check_disclosed, check_still_sellable
from marketplace.errors import NothingToRefund, OrderNotFound
from marketplace.licences import Licence, grant_licence
from marketplace.models import OrderRow
from marketplace.orders import Order, OrderState, follow_soon, get_order, mark_paid, order_view
from marketplace.quotes import get_quote
from marketplace.settling import note_seen


@dataclass(frozen=True, slots=True)
class Attestation:
    """A rail's word that an amount was paid for an order, or went back."""

    order_id: UUID
    amount: Money
    receipt: str


class PaymentRail(Protocol):
    """A way money comes: a bank file, a licensed institution, the simulator.

    `statement` is the second look at a payment, None where the bank's comes later.
    """

    def request(self, order: Order) -> str: ...
    def attest(self, order: Order) -> Attestation: ...
    def statement(self, order: Order) -> Attestation | None: ...
    def refund(self, order: Order) -> Attestation: ...


class SimulatedRail:
    """Pays at once, and says on every receipt that no money moved."""

    def request(self, order: Order) -> str:
        """Return the payment reference that a buyer would use."""
        return f"SIM-{order.id.hex[-12:].upper()}"

    def attest(self, order: Order) -> Attestation:
        """Return the attestation of the whole amount."""
        digest = hashlib.sha256(f"{order.id}:{order.gross.fen}".encode()).hexdigest()
        return Attestation(order.id, order.gross, f"simulated:{self.request(order)}:{digest[:16]}")

    def statement(self, order: Order) -> Attestation | None:
        """Return what the simulator's own statement shows: the same."""
        return self.attest(order)

    def refund(self, order: Order) -> Attestation:
        """Return the attestation that the whole amount went back."""
        return Attestation(order.id, order.gross, f"simulated-refund:{self.request(order)}")


def pay_order(
    session: WriteSession, keys: HomeKeys, rail: PaymentRail, *, order_id: UUID, by: Actor, now: datetime
) -> Licence:
    """Have the rail attest the payment, then grant the licence in the same transaction. Idempotent.

    Raises OrderNotFound, NotPaid; before any payment AssetNotFound, NotForSale or NotSublicensable for what may no
    longer be sold, DisclosureChanged for what is no longer what was agreed to.
    """
    order = get_order(session, order_id=order_id, by=by)
    require(by, permissions.ORDER, organisation_id=order.buyer_id)
    if order.state == OrderState.OPEN:
        terms = get_quote(session, quote_id=order.quote_id, by=by).terms
        check_still_sellable(
            session, asset_id=order.asset_id, seller_id=order.seller_id, terms=terms, by=by, now=now
        )  # fmt: skip
        check_disclosed(session, asset_id=order.asset_id, terms=terms, now=now)
    attested = rail.attest(order)
    mark_paid(session, order_id=order_id, payment=attested.receipt, amount=attested.amount, now=now)
    if order.state == OrderState.OPEN and (second := rail.statement(order)) is not None:
        note_seen(session, order_id=order_id, amount=second.amount, receipt=second.receipt)
    return grant_licence(session, keys, order_id=order_id, by=by, now=now)


def pay_back(session: WriteSession, rail: PaymentRail, *, order_id: UUID, by: Actor, now: datetime) -> Order:
    """Pay an order back whose licence the ledger refused. Idempotent.

    Raises Forbidden, OrderNotFound, NothingToRefund.
    """
    require(by, permissions.ATTEST)
    row = session.get(OrderRow, order_id, with_for_update=True)
    if row is None:
        raise OrderNotFound
    if row.state == OrderState.REFUND_DUE:
        row.refund, row.refunded_at, row.state = rail.refund(order_view(row)).receipt, now, OrderState.REFUNDED
        session.flush()
        follow_soon(session, order_id=order_id)
    if row.state != OrderState.REFUNDED:
        raise NothingToRefund
    return order_view(row)


def refunds_due(session: ReadSession, *, by: Actor) -> tuple[Order, ...]:
    """Return the orders whose price is to go back, oldest first. Raises Forbidden."""
    require(by, permissions.ATTEST)
    rows = session.exec(select(OrderRow).where(OrderRow.state == OrderState.REFUND_DUE).order_by(col(OrderRow.id)))
    return tuple(order_view(row) for row in rows)
