"""Commands of deeds: title, transfer, pledge, release, consent, end; agree, decline, list, show."""

import json
from datetime import datetime, time, timedelta
from typing import Annotated, Any, cast
from uuid import UUID

import typer

from asset_hub.accounts import find_party, get_party
from asset_hub.accounts.acting import acting_for, acting_person
from asset_hub.catalogue import find_asset, owner_of
from asset_hub.core import clock
from asset_hub.core.clock import BEIJING
from asset_hub.core.db import ReadSession
from asset_hub.core.home import home_of
from ledger import deeds
from ledger.cli import LedgerHome
from ledger.codebook import rights_of_mask
from ledger.consents import title_on_chain
from ledger.deeds import Deed
from ledger.models import EntryRow
from ledger.titles import TitleList

commands = typer.Typer(help="Deeds: what several houses agree to about rights.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Asset = Annotated[str, typer.Argument(help="The asset: its id or its number.")]
By = Annotated[str, typer.Option("--by", help="Act as this person.")]
For = Annotated[str, typer.Option("--for", metavar="ORG", help="Act for this house; the person's first if not given.")]
Instrument = Annotated[str, typer.Option(help="The contract, decision or reason behind it.")]
Rights = Annotated[
    list[str], typer.Option("--right", help="Item of art. 10 (5–17), performer, recording, broadcaster, or all.")
]
Which = Annotated[UUID, typer.Argument(metavar="DEED", help="The deed's id.")]
_PERCENT = 100


@commands.command("title")
def title(
    context: typer.Context,
    asset: Asset,
    *,
    share: Annotated[
        list[str],
        typer.Option(help="RIGHTS=ORG:PERCENT[,ORG:PERCENT…], e.g. 11,12=本馆:60,江声影业:40; or RIGHTS= for unknown."),
    ],
    instrument: Instrument,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Propose the first title of a work; every holder must agree."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        asset_id = find_asset(session, text=asset)
        actor = acting_person(
            session, login=by or home.settings.person, organisation_id=owner_of(session, asset_id=asset_id)
        )
        deed = deeds.propose_title(
            session, home.keys, asset_id=asset_id, rights=dict(_read_share(session, one) for one in share),
            instrument=instrument, by=actor, now=clock.now(),
        )  # fmt: skip
    _done(home, deed, as_json=as_json)


@commands.command("correct")
def correct(
    context: typer.Context,
    asset: Asset,
    *,
    share: Annotated[
        list[str],
        typer.Option(help="RIGHTS=ORG:PERCENT[,ORG:PERCENT…]: the title as it was decided; or RIGHTS= for unknown."),
    ],
    decision: Annotated[str, typer.Option(help="The court's or authority's decision behind it.")],
    by: By = "",
    as_json: Json = False,
) -> None:
    """Put a court's or authority's decision about a title on record: by itself, whoever held it; pledges end."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        after = deeds.title_of_rights(dict(_read_share(session, one) for one in share))
        deed = deeds.correct_title(
            session, home.keys, asset_id=find_asset(session, text=asset), after=after,
            decision=decision, by=acting_person(session, login=by or home.settings.person), now=clock.now(),
        )  # fmt: skip
    _done(home, deed, as_json=as_json)


@commands.command("transfer")
def transfer(
    context: typer.Context,
    asset: Asset,
    *,
    right: Rights,
    giver: Annotated[str, typer.Option("--from", metavar="ORG", help="Who gives.")],
    taker: Annotated[str, typer.Option("--to", metavar="ORG", help="Who takes.")],
    percent: Annotated[float, typer.Option(help="How much, in per cent of each right.", min=0.01, max=100)],
    instrument: Instrument,
    by: By = "",
    house: For = "",
    as_json: Json = False,
) -> None:
    """Propose to move shares of rights; both sides, every co-owner and every pledgee must agree."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        deed = deeds.propose_transfer(
            session, home.keys, asset_id=find_asset(session, text=asset), rights=right,
            giver=find_party(session, text=giver).id, taker=find_party(session, text=taker).id,
            bps=round(percent * _PERCENT), instrument=instrument,
            by=acting_for(session, by or home.settings.person, house or giver), now=clock.now(),
        )  # fmt: skip
    _done(home, deed, as_json=as_json)


@commands.command("pledge")
def pledge(
    context: typer.Context,
    asset: Asset,
    *,
    right: Rights,
    pledgor: Annotated[str, typer.Option("--from", metavar="ORG", help="Who pledges.")],
    pledgee: Annotated[str, typer.Option("--to", metavar="ORG", help="To whom.")],
    instrument: Instrument,
    by: By = "",
    house: For = "",
    as_json: Json = False,
) -> None:
    """Propose a pledge (质押): afterwards nothing of these rights moves or is licensed without the pledgee."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        deed = deeds.propose_pledge(
            session, home.keys, asset_id=find_asset(session, text=asset), rights=right,
            pledgor=find_party(session, text=pledgor).id, pledgee=find_party(session, text=pledgee).id,
            instrument=instrument, by=acting_for(session, by or home.settings.person, house or pledgor),
            now=clock.now(),
        )  # fmt: skip
    _done(home, deed, as_json=as_json)


@commands.command("release")
def release(
    context: typer.Context,
    asset: Asset,
    *,
    number: Annotated[int, typer.Option(help="Which pledge, counted from 1 as `deed show` lists them.", min=1)],
    instrument: Instrument,
    by: By = "",
    house: For = "",
    as_json: Json = False,
) -> None:
    """End a pledge: the pledgee's act alone."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        deed = deeds.release_pledge(
            session, home.keys, asset_id=find_asset(session, text=asset), index=number - 1, instrument=instrument,
            by=acting_for(session, by or home.settings.person, house), now=clock.now(),
        )  # fmt: skip
    _done(home, deed, as_json=as_json)


