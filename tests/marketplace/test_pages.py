"""The trade by HTTP, as people meet it: ask, quote, order, pay, download, and every refusal between."""

import re
import threading
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from asset_hub.accounts import Actor, Role
from asset_hub.accounts.models import PartyRow
from asset_hub.catalogue import PartLevel, PartSpec, RestrictionKind, get_asset, restrict, set_parts
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.period import DateRange
from asset_hub.core.rational import FrameRate, Span
from asset_hub.messages import list_notices
from ledger.verifier import verify_certificate
from marketplace.licences import get_licence
from marketplace.listings import listing_of, publish_listing
from marketplace.models import LicenceRow, OrderRow, QuoteRow, TitleRow
from marketplace.orders import OrderState
from tests.builders import make_actor
from tests.marketplace.shop import PRICES, Shop, make_shop
from tests.web.pages import client_for

ASKED = {"use": "streaming", "territory": "CN", "years": "2", "kind": "non_exclusive", "resolution": "1080"}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make_shop(tmp_path)


def number_of(shop: Shop) -> str:
    with shop.services.database.read() as session:
        return get_asset(session, asset_id=shop.asset_id, by=shop.seller, now=clock.now()).number


def get_quote_url(client: TestClient, number: str, **more: str) -> str:
    answer = client.post(f"/assets/{number}/quotes", data=ASKED | more)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def buy(shop: Shop, client: TestClient, **more: str) -> str:
    """Quote, order and pay over HTTP, run the jobs, return the address of the licence."""
    quote = get_quote_url(client, number_of(shop), **more)
    order = client.post(f"{quote}/order").headers["location"]
    licence = client.post(f"{order}/pay").headers["location"]
    shop.services.run_jobs(threads=1)
    return str(licence)


def hide(shop: Shop) -> None:
    with shop.services.database.write() as session:
        restrict(
            session, asset_id=shop.asset_id, kind=RestrictionKind.TAKE_DOWN, reason="", authority="", by=shop.seller,
            now=clock.now() - timedelta(days=1),
        )  # fmt: skip


def test_from_a_question_to_a_verified_file_by_http_alone(shop: Shop, tmp_path: Path) -> None:
    buyer, number = shop.make_buyer(), number_of(shop)
    client = client_for(shop.services, buyer)

    asked = client.get(f"/assets/{number}/offer", params=ASKED).text
    quote = get_quote_url(client, number)
    quoted = client.get(quote).text
    order = client.post(f"{quote}/order").headers["location"]
    ordered = client.get(order).text
    licence = client.post(f"{order}/pay").headers["location"]
    moving = client.get(licence).text
    shop.services.run_jobs(threads=1)
    page = client.get(licence).text

    assert 'class="answer free"' in asked
    assert "¥1,696.00" in quoted
    assert "SIM-" in ordered
    assert 'hx-trigger="every 2s"' in moving
    assert 'hx-trigger="every 2s"' not in page
    (link,) = re.findall(r'href="(/deliveries/[^"]+)"', page)
    stranger = client_for(shop.services)
    head = stranger.head(link)
    first, rest = (stranger.get(link, headers={"range": f"bytes={part}"}) for part in ("0-99", "100-"))
    assert (head.status_code, head.content, first.status_code, rest.status_code) == (200, b"", 206, 206)
    assert int(head.headers["content-length"]) == len(first.content + rest.content)
    assert (
        head.headers["content-disposition"] == f"attachment; filename=\"{number}.jpg\"; filename*=UTF-8''{number}.jpg"
    )
    media = tmp_path / "got.jpg"
    media.write_bytes(first.content + rest.content)
    certificate, trust = client.get(f"{licence}/certificate.json").content, client.get("/ledger/trust.json").content
    report = verify_certificate(certificate, media=media, trust=trust, status=None, today=beijing_date(clock.now()))
    assert report.is_valid
    assert client.get(f"{licence}/certificate.pdf").content[:5] == b"%PDF-"


def test_the_certificate_is_chinese_first_and_says_who_keeps_the_keys(shop: Shop) -> None:
    client = client_for(shop.services, shop.make_buyer())
    licence = buy(shop, client)

    page = client.get(f"{licence}/certificate").text
    code = client.get(f"{licence}/certificate.svg")

    assert page.index("著作权许可使用证书") < page.index("Certificate of copyright licence")
    assert ("平台托管" in page, "未经第三方见证（单一运营者账本）" in page, "自签" in page) == (True, True, True)
    assert "Not witnessed by a third party" in page
    assert "（含当日）" in page
    assert (code.headers["content-type"], code.text[:4]) == ("image/svg+xml", "<svg")
    assert "style=" not in code.text


