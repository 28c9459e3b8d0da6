"""Commands of holds (预留): place, list."""

import json
from typing import Annotated, Any, cast

import typer

from asset_hub.accounts import get_party, require_organisation
from asset_hub.catalogue import find_asset
from asset_hub.core import clock
from asset_hub.core.db import ReadSession
from asset_hub.core.home import home_of
from ledger.entries import Held, list_holds_of
from marketplace.cli import (
    Asset,
    By,
    Frames,
    Json,
    Kind,
    KindName,
    Start,
    SubjectTo,
    Territory,
    TradeHome,
    Use,
    Years,
    buying_person,
    read_terms_of_command,
)
from marketplace.holds import LONGEST_DAYS, place_hold

holds = typer.Typer(help="Holds: rights kept for a buyer for some days.", no_args_is_help=True)


@holds.command("place")
def place(
    context: typer.Context,
    asset: Asset,
    *,
    use: Use,
    territory: Territory,
    days: Annotated[int, typer.Option(help="How long.", min=1, max=LONGEST_DAYS)] = 7,
    start: Start = None,
    years: Years = 1,
    kind: Kind = KindName.NON_EXCLUSIVE,
    frames: Frames = None,
    subject_to: SubjectTo = False,
    buyer: Annotated[str, typer.Option(help="The organisation that holds.")] = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Hold what is free; nobody else is licensed meanwhile, and buying it uses the hold up."""
    home = cast(TradeHome, home_of(context))
    terms = read_terms_of_command(use, territory, start, years, kind, "1080", frames, subject_to=subject_to)
    with home.database.write() as session:
        actor = buying_person(session, home, buyer, by)
        held = place_hold(
            session, home.keys, asset_id=find_asset(session, text=asset), terms=terms, days=days, by=actor,
            now=clock.now(),
        )  # fmt: skip
    home.run_jobs()
    with home.database.read() as reading:
        house = require_organisation(actor)
        found = next(one for one in list_holds_of(reading, organisation_id=house) if one.number == held.number)
        facts = _facts(reading, found)
    print(json.dumps(facts, ensure_ascii=False) if as_json else f"hold {held.number}  until {held.lapses_at:%F %R} UTC")


@holds.command("list")
def list_them(
    context: typer.Context,
    *,
    buyer: Annotated[str, typer.Option(help="The organisation.")] = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """List the holds that a house has or has given, newest first."""
    home = home_of(context)
    with home.database.write() as session:
        actor = buying_person(session, home, buyer, by)
        found = [_facts(session, one) for one in list_holds_of(session, organisation_id=require_organisation(actor))]
    if as_json:
        print(json.dumps({"holds": found}, ensure_ascii=False))
        return
    for one in found:
        print(f"{one['number']:>6}  {'live' if one['live'] else 'over':<5} {one['lapses_at']}  {one['licensee']}")


def _facts(session: ReadSession, held: Held) -> dict[str, Any]:
    return {
        "number": held.number, "asset": str(held.asset_id), "state": str(held.state), "live": held.is_live,
        "licensor": get_party(session, organisation_id=held.licensor_id).name_zh,
        "licensee": get_party(session, organisation_id=held.licensee_id).name_zh,
        "lapses_at": held.lapses_at.isoformat(),
    }  # fmt: skip