@commands.command("consent")
def consent(
    context: typer.Context,
    asset: Asset,
    *,
    licensor: Annotated[str, typer.Option(metavar="ORG", help="Who may license.")],
    days: Annotated[int, typer.Option(help="For how many days from now.", min=1, max=3650)] = 365,
    by: By = "",
    house: For = "",
    as_json: Json = False,
) -> None:
    """Agree, as co-owner or pledgee, that another holder licenses this work."""
    home = cast(LedgerHome, home_of(context))
    now = clock.now()
    with home.database.write() as session:
        deed = deeds.consent_to_licences(
            session, home.keys, asset_id=find_asset(session, text=asset),
            licensor=find_party(session, text=licensor).id, until=_end_of_day(now, days),
            by=acting_for(session, by or home.settings.person, house), now=now,
        )  # fmt: skip
    _done(home, deed, as_json=as_json)


@commands.command("end")
def end(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The licence's or hold's number.", min=1)],
    *,
    reason: Annotated[str, typer.Option(help="Why.")],
    cure_days: Annotated[int, typer.Option(help="Days to put things right before the other side agrees.", min=0)] = 0,
    by: By = "",
    house: For = "",
    as_json: Json = False,
) -> None:
    """Propose to end a licence or hold; both sides agree, or the authority decides alone."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        deed = deeds.propose_end(
            session, home.keys, number=number, reason=reason, cure_days=cure_days,
            by=acting_for(session, by or home.settings.person, house), now=clock.now(),
        )  # fmt: skip
    _done(home, deed, as_json=as_json)


@commands.command("agree")
def agree(context: typer.Context, deed: Which, *, by: By = "", house: For = "", as_json: Json = False) -> None:
    """Agree for one's house; the last agreement records the deed."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        actor = acting_for(session, by or home.settings.person, house)
        done = deeds.agree(session, home.keys, deed_id=deed, by=actor, now=clock.now())
    _done(home, done, as_json=as_json)


@commands.command("decline")
def decline(context: typer.Context, deed: Which, *, by: By = "", house: For = "", as_json: Json = False) -> None:
    """Decline a deed, or take back one's own."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        done = deeds.decline(session, deed_id=deed, by=acting_for(session, by or home.settings.person, house))
    _done(home, done, as_json=as_json)


@commands.command("list")
def list_them(
    context: typer.Context,
    *,
    asset: Annotated[str, typer.Option(help="Only those about this asset.")] = "",
    by: By = "",
    house: For = "",
    as_json: Json = False,
) -> None:
    """List the deeds of one's house, newest first, with who still must agree."""
    home = home_of(context)
    with home.database.write() as session:
        actor = acting_for(session, by or home.settings.person, house)
        asset_id = find_asset(session, text=asset) if asset else None
        found = [_facts(session, one) for one in deeds.list_deeds(session, by=actor, asset_id=asset_id)]
    if as_json:
        print(json.dumps({"deeds": found}, ensure_ascii=False))
        return
    for one in found:
        print(f"{one['id']}  {one['state']:<9} {one['kind']:<9} waits for: {', '.join(one['waits_for']) or '–'}")


