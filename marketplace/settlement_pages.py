"""The operator's desk of payments: what is contested, what the ledger refused, what waits for the second look."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import party_names, require
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from ledger.orders import STATE_WORDS, steps_of_orders, unsettled_orders
from ledger.pages import order_step
from marketplace import permissions
from marketplace.pages import Posted
from marketplace.settlement import SimulatedRail, pay_back, refunds_due
from marketplace.settling import confirm_from_statement, read_yuan, try_again

router = APIRouter(include_in_schema=False)


@router.get("/settlements")
def settlements_page(request: Request, by: CurrentActor) -> Response:
    """Payments that need somebody."""
    require(by, permissions.ATTEST)
    services = request.app.state.services
    with services.database.read() as session:
        held = unsettled_orders(session, services.keys)
        steps = steps_of_orders(session, order_ids=[one.id for one in held])
        due = refunds_due(session, by=by)
        houses = {side for one in held for side in (one.buyer_id, one.seller_id)} | {one.buyer_id for one in due}
        names = party_names(session, organisation_ids=houses, language=language_of(request))
    return render(
        request, "marketplace/settlements.html", title=N_("Settlements"), orders=held, due=due, names=names,
        words=STATE_WORDS, steps={one.id: [order_step(step) for step in steps[one.id]] for one in held},
    )  # fmt: skip


@router.post("/settlements/{order_id}/statement")
def say_statement(request: Request, by: CurrentActor, order_id: UUID, form: Posted) -> Response:
    """Say what the bank statement shows of a payment."""
    require(by, permissions.ATTEST)
    amount = read_yuan(str(form.get("amount", "")))
    with request.app.state.services.database.write() as session:
        confirm_from_statement(
            session, order_id=order_id, amount=amount, receipt=str(form.get("receipt", ""))[:200].strip(), by=by,
            now=clock.now(),
        )  # fmt: skip
    return redirect("/settlements", said=Text(N_("Noted; the second key says it on the ledger.")))


@router.post("/settlements/{order_id}/retry")
def retry(request: Request, by: CurrentActor, order_id: UUID) -> Response:
    """Record once more what the ledger refused."""
    services = request.app.state.services
    with services.database.write() as session:
        try_again(session, services.keys, order_id=order_id, by=by, now=clock.now())
    return redirect("/settlements", said=Text(N_("It is on its way to the ledger again.")))


@router.post("/settlements/{order_id}/refund")
def refund(request: Request, by: CurrentActor, order_id: UUID) -> Response:
    """Pay back through the simulator what the ledger refused to license."""
    with request.app.state.services.database.write() as session:
        pay_back(session, SimulatedRail(), order_id=order_id, by=by, now=clock.now())
    return redirect("/settlements", said=Text(N_("Paid back through the simulator: no money moved.")))
