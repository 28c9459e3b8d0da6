"""An order that is not paid is called by its name, taken back, and not made without end."""

from datetime import timedelta
from pathlib import Path

import pytest

from asset_hub.core import clock
from ledger.codebook import GrantKind
from marketplace.availability import Answer, availability
from marketplace.errors import AlreadyPaid, TooManyOrders
from marketplace.orders import MOST_OPEN, OrderState, cancel_order
from tests.marketplace.shop import Shop, make_shop, make_terms
from tests.web.pages import client_for


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make_shop(tmp_path)


def test_an_open_order_is_no_licence_and_is_taken_back(shop: Shop) -> None:
    buyer, other = shop.make_buyer(), shop.make_buyer()
    order, sole = shop.order(buyer, shop.quote(buyer, make_terms())), make_terms(kind=GrantKind.SOLE)
    client = client_for(shop.services, buyer, language="zh")
    with shop.services.database.read() as session:
        asked = availability(session, asset_id=shop.asset_id, terms=sole, by=other, now=clock.now())

    page = client.post(f"/orders/{order.id}/cancel")
    again = client.post(f"/orders/{order.id}/cancel")
    stranger = client_for(shop.services, other).post(f"/orders/{order.id}/cancel")

    assert (asked.answer, asked.free_from, "order" in str(asked.reasons[0])) == (Answer.CONFLICT, None, True)
    assert (page.status_code, again.status_code, stranger.status_code) == (303, 303, 404)
    assert "已取消" in client.get(f"/orders/{order.id}").text
    with shop.services.database.read() as session:
        found = availability(session, asset_id=shop.asset_id, terms=sole, by=other, now=clock.now())
    assert found.answer == Answer.FREE


def test_what_is_paid_is_not_taken_back(shop: Shop) -> None:
    buyer = shop.make_buyer()
    licence = shop.buy(buyer, make_terms())
    with shop.services.database.write() as session, pytest.raises(AlreadyPaid):
        cancel_order(session, order_id=licence.order_id, by=buyer)


def test_nobody_keeps_the_whole_shop_with_unpaid_orders(shop: Shop) -> None:
    buyer = shop.make_buyer()
    first, *_ = [shop.order(buyer, shop.quote(buyer, make_terms())) for _ in range(MOST_OPEN)]
    with pytest.raises(TooManyOrders):
        shop.order(buyer, shop.quote(buyer, make_terms(years=3)))

    with shop.services.database.write() as session:
        assert cancel_order(session, order_id=first.id, by=buyer).state == OrderState.CANCELLED

    assert shop.order(buyer, shop.quote(buyer, make_terms(years=3))).held_until > clock.now() + timedelta(minutes=1)
