"""Settlement: RMB moves outside; a rail asks for a payment and attests it. Only the simulator is built in."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from asset_hub.accounts import Actor, require
from asset_hub.core.db import WriteSession
from asset_hub.core.money import Money
from ledger.signing import Keys
from marketplace import permissions
from marketplace.checks import check_still_sellable
from marketplace.licences import Licence, grant_licence
from marketplace.orders import Order, OrderState, get_order, mark_paid
from marketplace.quotes import get_quote


@dataclass(frozen=True, slots=True)
class Attestation:
    """A rail's word that an amount was paid for an order."""

    order_id: UUID
    amount: Money
    receipt: str


class PaymentRail(Protocol):
    """A way money comes: a bank file, a licensed institution, the simulator."""

    def request(self, order: Order) -> str: ...
    def attest(self, order: Order) -> Attestation: ...


class SimulatedRail:
    """Pays at once, and says on every receipt that no money moved."""

    def request(self, order: Order) -> str:
        """Return the payment reference that a buyer would use."""
        return f"SIM-{order.id.hex[-12:].upper()}"

    def attest(self, order: Order) -> Attestation:
        """Return the attestation of the whole amount."""
        digest = hashlib.sha256(f"{order.id}:{order.gross.fen}".encode()).hexdigest()
        return Attestation(order.id, order.gross, f"simulated:{self.request(order)}:{digest[:16]}")


def pay_order(
    session: WriteSession, keys: Keys, rail: PaymentRail, *, order_id: UUID, by: Actor, now: datetime
) -> Licence:
    """Have the rail attest the payment, then grant the licence in the same transaction. Idempotent.

    Raises OrderNotFound, NotPaid; AssetNotFound or NotForSale, before any payment, for what may no longer be sold.
    """
    order = get_order(session, order_id=order_id, by=by)
    require(by, permissions.ORDER, organisation_id=order.buyer_id)
    if order.state == OrderState.OPEN:
        terms = get_quote(session, quote_id=order.quote_id, by=by).terms
        check_still_sellable(session, asset_id=order.asset_id, terms=terms, by=by, now=now)
    attested = rail.attest(order)
    mark_paid(session, order_id=order_id, payment=attested.receipt, amount=attested.amount, now=now)
    return grant_licence(session, keys, order_id=order_id, by=by, now=now)
