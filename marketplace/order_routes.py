"""JSON of orders on the ledger: how each stands, accepting, what the bank statement shows, paying back."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from asset_hub.accounts import require, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.db import ReadSession
from asset_hub.core.money import Money
from ledger.orders import OrderOnLedger, OrderStep, order_on_ledger, steps_of_orders, unsettled_orders
from ledger.signing import HomeKeys
from marketplace import permissions
from marketplace.orders import Order, get_order
from marketplace.settlement import SimulatedRail, pay_back, refunds_due
from marketplace.settling import accept_delivery, confirm_from_statement, try_again

router = APIRouter(prefix="/api/v1", tags=["marketplace"])


class BankStatement(BaseModel):
    """What a bank statement shows of a payment; an empty receipt means the one that was attested."""

    model_config = ConfigDict(extra="forbid")

    fen: int = Field(ge=0, le=10**15)
    receipt: str = Field(default="", max_length=200)


@router.get("/orders/{order_id}")
def order(request: Request, by: CurrentActor, order_id: UUID) -> dict[str, Any]:
    """Return an order of the caller's house, with its acts on the ledger."""
    require_organisation(by)
    services = request.app.state.services
    with services.database.read() as session:
        return facts_of(session, services.keys, get_order(session, order_id=order_id, by=by))


@router.post("/orders/{order_id}/acceptance", status_code=204)
def acceptance(request: Request, by: CurrentActor, order_id: UUID) -> None:
    """Accept as the buyer what was delivered."""
    require_organisation(by)
    with request.app.state.services.database.write() as session:
        accept_delivery(session, order_id=order_id, by=by, now=clock.now())


@router.get("/settlements")
def settlements(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Return the payments that need somebody: contested, refused by the ledger, waiting, to be paid back."""
    require(by, permissions.ATTEST)
    services = request.app.state.services
    with services.database.read() as session:
        held = unsettled_orders(session, services.keys)
        steps = steps_of_orders(session, order_ids=[one.id for one in held])
        due = refunds_due(session, by=by)
    return {
        "orders": [{"id": str(one.id)} | _held(one, steps[one.id]) for one in held],
        "refunds_due": [{"id": str(one.id), "gross_fen": one.gross.fen} for one in due],
    }


@router.post("/settlements/{order_id}/statement", status_code=204)
def statement(request: Request, by: CurrentActor, order_id: UUID, said: BankStatement) -> None:
    """Say what the bank statement shows; what differs from the first word contests the payment on the ledger."""
    with request.app.state.services.database.write() as session:
        confirm_from_statement(
            session, order_id=order_id, amount=Money(said.fen), receipt=said.receipt, by=by, now=clock.now()
        )


@router.post("/settlements/{order_id}/retry", status_code=204)
def retry(request: Request, by: CurrentActor, order_id: UUID) -> None:
    """Record once more the act that the ledger refused."""
    services = request.app.state.services
    with services.database.write() as session:
        try_again(session, services.keys, order_id=order_id, by=by, now=clock.now())


@router.post("/settlements/{order_id}/refund", status_code=204)
def refund(request: Request, by: CurrentActor, order_id: UUID) -> None:
    """Pay back through the simulator (no money moves) what the ledger refused to license."""
    with request.app.state.services.database.write() as session:
        pay_back(session, SimulatedRail(), order_id=order_id, by=by, now=clock.now())


def facts_of(session: ReadSession, keys: HomeKeys, found: Order) -> dict[str, Any]:
    """Return an order as plain JSON, with how the ledger has it."""
    held = order_on_ledger(session, keys, order_id=found.id)
    steps = steps_of_orders(session, order_ids=[found.id])[found.id]
    return {
        "id": str(found.id), "quote": str(found.quote_id), "state": str(found.state), "gross_fen": found.gross.fen,
        "currency": "CNY", "held_until": found.held_until.isoformat(),
        "ledger": _held(held, steps) if held is not None else None,
    }  # fmt: skip


def _held(held: OrderOnLedger, steps: tuple[OrderStep, ...]) -> dict[str, Any]:
    return {
        "state": held.state.name.lower(), "is_waiting": held.is_waiting, "is_refused": held.is_stuck,
        "is_lapsed": held.is_lapsed, "unsigned_by": [str(house) for house in held.unsigned_by],
        "stays_fen": held.stays_fen, "steps": [_step(one) for one in steps],
    }  # fmt: skip


def _step(one: OrderStep) -> dict[str, Any]:
    return {
        "act": one.act, "state": str(one.state), "at": one.at.isoformat(), "block": one.block,
        "transaction": one.transaction, "reason": one.reason,
    }  # fmt: skip
