"""A house that took a picture in by intake and sold it: a licence with a capture record behind it."""

from pathlib import Path

from asset_hub.accounts import Actor, require_organisation
from asset_hub.core import clock
from asset_hub.evidence.bundle import export_bundle
from ledger.certificates import trust_file
from marketplace.licences import Licence, get_licence
from marketplace.listings import publish_listing
from marketplace.title import TitleState, record_title
from tests.demo_intake import House, take_in
from tests.marketplace.shop import PRICES, Shop, make_terms
from tests.media_files import make_picture


class Evident:
    """One sold picture that came in by intake, its bundle and what its verifier is given."""

    def __init__(self, folder: Path) -> None:
        media = folder / "media"
        media.mkdir(parents=True)
        make_picture(media / "夔门.jpg")
        (media / "sub").mkdir()
        (media / "sub" / "夔门.jpg").write_bytes(b"")
        self.house: House = take_in(folder / "home", media)
        self.services, self.seller = self.house.services, self.house.archivist
        self.asset_id = self.house_asset()
        owner = require_organisation(self.seller)
        with self.services.database.write() as session:
            record_title(
                session, asset_id=self.asset_id, state=TitleState.HELD, shares={owner: 10_000}, by=self.desk(session),
                now=clock.now(),
            )  # fmt: skip
            publish_listing(
                session, asset_id=self.asset_id, prices=PRICES, by=self.desk(session), now=clock.now()
            )
        self.shop = Shop(self.services, self.seller, self.asset_id)
        self.buyer = self.shop.make_buyer()
        self.licence_id = self.shop.buy(self.buyer, make_terms()).id
