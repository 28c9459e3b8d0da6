"""The rights part of the walk: a title shared by two houses, and a hold that keeps others out."""

from datetime import timedelta
from uuid import UUID

from asset_hub.accounts import Actor, require_organisation
from asset_hub.catalogue import AssetView
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import Database
from asset_hub.core.period import DateRange
from asset_hub.core.text import N_, Text
from ledger.codebook import GrantKind
from ledger.confirmations import confirm, list_confirmations
from ledger.consents import title_on_chain
from ledger.deeds import agree, propose_title
from ledger.entries import Held, list_holds_of
from ledger.errors import GrantOverlaps
from ledger.signing import HomeKeys
from marketplace.errors import WindowTaken
from marketplace.holds import place_hold
from marketplace.terms import LicenceTerms

HELD_DAYS = 7
_SHARES = (6_000, 4_000)


def share_title(
    database: Database, keys: HomeKeys, *, asset: AssetView, first: Actor, second: Actor, operator: Actor
) -> Text:
    """Record that two houses hold a work together; both agree, and the operator's person confirms for each.

    What is on record already stays.
    """
    with database.write() as session:
        if title_on_chain(session, asset_id=asset.id) is None:
            houses = (require_organisation(first), require_organisation(second))
            deed = propose_title(
                session, keys, asset_id=asset.id, rights={("all",): dict(zip(houses, _SHARES, strict=True))},
                instrument="演示用合作协议", by=first, now=clock.now(),
            )  # fmt: skip
            agree(session, keys, deed_id=deed.id, by=second, now=clock.now())
            for waiting in list_confirmations(session, by=operator, now=clock.now()):
                confirm(session, confirmation_id=waiting.id, by=operator, now=clock.now())
    what = N_("“{title}” held 60 : 40 by two houses, agreed by both and confirmed by second people")
    return Text(what, {"title": asset.title("zh")})


def hold_and_refuse(
    database: Database, keys: HomeKeys, *, asset: AssetView, use: str, producer: Actor, other: Actor
) -> tuple[Text, int]:
    """Hold a work for one buyer and have another refused; return what is said and the hold's number.

    A hold of an earlier walk that is still live is found again.
    """
    terms = LicenceTerms((use,), ("CN",), DateRange.years_from(beijing_date(clock.now()), 2), GrantKind.NON_EXCLUSIVE)
    held = _live_hold(database, asset.id, producer)
    if held is None:
        with database.write() as session:
            held = place_hold(
                session, keys, asset_id=asset.id, terms=terms, days=HELD_DAYS, by=producer, now=clock.now()
            )
    try:
        with database.write() as session:
            place_hold(session, keys, asset_id=asset.id, terms=terms, days=1, by=other, now=clock.now())
    except (WindowTaken, GrantOverlaps):
        until = (held.lapses_at + timedelta(hours=8)).date()
        what = N_("“{title}” is held until {day}; another buyer is refused")
        return Text(what, {"title": asset.title("zh"), "day": until}), held.number
    raise RuntimeError("a hold was given twice")


def _live_hold(database: Database, asset_id: UUID, producer: Actor) -> Held | None:
    with database.read() as session:
        holds = list_holds_of(session, organisation_id=require_organisation(producer))
    return next((one for one in holds if one.asset_id == asset_id and one.is_live), None)