def test_both_sides_are_told_when_it_is_delivered(shop: Shop) -> None:
    buyer = shop.make_buyer()
    buy(shop, client_for(shop.services, buyer))

    with shop.services.database.read() as session:
        told = {
            person: [str(one.text) for one in list_notices(session, person_id=person)]
            for person in (buyer.person_id, shop.seller.person_id)
            if person is not None
        }
    assert told == {
        buyer.person_id: ["Licence no. 1 is ready: file and certificate."],
        shop.seller.person_id: ["Sold: licence no. 1 is delivered."],
    }


def test_of_two_buyers_at_once_one_is_sold_to_and_the_other_reads_when_it_is_free(shop: Shop) -> None:
    clients = [client_for(shop.services, shop.make_buyer()) for _ in range(2)]
    quotes = [get_quote_url(client, number_of(shop), kind="exclusive") for client in clients]
    gate, answers = threading.Barrier(2), [httpx.Response(599)] * 2

    def order(place: int) -> None:
        gate.wait()
        answers[place] = clients[place].post(f"{quotes[place]}/order")

    threads = [threading.Thread(target=order, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [303, 409]
    (refused,) = (answer for answer in answers if answer.status_code == 409)
    assert "An open order holds it for up to half an hour." in refused.text
    assert "Nothing was ordered and nothing is charged." in refused.text
    with shop.services.database.read() as session:
        assert len(session.exec(select(OrderRow)).all()) == 1
    (place,) = (place for place, answer in enumerate(answers) if answer.status_code == 303)
    clients[place].post(f"{answers[place].headers['location']}/pay")
    late = clients[1 - place].post(f"{quotes[1 - place]}/order")
    free_from = DateRange.years_from(beijing_date(clock.now()), 2).end
    assert (late.status_code, f"start={free_from.isoformat()}" in late.text) == (409, True)


def test_a_conflict_names_nobody_but_to_the_desk_of_the_house(shop: Shop) -> None:
    organisation_id = shop.make_buyer().organisation_id
    with shop.services.database.write() as session:
        house = session.get_one(PartyRow, organisation_id)
        house.name_zh, house.name_en = "秘密买家影业", "Secret Buyer Pictures"
        buyer = make_actor(session, roles={Role.PRODUCER}, organisation=house)
    buy(shop, client_for(shop.services, buyer), kind="exclusive")
    address = f"/assets/{number_of(shop)}/offer"

    pages = {
        reader: client_for(shop.services, actor).get(address, params=ASKED).text
        for reader, actor in (("nobody", None), ("other", shop.make_buyer()), ("desk", shop.seller))
    }

    for reader in ("nobody", "other"):
        assert 'class="answer conflict"' in pages[reader]
        assert "The same request is free from" in pages[reader]
        assert "Secret Buyer" not in pages[reader]
        assert "000001" not in pages[reader].replace(number_of(shop), "")
    assert "licence no. 000001" in pages["desk"]


def test_an_overview_says_free_and_taken_in_words(shop: Shop) -> None:
    buy(shop, client_for(shop.services, shop.make_buyer()), kind="exclusive", territory="CQ")

    page = client_for(shop.services).get(f"/assets/{number_of(shop)}/offer").text

    (table,) = re.findall(r"<tbody>.*?</tbody>", page, re.DOTALL)
    rows = [re.findall(r'<span class="status (\w+)">(\w+)</span>', row) for row in table.split("</tr>")[:2]]
    assert rows == [[("bad", "Taken")] * 3, [("good", "Free")] * 3]


def test_a_hidden_asset_answers_as_a_missing_one_does(shop: Shop) -> None:
    number, client = number_of(shop), client_for(shop.services, shop.make_buyer())
    hide(shop)

    def answers(name: str) -> list[tuple[int, str]]:
        said = [
            client.get(f"/assets/{name}/offer"), client.post(f"/assets/{name}/quotes", data=ASKED),
            client.get(f"/rights/{name}"), client.post(f"/rights/{name}/listing/close"),
            client.get(f"/api/v1/assets/{name}/availability"),
            client.post(f"/api/v1/assets/{name}/quotes", json={"uses": ["streaming"]}),
        ]  # fmt: skip
        return [(one.status_code, one.text.replace(name, "")) for one in said]

    hidden = answers(number)
    assert hidden == answers("CQ-2026-999999")
    assert {status for status, _ in hidden} == {404}


def test_what_is_hidden_after_the_quote_is_neither_ordered_nor_paid(shop: Shop) -> None:
    client = client_for(shop.services, shop.make_buyer())
    early, late = (get_quote_url(client, number_of(shop)) for _ in range(2))
    order = client.post(f"{early}/order").headers["location"]
    hide(shop)

    assert client.post(f"{late}/order").status_code == 404
    assert client.post(f"{order}/pay").status_code == 404
    assert "朝天门的黄昏" not in client.get(order).text
    assert client.get(late).status_code == 404
    with shop.services.database.read() as session:
        assert [row.state for row in session.exec(select(OrderRow))] == [OrderState.OPEN]
        assert session.exec(select(LicenceRow)).all() == []


def test_what_is_of_another_house_is_not_there(shop: Shop) -> None:
    client, other = (client_for(shop.services, shop.make_buyer()) for _ in range(2))
    licence = buy(shop, client)
    with shop.services.database.read() as session:
        (order,) = session.exec(select(OrderRow)).all()

    reads = [f"/quotes/{order.quote_id}", f"/orders/{order.id}", licence, f"{licence}/certificate"]
    reads += [f"{licence}/certificate.{ending}" for ending in ("json", "pdf", "svg")]

    assert {other.get(address).status_code for address in reads} == {404}
    assert other.post(f"/quotes/{order.quote_id}/order").status_code == 404
    assert other.post(f"/orders/{order.id}/pay").status_code == 404
    assert {client.get(address).status_code for address in reads} == {200}
    missing, foreign = f"/quotes/{uuid4()}", f"/quotes/{order.quote_id}"
    assert other.get(missing).text.replace(missing, "") == other.get(foreign).text.replace(foreign, "")


def test_a_link_that_is_altered_foreign_or_old_leads_to_a_clear_page(shop: Shop) -> None:
    client = client_for(shop.services, shop.make_buyer())
    (link,) = re.findall(r'href="(/deliveries/[^"]+)"', client.get(buy(shop, client)).text)
    token = link.removeprefix("/deliveries/")
    payload, signed = token.split(".", 1)

    for bad in (f"{payload}A.{signed}", f"{token[:-2]}xx", "nonsense"):
        answer = client.get(f"/deliveries/{bad}")
        assert (answer.status_code, "This link is no longer valid" in answer.text) == (409, True)
    assert "/deliveries/" not in client_for(shop.services, shop.seller).get("/licences").text


@pytest.mark.parametrize(
    ("roles", "quote", "order"), [({Role.PRODUCER}, 303, 303), ({Role.CURATOR}, 303, 403), ({Role.MEMBER}, 403, 403)]
)
def test_who_may_quote_and_who_may_order(shop: Shop, roles: set[Role], quote: int, order: int) -> None:
    organisation_id = shop.make_buyer().organisation_id
    with shop.services.database.write() as session:
        house = session.get_one(PartyRow, organisation_id)
        actor, producer = (make_actor(session, roles=some, organisation=house) for some in (roles, {Role.PRODUCER}))
    address = get_quote_url(client_for(shop.services, producer), number_of(shop))
    client = client_for(shop.services, actor)

    assert client.post(f"/assets/{number_of(shop)}/quotes", data=ASKED).status_code == quote
    assert client.post(f"{address}/order").status_code == order


def test_a_stranger_reads_the_answer_and_signs_in_for_more(shop: Shop) -> None:
    client = client_for(shop.services)

    page = client.get(f"/assets/{number_of(shop)}/offer").text

    assert "Sign in to get a quote" in page
    assert client.post(f"/assets/{number_of(shop)}/quotes", data=ASKED).status_code == 401
    for address in ("/licences", "/orders", "/rights", "/rights/sales", f"/rights/{number_of(shop)}"):
        assert client.get(address).headers["location"] == f"/sign-in?next={address}"


def test_a_wrong_question_is_told_by_field_and_keeps_what_was_typed(shop: Shop) -> None:
    client = client_for(shop.services, shop.make_buyer())

    page = client.get(f"/assets/{number_of(shop)}/offer", params=ASKED | {"years": "99"})
    posted = client.post(f"/assets/{number_of(shop)}/quotes", data=ASKED | {"years": "99"})

    assert (page.status_code, posted.status_code) == (200, 422)
    for text in (page.text, posted.text):
        assert 'id="wrong-years"' in text
        assert 'value="99" aria-invalid="true" aria-describedby="wrong-years"' in text


def test_a_page_has_one_heading_and_no_name_twice(shop: Shop) -> None:
    buyer = shop.make_buyer()
    licence = buy(shop, client_for(shop.services, buyer))
    of_buyer = ["/licences", "/orders", licence, f"{licence}/certificate", f"/assets/{number_of(shop)}/offer"]
    of_desk = ["/rights", "/rights/sales", f"/rights/{number_of(shop)}", "/licences"]

    for actor, addresses in ((buyer, of_buyer), (shop.seller, of_desk)):
        for language in ("zh", "en"):
            client = client_for(shop.services, actor, language=language)
            for address in addresses:
                page = client.get(address).text
                ids = re.findall(r'\bid="([^"]+)"', page)
                assert (address, page.count("<h1"), len(ids)) == (address, 1, len(set(ids)))
                assert " style=" not in page


def test_a_shot_opens_with_its_own_frames(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, film=True)
    shots = [PartSpec(PartLevel.SHOT, span, FrameRate(25)) for span in (Span(0, 10), Span(10, 75))]
    with shop.services.database.write() as session:
        set_parts(session, asset_id=shop.asset_id, level=PartLevel.SHOT, parts=shots, by=shop.seller, now=clock.now())
    client = client_for(shop.services, shop.make_buyer())

    page = client.get(f"/assets/{number_of(shop)}/offer?shot=0.4").text

    assert 'value="00:00:00:10"' in page
    assert 'value="00:00:03:00"' in page
    quote = get_quote_url(client, number_of(shop), **{"in": "00:00:00:10", "out": "00:00:03:00"})
    with shop.services.database.read() as session:
        assert session.exec(select(QuoteRow)).one().terms["segment"] == [10, 75]
    assert "00:00:00:10 to 00:00:03:00 (65 frames)" in client.get(quote).text


def desk_of(shop: Shop) -> TestClient:
    return client_for(shop.services, shop.seller)


def partner(shop: Shop) -> str:
    organisation_id = shop.make_buyer().organisation_id
    with shop.services.database.write() as session:
        house = session.get_one(PartyRow, organisation_id)
        house.name_zh = "合作方影业"
        return str(house.id)


def test_a_title_is_recorded_with_shares_that_sum_to_the_whole(shop: Shop) -> None:
    other = partner(shop)
    mine = str(shop.seller.organisation_id)
    form = {"state": "held", "party0": mine, "share0": "66.67", "party1": "合作方影业", "share1": "33.33",
            "instrument": "合拍协议", "digest": "A" * 64}  # fmt: skip

    answer = desk_of(shop).post(f"/rights/{number_of(shop)}/title", data=form)

    assert answer.status_code == 303
    with shop.services.database.read() as session:
        row = session.get_one(TitleRow, shop.asset_id)
        assert (row.shares, row.instrument, row.instrument_sha256) == (
            {mine: 6667, other: 3333}, "合拍协议", "a" * 64,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"share1": "33.32"}, "The shares sum to 99.99 %, not to 100 %."),
        ({"share1": "33.333"}, "One share above 0 % for each party"),
        ({"party1": "无此机构"}, "There is no organisation “无此机构”."),
        ({"digest": "abc"}, "A SHA-256 digest has 64 characters"),
        ({"state": "mine"}, "Please look at the marked fields."),
    ],
)
def test_a_wrong_title_changes_nothing_and_keeps_what_was_typed(shop: Shop, changed: dict[str, str], said: str) -> None:
    partner(shop)
    form = {"state": "held", "party0": str(shop.seller.organisation_id), "share0": "66.67", "party1": "合作方影业",
            "share1": "33.33", "instrument": "手写的合同"}  # fmt: skip

    answer = desk_of(shop).post(f"/rights/{number_of(shop)}/title", data=form | changed)

    assert (answer.status_code, said in answer.text, "手写的合同" in answer.text) == (422, True, True)
    with shop.services.database.read() as session:
        assert session.get_one(TitleRow, shop.asset_id).shares == {str(shop.seller.organisation_id): 10_000}


