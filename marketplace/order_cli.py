"""Commands of orders: how each stands here and on the ledger, accepting, the second look, paying back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import UUID

import typer

from asset_hub.accounts.acting import acting_person
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.home import home_of
from ledger.orders import STATE_WORDS, order_on_ledger, unsettled_orders
from marketplace.cli import Json, TradeHome, buy_quote, buying_person
from marketplace.order_routes import facts_of
from marketplace.orders import get_order, list_orders
from marketplace.settlement import SimulatedRail, pay_back, refunds_due
from marketplace.settling import accept_delivery, confirm_from_statement, follow_overdue, read_yuan, try_again

commands = typer.Typer(help="Orders: how they stand here and on the ledger.", no_args_is_help=True)
By = Annotated[str, typer.Option("--by", help="Act as this person.")]
For = Annotated[str, typer.Option("--for", metavar="ORG", help="Act for this house; the person's first if not given.")]
Which = Annotated[UUID, typer.Argument(metavar="ORDER", help="The order's id.")]


@commands.command("list")
def list_them(context: typer.Context, *, house: For = "", by: By = "", as_json: Json = False) -> None:
    """List the orders of one's house, newest first, with how the ledger has each."""
    home = cast(TradeHome, home_of(context))
    with home.database.write() as session:
        actor = buying_person(session, home, house, by)
        found = [facts_of(session, home.keys, one) for one in list_orders(session, by=actor)]
    if as_json:
        print(json.dumps({"orders": found}, ensure_ascii=False))
        return
    for one in found:
        print(f"{one['id']}  {one['state']:<10} ledger: {one['ledger']['state'] if one['ledger'] else '–'}")


@commands.command("buy")
def buy(
    context: typer.Context,
    quote: Annotated[UUID, typer.Argument(metavar="QUOTE", help="The quote's id.")],
    *,
    to: Annotated[Path, typer.Option(help="Folder for the file and its certificate.")],
    house: For = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Order from a quote or an offered sub-licence, pay through the simulator (no money moves), and deliver."""
    home = cast(TradeHome, home_of(context))
    with home.database.write() as session:
        actor = buying_person(session, home, house, by)
    buy_quote(home, quote, actor, to, as_json=as_json)


@commands.command("show")
def show(context: typer.Context, order: Which, *, house: For = "", by: By = "", as_json: Json = False) -> None:
    """Show an order and every act of it on the ledger."""
    home = cast(TradeHome, home_of(context))
    with home.database.write() as session:
        actor = buying_person(session, home, house, by)
        facts = facts_of(session, home.keys, get_order(session, order_id=order, by=actor))
    _tell(facts, as_json=as_json)


@commands.command("accept")
def accept(context: typer.Context, order: Which, *, house: For = "", by: By = "", as_json: Json = False) -> None:
    """Accept as the buyer what was delivered."""
    home = cast(TradeHome, home_of(context))
    with home.database.write() as session:
        actor = buying_person(session, home, house, by)
        accept_delivery(session, order_id=order, by=actor, now=clock.now())
    home.run_jobs()
    with home.database.read() as reading:
        facts = facts_of(reading, home.keys, get_order(reading, order_id=order, by=actor))
    _tell(facts, as_json=as_json)


@commands.command("unsettled")
def unsettled(context: typer.Context, *, by: By = "", as_json: Json = False) -> None:
    """List the payments that need the operator: contested, refused by the ledger, waiting, to be paid back."""
    home = cast(TradeHome, home_of(context))
    with home.database.write() as session:
        due = refunds_due(session, by=acting_person(session, login=by or home.settings.person))
        held = unsettled_orders(session, home.keys)
    rows: list[dict[str, Any]] = [
        {"id": str(one.id), "state": one.state.name.lower(), "is_refused": one.is_stuck, "is_lapsed": one.is_lapsed}
        for one in held
    ]
    rows += [{"id": str(one.id), "state": "refund_due", "is_refused": False, "is_lapsed": False} for one in due]
    if as_json:
        print(json.dumps({"orders": rows}, ensure_ascii=False))
        return
    for one in rows:
        why = "  not signed in time" if one["is_lapsed"] else "  refused by the ledger" if one["is_refused"] else ""
        print(f"{one['id']}  {one['state']}{why}")


@commands.command("follow")
def follow(context: typer.Context) -> None:
    """End on the ledger the orders whose time to pay or to answer is over; run it every day."""
    home = cast(TradeHome, home_of(context))
    with home.database.write() as session:
        count = follow_overdue(session, home.keys, now=clock.now())
    home.run_jobs()
    print(f"{count} overdue")


@commands.command("confirm")
def confirm(
    context: typer.Context,
    order: Which,
    *,
    yuan: Annotated[str, typer.Option(help="The amount that the bank statement shows, e.g. 1234.50.")],
    receipt: Annotated[str, typer.Option(help="The receipt as the bank writes it; the attested one if empty.")] = "",
    by: By = "",
) -> None:
    """Say with the second key what the bank statement shows; what differs contests the payment."""

    def act(session: WriteSession, **who: Any) -> None:
        confirm_from_statement(session, order_id=order, amount=read_yuan(yuan), receipt=receipt, **who)

    _as_operator(cast(TradeHome, home_of(context)), order, by, act)


@commands.command("retry")
def retry(context: typer.Context, order: Which, *, by: By = "") -> None:
    """Record once more the act that the ledger refused, or that a house did not sign in time."""
    home = cast(TradeHome, home_of(context))
    _as_operator(home, order, by, lambda session, **who: try_again(session, home.keys, order_id=order, **who))


@commands.command("refund")
def refund(context: typer.Context, order: Which, *, by: By = "") -> None:
    """Pay back through the simulator (no money moves) what the ledger refused to license."""
    home = cast(TradeHome, home_of(context))
    _as_operator(home, order, by, lambda session, **who: pay_back(session, SimulatedRail(), order_id=order, **who))


def _as_operator(home: TradeHome, order_id: UUID, by: str, act: Callable[..., object]) -> None:
    """Act as the exchange, carry what follows, and say how the ledger has the order then."""
    with home.database.write() as session:
        act(session, by=acting_person(session, login=by or home.settings.person), now=clock.now())
    home.run_jobs()
    with home.database.read() as reading:
        held = order_on_ledger(reading, home.keys, order_id=order_id)
    print(f"{order_id}  {STATE_WORDS[held.state][0] if held else 'not on the ledger yet'}")


def _tell(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    print(f"{facts['id']}  {facts['state']}  ledger: {facts['ledger']['state'] if facts['ledger'] else '–'}")
    for step in facts["ledger"]["steps"] if facts["ledger"] else ():
        print(f"  {step['at'][:16]}  {step['act']:<15} {step['state']:<10} block {step['block'] or '–'}")
