"""Orders on SettlementLedger: followed act by act, from opening to their end, without holding the buyer up."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from asset_hub.accounts import Actor, Role
from asset_hub.catalogue.models import AssetRow
from asset_hub.core import clock
from asset_hub.core.errors import Forbidden
from asset_hub.core.money import Money
from ledger.models import EntryRow
from ledger.orders import order_on_ledger, steps_of_orders, unsettled_orders
from ledger.replay import verify_journal
from ledger.settlements import OrderState as State
from ledger.types import EntryKind
from marketplace.errors import NothingToConfirm, NothingToRefund, OrderNotFound
from marketplace.licences import note_refused
from marketplace.models import LicenceRow, OrderRow
from marketplace.orders import Order, OrderState, cancel_order
from marketplace.settlement import Attestation, SimulatedRail, pay_back, pay_order
from marketplace.settling import accept_delivery, confirm_from_statement, follow_order, follow_overdue, try_again
from tests.builders import make_actor
from tests.marketplace.shop import Shop, make_shop, make_terms
from tests.web.pages import client_for

LATER = timedelta(days=9)


class SlowBank(SimulatedRail):
    """A rail whose bank statement comes later."""

    def statement(self, order: Order) -> Attestation | None:
        return None


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make_shop(tmp_path)


def acts_of(shop: Shop, order: Order) -> list[tuple[str, str]]:
    with shop.services.database.read() as session:
        rows = session.exec(
            select(EntryRow)
            .where(EntryRow.subject_id == order.id, EntryRow.kind == EntryKind.ORDER)
            .order_by(col(EntryRow.number))
        )
        return [(row.args["act"], row.state) for row in rows]


def state_of(shop: Shop, order: Order) -> State:
    with shop.services.database.read() as session:
        found = order_on_ledger(session, shop.services.keys, order_id=order.id)
    assert found is not None
    return found.state


def stays(shop: Shop, order: Order) -> int:
    with shop.services.database.read() as session:
        found = order_on_ledger(session, shop.services.keys, order_id=order.id)
    assert found is not None
    return found.stays_fen


def placed(shop: Shop) -> tuple[Actor, Order]:
    buyer = shop.make_buyer()
    return buyer, shop.order(buyer, shop.quote(buyer, make_terms()))


def follow(shop: Shop, order: Order, after: timedelta) -> None:
    with shop.services.database.write() as session:
        follow_order(session, shop.services.keys, order_id=order.id, now=clock.now() + after)


def overdue(shop: Shop, after: timedelta) -> int:
    with shop.services.database.write() as session:
        return follow_overdue(session, shop.services.keys, now=clock.now() + after)


def operator(shop: Shop) -> Actor:
    with shop.services.database.write() as session:
        return make_actor(session, roles={Role.OPERATOR})


def test_a_sale_is_opened_paid_twice_attested_and_delivered(shop: Shop) -> None:
    buyer, order = placed(shop)
    before = acts_of(shop, order)

    shop.pay(buyer, order)
    shop.services.run_jobs(threads=1)

    assert before == []  # placing waited for nothing
    assert acts_of(shop, order) == [
        (act, "confirmed") for act in ("OpenOrder", "AttestPaid", "ConfirmPaid", "Deliver")
    ]  # fmt: skip
    assert state_of(shop, order) == State.DELIVERED
    assert stays(shop, order) == order.gross.fen


def test_what_the_buyer_accepts_is_closed(shop: Shop) -> None:
    buyer, order = placed(shop)
    shop.pay(buyer, order)
    shop.services.run_jobs(threads=1)

    with shop.services.database.write() as session:
        accept_delivery(session, order_id=order.id, by=buyer, now=clock.now())
    shop.services.run_jobs(threads=1)

    assert acts_of(shop, order)[-2:] == [("Accept", "confirmed"), ("Close", "confirmed")]
    assert state_of(shop, order) == State.CLOSED
    with shop.services.database.read() as session:
        assert verify_journal(session, shop.services.keys).problems == ()


def test_a_delivery_without_an_answer_is_closed_after_its_term(shop: Shop) -> None:
    buyer, order = placed(shop)
    shop.pay(buyer, order)
    shop.services.run_jobs(threads=1)

    counts = [overdue(shop, after) for after in (timedelta(days=6), LATER, LATER)]

    assert counts == [0, 1, 0]
    assert acts_of(shop, order)[4:] == [("Close", "recorded")]


def test_an_order_that_nobody_pays_expires(shop: Shop) -> None:
    _buyer, order = placed(shop)
    shop.services.run_jobs(threads=1)
    opened = state_of(shop, order)

    counts = [overdue(shop, after) for after in (timedelta(hours=1), LATER, LATER)]

    assert (opened, counts) == (State.OPENED, [0, 1, 0])
    assert acts_of(shop, order)[1:] == [("Expire", "recorded")]
    with shop.services.database.read() as session:
        assert session.get_one(OrderRow, order.id).state == OrderState.LAPSED


def test_an_order_taken_back_before_the_ledger_had_it_never_goes_there(shop: Shop) -> None:
    buyer, order = placed(shop)

    with shop.services.database.write() as session:
        cancel_order(session, order_id=order.id, by=buyer)
    shop.services.run_jobs(threads=1)

    assert acts_of(shop, order) == []


def test_a_statement_that_shows_another_amount_contests_the_payment_until_one_agrees(shop: Shop) -> None:
    buyer, order = placed(shop)
    clerk = operator(shop)
    with shop.services.database.write() as session:
        pay_order(session, shop.services.keys, SlowBank(), order_id=order.id, by=buyer, now=clock.now())
    shop.services.run_jobs(threads=1)
    attested = state_of(shop, order)

    def say(amount: Money, receipt: str = "") -> State:
        with shop.services.database.write() as session:
            confirm_from_statement(
                session, order_id=order.id, amount=amount, receipt=receipt, by=clerk, now=clock.now()
            )
        shop.services.run_jobs(threads=1)
        return state_of(shop, order)

    assert attested == State.ATTESTED
    assert say(order.gross - Money(1)) == State.CONTESTED
    assert say(order.gross, "another receipt") == State.CONTESTED
    assert say(order.gross) == State.DELIVERED  # confirmed, and the delivery that waited follows
    assert [act for act, _ in acts_of(shop, order)] == [
        "OpenOrder", "AttestPaid", "ConfirmPaid", "ConfirmPaid", "ConfirmPaid", "Deliver",
    ]  # fmt: skip


def test_only_an_operator_says_what_the_statement_shows(shop: Shop) -> None:
    buyer, order = placed(shop)
    clerk = operator(shop)

    with shop.services.database.write() as session:
        with pytest.raises(Forbidden):
            confirm_from_statement(
                session, order_id=order.id, amount=order.gross, receipt="", by=buyer, now=clock.now()
            )
        with pytest.raises(NothingToConfirm):
            confirm_from_statement(
                session, order_id=order.id, amount=order.gross, receipt="", by=clerk, now=clock.now()
            )
        with pytest.raises(OrderNotFound):
            accept_delivery(session, order_id=order.id, by=shop.seller, now=clock.now())

    with shop.services.database.read() as session:
        assert session.get_one(OrderRow, order.id).seen is None


def test_a_price_that_went_back_is_attested_by_both_keys_and_the_order_closed(shop: Shop) -> None:
    buyer, order = placed(shop)
    clerk = operator(shop)
    with shop.services.database.write() as session:
        licence = pay_order(session, shop.services.keys, SimulatedRail(), order_id=order.id, by=buyer, now=clock.now())
        with pytest.raises(NothingToRefund):
            pay_back(session, SimulatedRail(), order_id=order.id, by=clerk, now=clock.now())
        session.get_one(LicenceRow, licence.id).state = "recorded"
        note_refused(session, licence_id=licence.id)

    with shop.services.database.write() as session:
        pay_back(session, SimulatedRail(), order_id=order.id, by=clerk, now=clock.now())
    shop.services.run_jobs(threads=1)

    assert [act for act, state in acts_of(shop, order) if state == "confirmed"] == [
        "OpenOrder", "AttestPaid", "ConfirmPaid", "AttestRefunded", "CloseTogether",
    ]  # fmt: skip
    assert state_of(shop, order) == State.CLOSED
    assert stays(shop, order) == 0


def test_one_receipt_pays_one_order(shop: Shop) -> None:
    class OneReceipt(SimulatedRail):
        def attest(self, order: Order) -> Attestation:
            return replace(super().attest(order), receipt="the same receipt")

    buyer = shop.make_buyer()
    orders = [shop.order(buyer, shop.quote(buyer, make_terms(uses=(use,)))) for use in ("streaming", "satellite_tv")]
    for order in orders:
        with shop.services.database.write() as session:
            pay_order(session, shop.services.keys, OneReceipt(), order_id=order.id, by=buyer, now=clock.now())
        shop.services.run_jobs(threads=1)

    follow(shop, orders[1], LATER)
    with shop.services.database.read() as reading:
        waiting = unsettled_orders(reading, shop.services.keys)
        (step,) = steps_of_orders(reading, order_ids=[orders[1].id])[orders[1].id][1:]

    assert [state_of(shop, order) for order in orders] == [State.DELIVERED, State.OPENED]
    assert [(one.id, one.is_stuck) for one in waiting] == [(orders[1].id, True)]
    assert (step.act, step.state, str(step.reason).split("(")[0]) == ("AttestPaid", "refused", "ReceiptTaken")


def test_what_the_ledger_refused_is_tried_again_by_an_operator_only(shop: Shop) -> None:
    buyer, order = placed(shop)
    clerk = operator(shop)
    shop.services.run_jobs(threads=1)
    with shop.services.database.write() as session:
        entry = session.exec(select(EntryRow).where(EntryRow.subject_id == order.id)).one()
        entry.state = "refused"
    shop.pay(buyer, order)
    shop.services.run_jobs(threads=1)
    before = acts_of(shop, order)

    with shop.services.database.write() as session:
        with pytest.raises(Forbidden):
            try_again(session, shop.services.keys, order_id=order.id, by=buyer, now=clock.now())
        try_again(session, shop.services.keys, order_id=order.id, by=clerk, now=clock.now())
    shop.services.run_jobs(threads=1)

    assert before == [("OpenOrder", "refused")]
    assert state_of(shop, order) == State.DELIVERED


def test_the_pages_show_how_the_ledger_has_an_order(shop: Shop) -> None:
    buyer, order = placed(shop)
    shop.pay(buyer, order)
    shop.services.run_jobs(threads=1)
    with shop.services.database.read() as session:
        number = session.get_one(AssetRow, shop.asset_id).number
    bought, sold = client_for(shop.services, buyer), client_for(shop.services, shop.seller)

    page = bought.get(f"/orders/{order.id}")
    accepted = bought.post(f"/orders/{order.id}/accept")
    shop.services.run_jobs(threads=1)
    facts = bought.get(f"/api/v1/orders/{order.id}").json()
    trails = [one.get(f"/assets/{number}/ledger").text for one in (bought, sold)]
    stranger = client_for(shop.services, shop.make_buyer()).get(f"/assets/{number}/ledger").text

    for words in ("Opened by buyer and seller", "Second key", "Handed over by the seller", "Accept the delivery"):
        assert words in page.text
    assert accepted.status_code == 303
    assert facts["ledger"]["state"] == "closed"
    assert [one["act"] for one in facts["ledger"]["steps"]][-2:] == ["Accept", "Close"]
    assert all(one["transaction"] for one in facts["ledger"]["steps"])
    assert all("Orders of this work" in one and "Accepted by the buyer" in one for one in trails)
    assert "Orders of this work" not in stranger
    assert "Accept the delivery" not in bought.get(f"/orders/{order.id}").text


def test_the_desk_of_payments_shows_what_is_contested_until_a_look_agrees(shop: Shop) -> None:
    buyer, order = placed(shop)
    with shop.services.database.write() as session:
        pay_order(session, shop.services.keys, SlowBank(), order_id=order.id, by=buyer, now=clock.now())
    shop.services.run_jobs(threads=1)
    desk = client_for(shop.services, operator(shop))

    def say(amount: str) -> tuple[int, str]:
        answer = desk.post(f"/settlements/{order.id}/statement", data={"amount": amount, "receipt": ""})
        shop.services.run_jobs(threads=1)
        return answer.status_code, desk.get("/settlements").text

    nonsense, _ = say("<b>1e9</b>")
    wrong, contested = say("1.00")
    right, settled = say(f"¥{order.gross.fen // 100:,}.{order.gross.fen % 100:02d}")

    assert (nonsense, wrong, right) == (422, 303, 303)
    assert "Payment contested: the two keys saw different things" in contested
    assert "Every payment is confirmed by both keys" in settled
