"""Commands of the trade: title, list, availability, quote, license."""

import json
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Protocol, cast
from uuid import UUID

import typer

from asset_hub.accounts import Actor, require_organisation
from asset_hub.accounts.acting import acting_for, acting_person
from asset_hub.catalogue import find_asset, owner_of
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.files import read_blob
from asset_hub.core.home import Home, home_of
from asset_hub.core.period import DateRange
from asset_hub.core.rational import Span
from asset_hub.core.text import N_
from ledger.signing import HomeKeys
from marketplace.availability import Answer, Availability, availability
from marketplace.errors import NotDelivered
from marketplace.licences import Licence, get_licence, terms_by_number
from marketplace.listings import publish_listing
from marketplace.orders import place_order
from marketplace.quotes import Quote, quote
from marketplace.routes import quote_facts
from marketplace.settlement import SimulatedRail, pay_order
from marketplace.terms import KIND_CODES, LicenceTerms
from marketplace.title import TitleState, record_title

commands = typer.Typer()
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Asset = Annotated[str, typer.Argument(help="The asset: its id or its number.")]
By = Annotated[str, typer.Option("--by", help="Act as this person.")]
Use = Annotated[list[str], typer.Option("--use", help="A use of the code book; may be repeated.")]
Territory = Annotated[list[str], typer.Option("--territory", help="ISO 3166-1 code, CQ or world; may be repeated.")]
Years = Annotated[int, typer.Option(help="Whole years from the first day.", min=1, max=50)]
Resolution = Annotated[str, typer.Option(help="540, 1080, 2160 or original.")]
_LAST_START = date(2200, 1, 1)
_EPOCH = date(1970, 1, 1)
_MOST_YUAN = 10**10


class KindName(StrEnum):
    """The kinds of licences as they are written on the command line."""

    NON_EXCLUSIVE = "non_exclusive"
    SOLE = "sole"
    EXCLUSIVE = "exclusive"


def read_day(text: str) -> date:
    """Read a first day as people write it (YYYY-MM-DD). Raises typer.BadParameter."""
    try:
        day = date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") and text[4] == "-" else None
    except ValueError as error:
        raise typer.BadParameter(f"“{text}” is no day.") from error
    if day is None or not _EPOCH <= day < _LAST_START:
        raise typer.BadParameter(f"“{text}” is no day between {_EPOCH} and {_LAST_START}, written YYYY-MM-DD.")
    return day


def read_frames(text: str) -> Span:
    """Read START-END in frames. Raises typer.BadParameter."""
    begin, dash, end = text.partition("-")
    if not (dash and _is_number(begin) and _is_number(end) and int(begin) < int(end)):
        raise typer.BadParameter(f"“{text}” is not START-END with START before END.")
    return Span(int(begin), int(end))


@dataclass(frozen=True, slots=True)
class UsePrice:
    """What a use costs for one year in mainland China."""

    use: str
    fen: int


def read_price(text: str) -> UsePrice:
    """Read USE=YUAN. Raises typer.BadParameter."""
    use, sign, yuan = text.partition("=")
    if not (sign and use and _is_number(yuan) and int(yuan) <= _MOST_YUAN):
        raise typer.BadParameter(f"“{text}” is not USE=YUAN with whole yuan.")
    return UsePrice(use, int(yuan) * 100)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15


Kind = Annotated[KindName, typer.Option(help="What others may still buy, and whether the holder keeps its own use.")]
Start = Annotated[
    date | None, typer.Option("--from", parser=read_day, help="First day (YYYY-MM-DD, Beijing); today if not given.")
]
Sublicensing = Annotated[bool, typer.Option("--sublicensing", help="With the right to sub-license.")]
SubjectTo = Annotated[
    bool, typer.Option("--subject-to", help="Sole or exclusive, leaving the non-exclusive licences that stand.")
]
Frames = Annotated[
    Span | None, typer.Option(parser=read_frames, help="Only these frames of a film: START-END, the end not included.")
]


class TradeHome(Home, Protocol):
    """A home with the operator's keys."""

    @property
    def keys(self) -> HomeKeys: ...


