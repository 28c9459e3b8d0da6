"""A house that took a picture in by intake and sold it: a licence with a capture record behind it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from asset_hub.accounts import Actor, require_organisation
from asset_hub.catalogue import list_assets
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.evidence.bundle import export_bundle
from ledger.attest import StampAuthority, countersign, keep_attestation, state_day
from ledger.bundles import verify_bundle
from ledger.certificates import Pinned, trust_file
from ledger.roles import KeySpan
from ledger.signing import Key
from ledger.verifier import Report
from marketplace.listings import publish_listing
from marketplace.title import TitleState, record_title
from tests.demo_intake import take_in
from tests.ledger.authorities import Stamping
from tests.marketplace.shop import PRICES, START, Shop, make_terms
from tests.media_files import make_picture

TODAY = START
MEMBER = Key(b"\x11" * 32)


class Evident:
    """One sold picture that came in by intake, its bundle, and what a verifier is given."""

    def __init__(self, folder: Path) -> None:
        media = folder / "media"
        (media / "sub").mkdir(parents=True)
        make_picture(media / "夔门.jpg")
        (media / "sub" / "夔门.jpg").write_bytes(b"")
        house = take_in(folder / "home", media)
        self.services, self.seller, now = house.services, house.archivist, clock.now()
        owner = require_organisation(self.seller)
        with self.services.database.write() as session:
            (self.asset,) = list_assets(session, by=self.seller, now=now).assets
            record_title(
                session, asset_id=self.asset.id, state=TitleState.HELD, shares={owner: 10_000}, by=self.seller, now=now
            )
            publish_listing(session, asset_id=self.asset.id, prices=PRICES, by=self.seller, now=now)
        shop = Shop(self.services, self.seller, self.asset.id)
        self.buyer = shop.make_buyer()
        self.licence = shop.buy(self.buyer, make_terms())
        self.folder, self.now = folder, clock.now()
        self.content = self.export(self.buyer)
        with self.services.database.read() as session:
            self.trust = trust_file(session, self.services.keys, issuer_name="asset_hub")

    def export(self, by: Actor, *, now: datetime | None = None) -> bytes:
        with self.services.database.read() as session:
            _name, content = export_bundle(
                session, self.services.files, self.services.keys, licence_id=self.licence.id,
                home=self.services.settings.home, issuer="asset_hub", by=by, now=now or self.now,
            )  # fmt: skip
        return content

    def attest(self, authority: Stamping) -> bytes:
        """Have the day stamped and countersigned; return a trust file that names both."""
        later = self.now + timedelta(days=1)
        with self.services.database.read() as session:
            statement = state_day(session, day=beijing_date(self.now), now=later)
            with authority.serving() as url:
                stamp = StampAuthority(url).stamp(statement)
            signed = countersign(MEMBER, statement, now=later)
            keep_attestation(self.services.settings.home, statement, stamp=stamp, countersignatures=[signed])
            return trust_file(
                session, self.services.keys, issuer_name="asset_hub",
                authorities=[Pinned("本地时间戳", sha256=authority.sha256)],
                witnesses=[Pinned("重庆档案馆", span=KeySpan(MEMBER.address.hex(), 1))],
            )  # fmt: skip

    def verify(self, content: bytes, *, trust: bytes | None = None) -> Report:
        path = self.folder / "bundle.zip"
        path.write_bytes(content)
        return verify_bundle(path, trust=trust, media=None, today=TODAY)


def failed(report: Report) -> Sequence[tuple[str, str]]:
    return [(check.name, check.detail) for check in report.checks if check.ok is False]
