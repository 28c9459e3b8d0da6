"""Only what is free: the same rule for one work, a page and a whole search, on both engines."""

import dataclasses
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from asset_hub.accounts import ANONYMOUS, Role, require_organisation
from asset_hub.accounts.suspension import reinstate_party, suspend_party
from asset_hub.app import Services, open_home
from asset_hub.catalogue import AssetId, AssetNotFound, RestrictionKind, get_assets, restrict
from asset_hub.core.db import ReadSession
from asset_hub.core.settings import Settings
from asset_hub.core.text import Text
from ledger.codebook import GrantKind
from marketplace.availability import Answer, availability, availability_of_page, not_free_assets, offered_uses
from marketplace.checks import SELLER_SUSPENDED
from marketplace.errors import NotForSale
from marketplace.listings import close_listing
from marketplace.orders import place_order
from marketplace.quotes import quote
from marketplace.terms import LicenceTerms
from search import SearchPage, SearchQuery, read_query, search_assets
from search.elastic import ElasticEngine
from search.errors import BadQuery, UnknownTerritory, UnknownUse
from search.indexing import rebuild
from tests.builders import make_actor
from tests.drill import SEED, grown
from tests.search.market import (
    NOW,
    TERRITORIES,
    TODAY,
    USES,
    Market,
    buy,
    make_market,
    make_terms,
    open_market,
    put_on_sale,
    random_terms,
)

YEARS = 365 * 5
SECRET = b"s" * 32


@pytest.fixture(params=["embedded", pytest.param("elasticsearch", marks=pytest.mark.elasticsearch)])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    opened = open_home(Settings(home=tmp_path / "home"))
    if request.param == "elasticsearch":
        url = request.getfixturevalue("elasticsearch_url")
        opened = dataclasses.replace(opened, search=ElasticEngine(url, prefix=f"a{tmp_path.name.lower()[-20:]}"))
    yield opened
    opened.search.close()


def is_free(session: ReadSession, asset_id: AssetId, terms: LicenceTerms, now: datetime) -> bool:
    try:
        return availability(session, asset_id=asset_id, terms=terms, by=ANONYMOUS, now=now).answer == Answer.FREE
    except AssetNotFound:
        return False


def ask(services: Services, terms: LicenceTerms, *, now: datetime = NOW, **more: object) -> SearchPage:
    asked = {
        "use": terms.uses[0], "territory": terms.territories[0], "start": terms.window.start.isoformat(),
        "last_day": terms.window.last_day.isoformat(),
    }  # fmt: skip
    query = read_query({"availability": asked, "size": 200, **more})
    with services.database.read() as session:
        return search_assets(session, services.search, query, by=ANONYMOUS, now=now)


def test_one_rule_for_one_work_and_for_all(tmp_path: Path) -> None:
    market = make_market(open_home(Settings(home=tmp_path / "home")), count=30)
    rng = random.Random(SEED)
    answers = set()

    for _ in range(grown(40, 1000)):
        terms, now = random_terms(rng), NOW + timedelta(minutes=rng.choice([0, 31]))
        with market.services.database.read() as session:
            alone = {asset_id for asset_id in market.assets if is_free(session, asset_id, terms, now)}
            offered = offered_uses(session, asset_ids=market.assets)
            taken = not_free_assets(session, terms=terms, now=now)
            views = get_assets(session, asset_ids=market.assets, by=ANONYMOUS, now=now)
            page = availability_of_page(session, assets=views, terms=terms, by=ANONYMOUS, now=now)
        answers |= {found.answer for found in page.values()}
        assert {a for a, uses in offered.items() if terms.uses[0] in uses} - taken == alone, terms
        assert {a for a, found in page.items() if found.answer == Answer.FREE} == alone, terms
    assert answers == set(Answer)


def test_a_search_finds_and_counts_exactly_what_is_free(services: Services) -> None:
    market = make_market(services)
    rebuild(services.database, services.search)
    totals = set()

    for use in USES:
        for territory in TERRITORIES:
            for start, days in ((0, 30), (0, YEARS), (700, 365)):
                terms = make_terms(use=use, territory=territory, start=TODAY + timedelta(days=start), days=days)
                with services.database.read() as session:
                    expected = {a for a in market.assets if is_free(session, a, terms, NOW)}
                page = ask(services, terms)
                assert {hit.asset.id for hit in page.hits} == expected
                assert page.total == len(expected)
                assert sum(page.facets["kind"].values()) == len(expected)
                totals.add(page.total)
    assert len(totals) > 3


def test_an_exclusive_leaves_only_what_does_not_meet_it(services: Services) -> None:
    seller, buyer = open_market(services)
    with services.database.write() as session:
        taken, other = (put_on_sale(session, seller, title) for title in ("朝天门黄昏", "朝天门清晨"))
    buy(services, buyer, taken, make_terms(territory="CQ", days=YEARS, kind=GrantKind.EXCLUSIVE))
    rebuild(services.database, services.search)

    worldwide = ask(services, make_terms(territory="world", days=YEARS), text="朝天门")
    elsewhere = ask(services, make_terms(territory="US", days=YEARS), text="朝天门")
    later = ask(services, make_terms(start=TODAY + timedelta(days=YEARS)), text="朝天门")

    assert [hit.asset.id for hit in worldwide.hits] == [other]
    assert (worldwide.total, elsewhere.total, later.total) == (1, 2, 2)