@commands.command("title")
def set_title(
    context: typer.Context,
    asset: Asset,
    *,
    state: Annotated[TitleState, typer.Option(help="Held, or why it cannot be sold.")] = TitleState.HELD,
    instrument: Annotated[str, typer.Option(help="The contract, assignment or law behind it.")] = "",
    pledgee: Annotated[str, typer.Option(help="To whom the rights are pledged.")] = "",
    by: By = "",
) -> None:
    """Record whose the rights are; held means by the owner's house, whole."""
    home = home_of(context)
    with home.database.write() as session:
        asset_id, actor = _acting_for_owner(session, home, asset, by)
        shares = {UUID(str(actor.organisation_id)): 10_000} if state == TitleState.HELD else {}
        record_title(
            session, asset_id=asset_id, state=state, shares=shares, instrument=instrument, pledgee=pledgee, by=actor,
            now=clock.now(),
        )  # fmt: skip
    print(f"{asset}: {state}")


@commands.command("list")
def offer(
    context: typer.Context,
    asset: Asset,
    *,
    price: Annotated[
        list[UsePrice],
        typer.Option(parser=read_price, help="USE=YUAN for one year in mainland China; may be repeated."),
    ],
    floor: Annotated[int, typer.Option(help="Least fee in yuan.", min=0, max=_MOST_YUAN)] = 0,
    sublicensing: Annotated[
        float, typer.Option(help="Sell the right to sub-license at this factor, e.g. 1.5; 0: do not.", min=0, max=100)
    ] = 0,
    subject_to: SubjectTo = False,
    by: By = "",
) -> None:
    """Offer an asset for licensing."""
    home = home_of(context)
    prices = {
        "uses": {one.use: one.fen for one in price}, "floor": floor * 100, "subject_to": subject_to,
        "sublicensing_bps": round(sublicensing * 10_000),
    }  # fmt: skip
    with home.database.write() as session:
        asset_id, actor = _acting_for_owner(session, home, asset, by)
        publish_listing(session, asset_id=asset_id, prices=prices, by=actor, now=clock.now())
    print(f"{asset}: offered")


