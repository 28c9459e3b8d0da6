"""A licensee licenses on, an exclusive licence leaves earlier ones standing: through the checkout, on the chain."""

import json
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor, Role
from asset_hub.core import clock
from asset_hub.core.errors import AssetHubError
from asset_hub.core.files import read_blob
from asset_hub.core.period import DateRange
from ledger.codebook import GrantKind
from ledger.deeds import agree, propose_end
from ledger.errors import NotSublicensable
from ledger.models import EntryRow, GrantRow
from ledger.replay import verify_journal
from ledger.revoked import read_revoked
from ledger.types import EntryKind, EntryState
from marketplace.certificate_pdf import conditions_of
from marketplace.errors import DisclosureChanged, HeldByOrder, LicenceNotFound, NotForSale, QuoteExpired, WindowTaken
from marketplace.licences import ENDS_WITH_PARENT, Licence, LicenceState
from marketplace.listings import publish_listing
from marketplace.models import LicenceRow, OrderRow
from marketplace.quotes import Quote
from marketplace.sublicences import list_offers, offer_sublicence, sublicences_of, withdraw_offer
from tests.builders import make_actor
from tests.ledger.houses import confirm_all
from tests.marketplace.shop import PRICES, Shop, make_shop, make_terms

WITH_CONDITIONS = PRICES | {"sublicensing_bps": 15_000, "subject_to": True}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path)


def open_shop(tmp_path: Path) -> Shop:
    made = make_shop(tmp_path)
    with made.services.database.write() as session:
        publish_listing(session, asset_id=made.asset_id, prices=WITH_CONDITIONS, by=made.seller, now=clock.now())
    return made


def offer(shop: Shop, licence: Licence, *, by: Actor, to: Actor, fen: int = 30_000, **changed: object) -> Quote:
    """Offer one year of streaming under a licence."""
    terms = replace(make_terms(years=1), **changed)  # type: ignore[arg-type]
    assert to.organisation_id is not None
    with shop.services.database.write() as session:
        return offer_sublicence(
            session, shop.services.settings.secret(), licence_id=licence.id, buyer_id=to.organisation_id, terms=terms,
            fen=fen, by=by, now=clock.now(),
        )  # fmt: skip


def make_studio(shop: Shop) -> Actor:
    """Return somebody who buys for a house and agrees to its deeds."""
    with shop.services.database.write() as session:
        return make_actor(session, roles={Role.PRODUCER, Role.RIGHTS_DESK})


def end(shop: Shop, licence: Licence, buyer: Actor) -> None:
    with shop.services.database.write() as session:
        deed = propose_end(
            session, shop.services.keys, number=licence.number, reason="本合同终止", by=shop.seller, now=clock.now()
        )
        agree(session, shop.services.keys, deed_id=deed.id, by=buyer, now=clock.now())
        confirm_all(session)
    shop.services.run_jobs(threads=1)


def orders(shop: Shop) -> int:
    with shop.services.database.read() as session:
        return len(session.exec(select(OrderRow)).all())


def test_a_licensee_licenses_on_and_what_it_gave_falls_with_its_licence(shop: Shop) -> None:
    studio, house = make_studio(shop), shop.make_buyer()
    above = shop.buy(studio, make_terms(kind=GrantKind.EXCLUSIVE, may_sublicense=True))

    made = offer(shop, above, by=studio, to=house)
    with shop.services.database.read() as session:
        offered = list_offers(session, by=house, now=clock.now())
    licence = shop.buy_from(house, made)

    assert [(one.quote.id, one.is_open) for one in offered] == [(made.id, True)]
    assert (made.price.net.fen, made.price.gross.fen) == (30_000, 31_800)
    assert (licence.state, licence.seller_id) == (LicenceState.DELIVERED, studio.organisation_id)
    text = json.loads(json.loads(read_blob(shop.services.files, str(licence.certificate_sha256)))["licence"])
    assert (text["parent"], text["may_sublicense"], text["subject_to"]) == (above.number, False, None)
    assert text["ends_with_parent"] == ENDS_WITH_PARENT
    assert "随该许可终止" in conditions_of(text)
    assert "ends when that licence ends" in conditions_of(text)
    with shop.services.database.read() as session:
        row = session.get_one(GrantRow, licence.number)
        assert (row.parent, row.is_in_head) == (above.number, True)
        (seen_by_studio,) = sublicences_of(session, licence=above, by=studio)
        (seen_by_holder,) = sublicences_of(session, licence=above, by=shop.seller)
        assert (seen_by_studio.licence_id, seen_by_holder.licence_id) == (licence.id, None)
        assert seen_by_holder.terms == licence.terms
        assert read_revoked(session, shop.services.settings.home) == []

    again, gone = (
        offer(shop, above, by=studio, to=house, window=DateRange.years_from(date(year, 1, 1), 1))
        for year in (2028, 2029)
    )
    with shop.services.database.write() as session:
        withdraw_offer(session, quote_id=gone.id, by=studio, now=clock.now())
    with pytest.raises(QuoteExpired):
        shop.order(house, gone)
    with shop.services.database.read() as session:
        assert [one.is_open for one in list_offers(session, by=house, now=clock.now())] == [True, False]
    end(shop, above, studio)

    with shop.services.database.read() as session:
        assert read_revoked(session, shop.services.settings.home) == [above.number, licence.number]
    with pytest.raises(NotSublicensable, match="is over"):
        shop.order(house, again)
    with pytest.raises(NotSublicensable, match="is over"):
        offer(shop, above, by=studio, to=house)
    assert orders(shop) == 2