def test_an_open_order_counts_until_it_lapses(services: Services) -> None:
    seller, buyer = open_market(services)
    with services.database.write() as session:
        asset_id = put_on_sale(session, seller, "轮渡")
    buy(services, buyer, asset_id, make_terms(kind=GrantKind.SOLE), is_paid=False)
    rebuild(services.database, services.search)

    assert ask(services, make_terms()).total == 0
    assert ask(services, make_terms(), now=NOW + timedelta(minutes=31)).total == 1


def test_held_back_and_taken_back_assets_are_neither_shown_nor_counted(services: Services) -> None:
    seller, _ = open_market(services)
    with services.database.write() as session:
        frozen, closed, _pledged, kept = (
            put_on_sale(session, seller, title, pledgee=pledgee)
            for title, pledgee in (("一", ""), ("二", ""), ("三", "某银行"), ("四", ""))
        )
        restrict(session, asset_id=frozen, kind=RestrictionKind.FREEZE, reason="", authority="", by=seller, now=NOW)
        close_listing(session, asset_id=closed, by=seller, now=NOW)
    rebuild(services.database, services.search)

    page = ask(services, make_terms())

    assert [hit.asset.id for hit in page.hits] == [kept]
    assert (page.total, page.facets["kind"]) == (1, {"picture": 1})


def test_what_a_suspended_house_offers_is_not_for_sale_until_it_is_reinstated(services: Services) -> None:
    seller, buyer = open_market(services)
    house = require_organisation(seller)
    with services.database.write() as session:
        asset_id = put_on_sale(session, seller, "江雾")
        operator = make_actor(session, roles={Role.OPERATOR})
        made = quote(session, SECRET, asset_id=asset_id, terms=make_terms(), by=buyer, now=NOW)
    rebuild(services.database, services.search)
    with services.database.write() as session:
        suspend_party(session, organisation_id=house, reason="证照过期", by=operator, now=NOW)

    with services.database.write() as session:
        answer = availability(session, asset_id=asset_id, terms=make_terms(), by=buyer, now=NOW)
        with pytest.raises(NotForSale, match="suspended"):
            quote(session, SECRET, asset_id=asset_id, terms=make_terms(), by=buyer, now=NOW)
        with pytest.raises(NotForSale, match="suspended"):
            place_order(session, SECRET, quote_id=made.id, by=buyer, now=NOW)
    found = ask(services, make_terms()).total
    with services.database.write() as session:
        reinstate_party(session, organisation_id=house, reason="已补证", by=operator, now=NOW)

    assert (answer.answer, answer.reasons) == (Answer.UNKNOWN, (Text(SELLER_SUSPENDED),))
    assert (found, ask(services, make_terms()).total) == (0, 1)


def test_a_hit_that_is_no_longer_offered_is_not_shown_before_the_index_knows(services: Services) -> None:
    seller, _ = open_market(services)
    with services.database.write() as session:
        asset_id = put_on_sale(session, seller, "江雾")
    rebuild(services.database, services.search)
    with services.database.write() as session:
        close_listing(session, asset_id=asset_id, by=seller, now=NOW)

    assert ask(services, make_terms()).hits == ()


@pytest.fixture
def market(tmp_path: Path) -> Market:
    services = open_home(Settings(home=tmp_path / "home"))
    seller, buyer = open_market(services)
    with services.database.write() as session:
        assets = tuple(put_on_sale(session, seller, f"作品 {n}") for n in range(50))
    for asset_id in assets[:10]:
        buy(services, buyer, asset_id, make_terms(kind=GrantKind.SOLE, days=30))
    return Market(services, seller, buyer, assets)


def test_a_page_of_fifty_is_answered_in_few_queries(market: Market) -> None:
    statements: list[str] = []
    with market.services.database.read() as session:
        views = get_assets(session, asset_ids=market.assets, by=ANONYMOUS, now=NOW)
        availability_of_page(session, assets=views, terms=make_terms(), by=ANONYMOUS, now=NOW)
        sa.event.listen(session.connection(), "before_cursor_execute", lambda *args: statements.append(args[2]))
        page = availability_of_page(session, assets=views, terms=make_terms(), by=ANONYMOUS, now=NOW)

    assert len(statements) == 6
    assert sum(found.answer == Answer.CONFLICT for found in page.values()) == 10
    assert {found.free_from for found in page.values()} == {None, TODAY + timedelta(days=30)}


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"use": "telepathy"}, UnknownUse, "satellite_tv"),
        ({"territory": "atlantis"}, UnknownTerritory, "world, CQ, CN"),
        ({"start": "tomorrow"}, BadQuery, "2026-12-31"),
        ({"start": "1900-01-01"}, BadQuery, "too far"),
    ],
)
def test_availability_is_of_the_code_book(
    market: Market, change: dict[str, str], error: type[BadQuery], says: str
) -> None:
    asked = {"use": "streaming", "territory": "CN", "start": "2026-12-01", "last_day": "2027-11-30"} | change
    query = SearchQuery.model_validate({"availability": asked})

    with market.services.database.read() as session, pytest.raises(error) as raised:
        search_assets(session, market.services.search, query, by=ANONYMOUS, now=NOW)

    assert says in str(raised.value)