@commands.command("show")
def show(context: typer.Context, asset: Asset, *, as_json: Json = False) -> None:
    """Show the title of a work as the ledger has it."""
    home = home_of(context)
    with home.database.read() as session:
        found = title_on_chain(session, asset_id=find_asset(session, text=asset))
        facts = title_facts(session, found)
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    for row in facts["shares"]:
        print(f"{row['percent']:>7.2f} %  {row['holder'] or 'unknown':<24} {', '.join(row['rights'])}")
    for number, row in enumerate(facts["pledges"], start=1):
        print(f"pledge {number}: {row['pledgor']} to {row['pledgee']}: {', '.join(row['rights'])}")
    if found is None:
        print("No title of this work is on record.")


def title_facts(session: ReadSession, title: TitleList | None) -> dict[str, Any]:
    """Return a title as plain JSON, houses and rights by name."""
    if title is None:
        return {"head": None, "shares": [], "pledges": []}
    names = {one: get_party(session, organisation_id=one).name_zh for one in _houses(title)}
    return {
        "head": title.head.hex(),
        "shares": [
            {
                "holder": names[one.holder] if one.holder else None, "percent": one.bps / _PERCENT,
                "rights": _right_names(one.rights),
            }
            for one in title.shares
        ],
        "pledges": [
            {"pledgor": names[one.pledgor], "pledgee": names[one.pledgee], "rights": _right_names(one.rights)}
            for one in title.pledges
        ],
    }  # fmt: skip


def _houses(title: TitleList) -> set[UUID]:
    every = (1 << 96) - 1
    return set(title.holders(every)) | {side for one in title.pledges for side in (one.pledgor, one.pledgee)}


def _right_names(mask: int) -> list[str]:
    return ["all"] if mask == (1 << 96) - 1 else [right.name_zh for right in rights_of_mask(mask)]


def _read_share(session: ReadSession, text: str) -> tuple[tuple[str, ...], dict[UUID, int]]:
    """Read RIGHTS=ORG:PERCENT,…. Raises typer.BadParameter, PartyNotFound."""
    rights, sign, holders = text.partition("=")
    if not sign or not rights:
        raise typer.BadParameter(f"“{text}” is not RIGHTS=ORG:PERCENT.", param_hint="--share")
    found: dict[UUID, int] = {}
    for part in filter(None, holders.split(",")):
        house, colon, percent = part.rpartition(":")
        try:
            bps = round(float(percent) * _PERCENT)
        except ValueError as error:
            raise typer.BadParameter(f"“{part}” is not ORG:PERCENT.", param_hint="--share") from error
        if not colon:
            raise typer.BadParameter(f"“{part}” is not ORG:PERCENT.", param_hint="--share")
        found[find_party(session, text=house).id] = bps
    return tuple(code.strip() for code in rights.split(",")), found


def _end_of_day(now: datetime, days: int) -> datetime:
    last = (now.astimezone(BEIJING) + timedelta(days=days)).date()
    return datetime.combine(last, time(23, 59, 59), tzinfo=BEIJING)


def _done(home: LedgerHome, deed: Deed, *, as_json: bool) -> None:
    """Run what follows, then say how the deed and its entry stand; exit 1 when the ledger refused."""
    home.run_jobs()
    with home.database.read() as session:
        entry = session.get(EntryRow, deed.entry_id) if deed.entry_id else None
        facts = _facts(session, deed) | {
            "entry": None if entry is None else {"state": entry.state, "reason": entry.reason}
        }
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        waits = f", waits for {', '.join(facts['waits_for'])}" if facts["waits_for"] else ""
        on_ledger = f", {facts['entry']['state']} on the ledger" if facts["entry"] else ""
        if facts["entry"] and facts["entry"]["state"] == "unsigned":
            on_ledger = ", waits for a second person or a signature (asset-hub confirm list, asset-hub key pending)"
        print(f"{deed.id}  {deed.kind}  {deed.state}{waits}{on_ledger}")
    if entry is not None and entry.state == "refused":
        raise typer.Exit(1)


def _facts(session: ReadSession, deed: Deed) -> dict[str, Any]:
    return {
        "id": str(deed.id), "kind": str(deed.kind), "asset": str(deed.asset_id), "state": str(deed.state),
        "sides": [get_party(session, organisation_id=one).name_zh for one in deed.sides],
        "waits_for": [get_party(session, organisation_id=one).name_zh for one in deed.waits_for],
        "created_at": deed.created_at.isoformat(), "expires_at": deed.expires_at.isoformat(),
    }  # fmt: skip