def test_nothing_is_offered_beyond_a_licence(shop: Shop) -> None:
    studio, other, house = shop.make_buyer(), shop.make_buyer(), shop.make_buyer()
    plain = shop.buy(other, make_terms(years=2))
    above = shop.buy(studio, make_terms(years=2, may_sublicense=True))
    beyond: list[dict[str, Any]] = [
        {"uses": ("satellite_tv",)}, {"territories": ("CN", "JP")}, {"kind": GrantKind.SOLE},
        {"window": DateRange.years_from(date(2026, 12, 1), 3)}, {"resolution": "2160"},
    ]  # fmt: skip

    for changed in beyond:
        with pytest.raises(NotSublicensable):
            offer(shop, above, by=studio, to=house, **changed)
    with pytest.raises(NotSublicensable, match="does not include the right"):
        offer(shop, plain, by=other, to=house)
    for stranger in (house, shop.seller):
        with pytest.raises(LicenceNotFound):
            offer(shop, above, by=stranger, to=house)

    with shop.services.database.read() as session:
        assert list_offers(session, by=house, now=clock.now()) == ()


def test_of_two_sub_licences_that_collide_one_is_sold(shop: Shop) -> None:
    studio, buyers = shop.make_buyer(), [shop.make_buyer(), shop.make_buyer()]
    above = shop.buy(studio, make_terms(kind=GrantKind.EXCLUSIVE, may_sublicense=True))
    offers = [offer(shop, above, by=studio, to=one, kind=GrantKind.SOLE) for one in buyers]
    gate, outcomes = threading.Barrier(2), list[object]([None, None])

    def take(number: int) -> None:
        gate.wait()
        try:
            outcomes[number] = shop.pay(buyers[number], shop.order(buyers[number], offers[number]))
        except AssetHubError as error:
            outcomes[number] = error

    threads = [threading.Thread(target=take, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shop.services.run_jobs(threads=1)

    (refused,) = (one for one in outcomes if isinstance(one, AssetHubError))
    assert type(refused) in (WindowTaken, HeldByOrder)
    with shop.services.database.read() as session:
        assert len(session.exec(select(LicenceRow).where(LicenceRow.seller_id == studio.organisation_id)).all()) == 1
        entries = session.exec(select(EntryRow.state).where(EntryRow.kind == EntryKind.GRANT)).all()
        assert list(entries) == [EntryState.CONFIRMED] * 2
        assert verify_journal(session, shop.services.keys).problems == ()


def test_an_exclusive_licence_leaves_those_that_it_discloses(shop: Shop) -> None:
    first, second, buyer = shop.make_buyer(), shop.make_buyer(), shop.make_buyer()
    standing = shop.buy(first, make_terms(years=2))
    wanted = make_terms(kind=GrantKind.EXCLUSIVE)
    with pytest.raises(WindowTaken):
        shop.quote(buyer, wanted)

    early = shop.quote(buyer, replace(wanted, subject_to=()))
    pending = shop.order(second, shop.quote(second, make_terms(years=1)))
    with pytest.raises(HeldByOrder):
        shop.order(buyer, early)
    between = shop.pay(second, pending)
    with pytest.raises(DisclosureChanged) as refused:
        shop.order(buyer, early)
    placed = orders(shop)
    licence = shop.buy(buyer, replace(wanted, subject_to=()))

    assert early.terms.subject_to == (standing.number,)
    assert (refused.value.members, placed) == ({"licences": [between.number]}, 2)
    assert (licence.state, licence.terms.subject_to) == (LicenceState.DELIVERED, (standing.number, between.number))
    text = json.loads(json.loads(read_blob(shop.services.files, str(licence.certificate_sha256)))["licence"])
    assert text["subject_to"] == [standing.number, between.number]
    with pytest.raises(WindowTaken):
        shop.quote(first, make_terms(years=1))


def test_what_the_holder_does_not_sell_is_not_quoted(tmp_path: Path) -> None:
    closed = make_shop(tmp_path)
    buyer = closed.make_buyer()

    with pytest.raises(NotForSale):
        closed.quote(buyer, make_terms(may_sublicense=True))
    with pytest.raises(NotForSale):
        closed.quote(buyer, make_terms(kind=GrantKind.SOLE, subject_to=()))
