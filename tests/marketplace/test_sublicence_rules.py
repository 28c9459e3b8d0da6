"""What a sub-licence is refused for and what is said of it, in one home where a studio may license one film on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor
from asset_hub.core.period import DateRange
from ledger.errors import NotSublicensable
from ledger.revoked import NAME
from marketplace.licences import Licence
from marketplace.models import LicenceRow
from marketplace.quotes import Quote
from marketplace.sublicences import list_offers
from tests.marketplace.shop import NOW, Shop, make_terms
from tests.marketplace.test_sublicences import offer, open_shop, orders


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


def test_under_a_licence_that_the_operators_list_revokes_nothing_is_offered_ordered_or_paid(trade: Trade) -> None:
    early, ordered = trade.offer(2030), trade.shop.order(trade.house, trade.offer(2031))
    placed = orders(trade.shop)

    with revoked(trade.shop.services.settings.home, trade.above.number):
        with pytest.raises(NotSublicensable, match="is revoked"):
            trade.offer(2032)
        with pytest.raises(NotSublicensable, match="is revoked"):
            trade.shop.order(trade.house, early)
        with pytest.raises(NotSublicensable, match="is revoked"):
            trade.shop.pay(trade.house, ordered)

    with trade.shop.services.database.read() as session:
        assert len(list_offers(session, by=trade.house, now=NOW)) == 2
        assert session.exec(select(LicenceRow.number)).all() == [trade.above.number]
    assert orders(trade.shop) == placed
