"""The desk's title is a reading of the ledger's once there is one (ADR 0016)."""

from pathlib import Path

import pytest
from sqlmodel import func, select

from asset_hub.accounts import Actor, Role, require_organisation
from asset_hub.catalogue import get_asset
from asset_hub.catalogue.models import AssetRow
from asset_hub.core import clock
from ledger.codebook import GrantKind
from ledger.deeds import (
    agree,
    correct_title,
    propose_pledge,
    propose_title,
    propose_transfer,
    release_pledge,
    title_of_rights,
)
from ledger.errors import ConsentMissing, NotHeld
from ledger.models import JournalRow
from marketplace.availability import Answer, availability
from marketplace.errors import NotForSale, TitleOnLedger
from marketplace.holds import place_hold
from marketplace.models import OrderRow
from marketplace.title import Title, TitleState, record_title, title_of
from tests.builders import make_actor
from tests.ledger.houses import carry_out
from tests.marketplace.shop import Shop, make_shop, make_terms
from tests.web.pages import client_for

ALL = ("all",)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make_shop(tmp_path)


@pytest.fixture
def partner(shop: Shop) -> Actor:
    with shop.services.database.write() as session:
        return make_actor(session, roles={Role.RIGHTS_DESK})


def own(shop: Shop, partner: Actor, seller_bps: int) -> None:
    """Record a title of seller and partner that both agreed to."""
    shares = {require_organisation(shop.seller): seller_bps, require_organisation(partner): 10_000 - seller_bps}
    with shop.services.database.write() as session:
        deed = propose_title(
            session, shop.services.keys, asset_id=shop.asset_id,
            rights={ALL: {house: bps for house, bps in shares.items() if bps}}, instrument="合作协议", by=shop.seller,
            now=clock.now(),
        )  # fmt: skip
        if seller_bps < 10_000:
            agree(session, shop.services.keys, deed_id=deed.id, by=partner, now=clock.now())
    carry_out(shop.services)


def desk_title(shop: Shop) -> Title:
    with shop.services.database.read() as session:
        asset = get_asset(session, asset_id=shop.asset_id, by=shop.seller, now=clock.now())
        return title_of(session, asset=asset)


def test_a_recorded_title_is_the_desks(shop: Shop, partner: Actor) -> None:
    own(shop, partner, 6_000)

    title = desk_title(shop)

    assert title.state == TitleState.HELD
    assert title.shares == {require_organisation(shop.seller): 6_000, require_organisation(partner): 4_000}
    assert title.instrument == "合作协议"
    with shop.services.database.write() as session, pytest.raises(TitleOnLedger):
        record_title(
            session, asset_id=shop.asset_id, state=TitleState.HELD,
            shares={require_organisation(shop.seller): 10_000}, by=shop.seller, now=clock.now(),
        )  # fmt: skip
    assert desk_title(shop) == title


def test_what_is_pledged_is_not_sold_until_it_is_released(shop: Shop, partner: Actor) -> None:
    own(shop, partner, 10_000)
    buyer, keys = shop.make_buyer(), shop.services.keys
    order = shop.order(buyer, shop.quote(buyer, make_terms()))
    with shop.services.database.write() as session:
        deed = propose_pledge(
            session, keys, asset_id=shop.asset_id, rights=ALL, pledgor=require_organisation(shop.seller),
            pledgee=require_organisation(partner), instrument="质押合同", by=shop.seller, now=clock.now(),
        )  # fmt: skip
        agree(session, keys, deed_id=deed.id, by=partner, now=clock.now())
    carry_out(shop.services)

    with pytest.raises(NotForSale):
        shop.pay(buyer, order)
    with shop.services.database.read() as session:
        asked = availability(session, asset_id=shop.asset_id, terms=make_terms(), by=buyer, now=clock.now())
        assert session.get_one(OrderRow, order.id).paid_at is None
    with shop.services.database.write() as session:
        release_pledge(
            session, keys, asset_id=shop.asset_id, index=0, instrument="解除质押", by=partner, now=clock.now()
        )
    carry_out(shop.services)

    assert asked.answer == Answer.UNKNOWN
    assert desk_title(shop).pledgee == ""
    assert shop.pay(buyer, order).number == 1


