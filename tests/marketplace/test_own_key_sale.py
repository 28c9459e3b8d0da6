"""Houses that keep their own keys trade: licence and order wait for their signatures, then go the whole way."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor, Role, party_names, require_organisation
from asset_hub.accounts.models import PartyRow
from asset_hub.catalogue.models import AssetRow
from asset_hub.core import clock
from asset_hub.core.events import emit
from asset_hub.core.files import read_blob
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import JobRow, JobState
from ledger.codebook import GrantKind
from ledger.events import EntryConfirmed
from ledger.house_keys import add_key, keeps_own_keys
from ledger.key_errors import KeyMissing
from ledger.key_models import KeyRow
from ledger.order_models import SettlementRow
from ledger.orders import order_on_ledger
from ledger.pending import lapse_unsigned, list_pending
from ledger.settlements import OrderState as State
from ledger.signing import Key
from ledger.types import EntryKind
from marketplace.licences import LicenceState, get_licence
from marketplace.listings import publish_listing
from marketplace.models import LicenceRow
from marketplace.orders import Order, cancel_order
from marketplace.settling import accept_delivery, follow_overdue, try_again
from tests.builders import make_actor
from tests.ledger.houses import carry_out
from tests.ledger.test_house_keys import sign
from tests.marketplace.shop import PRICES, Shop, make_shop, make_terms
from tests.marketplace.test_settling import acts_of, state_of
from tests.marketplace.test_sublicences import offer
from tests.web.pages import client_for

SELLER, BUYER = Key(b"\x07" * 32), Key(b"\x08" * 32)
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = make_shop(tmp_path_factory.mktemp("own"))
    keep_key(made, made.seller, SELLER)
    return made


def keep_key(shop: Shop, who: Actor, key: Key) -> None:
    with shop.services.database.write() as session:
        add_key(session, address=key.address, by=who, now=clock.now())
    assert [sign_all(shop, who, key), sign_all(shop, who, key)] == [["key"], ["key"]]
    with shop.services.database.read() as session:
        assert keeps_own_keys(session, organisation_id=require_organisation(who))


def sign_all(shop: Shop, who: Actor, key: Key) -> list[str]:
    """Sign by the API what waits for a house, and let the jobs run; return what it was."""
    client = client_for(shop.services, who)
    asked = client.get("/api/v1/signatures").json()["pending"]
    with shop.services.database.write() as session:
        waiting = {str(one.id): one for one in list_pending(session, by=who, now=clock.now())}
    for one in asked:
        signature = sign(key, waiting[one["id"]]).hex()
        assert client.post(f"/api/v1/signatures/{one['id']}", json={"signature": signature}).status_code == 200
    carry_out(shop.services)
    return sorted(one["kind"] for one in asked)


def lapse(shop: Shop, who: Actor, order: Order) -> datetime:
    """Let the time to sign an act of an order pass; return when that is."""
    with shop.services.database.write() as session:
        (one,) = [one for one in list_pending(session, by=who, now=clock.now()) if one.kind == "order"]
        over = one.deadline + timedelta(seconds=1)
        lapse_unsigned(session, entry_id=one.entry_id, now=over)
    shop.services.run_jobs(threads=1)
    return over


def ledger_of(shop: Shop, buyer: Actor, order: Order) -> dict[str, Any]:
    facts: dict[str, Any] = client_for(shop.services, buyer).get(f"/api/v1/orders/{order.id}").json()["ledger"]
    return facts


def test_a_sale_waits_for_the_sellers_signatures_and_goes_the_whole_way(shop: Shop) -> None:
    buyer = shop.make_buyer()
    order = shop.order(buyer, shop.quote(buyer, make_terms()))
    bought = shop.pay(buyer, order)
    shop.services.run_jobs(threads=1)
    with shop.services.database.read() as session:
        before = get_licence(session, licence_id=bought.id, by=buyer)
    waits = ledger_of(shop, buyer, order)
    with shop.services.database.write() as session:
        (said,) = [one.said for one in list_pending(session, by=shop.seller, now=clock.now()) if one.kind == "order"]

    signed = [sign_all(shop, shop.seller, SELLER), sign_all(shop, shop.seller, SELLER)]

    with shop.services.database.read() as session:
        after = get_licence(session, licence_id=bought.id, by=buyer)
        failed = session.exec(select(JobRow.name).where(JobRow.state == JobState.FAILED)).all()
    assert (before.state, after.state) == (LicenceState.RECORDED, LicenceState.DELIVERED)
    assert (waits["state"], waits["is_waiting"], waits["steps"][0]["state"]) == ("none", True, "unsigned")
    assert waits["unsigned_by"] == [str(shop.seller.organisation_id)]
    assert f"订立订单 {order.id}" in said.zh
    assert str(order.gross) in said.en
    assert (signed, list(failed)) == ([["grant", "order"], ["order"]], [])
    acts = ("OpenOrder", "AttestPaid", "ConfirmPaid", "Deliver")
    assert acts_of(shop, order) == [(act, "confirmed") for act in acts]
    certificate = read_blob(shop.services.files, str(after.certificate_sha256)).decode()
    assert "许可方成员自管密钥；被许可方平台托管" in certificate


def test_an_order_that_a_house_did_not_sign_is_opened_when_it_is_asked_again(shop: Shop) -> None:
    buyer = shop.make_buyer()
    order = shop.order(buyer, shop.quote(buyer, make_terms()))
    shop.services.run_jobs(threads=1)
    over = lapse(shop, shop.seller, order)
    with shop.services.database.write() as session:
        pay_by = session.get_one(SettlementRow, order.id).due
        operator = make_actor(session, roles={Role.OPERATOR})
    lapsed, desk = ledger_of(shop, buyer, order), client_for(shop.services, operator)
    said = desk.get("/settlements").text

    asked = desk.post(f"/settlements/{order.id}/retry").status_code
    signed = sign_all(shop, shop.seller, SELLER)

    assert over.timestamp() == pay_by
    assert (lapsed["state"], lapsed["steps"][0]["reason"], lapsed["is_waiting"]) == ("none", "SignatureMissing", False)
    assert lapsed["is_lapsed"]
    assert "not signed in time" in said
    assert (asked, signed, state_of(shop, order)) == (303, ["order"], State.OPENED)
    assert acts_of(shop, order) == [("OpenOrder", "refused"), ("OpenOrder", "confirmed")]


def test_an_acceptance_that_the_buyer_does_not_sign_is_no_answer(shop: Shop) -> None:
    with shop.services.database.write() as session:
        buyer = make_actor(session, roles={Role.PRODUCER, Role.RIGHTS_DESK})
    order = shop.order(buyer, shop.quote(buyer, make_terms()))
    shop.pay(buyer, order)
    shop.services.run_jobs(threads=1)
    sign_all(shop, shop.seller, SELLER)
    sign_all(shop, shop.seller, SELLER)
    keep_key(shop, buyer, BUYER)
    with shop.services.database.write() as session:
        accept_delivery(session, order_id=order.id, by=buyer, now=clock.now())
    shop.services.run_jobs(threads=1)
    waits = acts_of(shop, order)[-1]
    over = lapse(shop, buyer, order)
    with shop.services.database.read() as session:
        due = session.get_one(SettlementRow, order.id).due

    after = []
    for moment in (due - 1, due + 1):
        with shop.services.database.write() as session:
            follow_overdue(session, shop.services.keys, now=datetime.fromtimestamp(moment, over.tzinfo))
        after.append(acts_of(shop, order)[-1])

    assert waits == ("Accept", "unsigned")
    assert after == [("Accept", "refused"), ("Close", "recorded")]
    with shop.services.database.read() as session:
        held = order_on_ledger(session, shop.services.keys, order_id=order.id)
        licence = session.exec(select(LicenceRow.state).where(LicenceRow.order_id == order.id)).one()
    assert held is not None
    assert (held.state, held.is_waiting, held.is_stuck, licence) == (State.DELIVERED, True, False, "delivered")


def key_ends(shop: Shop, at: datetime | None) -> None:
    """Let the seller's own key be valid until then."""
    with shop.services.database.write() as session:
        key = session.get_one(KeyRow, (require_organisation(shop.seller), SELLER.address))
        key.valid_until = int(at.timestamp()) if at else None


