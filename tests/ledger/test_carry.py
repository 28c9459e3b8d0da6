"""The product records on anvil and on a real network: order, entry, final block, certificate that verifies offline."""

from pathlib import Path

from sqlmodel import func, select

from asset_hub.app import Services
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.files import read_blob
from asset_hub.core.jobs import JobRow, JobState
from ledger.certificates import trust_file
from ledger.models import EntryRow
from ledger.types import EntryState
from ledger.verifier import Report, verify_certificate
from marketplace.models import LicenceRow
from tests.marketplace.shop import make_shop, make_terms
from tests.services.anvil import require_anvil


def entries_of(services: Services) -> dict[str, int]:
    with services.database.read() as session:
        found = session.exec(select(EntryRow.state, func.count()).group_by(EntryRow.state)).all()
    return dict(found)


def failed_jobs(services: Services) -> list[str]:
    with services.database.read() as session:
        return [f"{row.name}: {row.error}" for row in session.exec(select(JobRow)) if row.state == JobState.FAILED]


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
