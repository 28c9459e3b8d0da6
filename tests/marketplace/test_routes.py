"""The trade as JSON, for programs: the same answers, refusals with members, tokens that may do only what they name."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from asset_hub.accounts import Actor, issue_token
from asset_hub.accounts.members import membership_of
from asset_hub.catalogue import RestrictionKind, Secrecy, get_asset, restrict
from asset_hub.catalogue.models import AssetRow
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.period import DateRange
from ledger.verifier import verify_certificate
from marketplace.listings import publish_listing
from marketplace.models import OrderRow, QuoteRow
from tests.marketplace.shop import PRICES, Shop, make_shop, make_terms
from tests.web.pages import client_for

SCOPES = ("marketplace.quote", "marketplace.order", "marketplace.fetch")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make_shop(tmp_path)


def number_of(shop: Shop) -> str:
    with shop.services.database.read() as session:
        return get_asset(session, asset_id=shop.asset_id, by=shop.seller, now=clock.now()).number


def program_of(shop: Shop, actor: Actor, scopes: tuple[str, ...] = SCOPES) -> TestClient:
    """Return a client with an API token of this person."""
    with shop.services.database.write() as session:
        membership_id = membership_of(session, by=actor)
        secret = issue_token(session, membership_id=membership_id, scopes=scopes, name="test", now=clock.now())
    client = client_for(shop.services)
    client.headers["authorization"] = f"Bearer {secret}"
    return client


def test_a_program_asks_buys_and_verifies(shop: Shop, tmp_path: Path) -> None:
    client, number = program_of(shop, shop.make_buyer()), number_of(shop)
    today = beijing_date(clock.now())

    free = client.get(f"/api/v1/assets/{number}/availability", params={"use": "streaming", "territory": "world"}).json()
    quote = client.post(f"/api/v1/assets/{number}/quotes", json={"uses": ["streaming"], "kind": "exclusive"})
    order = client.post(f"/api/v1/quotes/{quote.json()['id']}/orders")
    paid = client.post(f"/api/v1/orders/{order.json()['id']}/payments")
    again = client.post(f"/api/v1/orders/{order.json()['id']}/payments")
    shop.services.run_jobs(threads=1)
    licence = client.get(f"/api/v1/licences/{paid.json()['id']}").json()

    assert (free["answer"], free["reasons"], free["free_from"]) == ("free", [], None)
    assert (quote.status_code, quote.json()["gross_fen"]) == (201, 530_000)
    assert quote.json()["terms"]["last_day"] == DateRange.years_from(today, 1).last_day.isoformat()
    assert (order.status_code, order.json()["state"], order.json()["gross_fen"]) == (201, "open", 530_000)
    assert (paid.status_code, paid.json()["state"], paid.json()["download"]) == (201, "recorded", None)
    assert again.json()["id"] == paid.json()["id"]
    assert (licence["state"], licence["number"]) == ("delivered", 1)
    assert [one["id"] for one in client.get("/api/v1/licences").json()["licences"]] == [licence["id"]]
    media = tmp_path / "got"
    media.write_bytes(client.get(licence["download"]).content)
    report = verify_certificate(
        client.get(licence["certificate"]).content, media=media, trust=None, status=None, today=today
    )
    assert report.is_valid


def test_a_taken_window_is_409_with_the_day_it_frees(shop: Shop) -> None:
    number, exclusive = number_of(shop), {"uses": ["streaming"], "kind": "exclusive", "years": 2}
    first, second = (program_of(shop, shop.make_buyer()) for _ in range(2))
    mine, theirs = (
        client.post(f"/api/v1/assets/{number}/quotes", json=exclusive).json()["id"] for client in (first, second)
    )
    order = first.post(f"/api/v1/quotes/{mine}/orders").json()["id"]
    while_open = [
        second.post(f"/api/v1/quotes/{theirs}/orders"),
        second.post(f"/api/v1/assets/{number}/quotes", json=exclusive),
    ]
    asked_open = second.get(f"/api/v1/assets/{number}/availability", params={"use": "streaming"}).json()
    first.post(f"/api/v1/orders/{order}/payments")

    ordered = second.post(f"/api/v1/quotes/{theirs}/orders")
    quoted = second.post(f"/api/v1/assets/{number}/quotes", json=exclusive)
    asked = second.get(f"/api/v1/assets/{number}/availability", params={"use": "streaming"}).json()

    assert [(one.status_code, one.json()["type"]) for one in while_open] == [(409, "/problems/held-by-order")] * 2
    assert (asked_open["answer"], asked_open["free_from"]) == ("conflict", None)
    free_from = DateRange.years_from(beijing_date(clock.now()), 2).end.isoformat()
    for answer in (ordered, quoted):
        problem = answer.json()
        assert (answer.status_code, problem["type"], problem["free_from"]) == (
            409, "/problems/window-taken", free_from,
        )  # fmt: skip
    assert (asked["answer"], asked["free_from"], "with_licences" in asked) == ("conflict", free_from, False)
    with shop.services.database.read() as session:
        assert len(session.exec(select(OrderRow)).all()) == 1


def test_an_unknown_answer_says_what_is_missing(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, list_it=False)
    client = program_of(shop, shop.make_buyer())

    asked = client.get(f"/api/v1/assets/{number_of(shop)}/availability", params={"use": "streaming"}).json()
    quoted = client.post(f"/api/v1/assets/{number_of(shop)}/quotes", json={"uses": ["streaming"]})

    assert (asked["answer"], asked["reasons"]) == ("unknown", ["Title not recorded"])
    assert (quoted.status_code, quoted.json()["detail"]) == (409, "Title not recorded")


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({"uses": ["telepathy"], "resolution": "8k"}, ["use", "resolution"]),
        ({"uses": ["streaming"], "start": "2020-01-01"}, ["start"]),
        ({"uses": ["streaming"], "in": "00:00:00:01"}, ["in"]),
    ],
)
def test_a_question_that_cannot_be_read_is_422_by_field(
    shop: Shop, asked: dict[str, object], fields: list[str]
) -> None:
    client = program_of(shop, shop.make_buyer())

    answer = client.post(f"/api/v1/assets/{number_of(shop)}/quotes", json=asked)

    assert (answer.status_code, answer.json()["type"], answer.json()["fields"]) == (422, "/problems/bad-terms", fields)
    with shop.services.database.read() as session:
        assert session.exec(select(QuoteRow)).all() == []


@pytest.mark.parametrize("asked", [{}, {"uses": []}, {"uses": ["streaming"], "years": 0}, {"uses": "x"}, {"more": 1}])
def test_a_malformed_quote_is_422(shop: Shop, asked: dict[str, object]) -> None:
    client = program_of(shop, shop.make_buyer())

    assert client.post(f"/api/v1/assets/{number_of(shop)}/quotes", json=asked).status_code == 422


def test_a_token_does_only_what_it_names(shop: Shop) -> None:
    buyer = shop.make_buyer()
    quote = program_of(shop, buyer).post(f"/api/v1/assets/{number_of(shop)}/quotes", json={"uses": ["streaming"]})
    client = program_of(shop, buyer, scopes=("marketplace.quote",))

    assert client.post(f"/api/v1/quotes/{quote.json()['id']}/orders").status_code == 403
    assert client_for(shop.services).post(f"/api/v1/quotes/{quote.json()['id']}/orders").status_code == 401
    assert client_for(shop.services).get("/api/v1/licences").status_code == 401


def test_pages_and_programs_are_told_the_same_of_what_is_hidden(shop: Shop) -> None:
    number = number_of(shop)
    with shop.services.database.write() as session:
        restrict(
            session, asset_id=shop.asset_id, kind=RestrictionKind.TAKE_DOWN, reason="", authority="", by=shop.seller,
            now=clock.now() - timedelta(days=1),
        )  # fmt: skip
    client = program_of(shop, shop.make_buyer())

    hidden, missing = (
        client.get(f"/api/v1/assets/{name}/availability", params={"use": "streaming"}).json()
        for name in (number, "CQ-2026-999999")
    )
    assert {**hidden, "instance": ""} == {**missing, "instance": ""}
    assert hidden["status"] == 404


def test_a_token_reads_the_trade_only_with_an_act_of_the_trade(shop: Shop) -> None:
    buyer = shop.make_buyer()
    licence = shop.buy(buyer, make_terms())
    inside, outside = (program_of(shop, buyer, (scope,)) for scope in ("marketplace.order", "ingest.receive"))
    addresses = ["/api/v1/licences", f"/api/v1/licences/{licence.id}", f"/orders/{licence.order_id}"]

    read = [inside.get(address).status_code for address in addresses]
    refused = [outside.get(address).status_code for address in addresses]
    own_hand = [inside.get(address).status_code for address in ("/account", "/notices")]

    assert read == [200, 200, 200]
    assert refused == [403, 403, 403]
    assert own_hand == [403, 403]


def test_a_token_without_an_act_of_the_catalogue_sees_what_everybody_sees(shop: Shop) -> None:
    with shop.services.database.write() as session:
        row = session.get_one(AssetRow, shop.asset_id)
        row.secrecy = Secrecy.INTERNAL
        number = row.number
    trade, catalogue = (program_of(shop, shop.seller, (scope,)) for scope in ("marketplace.list", "catalogue.describe"))

    assert trade.get(f"/assets/{number}").status_code == 404
    assert catalogue.get(f"/assets/{number}").status_code == 200


def test_a_sub_licence_is_offered_listed_ordered_and_paid_by_the_api(shop: Shop) -> None:
    with shop.services.database.write() as session:
        prices = PRICES | {"sublicensing_bps": 15_000, "subject_to": True}
        publish_listing(session, asset_id=shop.asset_id, prices=prices, by=shop.seller, now=clock.now())
    studio, house = shop.make_buyer(), shop.make_buyer()
    above = shop.buy(studio, make_terms(may_sublicense=True))
    clients = [client_for(shop.services, one) for one in (studio, house)]
    address = f"/api/v1/licences/{above.id}/sublicences"
    offered = {"house": str(house.organisation_id), "net_fen": 30_000, "first_day": "2026-12-01"}

    made = clients[0].post(address, json=offered | {"last_day": "2027-03-31"})
    beyond = clients[0].post(address, json=offered | {"territories": ["world"]})
    too_late = clients[0].post(address, json=offered | {"last_day": "9999-12-31"})
    by_stranger = clients[1].post(address, json=offered)
    (listed,) = clients[1].get("/api/v1/sublicences").json()["offers"]
    order = clients[1].post(f"/api/v1/quotes/{listed['id']}/orders").json()
    paid = clients[1].post(f"/api/v1/orders/{order['id']}/payments")
    taken = clients[0].post(f"/api/v1/sublicences/{listed['id']}/withdrawal")
    asked = {"uses": ["streaming"], "kind": "exclusive", "start": "2026-12-01", "subject_to": True}
    exclusive = clients[1].post(f"/api/v1/assets/{number_of(shop)}/quotes", json=asked).json()

    refused = [one.status_code for one in (beyond, too_late, by_stranger)]
    assert (made.status_code, refused) == (201, [409, 422, 404])
    assert beyond.json()["type"] == "/problems/not-sublicensable"
    for said in (made.json(), listed):
        sides = (said["licensor"]["id"], said["licensee"]["id"])
        assert (said["asset"], sides) == (number_of(shop), (str(studio.organisation_id), str(house.organisation_id)))
        assert all(said[side]["name"] for side in ("licensor", "licensee"))
    assert (listed["id"], listed["is_open"], listed["terms"]["last_day"]) == (made.json()["id"], True, "2027-03-31")
    assert (paid.status_code, paid.json()["terms"]["parent"], taken.status_code) == (201, above.number, 409)
    assert taken.json()["type"] == "/problems/offer-taken"
    assert [one["number"] for one in exclusive["standing"]] == exclusive["terms"]["subject_to"] == [1, 2]
    assert str(house.organisation_id) not in str(exclusive)