def test_an_exclusive_without_the_co_owner_is_refused_before_anything_is_paid(shop: Shop, partner: Actor) -> None:
    own(shop, partner, 6_000)
    buyer = shop.make_buyer()
    made = shop.quote(buyer, make_terms(kind=GrantKind.EXCLUSIVE))
    with shop.services.database.read() as session:
        before = session.exec(select(func.count()).select_from(JournalRow)).one()

    with pytest.raises(ConsentMissing):
        shop.order(buyer, made)

    carry_out(shop.services)
    with shop.services.database.read() as session:
        assert session.exec(select(func.count()).select_from(OrderRow)).one() == 0
        assert session.exec(select(func.count()).select_from(JournalRow)).one() == before
    assert shop.order(buyer, shop.quote(buyer, make_terms())).gross.fen > 0


def test_what_was_transferred_away_is_not_sold(shop: Shop, partner: Actor) -> None:
    own(shop, partner, 10_000)
    buyer, keys = shop.make_buyer(), shop.services.keys
    order = shop.order(buyer, shop.quote(buyer, make_terms()))
    with shop.services.database.write() as session:
        deed = propose_transfer(
            session, keys, asset_id=shop.asset_id, rights=ALL, giver=require_organisation(shop.seller),
            taker=require_organisation(partner), bps=10_000, instrument="转让合同", by=shop.seller, now=clock.now(),
        )  # fmt: skip
        agree(session, keys, deed_id=deed.id, by=partner, now=clock.now())
    carry_out(shop.services)

    with pytest.raises(NotHeld):
        shop.pay(buyer, order)

    assert desk_title(shop).shares == {require_organisation(partner): 10_000}


def test_a_decision_divides_by_rights_and_what_is_unknown_is_not_sold(shop: Shop, partner: Actor) -> None:
    own(shop, partner, 10_000)
    seller, other = require_organisation(shop.seller), require_organisation(partner)
    with shop.services.database.write() as session:
        court = make_actor(session, roles={Role.REGULATOR})

    def decide(rights: dict[tuple[str, ...], dict[object, int]]) -> Title:
        with shop.services.database.write() as session:
            correct_title(
                session, shop.services.keys, asset_id=shop.asset_id, after=title_of_rights(rights),  # type: ignore[arg-type]
                decision="（2026）渝01民终1号", by=court, now=clock.now(),
            )  # fmt: skip
        carry_out(shop.services)
        return desk_title(shop)

    divided = decide({("5",): {seller: 10_000}, ("6", "7", "8"): {other: 10_000}})
    unknown = decide({("5",): {seller: 10_000}, ("12",): {}})

    assert sum(divided.shares.values()) == 10_000
    assert divided.shares[other] > divided.shares[seller] > 0
    assert (unknown.state, dict(unknown.shares)) == (TitleState.UNKNOWN, {})


def test_the_chain_of_title_is_drawn_for_those_concerned_only(shop: Shop, partner: Actor) -> None:
    own(shop, partner, 6_000)
    shop.buy(shop.make_buyer(), make_terms())
    with shop.services.database.read() as session:
        number = session.get_one(AssetRow, shop.asset_id).number

    pages = [
        client_for(shop.services, one).get(f"/assets/{number}/ledger").text
        for one in (shop.seller, partner, shop.make_buyer())
    ]

    assert [one.count('class="box-holder"') for one in pages] == [2, 2, 0]
    assert [one.count('class="box-licence"') for one in pages] == [1, 0, 0]
    assert [one.count('class="line-licence"') for one in pages] == [2, 1, 0]  # the legend has one


def test_the_desk_shows_a_title_that_is_on_the_ledger_and_offers_no_form(shop: Shop, partner: Actor) -> None:
    desk = client_for(shop.services, shop.seller)
    before = desk.get(f"/rights/{shop.asset_id}").text
    own(shop, partner, 6_000)

    page = desk.get(f"/rights/{shop.asset_id}").text
    posted = desk.post(f"/rights/{shop.asset_id}/title", data={"state": "unknown"})

    assert 'name="state"' in before
    assert 'name="state"' not in page
    assert "60 %" in page
    assert "40 %" in page
    assert posted.status_code == 409
    assert desk_title(shop).state == TitleState.HELD


def test_holds_are_read_by_both_sides_and_nobody_else(shop: Shop, partner: Actor) -> None:
    buyer = shop.make_buyer()
    with shop.services.database.write() as session:
        place_hold(
            session, shop.services.keys, asset_id=shop.asset_id, terms=make_terms(), days=3, by=buyer, now=clock.now()
        )
    shop.services.run_jobs(threads=1)

    clients = [client_for(shop.services, one) for one in (buyer, shop.seller, partner)]

    assert [one.get("/holds").text.count("Hold no. 1") for one in clients] == [1, 1, 0]
    assert [len(one.get("/api/v1/holds").json()["holds"]) for one in clients] == [1, 1, 0]
