"""The product records on anvil and on a real network: order, entry, final block, certificate that verifies offline."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import func, select

from asset_hub.app import Services, open_home
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.files import read_blob
from asset_hub.core.jobs import JobRow, JobState
from asset_hub.core.settings import Settings
from ledger.anvil import running_anvil
from ledger.certificates import trust_file
from ledger.errors import WrongChain
from ledger.models import EntryRow, JournalRow
from ledger.signing import Keys
from ledger.submit import endowed_accounts
from ledger.types import EntryState
from ledger.verifier import Report, verify_certificate
from marketplace.models import LicenceRow
from tests.marketplace.shop import Shop, make_shop, make_terms
from tests.services.anvil import require_anvil
from tests.services.geth import Network, require_geth, running_network

SECRET = "a secret of the home whose ledger is a network"
DEPTH, NETWORK_ID = 2, 77_003
LONGEST_S = 90


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
    with services.database.read() as session:
        found = session.exec(select(EntryRow.state, func.count()).group_by(EntryRow.state)).all()
    return dict(found)


def failed_jobs(services: Services) -> list[str]:
    with services.database.read() as session:
        return [f"{row.name}: {row.error}" for row in session.exec(select(JobRow)) if row.state == JobState.FAILED]


def is_settled(services: Services) -> bool:
    """Say whether nothing is on its way, neither an entry nor a job."""
    with services.database.read() as session:
        open_states = (JobState.QUEUED, JobState.RUNNING)
        waiting = [row.name for row in session.exec(select(JobRow)) if row.state in open_states]
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


def test_the_licence_path_runs_on_anvil(tmp_path: Path) -> None:
    require_anvil()
    shop = make_shop(tmp_path, chain_url="anvil")

    licence = shop.buy(shop.make_buyer(), make_terms())

    assert failed_jobs(shop.services) == []
    assert set(entries_of(shop.services)) == {EntryState.CONFIRMED}
    report = verified(shop.services, licence.id)
    assert report.is_valid, [check for check in report.checks if check.ok is False]
    shop.services.chain.close()


@pytest.mark.network
def test_the_licence_path_runs_on_a_real_network(shop: Shop) -> None:
    licence = shop.buy(shop.make_buyer(), make_terms())
    assert licence.certificate_sha256 is None

    work_until(shop.services, lambda: is_settled(shop.services))

    assert failed_jobs(shop.services) == []
    assert set(entries_of(shop.services)) == {EntryState.CONFIRMED}
    report = verified(shop.services, licence.id)
    assert report.is_valid, [check for check in report.checks if check.ok is False]


@pytest.mark.network
def test_orders_go_on_while_too_few_validators_live_and_land_once_after(shop: Shop, network: Network) -> None:
    services, before = shop.services, entries_of(shop.services)[EntryState.CONFIRMED]
    network.kill(2, 3)

    licences = [shop.buy(shop.make_buyer(), make_terms()) for _ in range(3)]
    stands = time.monotonic() + 4
    while time.monotonic() < stands:
        services.run_jobs(threads=1)
    waiting = entries_of(services)
    network.restart(2, 3)
    work_until(services, lambda: is_settled(services))

    assert waiting[EntryState.CONFIRMED] == before
    assert waiting[EntryState.RECORDED] >= 3
    assert failed_jobs(services) == []
    assert set(entries_of(services)) == {EntryState.CONFIRMED}
    with services.database.read() as session:
        entries = session.exec(select(EntryRow.tx_hash)).all()
        journaled = session.exec(select(JournalRow.tx_hash).where(JournalRow.sender == services.keys.relayer.address))
        assert sorted(filter(None, entries)) == sorted(journaled.all())
    assert all(verified(services, licence.id).is_valid for licence in licences)
