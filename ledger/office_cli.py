"""Commands of the exchange's own keys and roles: asset-hub ledger key list|rotate, asset-hub ledger role list|give|…"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

import typer

from asset_hub.accounts.acting import acting_person
from asset_hub.core import clock
from asset_hub.core.home import home_of
from ledger import office_keys
from ledger.addresses import read_address, show_address
from ledger.blocks import show_time
from ledger.cli import LedgerHome
from ledger.key_cli import By, Json
from ledger.office_keys import ChangeId, ChangeState, list_changes, list_office_keys
from ledger.office_views import (
    describe_change,
    describe_coming,
    facts_of_change,
    facts_of_key,
    facts_of_role,
    list_roles,
    names_of_holders,
    names_of_keys,
    waits_of_changes,
    why_refused,
    word_of_change,
)
from ledger.signing import Office

key = typer.Typer(help="The exchange's own keys.", no_args_is_help=True)
role = typer.Typer(help="Who has which role on the ledger, and changes of it.", no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="Why; who confirms it reads it.")]
RoleName = Annotated[str, typer.Argument(metavar="ROLE", help="As `ledger role list` prints it.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The address of the key.")]


@key.command("list")
def list_keys(context: typer.Context, *, as_json: Json = False) -> None:
    """List every key that the exchange has or had: what for, from when until when."""
    home = cast(LedgerHome, home_of(context))
    with home.database.read() as session:
        found = names_of_keys(session, list_office_keys(session, home.keys))
    if as_json:
        print(json.dumps({"keys": [facts_of_key(one) for one, _name in found]}))
        return
    for one, name in found:
        print(f"{one.office:<9} {show_address(one.address)}  {_span(one.since, one.until)}  {name}")


@key.command("rotate")
def rotate(context: typer.Context, office: Office, *, reason: Reason, by: By = "") -> None:
    """Draw a new key for an office of the exchange; it speaks two days after that is announced on the ledger."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        change = office_keys.rotate_key(
            session, home.keys, office=office, reason=reason,
            by=acting_person(session, login=by or home.settings.person), now=clock.now(),
        )  # fmt: skip
    _go_on(home, change)


@role.command("list")
def list_them(context: typer.Context, *, as_json: Json = False) -> None:
    """Say who has and had which role, from when until when, and whose key it is: read from the chain's receipts."""
    home = cast(LedgerHome, home_of(context))
    with home.database.read() as session:
        found = names_of_holders(session, list_roles(session, home.keys))
    if as_json:
        print(json.dumps({"roles": [facts_of_role(one) for one, _holder in found]}))
        return
    for one, whose in found:
        print(f"{one.role:<16} {show_address(one.address)}  {_span(one.since, one.until)}  {whose}")


def _role_command(name: str, act: Callable[..., ChangeId], said: str) -> None:
    @role.command(name, help=said)
    def take(context: typer.Context, which: RoleName, address: Address, *, reason: Reason, by: By = "") -> None:
        home = cast(LedgerHome, home_of(context))
        with home.database.write() as session:
            change = act(
                session, home.keys, role=which, address=read_address(address), reason=reason,
                by=acting_person(session, login=by or home.settings.person), now=clock.now(),
            )  # fmt: skip
        _go_on(home, change)


for _name, _act, _said in (
    ("give", office_keys.give_role, "Give a role to a key of somebody else, two days after that is announced."),
    ("take", office_keys.take_role, "Take a role from a key of somebody else, two days after that is announced."),
):  # fmt: skip
    _role_command(_name, _act, _said)


@role.command("hand-over")
def hand_over(context: typer.Context, which: RoleName, address: Address, *, reason: Reason, by: By = "") -> None:
    """Hand AUTHORITY over to a key that the regulator's people keep; it accepts by a signature: key pending."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        change = office_keys.hand_over_role(
            session, home.keys, role=which, address=read_address(address), reason=reason,
            by=acting_person(session, login=by or home.settings.person), now=clock.now(),
        )  # fmt: skip
    print("the key itself must accept it: asset-hub key pending, as the regulator")
    _go_on(home, change)


@role.command("take-back")
def take_back(context: typer.Context, which: RoleName, *, reason: Reason, by: By = "") -> None:
    """Give a role that was handed over back to the exchange's own key, two days after that is announced."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        change = office_keys.take_back_role(
            session, home.keys, role=which, reason=reason,
            by=acting_person(session, login=by or home.settings.person), now=clock.now(),
        )  # fmt: skip
    _go_on(home, change)


@role.command("changes")
def changes(context: typer.Context, *, by: By = "", as_json: Json = False) -> None:
    """Say which keys and roles change, how each change stands, and when it is carried out; newest first."""
    home, now = cast(LedgerHome, home_of(context)), clock.now()
    with home.database.write() as session:
        found = list_changes(session, by=acting_person(session, login=by or home.settings.person))
        waits = waits_of_changes(session, found)
    if as_json:
        print(json.dumps({"changes": [facts_of_change(one, waits) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        is_done = one.state in (ChangeState.WITHDRAWN, ChangeState.REFUSED)
        day = f"  on {_moment(one.ready_at)}" if one.ready_at and not is_done else ""
        refusal = f"  {why_refused(one)}" if one.refusal else ""
        print(f"{one.id}  {word_of_change(one, waits)[0]}{day}{refusal}\n  {describe_change(one)}\n  {one.reason}")
        if one.state == ChangeState.ANNOUNCED and one.ready_at and now > one.ready_at:
            print(f"  {describe_coming(int(one.ready_at.timestamp()), now=now)}")


@role.command("withdraw")
def withdraw(
    context: typer.Context,
    change: Annotated[UUID, typer.Argument(metavar="CHANGE", help="As `ledger role changes` prints it.")],
    *,
    by: By = "",
) -> None:
    """Withdraw a change, of a key or a role, that is announced and not carried out yet: one person's act."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        office_keys.withdraw_change(
            session, change_id=change, by=acting_person(session, login=by or home.settings.person), now=clock.now()
        )
    home.run_jobs()
    print("the withdrawal is recorded: asset-hub ledger role changes")


def _go_on(home: LedgerHome, change: ChangeId) -> None:
    home.run_jobs()
    print(f"{change}\na second person must confirm it: asset-hub confirm list")
    print("it is then announced on the ledger, and carried out two days later: asset-hub ledger role changes")


def _span(since: datetime | None, until: datetime | None) -> str:
    return f"{_moment(since) if since else 'not yet'} – {_moment(until) if until else ''}"


def _moment(moment: datetime) -> str:
    return show_time(int(moment.timestamp()))
