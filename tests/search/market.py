"""A home with many small works whose rights are in every state: offered or not, pledged, held back, licensed."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from asset_hub.accounts import Actor, Role, require_organisation
from asset_hub.app import Services
from asset_hub.catalogue import (
    AssetId,
    AssetKind,
    ElementValue,
    RestrictionKind,
    Secrecy,
    create_draft,
    publish_asset,
    restrict,
)
from asset_hub.catalogue.restrictions import lift_restriction
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import AssetHubError
from asset_hub.core.period import DateRange
from asset_hub.core.rational import Span
from ledger.codebook import GrantKind
from marketplace.listings import close_listing, publish_listing
from marketplace.orders import place_order
from marketplace.quotes import quote
from marketplace.settlement import SimulatedRail, pay_order
from marketplace.terms import LicenceTerms
from marketplace.title import TitleState, record_title
from tests.builders import make_actor

NOW = clock.now()
TODAY = beijing_date(NOW)
USES = ("streaming", "satellite_tv", "publishing")
TERRITORIES = ("CN", "CQ", "world", "US")


@dataclass(frozen=True, slots=True)
class Market:
    """The home, the house that offers, a house that buys, and the works in the order they were made."""

    services: Services
    seller: Actor
    buyer: Actor
    assets: tuple[AssetId, ...]


def open_market(services: Services) -> tuple[Actor, Actor]:
    """Return a seller and a buyer of two houses."""
    with services.database.write() as session:
        seller = make_actor(session, roles={Role.ARCHIVIST, Role.RIGHTS_DESK})
        return seller, make_actor(session, roles={Role.PRODUCER})


def put_on_sale(
    session: WriteSession, seller: Actor, title: str, *, uses: tuple[str, ...] = USES, pledgee: str = ""
) -> AssetId:
    """Publish a work of the seller's house and offer it; without uses it is not offered."""
    house = require_organisation(seller)
    asset_id = create_draft(
        session, kind=AssetKind.PICTURE, owner_id=house, secrecy=Secrecy.OPEN,
        values=[ElementValue("title", title, "person:1", "zh"), ElementValue("date", "1983", "person:1")],
        by=seller, now=NOW,
    )  # fmt: skip
    publish_asset(session, asset_id=asset_id, by=seller, now=NOW)
    if uses:
        _set_title(session, seller, asset_id)
        prices = {"uses": dict.fromkeys(uses, 100_000), "exclusive": True}
        publish_listing(session, asset_id=asset_id, prices=prices, by=seller, now=NOW)
    if pledgee:
        _set_title(session, seller, asset_id, pledgee=pledgee)
    return asset_id


def make_terms(
    *, use: str = "streaming", territory: str = "CN", start: date = TODAY, days: int = 365,
    kind: GrantKind = GrantKind.NON_EXCLUSIVE, segment: Span | None = None,
) -> LicenceTerms:  # fmt: skip
    window = DateRange(start, start + timedelta(days=days))
    return LicenceTerms((use,), (territory,), window, kind, segment=segment)


def buy(services: Services, buyer: Actor, asset_id: AssetId, terms: LicenceTerms, *, is_paid: bool = True) -> None:
    """License a work, or leave the order open."""
    secret = services.settings.secret()
    with services.database.write() as session:
        made = quote(session, secret, asset_id=asset_id, terms=terms, by=buyer, now=NOW)
        order = place_order(session, secret, quote_id=made.id, by=buyer, now=NOW)
        if is_paid:
            pay_order(session, services.keys, SimulatedRail(), order_id=order.id, by=buyer, now=NOW)


def make_market(services: Services, *, count: int = 40, seed: int = 5) -> Market:
    """Return a market in which every state of rights occurs; the same seed gives the same one."""
    rng = random.Random(seed)
    seller, buyer = open_market(services)
    with services.database.write() as session:
        assets = tuple(
            put_on_sale(session, seller, f"作品 {n}", uses=tuple(rng.sample(USES, rng.randint(0, 3))))
            for n in range(count)
        )
    for asset_id in assets:
        for _ in range(rng.randint(0, 2)):
            try:
                buy(services, buyer, asset_id, random_terms(rng), is_paid=rng.random() < 0.7)
            except AssetHubError:
                continue
    with services.database.write() as session:
        for asset_id in assets:
            _disturb(session, seller, asset_id, rng.randint(0, 14))
    return Market(services, seller, buyer, assets)


def random_terms(rng: random.Random) -> LicenceTerms:
    """Return terms over the next years that often meet each other."""
    start = TODAY + timedelta(days=rng.randint(0, 900))
    segment = rng.choice([None, None, Span(0, 50), Span(40, 90), Span(100, 120)])
    return make_terms(
        use=rng.choice(USES), territory=rng.choice(TERRITORIES), start=start, days=rng.randint(1, 800),
        kind=rng.choice([GrantKind.NON_EXCLUSIVE, GrantKind.NON_EXCLUSIVE, GrantKind.SOLE, GrantKind.EXCLUSIVE]),
        segment=segment,
    )  # fmt: skip


def _set_title(
    session: WriteSession, seller: Actor, asset_id: AssetId, *, state: TitleState = TitleState.HELD, pledgee: str = ""
) -> None:
    shares: dict[UUID, int] = {require_organisation(seller): 10_000} if state == TitleState.HELD else {}
    record_title(session, asset_id=asset_id, state=state, shares=shares, pledgee=pledgee, by=seller, now=NOW)


def _disturb(session: WriteSession, seller: Actor, asset_id: AssetId, what: int) -> None:
    past = DateRange(TODAY - timedelta(days=9), TODAY)
    held = {
        0: {"kind": RestrictionKind.FREEZE},
        1: {"kind": RestrictionKind.SENSITIVE_SPAN, "span": Span(45, 60)},
        2: {"kind": RestrictionKind.EMBARGO, "window": past},
        3: {"kind": RestrictionKind.EMBARGO},
    }
    if what in held:
        restriction = restrict(session, asset_id=asset_id, reason="", authority="", by=seller, now=NOW, **held[what])  # type: ignore[arg-type]
        if what == 3:
            lift_restriction(session, restriction_id=restriction, by=seller, now=NOW)
    if what == 4:
        close_listing(session, asset_id=asset_id, by=seller, now=NOW)
    if what == 5:
        _set_title(session, seller, asset_id, pledgee="某银行")
    if what == 6:
        _set_title(session, seller, asset_id, state=TitleState.HOLDER_NOT_FOUND)