def test_an_order_placed_while_a_key_is_over_is_opened_when_the_house_has_one_again(shop: Shop) -> None:
    buyer, now = shop.make_buyer(), clock.now()
    key_ends(shop, now - timedelta(days=1))
    orders = [shop.order(buyer, shop.quote(buyer, make_terms(years=years))) for years in (5, 6)]
    with shop.services.database.write() as session:
        cancel_order(session, order_id=orders[1].id, by=buyer)
        operator = make_actor(session, roles={Role.OPERATOR})
    shop.services.run_jobs(threads=1)
    skipped = acts_of(shop, orders[0])
    with pytest.raises(KeyMissing), shop.services.database.write() as session:
        try_again(session, shop.services.keys, order_id=orders[0].id, by=operator, now=now)

    key_ends(shop, None)
    with shop.services.database.write() as session:
        emit(session, EntryConfirmed(new_id(), require_organisation(shop.seller), EntryKind.KEY))
    shop.services.run_jobs(threads=1)

    assert (skipped, acts_of(shop, orders[0])) == ([], [("OpenOrder", "unsigned")])
    assert sign_all(shop, shop.seller, SELLER) == ["order"]
    assert (state_of(shop, orders[0]), acts_of(shop, orders[1])) == (State.OPENED, [])


def test_an_operator_may_try_again_what_was_never_recorded(shop: Shop) -> None:
    """One order that was never taken to the ledger, one whose acceptance was not."""
    buyer = shop.make_buyer()
    with shop.services.database.write() as session:
        operator = make_actor(session, roles={Role.OPERATOR})
    sold = shop.order(buyer, shop.quote(buyer, make_terms()))
    shop.pay(buyer, sold)
    shop.services.run_jobs(threads=1)
    sign_all(shop, shop.seller, SELLER)
    sign_all(shop, shop.seller, SELLER)
    key_ends(shop, clock.now() - timedelta(days=1))
    new = shop.order(buyer, shop.quote(buyer, make_terms(years=6)))
    with shop.services.database.write() as session:
        accept_delivery(session, order_id=sold.id, by=buyer, now=clock.now())
    shop.services.run_jobs(threads=1)
    before = (acts_of(shop, sold)[-1], acts_of(shop, new))
    key_ends(shop, None)

    for order in (sold, new, new):
        with shop.services.database.write() as session:
            try_again(session, shop.services.keys, order_id=order.id, by=operator, now=clock.now())
    shop.services.run_jobs(threads=1)

    assert before == (("Deliver", "confirmed"), [])
    assert (state_of(shop, sold), acts_of(shop, new)) == (State.CLOSED, [("OpenOrder", "unsigned")])
    assert sign_all(shop, shop.seller, SELLER) == ["order"]