def test_a_price_list_is_offered_and_taken_back(shop: Shop) -> None:
    desk, number = desk_of(shop), number_of(shop)

    wrong = desk.post(f"/rights/{number}/listing", data={"use:press": "12.345", "floor": "7"})
    offered = desk.post(f"/rights/{number}/listing", data={"use:press": "12.34", "floor": ""})

    assert (wrong.status_code, 'value="12.345"' in wrong.text, offered.status_code) == (422, True, 303)
    with shop.services.database.read() as session:
        listing = listing_of(session, asset_id=shop.asset_id)
    assert listing is not None
    assert listing.prices == {
        "uses": {"press": 1234}, "floor": 0, "exclusive": False, "subject_to": False, "sublicensing_bps": 0,
    }  # fmt: skip
    assert 'value="12.34"' in desk.get(f"/rights/{number}").text
    assert desk.post(f"/rights/{number}/listing/close").status_code == 303
    with shop.services.database.read() as session:
        assert listing_of(session, asset_id=shop.asset_id) is None


def test_the_desk_of_another_house_sees_neither_title_nor_sales(shop: Shop) -> None:
    buy(shop, client_for(shop.services, shop.make_buyer()))
    with shop.services.database.write() as session:
        rival: Actor = make_actor(session, roles={Role.RIGHTS_DESK})
    client, number = client_for(shop.services, rival), number_of(shop)

    assert client.get(f"/rights/{number}").status_code == 403
    assert client.post(f"/rights/{number}/listing/close").status_code == 403
    assert "Nothing is sold yet." in client.get("/rights/sales").text
    assert "¥1,600.00" in desk_of(shop).get("/rights/sales").text


