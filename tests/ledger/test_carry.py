"""The product records on anvil and on a real network: order, entry, final block, certificate that verifies offline."""

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col, func, select

from asset_hub.accounts import Role, require_organisation
from asset_hub.app import Services, open_home
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.files import read_blob
from asset_hub.core.jobs import JobRow, JobState
from asset_hub.core.settings import Settings
from ledger.anvil import running_anvil
from ledger.carry import _queue, carry_round, sign_anew
from ledger.certificates import trust_file
from ledger.chain import CHAIN_ID
from ledger.engine import sign_for
from ledger.entries import record_entry
from ledger.errors import ChainUnavailable, ProofMissing, WrongChain
from ledger.health import Lack, describe_health, read_health
from ledger.indexer import compare_with_shadow
from ledger.indexer.jobs import following_of
from ledger.journal import prove_receipt
from ledger.models import BlockRow, EntryRow, JournalRow
from ledger.nonces import OutboxRow, OutboxState
from ledger.office_keys import ChangeState, carry_out, withdraw_change
from ledger.replay import verify_journal, verify_on_anvil
from ledger.rpc import Rpc
from ledger.signing import Keys, Office
from ledger.sites import chain_name
from ledger.submit import endowed_accounts
from ledger.types import EntryKind, EntryState
from ledger.verifier import Report, verify_certificate
from marketplace.models import LicenceRow
from tests.builders import make_actor
from tests.drill import grown
from tests.ledger.changes import (
    DELAY,
    address_of,
    decide_rotation,
    do_keys_and_chain_agree,
    reasons_of,
    state_of,
)
from tests.marketplace.shop import Shop, make_shop, make_terms
from tests.services.anvil import require_anvil
from tests.services.geth import Network, require_geth, running_network

SECRET = "a secret of the home whose ledger is a network"
DEPTH, NETWORK_ID = 1, 77_003
ORDERS = grown(2, 10)
LONGEST_S = grown(90, 300)  # on a network one entry waits for the one before to be final


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    require_geth()
    endowed = endowed_accounts(Keys(SECRET.encode()))
    with running_network(tmp_path_factory.mktemp("network"), endowed=endowed, chain_id=NETWORK_ID) as running:
        yield running


