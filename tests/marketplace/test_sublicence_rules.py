"""What a sub-licence is refused for and what is said of it, in one home where a studio may license one film on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor
from asset_hub.core import clock
from asset_hub.core.period import DateRange
from ledger.errors import NotSublicensable
from ledger.revoked import NAME
from marketplace.errors import WindowTaken
from marketplace.holds import place_hold
from marketplace.licences import Licence
from marketplace.models import LicenceRow, OrderRow, QuoteRow
from marketplace.quotes import Quote
from tests.marketplace.shop import Shop, make_terms
from tests.marketplace.test_sublicences import offer, open_shop


@dataclass(frozen=True, slots=True)
class Trade:
    """A studio with a licence that it may license on, and a house that wants one from it."""

    shop: Shop
    studio: Actor
    house: Actor
    above: Licence

    def offer(self, year: int, **changed: object) -> Quote:
        """Offer the house one year."""
        window = DateRange.years_from(date(year, 1, 1), 1)
        return offer(self.shop, self.above, by=self.studio, to=self.house, window=window, **changed)


@pytest.fixture(scope="module")
def trade(tmp_path_factory: pytest.TempPathFactory) -> Trade:
    shop = open_shop(tmp_path_factory.mktemp("trade"))
    studio = shop.make_buyer()
    return Trade(shop, studio, shop.make_buyer(), shop.buy(studio, make_terms(years=20, may_sublicense=True)))


@contextmanager
def revoked(home: Path, number: int) -> Iterator[None]:
    """Have the operator's list revoke a licence for a while."""
    (home / NAME).write_text(json.dumps({"revoked": [number]}), encoding="utf-8")
    yield
    (home / NAME).unlink()


def written(shop: Shop) -> list[int]:
    """Return how many quotes, orders and licences there are."""
    with shop.services.database.read() as session:
        return [len(session.exec(select(kind)).all()) for kind in (QuoteRow, OrderRow, LicenceRow)]


def test_under_a_licence_that_the_operators_list_revokes_nothing_is_offered_ordered_or_paid(trade: Trade) -> None:
    early, ordered = trade.offer(2030), trade.shop.order(trade.house, trade.offer(2031))
    before = written(trade.shop)

    with revoked(trade.shop.services.settings.home, trade.above.number):
        with pytest.raises(NotSublicensable, match="is revoked"):
            trade.offer(2032)
        with pytest.raises(NotSublicensable, match="is revoked"):
            trade.shop.order(trade.house, early)
        with pytest.raises(NotSublicensable, match="is revoked"):
            trade.shop.pay(trade.house, ordered)

    assert written(trade.shop) == before


def test_a_hold_of_its_own_is_in_the_way_of_a_house_that_is_offered_a_sub_licence(trade: Trade) -> None:
    services, window = trade.shop.services, DateRange.years_from(date(2040, 3, 1), 1)
    with services.database.write() as session:
        place_hold(
            session, services.keys, asset_id=trade.shop.asset_id, terms=replace(make_terms(), window=window), days=1,
            by=trade.house, now=clock.now(),
        )  # fmt: skip

    with pytest.raises(WindowTaken) as refused:
        trade.offer(2040)

    assert refused.value.members == {"free_from": "2041-03-01"}
