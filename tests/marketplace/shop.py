"""Sets up a home with a seller's listed film or picture and buyers who want it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from asset_hub.accounts import Actor, Role, require_organisation
from asset_hub.app import Services, open_home
from asset_hub.catalogue import (
    AssetId,
    AssetKind,
    ElementValue,
    FileRef,
    FileRole,
    Secrecy,
    create_draft,
    publish_asset,
)
from asset_hub.core import clock
from asset_hub.core.period import DateRange
from asset_hub.core.settings import Settings
from ledger.codebook import GrantKind
from marketplace.licences import Licence, get_licence
from marketplace.listings import publish_listing
from marketplace.orders import Order, place_order
from marketplace.quotes import Quote, quote
from marketplace.settlement import SimulatedRail, pay_order
from marketplace.terms import LicenceTerms
from marketplace.title import TitleState, record_title
from tests.builders import make_actor
from tests.media_files import make_film, make_picture

NOW = clock.now()
START = date(2026, 12, 1)
PRICES = {"uses": {"streaming": 100_000, "satellite_tv": 200_000}, "floor": 50_000, "exclusive": True}


@dataclass(frozen=True, slots=True)
class Shop:
    """A home with a seller and an asset for sale."""

    services: Services
    seller: Actor
    asset_id: AssetId

    def make_buyer(self) -> Actor:
        with self.services.database.write() as session:
            return make_actor(session, roles={Role.PRODUCER})

    def quote(self, buyer: Actor, terms: LicenceTerms) -> Quote:
        with self.services.database.write() as session:
            return quote(
                session, self.services.settings.secret(), asset_id=self.asset_id, terms=terms, by=buyer, now=clock.now()
            )

    def order(self, buyer: Actor, made: Quote) -> Order:
        with self.services.database.write() as session:
            return place_order(session, self.services.settings.secret(), quote_id=made.id, by=buyer, now=clock.now())

    def pay(self, buyer: Actor, order: Order) -> Licence:
        with self.services.database.write() as session:
            return pay_order(session, self.services.keys, SimulatedRail(), order_id=order.id, by=buyer, now=clock.now())

    def buy(self, buyer: Actor, terms: LicenceTerms) -> Licence:
        """Quote, order, pay, run every job to the end; return the licence as it then is."""
        return self.buy_from(buyer, self.quote(buyer, terms))

    def buy_from(self, buyer: Actor, made: Quote) -> Licence:
        """Do the same from a quote that is made already."""
        licence = self.pay(buyer, self.order(buyer, made))
        self.services.run_jobs(threads=1)
        with self.services.database.read() as session:
            return get_licence(session, licence_id=licence.id, by=buyer)


def make_terms(
    *, kind: GrantKind = GrantKind.NON_EXCLUSIVE, uses: tuple[str, ...] = ("streaming",), years: int = 5, **more: object
) -> LicenceTerms:
    return LicenceTerms(uses, ("CN",), DateRange.years_from(START, years), kind, **more)  # type: ignore[arg-type]


def make_shop(tmp_path: Path, *, film: bool = False, list_it: bool = True, **setting: str) -> Shop:
    services = open_home(Settings(home=tmp_path / "home").model_copy(update=setting))
    master = make_film(tmp_path / "m.mp4") if film else make_picture(tmp_path / "m.jpg")
    blob = services.files.put_path(master)
    technical = {"rate": [25, 1], "frames": 75, "duration_ms": 3000} if film else {}
    name, mime = (b"m.mp4", "video/mp4") if film else (b"m.jpg", "image/jpeg")
    with services.database.write() as session:
        seller = make_actor(session, roles={Role.ARCHIVIST, Role.RIGHTS_DESK})
        house = require_organisation(seller)
        asset_id = create_draft(
            session, kind=AssetKind.FILM if film else AssetKind.PICTURE, owner_id=house, secrecy=Secrecy.OPEN,
            files=[FileRef(blob.sha256, blob.bytes_count, FileRole.MASTER, name, mime, technical=technical)],
            values=[ElementValue("title", "朝天门的黄昏", "person:1", "zh")], by=seller, now=NOW,
        )  # fmt: skip
        publish_asset(session, asset_id=asset_id, by=seller, now=NOW)
        if list_it:
            record_title(session, asset_id=asset_id, state=TitleState.HELD, shares={house: 10_000}, by=seller, now=NOW)
            publish_listing(session, asset_id=asset_id, prices=PRICES, by=seller, now=NOW)
    services.run_jobs(threads=1)
    return Shop(services, seller, asset_id)
