"""What a sub-licence is refused for and what is said of it, in one home where a studio may license one film on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from asset_hub.accounts import Actor, require_person
from asset_hub.accounts.models import PartyRow, PersonRow
from asset_hub.catalogue.models import AssetRow
from asset_hub.cli import app
from asset_hub.core import clock
from asset_hub.core.period import DateRange
from asset_hub.messages import list_notices
from ledger.codebook import GrantKind
from ledger.errors import NotSublicensable
from ledger.models import EntryRow, GrantRow
from ledger.revoked import NAME
from marketplace.errors import DisclosureChanged, OfferTaken, WindowTaken
from marketplace.holds import place_hold
from marketplace.licences import Licence, grant_licence
from marketplace.models import LicenceRow, OrderRow, QuoteRow
from marketplace.notices import tell_delivered, tell_refused
from marketplace.orders import Order, OrderState, cancel_order, mark_paid
from marketplace.quotes import Quote
from marketplace.sublicences import list_offers, withdraw_offer
from tests.marketplace.shop import Shop, make_terms
from tests.marketplace.test_sublicences import offer, open_shop
from tests.web.pages import client_for


@dataclass(frozen=True, slots=True)
class Trade:
    """A studio with a licence that it may license on, and a house that wants one from it."""

    shop: Shop
    studio: Actor
    house: Actor
    above: Licence

    def offer(self, year: int) -> Quote:
        """Offer the house one year."""
        return offer(self.shop, self.above, by=self.studio, to=self.house, window=years(year))


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


def test_a_licence_says_it_is_subject_to_what_stands_when_it_is_written(trade: Trade) -> None:
    services, buyer = trade.shop.services, trade.shop.make_buyer()
    shut, gone = (trade.shop.pay(trade.house, trade.shop.order(trade.house, trade.offer(2043))) for _ in range(2))
    wanted = replace(make_terms(kind=GrantKind.EXCLUSIVE, subject_to=()), window=years(2043))
    order = trade.shop.order(buyer, trade.shop.quote(buyer, wanted))
    with services.database.write() as session:
        session.get_one(GrantRow, gone.number).ended_at = int(clock.now().timestamp())
        mark_paid(session, order_id=order.id, payment="receipt", amount=order.gross, now=clock.now())
        quote = session.get_one(QuoteRow, order.quote_id)
        agreed = quote.terms
        quote.terms = agreed | {"subject_to": [trade.above.number, gone.number]}
    before = written(trade.shop)

    with pytest.raises(DisclosureChanged) as refused:
        grant(trade.shop, buyer, order)
    unchanged = written(trade.shop)
    with services.database.write() as session:
        session.get_one(QuoteRow, order.quote_id).terms = agreed
    licence = grant(trade.shop, buyer, order)

    assert (refused.value.members, unchanged) == ({"licences": [shut.number]}, before)
    with services.database.read() as session:
        grant_row = session.get_one(GrantRow, licence.number)
        signed = session.get_one(EntryRow, grant_row.entry_id).args["disclosed"]
    assert agreed["subject_to"] == [trade.above.number, shut.number, gone.number]
    assert licence.terms.subject_to == (trade.above.number, shut.number)
    assert signed == json.loads(grant_row.document)["subject_to"] == [trade.above.number, shut.number]


def test_offers_are_listed_with_work_and_both_houses(trade: Trade) -> None:
    made, home = trade.offer(2045), str(trade.shop.services.settings.home)
    with trade.shop.services.database.read() as session:
        login = session.get_one(PersonRow, trade.house.person_id).login
        work = session.get_one(AssetRow, trade.shop.asset_id).number
        sides = [session.get_one(PartyRow, one.organisation_id).name_en for one in (trade.studio, trade.house)]

    said = CliRunner().invoke(app, ["sublicence", "list", "--by", login], env={"ASSET_HUB_HOME": home})

    (line,) = [line for line in said.stdout.splitlines() if str(made.id) in line]
    assert f"open            {work} under no. {trade.above.number}  {sides[0]} to {sides[1]}  ¥318.00" in line


def test_the_producers_of_a_house_that_licensed_on_are_told_how_it_ended(trade: Trade) -> None:
    licence = trade.shop.pay(trade.house, trade.shop.order(trade.house, trade.offer(2038)))
    with trade.shop.services.database.write() as session:
        tell_delivered(session, licence_id=licence.id, now=clock.now())
        tell_refused(session, licence_id=licence.id, now=clock.now())

    told = notices_of(trade.shop, trade.studio, licence)

    assert told == [
        f"Licence no. {licence.number} was refused by the ledger; the sale is undone.",
        f"Sold: licence no. {licence.number} is delivered.",
    ]


def test_an_offer_whose_order_fell_says_so_and_is_not_open(trade: Trade) -> None:
    services = trade.shop.services
    lapsed, cancelled, waiting = (trade.shop.order(trade.house, trade.offer(2034)) for _ in range(3))
    with services.database.write() as session:
        cancel_order(session, order_id=cancelled.id, by=trade.house)
        session.get_one(OrderRow, lapsed.id).held_until = clock.now()

    with services.database.read() as session:
        offers = {one.order_id: one for one in list_offers(session, by=trade.studio, now=clock.now())}
    page = client_for(services, trade.studio).get("/sublicences").text
    with services.database.write() as session:
        withdraw_offer(session, quote_id=lapsed.quote_id, by=trade.studio, now=clock.now())
    with services.database.write() as session, pytest.raises(OfferTaken):
        withdraw_offer(session, quote_id=waiting.quote_id, by=trade.studio, now=clock.now())

    found = [offers[one.id] for one in (lapsed, cancelled, waiting)]
    assert [one.order_state for one in found] == [OrderState.LAPSED, OrderState.CANCELLED, OrderState.OPEN]
    assert [(one.is_open, one.needs_new) for one in found] == [(False, True), (False, True), (False, False)]
    assert page.count("An offer is ordered once") == 2
    assert all(word in page for word in ("Lapsed", "Cancelled", "Not paid yet"))


def notices_of(shop: Shop, reader: Actor, licence: Licence) -> list[str]:
    with shop.services.database.read() as session:
        notices = list_notices(session, person_id=require_person(reader))
    return sorted(str(one.text) for one in notices if one.link == f"/licences/{licence.id}")


def grant(shop: Shop, buyer: Actor, order: Order) -> Licence:
    with shop.services.database.write() as session:
        return grant_licence(session, shop.services.keys, order_id=order.id, by=buyer, now=clock.now())


def years(first: int) -> DateRange:
    return DateRange.years_from(date(first, 1, 1), 1)