@pytest.fixture(scope="module")
def shop(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    url = f"{','.join(network.urls)}#finality=depth:{DEPTH}&gas_price=1"
    opened = make_shop(tmp_path_factory.mktemp("shop"), chain_url=url, secret_key=SECRET)
    work_until(opened.services, lambda: is_settled(opened.services))
    return opened


def entries_of(services: Services) -> dict[str, int]:
    """Return how many entries are in which state, but for changes of roles that were to be refused."""
    wanted = sa.or_(col(EntryRow.kind) != EntryKind.ROLE, col(EntryRow.state) != EntryState.REFUSED)
    with services.database.read() as session:
        found = session.exec(select(EntryRow.state, func.count()).where(wanted).group_by(EntryRow.state)).all()
    return dict(found)


def failed_jobs(services: Services) -> list[str]:
    with services.database.read() as session:
        return [f"{row.name}: {row.error}" for row in session.exec(select(JobRow)) if row.state == JobState.FAILED]


def is_settled(services: Services) -> bool:
    """Say whether nothing is on its way, neither an entry nor a job that is due within the hour."""
    soon = clock.now() + timedelta(hours=1)
    with services.database.read() as session:
        open_states = (JobState.QUEUED, JobState.RUNNING)
        rows = session.exec(select(JobRow).where(JobRow.run_after < soon))
        waiting = [row.name for row in rows if row.state in open_states]
    return not waiting and EntryState.RECORDED not in entries_of(services)


def work_until(services: Services, is_reached: Callable[[], bool]) -> None:
    until = time.monotonic() + LONGEST_S
    while not is_reached():
        assert time.monotonic() < until, (entries_of(services), failed_jobs(services))
        services.run_jobs(threads=1)
        time.sleep(0.1)


def verified(services: Services, licence_id: object) -> Report:
    with services.database.read() as session:
        row = session.exec(select(LicenceRow).where(LicenceRow.id == licence_id)).one()
        trust = trust_file(session, services.keys, issuer_name="asset_hub")
    assert row.certificate_sha256 is not None
    certificate = read_blob(services.files, row.certificate_sha256)
    return verify_certificate(certificate, media=None, trust=trust, status=None, today=beijing_date(clock.now()))


@pytest.fixture
def anvil_shop(tmp_path: Path) -> Iterator[Shop]:
    require_anvil()
    opened = make_shop(tmp_path, chain_url="anvil")
    yield opened
    opened.services.chain.close()


@pytest.mark.postgresql
def test_the_licence_path_runs_on_anvil_beside_postgresql(postgresql: str, tmp_path: Path) -> None:
    require_anvil()
    shop = make_shop(tmp_path, chain_url="anvil", database_url=postgresql)
    licence = shop.buy(shop.make_buyer(), make_terms())
    shop.services.chain.close()

    assert failed_jobs(shop.services) == []
    assert verified(shop.services, licence.id).is_valid
    with shop.services.database.read() as session:
        assert verify_journal(session, shop.services.keys).problems == ()
    shop.services.database.dispose()


def outbox_of(services: Services) -> Counter[str]:
    with services.database.read() as session:
        return Counter(session.exec(select(OutboxRow.state)).all())


def test_the_licence_path_runs_on_anvil(anvil_shop: Shop) -> None:
    services = anvil_shop.services

    licence = anvil_shop.buy(anvil_shop.make_buyer(), make_terms())

    assert failed_jobs(services) == []
    assert set(entries_of(services)) == {EntryState.CONFIRMED}
    assert set(outbox_of(services)) == {OutboxState.DONE}
    report = verified(services, licence.id)
    assert report.is_valid, [check for check in report.checks if check.ok is False]
    with services.database.read() as session:
        assert verify_journal(session, services.keys).problems == ()
        assert verify_on_anvil(session, services.keys).problems == ()
        with following_of(services.database, services.chain.source) as followed:
            assert followed is not None
            assert compare_with_shadow(followed).differing == ()


def test_an_anvil_that_forgot_is_filled_again_and_goes_on(anvil_shop: Shop) -> None:
    services, terms = anvil_shop.services, make_terms()
    first = anvil_shop.buy(anvil_shop.make_buyer(), terms)
    services.chain.close()

    second = anvil_shop.buy(anvil_shop.make_buyer(), terms)

    assert set(entries_of(services)) == {EntryState.CONFIRMED}
    assert [verified(services, one.id).is_valid for one in (first, second)] == [True, True]
    with services.database.read() as session:
        nonces = session.exec(
            select(JournalRow.nonce).where(JournalRow.sender == services.keys.first.relayer.address)
        ).all()
    assert list(nonces) == list(range(len(nonces)))


def test_no_anvil_is_left_when_its_process_is_killed() -> None:
    program = (
        "import sys; from pathlib import Path; from ledger.anvil import running_anvil\n"
        "with running_anvil(Path(sys.argv[1]), endowed=[]) as node: print(node, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(require_anvil())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        rpc = Rpc([process.stdout.readline().strip()], timeout_s=2)
        chain_id = rpc.ask("eth_chainId")
        process.kill()

    assert int(chain_id, 16) == CHAIN_ID
    until = time.monotonic() + 10
    with pytest.raises(ChainUnavailable):
        while time.monotonic() < until:
            rpc.ask("eth_chainId")
            time.sleep(0.1)


def test_an_altered_journal_of_a_network_is_named(anvil_shop: Shop) -> None:
    services = anvil_shop.services
    with services.database.write() as session:
        row = session.exec(select(BlockRow).where(BlockRow.number > 0)).first()
        assert row is not None
        row.header = row.header[:-1] + bytes([row.header[-1] ^ 1])
        number = row.number
        problems = verify_journal(session, services.keys).problems

    assert problems == (f"block {number}: another hash",)


def test_where_headers_prove_nothing_there_is_no_certificate(anvil_shop: Shop) -> None:
    services = anvil_shop.services
    with services.database.write() as session:
        session.connection().execute(sa.update(BlockRow).values(header=b""))
        tx_hash = session.exec(select(JournalRow.tx_hash)).first()

    with services.database.read() as session, pytest.raises(ProofMissing):
        prove_receipt(session, tx_hash)


def test_what_came_after_its_deadline_is_signed_again_and_not_refused(anvil_shop: Shop) -> None:
    services, later = anvil_shop.services, clock.now() + timedelta(hours=2)
    order_only(anvil_shop)
    with services.chain.opened(services.database) as engine:
        queued, waiting = _queue(services.database, engine, services.keys, clock.now()), entries_of(services)
        late = carry_round(services.database, engine, services.keys, now=later)
        waiting_still = entries_of(services)
        while carry_round(services.database, engine, services.keys, now=later).is_progress:
            pass

    assert queued == late.settled == 1
    assert waiting_still == waiting
    assert EntryState.RECORDED not in entries_of(services)
    assert EntryState.REFUSED not in entries_of(services)


def test_what_is_refused_while_the_networks_clock_is_ahead_of_ours_is_refused_once(anvil_shop: Shop) -> None:
    services, house = anvil_shop.services, require_organisation(anvil_shop.seller)
    with services.database.write() as session:
        admitted = session.exec(select(EntryRow).where(EntryRow.subject_id == house)).one()
        record_entry(session, EntryKind.ADMIT, house, admitted.args, clock.now())
    with services.chain.opened(services.database) as engine:
        engine.rpc.ask("evm_setNextBlockTimestamp", engine.head().time + 7200)
        engine.rpc.ask("evm_mine")
        rounds = [carry_round(services.database, engine, services.keys, now=clock.now()) for _ in range(3)]

    assert [done.is_progress for done in rounds] == [True, False, False]
    assert entries_of(services)[EntryState.REFUSED] == 1


def order_only(shop: Shop) -> None:
    """Pay for a licence; nothing is carried yet."""
    buyer = shop.make_buyer()
    shop.pay(buyer, shop.order(buyer, shop.quote(buyer, make_terms())))


def test_a_displaced_transaction_waits_for_a_person_and_lands_once(anvil_shop: Shop) -> None:
    services, relayer = anvil_shop.services, anvil_shop.services.keys.first.relayer
    with services.chain.opened(services.database) as engine:
        nonce = engine.nonce_of(relayer.address)
        foreign = sign_for(relayer, engine.terms, nonce=nonce, to=relayer.address, data=b"", gas=30_000)
        engine.send([foreign], now=clock.now())
        order_only(anvil_shop)
        services.run_jobs(threads=1)
        engine.rpc.ask("evm_mine")
        carry_round(services.database, engine, services.keys, now=clock.now())
        displaced = outbox_of(services)[OutboxState.DISPLACED]
        idle = carry_round(services.database, engine, services.keys, now=clock.now())

        signed = sign_anew(services.database, engine, services.keys)

    work_until(services, lambda: is_settled(services))
    assert (displaced, idle.is_progress, signed) == (1, False, 1)
    assert set(entries_of(services)) == {EntryState.CONFIRMED}


def test_a_home_does_not_change_its_chain(anvil_shop: Shop) -> None:
    home = anvil_shop.services.settings.home

    with pytest.raises(WrongChain) as refused:
        open_home(Settings(home=home))

    assert refused.value.members == {"began": "anvil", "wanted": "embedded"}


def test_a_node_of_another_chain_gets_nothing_and_the_health_says_so(tmp_path: Path) -> None:
    program, endowed = require_anvil(), endowed_accounts(Keys(SECRET.encode()))
    with (
        running_anvil(program, endowed=endowed, chain_id=7) as first,
        running_anvil(program, endowed=endowed, chain_id=8) as second,
    ):
        shop = make_shop(tmp_path, chain_url=f"{first}#finality=instant", secret_key=SECRET)
        before = entries_of(shop.services)
        settings = Settings(home=tmp_path / "home", chain_url=f"{second}#finality=instant", secret_key=SECRET)
        elsewhere = replace(shop, services=open_home(settings))
        order_only(elsewhere)
        elsewhere.services.run_jobs(threads=1)
        said = words_of(elsewhere.services)
        nonce = Rpc([second]).ask("eth_getTransactionCount", "0x" + endowed[1].hex(), "pending")

    assert set(before) == {EntryState.CONFIRMED}
    assert entries_of(elsewhere.services)[EntryState.RECORDED] > 0
    assert ["wrong-chain" in job for job in failed_jobs(elsewhere.services)] == [True]
    assert said[0].startswith("The node serves chain 8, and this exchange records on chain 7")
    assert int(nonce, 16) == 0


def test_without_gas_entries_wait_and_the_health_says_why(tmp_path: Path) -> None:
    admin = Keys(SECRET.encode()).admin.address
    with running_anvil(require_anvil(), endowed=[admin], chain_id=7) as node:
        shop = make_shop(tmp_path, chain_url=f"{node}#finality=instant&gas_price=1", secret_key=SECRET)
        said = words_of(shop.services)

        Rpc([node]).ask("anvil_setBalance", "0x" + shop.services.keys.first.relayer.address.hex(), hex(10**24))
        waiting = entries_of(shop.services)
        work_until(shop.services, lambda: is_settled(shop.services))

    assert any("nsufficient funds" in text for text in said), said
    assert set(waiting) == {EntryState.RECORDED}
    assert set(entries_of(shop.services)) == {EntryState.CONFIRMED}


def test_a_page_waits_two_seconds_for_a_silent_network(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}#finality=instant"
        services = open_home(Settings(home=tmp_path / "home", chain_url=url))
        started = time.monotonic()
        facts = services.chain.facts()

    assert time.monotonic() - started < 3
    assert facts is not None
    assert facts.lacks == (Lack.ANSWER,)


@pytest.mark.network
def test_the_licence_path_runs_on_a_real_network(shop: Shop) -> None:
    services = shop.services
    licence = shop.buy(shop.make_buyer(), make_terms())
    assert licence.certificate_sha256 is None

    work_until(services, lambda: is_settled(services))

    assert failed_jobs(services) == []
    assert set(entries_of(services)) == {EntryState.CONFIRMED}
    report = verified(services, licence.id)
    assert report.is_valid, [check for check in report.checks if check.ok is False]
    with services.database.read() as session:
        assert verify_journal(session, services.keys).problems == ()
        assert verify_on_anvil(session, services.keys).problems == ()
        assert chain_name(session)["id"] == NETWORK_ID


@pytest.mark.network
def test_orders_go_on_while_too_few_validators_live_and_land_once_after(shop: Shop, network: Network) -> None:
    services, before = shop.services, entries_of(shop.services)[EntryState.CONFIRMED]
    network.kill(2, 3)

    licences = [shop.buy(shop.make_buyer(), make_terms()) for _ in range(ORDERS)]
    said = words_until(services, "stands still")
    waiting = entries_of(services)
    network.restart(2, 3)
    work_until(services, lambda: is_settled(services))

    assert any("Too few validators" in text for text in said)
    assert waiting[EntryState.CONFIRMED] == before
    assert waiting[EntryState.RECORDED] >= ORDERS
    assert failed_jobs(services) == []
    assert set(entries_of(services)) == {EntryState.CONFIRMED}
    with services.database.read() as session:
        entries = session.exec(select(EntryRow.tx_hash).where(EntryRow.kind != EntryKind.ROLE)).all()
        journaled = session.exec(
            select(JournalRow.tx_hash).where(JournalRow.sender == services.keys.first.relayer.address)
        )
        assert sorted(filter(None, entries)) == sorted(journaled.all())
    assert all(verified(services, licence.id).is_valid for licence in licences)


@pytest.mark.network
def test_a_change_of_keys_is_announced_refused_before_its_time_and_withdrawn_on_a_real_network(shop: Shop) -> None:
    """A network's clock cannot be moved, and the delay is part of its genesis: anvil shows that a change is done."""
    services, before = shop.services, address_of(shop.services, Office.RELAYER)
    change, now = decide_rotation(services, Office.RELAYER, clock.now()), clock.now()
    work_until(services, lambda: is_settled(services))
    announced = state_of(services, change)
    with services.database.write() as session:
        carry_out(session, change_id=change, now=now + DELAY + timedelta(hours=1))
    work_until(services, lambda: is_settled(services))
    refused = state_of(services, change)
    with services.database.write() as session:
        regulator = make_actor(session, roles={Role.REGULATOR})
        withdraw_change(session, change_id=change, by=regulator, now=clock.now())
    work_until(services, lambda: is_settled(services))

    assert (announced, refused) == (ChangeState.ANNOUNCED, ChangeState.ANNOUNCED)
    assert (reasons_of(services), state_of(services, change)) == (["AccessManagerNotReady"], ChangeState.WITHDRAWN)
    assert (address_of(services, Office.RELAYER), do_keys_and_chain_agree(services)) == (before, True)
    assert failed_jobs(services) == []
    with services.database.read() as session:
        assert verify_journal(session, services.keys).problems == ()
        assert verify_on_anvil(session, services.keys).problems == ()


def words_of(services: Services) -> list[str]:
    """Return what the page and the command say about the network."""
    facts = services.chain.facts()
    with services.database.read() as session:
        health = read_health(session, services.keys, node=facts)
    return [str(text) for text in describe_health(health, now=clock.now())]


def words_until(services: Services, wanted: str) -> list[str]:
    """Run jobs and read the health, as the page does, until it says this."""
    until = time.monotonic() + LONGEST_S
    while True:
        services.run_jobs(threads=1)
        said = words_of(services)
        if any(wanted in text for text in said):
            return said
        assert time.monotonic() < until, said
        time.sleep(0.2)