@commands.command("availability")
def ask(
    context: typer.Context,
    asset: Asset,
    *,
    use: Use,
    territory: Territory,
    start: Start = None,
    years: Years = 1,
    kind: Kind = KindName.NON_EXCLUSIVE,
    frames: Frames = None,
    sublicensing: Sublicensing = False,
    subject_to: SubjectTo = False,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Say whether it is free; exit 1 when it is not."""
    home = home_of(context)
    terms = read_terms_of_command(
        use, territory, start, years, kind, "1080", frames, sublicensing=sublicensing, subject_to=subject_to
    )
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        found = availability(session, asset_id=find_asset(session, text=asset), terms=terms, by=actor, now=clock.now())
    print(json.dumps(_answer(found), ensure_ascii=False) if as_json else _sentence(found))
    if found.answer != Answer.FREE:
        raise typer.Exit(1)


@commands.command("quote")
def price(
    context: typer.Context,
    asset: Asset,
    *,
    use: Use,
    territory: Territory,
    start: Start = None,
    years: Years = 1,
    kind: Kind = KindName.NON_EXCLUSIVE,
    resolution: Resolution = "1080",
    frames: Frames = None,
    sublicensing: Sublicensing = False,
    subject_to: SubjectTo = False,
    buyer: Annotated[str, typer.Option(help="The organisation that buys.")] = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Make a signed, itemised quote."""
    home = home_of(context)
    terms = read_terms_of_command(
        use, territory, start, years, kind, resolution, frames, sublicensing=sublicensing, subject_to=subject_to
    )
    with home.database.write() as session:
        actor = buying_person(session, home, buyer, by)
        made = quote(
            session, home.settings.secret(), asset_id=find_asset(session, text=asset), terms=terms, by=actor,
            now=clock.now(),
        )  # fmt: skip
        print_quote(session, made, as_json=as_json)


@commands.command("license")
def license_it(
    context: typer.Context,
    asset: Asset,
    *,
    use: Use,
    territory: Territory,
    to: Annotated[Path, typer.Option(help="Folder for the file and its certificate.")],
    start: Start = None,
    years: Years = 1,
    kind: Kind = KindName.NON_EXCLUSIVE,
    resolution: Resolution = "1080",
    frames: Frames = None,
    sublicensing: Sublicensing = False,
    subject_to: SubjectTo = False,
    buyer: Annotated[str, typer.Option(help="The organisation that buys.")] = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Quote, order, pay through the simulator (no money moves), license and deliver."""
    home = cast(TradeHome, home_of(context))
    terms = read_terms_of_command(
        use, territory, start, years, kind, resolution, frames, sublicensing=sublicensing, subject_to=subject_to
    )
    with home.database.write() as session:
        actor = buying_person(session, home, buyer, by)
        made = quote(
            session, home.settings.secret(), asset_id=find_asset(session, text=asset), terms=terms, by=actor,
            now=clock.now(),
        )  # fmt: skip
    buy_quote(home, made.id, actor, to, as_json=as_json)


def buy_quote(home: TradeHome, quote_id: UUID, actor: Actor, to: Path, *, as_json: bool) -> None:
    """Order from a quote, pay through the simulator, carry what follows, and write the delivery into a folder."""
    with home.database.write() as session:
        order = place_order(session, home.settings.secret(), quote_id=quote_id, by=actor, now=clock.now())
    with home.database.write() as session:
        licence = pay_order(session, home.keys, SimulatedRail(), order_id=order.id, by=actor, now=clock.now())
    home.run_jobs()
    with home.database.read() as reading:
        licence = get_licence(reading, licence_id=licence.id, by=actor)
    files = save_delivery(home, licence, to)
    facts = {"licence": {"id": str(licence.id), "number": licence.number}, "files": files}
    print(json.dumps(facts, ensure_ascii=False) if as_json else "\n".join(files.values()))


def save_delivery(home: Home, licence: Licence, folder: Path) -> dict[str, str]:
    """Write a delivered licence's file and certificate into a folder; return the paths. Raises NotDelivered."""
    if licence.sha256 is None or licence.certificate_sha256 is None or licence.pdf_sha256 is None:
        raise NotDelivered(
            N_("Licence no. {number} waits for the ledger, or for a house to sign; then its file is made."),
            number=licence.number,
        )
    folder.mkdir(parents=True, exist_ok=True)
    parts = {
        "media": (licence.file_name, licence.sha256),
        "certificate": (f"certificate-{licence.number:06d}.json", licence.certificate_sha256),
        "certificate_pdf": (f"certificate-{licence.number:06d}.pdf", licence.pdf_sha256),
    }
    for name, sha256 in parts.values():
        (folder / name).write_bytes(read_blob(home.files, sha256))
    return {part: str((folder / name).resolve()) for part, (name, _) in parts.items()}


def read_terms_of_command(
    use: list[str], territory: list[str], start: date | None, years: int, kind: KindName, resolution: str,
    frames: Span | None, *, sublicensing: bool = False, subject_to: bool = False,
) -> LicenceTerms:  # fmt: skip
    """Return the terms that a command asks for; the first day is today in Beijing if not given."""
    first = start or beijing_date(clock.now())
    return LicenceTerms(
        tuple(use), tuple(territory), DateRange.years_from(first, years), KIND_CODES[kind], resolution, frames,
        may_sublicense=sublicensing, subject_to=() if subject_to else None,
    )  # fmt: skip


def _acting_for_owner(session: WriteSession, home: Home, asset: str, by: str) -> tuple[UUID, Actor]:
    asset_id = find_asset(session, text=asset)
    owner_id = owner_of(session, asset_id=asset_id)
    return asset_id, acting_person(session, login=by or home.settings.person, organisation_id=owner_id)


def buying_person(session: WriteSession, home: Home, buyer: str, by: str) -> Actor:
    """Return who acts, for the organisation named or their first. Raises PartyNotFound, NotSignedIn."""
    actor = acting_for(session, by or home.settings.person, buyer)
    require_organisation(actor)
    return actor


def _answer(found: Availability) -> dict[str, Any]:
    return {
        "answer": str(found.answer),
        "reasons": [str(reason) for reason in found.reasons],
        "free_from": found.free_from.isoformat() if found.free_from else None,
    }


def _sentence(found: Availability) -> str:
    return f"{found.answer}  " + " ".join(str(reason) for reason in found.reasons)


def print_quote(session: ReadSession, made: Quote, *, as_json: bool) -> None:
    """Write a quote: its lines, and the licences that it is subject to."""
    if as_json:
        print(json.dumps(quote_facts(session, made, "en"), ensure_ascii=False))
        return
    for number, terms in terms_by_number(session, numbers=made.terms.subject_to or ()).items():
        days = f"{terms.window.start} to {terms.window.last_day}"
        print(f"subject to no. {number:06d}: {', '.join(terms.uses)} in {', '.join(terms.territories)}, {days}")
    if made.terms.parent is not None:
        print(f"under no. {made.terms.parent:06d}: when that licence ends, this one ends")
    for line in made.price.lines:
        print(f"{line.amount!s:>16}  {line.label}")
    print(
        f"{made.price.net!s:>16}  net\n{made.price.tax!s:>16}  tax\n{made.price.gross!s:>16}  gross   quote {made.id}"
    )
