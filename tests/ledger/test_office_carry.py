"""The exchange's keys change while it carries on: on anvil, on PostgreSQL, amid orders and after a theft."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, select

from asset_hub.accounts import Actor, Role
from asset_hub.app import Services, open_home
from asset_hub.core import clock
from asset_hub.core.jobs import JobRow
from asset_hub.core.settings import Settings
from ledger.anvil import AnvilEngine
from ledger.carry import _queue, carry_round, sign_anew
from ledger.engine import sign_for
from ledger.entries import admit_organisation
from ledger.indexer import compare_with_shadow
from ledger.indexer.jobs import following_of
from ledger.key_errors import ChangeOpen
from ledger.key_models import OfficeKeyRow, RoleChangeRow
from ledger.models import EntryRow, JournalRow
from ledger.nonces import NonceRow, OutboxState, relay
from ledger.office_keys import CARRY_OUT_CHANGE, ChangeState, carry_out, rotate_key
from ledger.replay import verify_journal, verify_on_anvil
from ledger.settlements import OrderState
from ledger.signing import Office
from ledger.types import EntryKind, EntryState
from marketplace.orders import Order
from marketplace.settlement import SimulatedRail, pay_order
from marketplace.settling import accept_delivery, confirm_from_statement, follow_order
from tests.builders import make_actor, make_organisation
from tests.ledger.changes import (
    DELAY,
    address_of,
    announce,
    begin,
    carry_at,
    do_keys_and_chain_agree,
    reasons_of,
    state_of,
)
from tests.ledger.test_carry import entries_of, failed_jobs, outbox_of, verified
from tests.marketplace.shop import Shop, make_shop, make_terms
from tests.marketplace.test_settling import SlowBank, acts_of
from tests.marketplace.test_settling import state_of as order_state
from tests.services.anvil import require_anvil

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OTHERS = (Office.RELAYER, Office.OPERATOR, Office.CASHIER)


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[Services]:
    """A home on anvil that has nothing on the ledger yet."""
    require_anvil()
    services = open_home(Settings(home=tmp_path / "home", chain_url="anvil"))
    yield services
    services.chain.close()


def check_everything_agrees(services: Services) -> None:
    """The journal on two engines, the index, and who has which role."""
    with services.database.read() as session:
        assert verify_journal(session, services.keys).problems == ()
        assert verify_on_anvil(session, services.keys).problems == ()
    with following_of(services.database, services.chain.source) as followed:
        assert followed is not None
        assert compare_with_shadow(followed).differing == ()
    assert do_keys_and_chain_agree(services)


def nonces_of(services: Services, sender: bytes) -> list[int]:
    with services.database.read() as session:
        rows = select(JournalRow.nonce).where(JournalRow.sender == sender).order_by(col(JournalRow.number))
        return list(session.exec(rows))


def senders_of(services: Services, subject_id: UUID) -> list[bytes]:
    """Return who carried what was done to a subject."""
    with services.database.read() as session:
        rows = session.exec(
            select(JournalRow.sender)
            .join(EntryRow, col(EntryRow.tx_hash) == col(JournalRow.tx_hash))
            .where(EntryRow.subject_id == subject_id)
            .order_by(col(JournalRow.number))
        )
        return list(rows)


def test_every_key_changes_on_anvil_and_what_is_sold_afterwards_is_carried_by_the_new_ones(
    anvil: Services, tmp_path: Path
) -> None:
    long_ago, before = clock.now() - 9 * DAY, {office: address_of(anvil, office) for office in Office}
    begin(anvil, long_ago)
    [of_administrator] = announce(anvil, Office.ADMINISTRATOR, now=long_ago + HOUR)
    with anvil.database.write() as session:
        carry_out(session, change_id=of_administrator, now=long_ago + DELAY + 2 * HOUR)
    carry_at(anvil, long_ago + DELAY + 2 * HOUR)
    rest = announce(anvil, *OTHERS, now=long_ago + DELAY + 3 * HOUR)
    anvil.chain.close()

    shop = make_shop(tmp_path, chain_url="anvil")
    licence = shop.buy(shop.make_buyer(), make_terms())
    services = shop.services

    assert [state_of(services, change) for change in (of_administrator, *rest)] == [ChangeState.DONE] * 4
    assert failed_jobs(services) == []
    assert set(entries_of(services)) == {EntryState.CONFIRMED}
    assert set(outbox_of(services)) == {OutboxState.DONE}
    after = {office: address_of(services, office) for office in Office}
    assert not set(after.values()) & set(before.values())
    assert senders_of(services, licence.id)[-1] == after[Office.RELAYER]
    for carrier in (before[Office.RELAYER], after[Office.RELAYER], after[Office.ADMINISTRATOR]):
        used = nonces_of(services, carrier)
        assert used == list(range(len(used)))
        with services.database.read() as session:
            [row] = session.exec(select(NonceRow).where(NonceRow.sender == carrier))
        assert row.next == len(used) > 0
    report = verified(services, licence.id)
    assert report.is_valid, [check for check in report.checks if check.ok is False]
    check_everything_agrees(services)
    services.chain.close()


def pay_slowly(shop: Shop, buyer: Actor, use: str) -> Order:
    """Order and pay; the bank statement comes later."""
    order = shop.order(buyer, shop.quote(buyer, make_terms(uses=(use,))))
    with shop.services.database.write() as session:
        pay_order(session, shop.services.keys, SlowBank(), order_id=order.id, by=buyer, now=clock.now())
    return order


def test_orders_half_way_reach_their_end_when_both_payment_keys_change(tmp_path: Path) -> None:
    require_anvil()
    shop = make_shop(tmp_path, chain_url="anvil")
    services, buyer, start = shop.services, shop.make_buyer(), clock.now()
    attested = pay_slowly(shop, buyer, "streaming")
    services.run_jobs(threads=1)
    opened = shop.order(buyer, shop.quote(buyer, make_terms(uses=("satellite_tv",))))
    services.run_jobs(threads=1)
    old = {office: address_of(services, office).hex() for office in OTHERS}
    changes = announce(services, Office.OPERATOR, Office.CASHIER, now=start)
    due = start + DELAY + HOUR
    with services.database.write() as session:
        for change in changes:
            carry_out(session, change_id=change, now=due)
        clerk = make_actor(session, roles={Role.OPERATOR})
        confirm_from_statement(
            session, order_id=attested.id, amount=attested.gross, receipt="", by=clerk, now=clock.now()
        )
        follow_order(session, services.keys, order_id=attested.id, now=clock.now())
    with services.database.write() as session:
        pay_order(session, services.keys, SimulatedRail(), order_id=opened.id, by=buyer, now=clock.now())
        follow_order(session, services.keys, order_id=opened.id, now=clock.now())
    decided = named_in(services, EntryState.RECORDED)

    carry_at(services, due)
    services.run_jobs(threads=1)
    for order in (attested, opened):
        with services.database.write() as session:
            accept_delivery(session, order_id=order.id, by=buyer, now=clock.now())
    services.run_jobs(threads=1)

    assert decided == []  # an act names its keys when it is carried
    assert [state_of(services, change) for change in changes] == [ChangeState.DONE] * 2
    assert failed_jobs(services) == []
    assert [order_state(shop, order) for order in (attested, opened)] == [OrderState.CLOSED] * 2
    for order in (attested, opened):
        assert acts_of(shop, order) == [
            (act, "confirmed") for act in ("OpenOrder", "AttestPaid", "ConfirmPaid", "Deliver", "Accept", "Close")
        ]
    attesters = {address for named in named_in(services, EntryState.CONFIRMED) for address in named}
    assert attesters == {
        old[Office.OPERATOR], address_of(services, Office.OPERATOR).hex(), address_of(services, Office.CASHIER).hex(),
    }  # fmt: skip
    check_everything_agrees(services)
    services.chain.close()


def named_in(services: Services, state: EntryState) -> list[list[str]]:
    """Return the keys that the acts of orders name, of each act that names any."""
    with services.database.read() as session:
        rows = select(EntryRow).where(EntryRow.kind == EntryKind.ORDER, EntryRow.state == state)
        entries = session.exec(rows.order_by(col(EntryRow.number))).all()
    return [entry.args["addresses"] for entry in entries if entry.args.get("addresses")]


def test_a_stolen_relayers_key_does_not_hold_up_its_own_change_and_what_it_displaced_lands_once(
    anvil: Services,
) -> None:
    start = clock.now() - 5 * DAY
    begin(anvil, start)
    thief = anvil.keys.first.relayer
    with anvil.chain.opened(anvil.database) as engine:
        assert isinstance(engine, AnvilEngine)
        nonce = engine.nonce_of(thief.address)
        engine.send(
            [sign_for(thief, engine.terms, nonce=nonce, to=thief.address, data=b"", gas=30_000)], now=start + HOUR
        )
        with anvil.database.write() as session:
            house = make_organisation(session).id
            admit_organisation(session, anvil.keys, organisation_id=house, now=start + HOUR)
        carry_at(anvil, start + HOUR)
        engine.rpc.ask("evm_mine")
        carry_round(anvil.database, engine, anvil.keys, now=start + HOUR)
        displaced = outbox_of(anvil)[OutboxState.DISPLACED]

        [change] = announce(anvil, Office.RELAYER, now=start + 2 * HOUR)
        with anvil.database.write() as session:
            carry_out(session, change_id=change, now=start + DELAY + 3 * HOUR)
        carry_at(anvil, start + DELAY + 3 * HOUR)
        waiting = entries_of(anvil)[EntryState.RECORDED]
        signed = sign_anew(anvil.database, engine, anvil.keys)
        carry_at(anvil, start + DELAY + 4 * HOUR)

    assert (displaced, waiting, signed) == (1, 1, 1)
    assert state_of(anvil, change) == ChangeState.DONE
    assert set(entries_of(anvil)) == {EntryState.CONFIRMED}
    assert senders_of(anvil, house) == [address_of(anvil, Office.RELAYER)] != [thief.address]
    assert nonces_of(anvil, address_of(anvil, Office.RELAYER)) == [0]
    with anvil.database.read() as session:
        assert verify_journal(session, anvil.keys).problems == ()
    assert do_keys_and_chain_agree(anvil)


def test_what_came_too_early_for_the_chains_clock_waits_as_long_as_that_lacks_and_is_done(anvil: Services) -> None:
    start = clock.now() - 3 * DAY
    begin(anvil, start)
    [change] = announce(anvil, Office.RELAYER, now=start)
    early, due = start + DAY, start + DELAY + HOUR
    with anvil.database.write() as session:
        carry_out(session, change_id=change, now=due)
    carry_at(anvil, early)
    refused, standing = reasons_of(anvil), state_of(anvil, change)
    with anvil.database.read() as session:
        queued = [row.run_after for row in session.exec(select(JobRow).where(JobRow.name == CARRY_OUT_CHANGE))]
        ready = session.get_one(RoleChangeRow, change).ready_at
    anvil.run_jobs(threads=1)

    assert (refused, standing) == (["AccessManagerNotReady"], ChangeState.ANNOUNCED)
    assert ready is not None
    assert len(queued) == 2
    assert all(0 <= at.timestamp() - ready <= 120 for at in queued)
    assert state_of(anvil, change) == ChangeState.DONE
    with anvil.database.read() as session:
        gifts = [row for row in session.exec(select(EntryRow)) if row.args.get("act") == "Endow"]
        assert verify_on_anvil(session, anvil.keys).problems == ()
    assert len(gifts) == 1
    assert failed_jobs(anvil) == []


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_change_whose_block_was_there_before_its_journal_is_done_once(anvil: Services, is_forgotten: bool) -> None:
    start, due = clock.now() - 5 * DAY, clock.now() - 2 * DAY
    begin(anvil, start)
    before = address_of(anvil, Office.RELAYER)
    [change] = announce(anvil, Office.RELAYER, now=start)
    with anvil.database.write() as session:
        carry_out(session, change_id=change, now=due)
    with anvil.chain.opened(anvil.database) as engine:
        carry_round(anvil.database, engine, anvil.keys, now=due)  # what the new carrier pays with
        queued = _queue(anvil.database, engine, anvil.keys, due)
        final = relay(anvil.database, engine, now=due).final
    standing = state_of(anvil, change), address_of(anvil, Office.RELAYER), do_keys_and_chain_agree(anvil)
    if is_forgotten:
        anvil.chain.close()
    for _ in range(2):
        carry_at(anvil, due + HOUR)

    assert (queued, final, standing) == (1, 1, (ChangeState.ANNOUNCED, before, True))
    assert state_of(anvil, change) == ChangeState.DONE
    assert address_of(anvil, Office.RELAYER) != before
    assert set(outbox_of(anvil)) == {OutboxState.DONE}
    check_everything_agrees(anvil)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    """The same home on both databases, with something on its ledger nine days ago."""
    where = {"database_url": request.getfixturevalue("postgresql")} if request.param == "postgresql" else {}
    services = open_home(Settings(home=tmp_path / "home", **where))
    begin(services, clock.now() - 9 * DAY)
    yield services
    services.database.dispose()


def test_every_key_changes_on_both_databases(home: Services) -> None:
    at, before = clock.now() - 8 * DAY, {address_of(home, office) for office in Office}
    [first] = announce(home, Office.ADMINISTRATOR, now=at)
    at += DELAY + HOUR
    with home.database.write() as session:
        carry_out(session, change_id=first, now=at)
    carry_at(home, at)
    announce(home, *OTHERS, now=at)
    home.run_jobs(threads=2)

    assert not before & {address_of(home, office) for office in Office}
    assert do_keys_and_chain_agree(home)
    assert failed_jobs(home) == []
    with home.database.read() as session:
        assert {row.state for row in session.exec(select(RoleChangeRow))} == {ChangeState.DONE}
        assert verify_journal(session, home.keys).problems == ()


def test_of_many_who_change_one_key_at_once_one_does(home: Services) -> None:
    with home.database.write() as session:
        operators = [make_actor(session, roles={Role.OPERATOR}) for _ in range(6)]
    gate, outcomes = threading.Barrier(len(operators)), list[object]()

    def rotate(by: Actor) -> None:
        gate.wait()
        try:
            with home.database.write() as session:
                outcomes.append(
                    rotate_key(session, home.keys, office=Office.OPERATOR, reason="x", by=by, now=clock.now())
                )
        except ChangeOpen as error:
            outcomes.append(error)

    threads = [threading.Thread(target=rotate, args=(by,)) for by in operators]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == len(operators)
    assert sum(isinstance(outcome, ChangeOpen) for outcome in outcomes) == len(operators) - 1
    with home.database.read() as reading:
        assert len(reading.exec(select(RoleChangeRow)).all()) == 1
        assert len(reading.exec(select(OfficeKeyRow)).all()) == len(Office) + 1