def test_what_is_said_of_keys_is_true_of_each_house(shop: Shop) -> None:
    buyer = shop.make_buyer()
    with shop.services.database.write() as session:
        operator, number = make_actor(session, roles={Role.OPERATOR}), session.get_one(AssetRow, shop.asset_id).number
    order = shop.order(buyer, shop.quote(buyer, make_terms()))
    shop.services.run_jobs(threads=1)
    desk, bought = client_for(shop.services, operator), client_for(shop.services, buyer)
    facts = [one.get("/api/v1/ledger").json() for one in (desk, bought)]
    pages = [one.get("/ledger").text for one in (desk, bought)]
    trail = bought.get(f"/assets/{number}/ledger").text
    lapse(shop, shop.seller, order)

    with shop.services.database.read() as session:
        names = party_names(session, organisation_ids={require_organisation(shop.seller)}, language="en")
    (name,), seller = names.values(), str(shop.seller.organisation_id)
    assert [one["unsigned"]["count"] for one in facts] == [1, 1]
    assert ([one["id"] for one in facts[0]["unsigned"]["houses"]], "houses" in facts[1]["unsigned"]) == (
        [seller],
        False,
    )
    assert facts[0]["custody"]["own"] >= 1
    assert facts[0]["custody"]["custody"] >= 1
    assert all("signature of a house with its own key: 1; the oldest for 0 h." in one for one in pages)
    assert [f"Missing: {name}." in one for one in pages] == [True, False]
    assert "Keys of the holder: kept by the house itself" in trail
    assert "平台托管" not in trail
    assert bought.get(f"/api/v1/assets/{number}/provenance").json()["custody"] == {seller: "own"}


def test_a_house_with_its_own_key_is_told_of_the_licences_that_its_act_depends_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    own = make_shop(tmp_path_factory.mktemp("on"))
    studio, buyer, house = own.make_buyer(), own.make_buyer(), own.seller.organisation_id
    prices = PRICES | {"sublicensing_bps": 15_000, "subject_to": True}
    with own.services.database.write() as session:
        publish_listing(session, asset_id=own.asset_id, prices=prices, by=own.seller, now=clock.now())
        producer = make_actor(session, roles={Role.PRODUCER}, organisation=session.get_one(PartyRow, house))
    above = own.buy(studio, make_terms(may_sublicense=True))
    keep_key(own, own.seller, SELLER)

    back = offer(own, above, by=studio, to=producer)
    given = own.buy_from(producer, back)
    said_of_sub = sign_grant(own)
    exclusive = own.buy(buyer, make_terms(kind=GrantKind.EXCLUSIVE, subject_to=()))
    said_of_exclusive = sign_grant(own)

    assert "；系第 1 号许可项下的转授权。" in said_of_sub
    assert "；附在先许可：第 1、2 号。" in said_of_exclusive
    with own.services.database.read() as reading:
        states = [
            get_licence(reading, licence_id=one.id, by=by).state for one, by in ((given, producer), (exclusive, buyer))
        ]
    assert states == [LicenceState.DELIVERED] * 2


def sign_grant(shop: Shop) -> str:
    """Sign all that waits for the seller, a licence among it; return how that licence is said."""
    with shop.services.database.write() as session:
        (said,) = [one.said.zh for one in list_pending(session, by=shop.seller, now=clock.now()) if one.kind == "grant"]
    sign_all(shop, shop.seller, SELLER)
    sign_all(shop, shop.seller, SELLER)
    return said
