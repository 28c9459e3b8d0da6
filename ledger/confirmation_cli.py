"""Commands of the second person: asset-hub confirm list|give|refuse."""

import json
from typing import Annotated, cast
from uuid import UUID

import typer

from asset_hub.accounts import get_party
from asset_hub.accounts.acting import acting_for
from asset_hub.core import clock
from asset_hub.core.home import home_of
from ledger import confirmations
from ledger.blocks import show_time
from ledger.cli import LedgerHome
from ledger.confirmation_pages import facts_of
from ledger.key_cli import By, For, Json

commands = typer.Typer(
    help="The second person (复核) beside who agreed, where the exchange keeps the key.", no_args_is_help=True
)
Which = Annotated[UUID, typer.Argument(metavar="ID", help="As `confirm list` prints it.")]


@commands.command("list")
def list_them(context: typer.Context, *, by: By = "", house: For = "", as_json: Json = False) -> None:
    """Say what waits for a second person of one's house, or of any house for the operator; oldest first."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        actor = acting_for(session, by or home.settings.person, house)
        found = confirmations.list_confirmations(session, by=actor, now=clock.now())
        names = {one.organisation_id: get_party(session, organisation_id=one.organisation_id) for one in found}
    if as_json:
        print(json.dumps({"confirmations": [facts_of(one) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        note = "  (you agreed to it: another person confirms)" if one.is_mine else ""
        asked = f"  asked by {one.asked_by}" if one.asked_by else ""
        until = show_time(int(one.deadline.timestamp()))
        print(f"{one.id}  {names[one.organisation_id].name_zh}{asked}  until {until}{note}")
        print(f"  {one.said.zh}\n  {one.said.en}")


@commands.command("give")
def give(context: typer.Context, which: Which, *, by: By = "", house: For = "", as_json: Json = False) -> None:
    """Confirm as the second person; with the last word the act goes on to the ledger."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        actor = acting_for(session, by or home.settings.person, house)
        goes_on = confirmations.confirm(session, confirmation_id=which, by=actor, now=clock.now())
    home.run_jobs()
    said = "confirmed; it goes on" if goes_on else "confirmed; others must still sign or confirm"
    print(json.dumps({"id": str(which), "goes_on": goes_on}) if as_json else said)


@commands.command("refuse")
def refuse(context: typer.Context, which: Which, *, by: By = "", house: For = "") -> None:
    """Refuse it, as the second person or as who agreed; the act ends."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        confirmations.refuse(
            session, confirmation_id=which, by=acting_for(session, by or home.settings.person, house), now=clock.now()
        )
    home.run_jobs()
    print("refused; the act has ended")