def test_the_seller_sees_the_licence_and_gets_no_file(shop: Shop) -> None:
    licence = buy(shop, client_for(shop.services, shop.make_buyer()))

    page = desk_of(shop).get(licence).text

    assert "/deliveries/" not in page
    assert f"{licence}/certificate.pdf" in page
    with shop.services.database.read() as session:
        found = get_licence(session, licence_id=session.exec(select(LicenceRow)).one().id, by=shop.seller)
    assert found.seller_id == shop.seller.organisation_id


def test_a_sub_licence_is_offered_ordered_and_shown_by_pages(shop: Shop) -> None:
    with shop.services.database.write() as session:
        prices = PRICES | {"sublicensing_bps": 15_000, "subject_to": True}
        publish_listing(session, asset_id=shop.asset_id, prices=prices, by=shop.seller, now=clock.now())
    studio, house, third = (shop.make_buyer() for _ in range(3))
    clients = [client_for(shop.services, one) for one in (studio, house, third)]
    above = buy(shop, clients[0], sublicense="on")
    today = beijing_date(clock.now())
    offered = {
        "house": str(house.organisation_id), "use": "streaming", "territory": "CN", "kind": "non_exclusive",
        "resolution": "1080", "start": today.isoformat(), "last_day": (today + timedelta(days=90)).isoformat(),
        "yuan": "300.50",
    }  # fmt: skip

    form = clients[0].get(f"{above}/sublicences").text
    beyond = clients[0].post(f"{above}/sublicences", data=offered | {"last_day": "2036-01-01"})
    unread = clients[0].post(f"{above}/sublicences", data=offered | {"yuan": "much"})
    made = clients[0].post(f"{above}/sublicences", data=offered)
    quote = made.headers["location"]
    listed, shown = clients[1].get("/sublicences").text, clients[1].get(quote).text
    order = clients[1].post(f"{quote}/order").headers["location"]
    licence = clients[1].post(f"{order}/pay").headers["location"]
    shop.services.run_jobs(threads=1)
    exclusive = clients[2].get(get_quote_url(clients[2], number_of(shop), kind="exclusive", subject_to="on")).text

    assert (beyond.status_code, unread.status_code, made.status_code) == (409, 422, 303)
    assert [word in form for word in ('value="540"', 'value="2160"', 'value="sole"')] == [True, False, False]
    assert all(word in beyond.text for word in ("It would give more than licence no. 1 grants.", 'value="300.50"'))
    assert all(word in listed for word in (f'href="{quote}"', "¥318.53"))
    for page in (shown, clients[1].get(licence).text):
        assert "licence no. 000001; when that one ends, this one ends" in page
    theirs = clients[0].get(above).text
    assert all(f'href="{link}"' in theirs for link in (licence, f"{above}/sublicences"))
    holder = client_for(shop.services, shop.seller).get(above).text
    assert ("000002" in holder, licence in holder, f"{above}/sublicences" in holder) == (True, False, False)
    assert all(number in exclusive for number in ("000001", "000002"))
