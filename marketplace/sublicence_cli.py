"""Commands of sub-licences: offer one inside a licence of one's house, list the offers, take one back."""

import json
from dataclasses import replace
from datetime import date
from typing import Annotated, cast
from uuid import UUID

import typer

from asset_hub.accounts import find_party
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.home import home_of
from asset_hub.core.period import DateRange
from asset_hub.core.rational import Span
from marketplace.cli import (
    By,
    Frames,
    Json,
    Kind,
    KindName,
    Start,
    SubjectTo,
    TradeHome,
    buying_person,
    print_quote,
    read_day,
)
from marketplace.licences import Licence, licence_by_number
from marketplace.order_cli import For
from marketplace.settling import read_yuan
from marketplace.sublicence_pages import offer_facts
from marketplace.sublicences import SublicenceOffer, list_offers, offer_sublicence, withdraw_offer
from marketplace.terms import KIND_CODES, LicenceTerms

commands = typer.Typer(help="Sub-licences: a licence inside a licence that one has.", no_args_is_help=True)


@commands.command("offer")
def offer(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The number of the licence above.", min=1)],
    *,
    to: Annotated[str, typer.Option("--to", metavar="ORG", help="The house that may take the offer.")],
    yuan: Annotated[str, typer.Option(help="The price before tax, e.g. 1234.50.")],
    use: Annotated[list[str], typer.Option("--use", help="A use; those of the licence above if not given.")] = [],  # noqa: B006
    territory: Annotated[list[str], typer.Option("--territory", help="A territory; as above if not given.")] = [],  # noqa: B006
    start: Start = None,
    until: Annotated[
        date | None, typer.Option(parser=read_day, help="Last day, included; as above if not given.")
    ] = None,
    kind: Kind = KindName.NON_EXCLUSIVE,
    resolution: Annotated[str, typer.Option(help="540, 1080, 2160 or original; as above if not given.")] = "",
    frames: Frames = None,
    subject_to: SubjectTo = False,
    house: For = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Offer a house a licence inside a licence of one's own; it orders from the quote within a fortnight."""
    home = cast(TradeHome, home_of(context))
    with home.database.write() as session:
        actor = buying_person(session, home, house, by)
        above = licence_by_number(session, number=number, by=actor)
        terms = replace(
            _inside(above, start, until, frames), uses=tuple(use) or above.terms.uses, kind=KIND_CODES[kind],
            territories=tuple(territory) or above.terms.territories, resolution=resolution or above.terms.resolution,
            subject_to=() if subject_to else None,
        )  # fmt: skip
        made = offer_sublicence(
            session, home.settings.secret(), licence_id=above.id, buyer_id=find_party(session, text=to).id, terms=terms,
            fen=read_yuan(yuan).fen, by=actor, now=clock.now(),
        )  # fmt: skip
        if as_json:
            print(
                json.dumps(
                    offer_facts(session, [SublicenceOffer(made)], by=actor, language="en")[0], ensure_ascii=False
                )
            )
        else:
            print_quote(session, made, as_json=False)


@commands.command("list")
def list_them(context: typer.Context, *, house: For = "", by: By = "", as_json: Json = False) -> None:
    """List the offers to and from one's house that are open or were taken, newest first."""
    home = home_of(context)
    with home.database.write() as session:
        actor = buying_person(session, home, house, by)
        found = list_offers(session, by=actor, now=clock.now())
        facts = offer_facts(session, found, by=actor, language="en")
    if as_json:
        print(json.dumps({"offers": facts}, ensure_ascii=False))
        return
    for one, fact in zip(found, facts, strict=True):
        state, sides = (
            "open" if one.is_open else f"order {one.order_state}",
            f"{fact['licensor']['name']} to {fact['licensee']['name']}",
        )
        under = f"{fact['asset'] or '-'} under no. {one.quote.terms.parent}"
        print(f"{one.quote.id}  {state:<15} {under}  {sides}  {one.quote.price.gross}")


@commands.command("withdraw")
def withdraw(
    context: typer.Context, quote: Annotated[UUID, typer.Argument(metavar="QUOTE")], *, house: For = "", by: By = ""
) -> None:
    """Take an offer back that nobody ordered from."""
    home = cast(TradeHome, home_of(context))
    with home.database.write() as session:
        withdraw_offer(session, quote_id=quote, by=buying_person(session, home, house, by), now=clock.now())
    print(f"{quote}: taken back")


def _inside(above: Licence, start: date | None, until: date | None, frames: Span | None) -> LicenceTerms:
    """Return terms inside a licence: from today or its first day to its last, unless days or frames are given."""
    first = start or max(beijing_date(clock.now()), above.terms.window.start)
    window = DateRange.through(first, until or above.terms.window.last_day)
    return LicenceTerms(
        above.terms.uses, above.terms.territories, window, resolution=above.terms.resolution,
        segment=frames or above.terms.segment,
    )  # fmt: skip
