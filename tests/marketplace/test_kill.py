"""`kill -9` at seeded moments of a licence run: no licence acknowledged is missing, none delivered twice."""

from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from asset_hub.accounts import Role
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.files import read_blob
from asset_hub.messages.models import NoticeRow
from ledger.certificates import trust_file
from ledger.models import EntryRow, GrantRow
from ledger.types import EntryKind, EntryState
from ledger.verifier import verify_certificate
from marketplace.models import LicenceRow, OrderRow
from tests.builders import make_actor
from tests.kill import KILLS, Ended, Killer, kill_moments, left_behind, opened, warm_parent
from tests.marketplace.shop import START, Shop, make_shop

TERMS = ("--use", "streaming", "--territory", "CN", "--from", START.isoformat(), "--years", "1", "--resolution", "540")


@pytest.mark.timeout(900)
def test_a_licence_run_survives_being_killed(tmp_path: Path) -> None:
    shop, home = make_shop(tmp_path, film=True), tmp_path / "home"
    with shop.services.database.write() as session:
        make_actor(session, roles={Role.PRODUCER}, login="buyer")
    with warm_parent(tmp_path / "parent") as killer:
        _license(killer, shop, home, tmp_path / "warm")
        undisturbed = _license(killer, shop, home, tmp_path / "undisturbed")
        assert undisturbed.code == 0, undisturbed.output
        promised = {undisturbed.json["licence"]["id"]} | _disturb(killer, shop, tmp_path, undisturbed.seconds)

        final = _license(killer, shop, home, tmp_path / "final")
        killer.work(home)

        assert final.code == 0, final.output
        for check in (("ledger", "verify"), ("index", "check")):
            assert (checked := killer.run(*check, home=home)).code == 0, checked.output
        assert left_behind(killer, home) == []
    _check(shop, promised | {final.json["licence"]["id"]})


def _license(killer: Killer, shop: Shop, home: Path, folder: Path, kill_after: float | None = None) -> Ended:
    return killer.run(
        "license", str(shop.asset_id), *TERMS, "--to", str(folder), "--by", "buyer", "--json",
        home=home, kill_after=kill_after,
    )  # fmt: skip


def _disturb(killer: Killer, shop: Shop, folder: Path, seconds: float) -> set[str]:
    """Kill one run after another; return the licences that a run acknowledged before it could be killed."""
    home, promised = folder / "home", set()
    acknowledged: set[tuple[str, str]] = set()
    for moment in kill_moments("licence", count=KILLS - KILLS * 3 // 5, most=seconds):
        ended = _license(killer, shop, home, folder / "disturbed", kill_after=moment)
        if ended.code != -9:
            assert ended.code == 0, ended.output
            promised.add(ended.json["licence"]["id"])
        now_known = _known(home)
        assert acknowledged <= now_known
        acknowledged = now_known
    return promised


def _known(home: Path) -> set[tuple[str, str]]:
    """Return what the home has acknowledged: orders, licences, files made, certificates issued, blocks' entries."""
    with opened(home) as database, database.read() as session:
        licences = session.exec(select(LicenceRow)).all()
        orders = session.exec(select(OrderRow.id)).all()
        confirmed = session.exec(select(EntryRow.id).where(EntryRow.state == EntryState.CONFIRMED)).all()
    return {
        *(("order", str(order)) for order in orders),
        *(("licence", str(row.id)) for row in licences),
        *(("file", f"{row.id} {row.sha256}") for row in licences if row.sha256),
        *(("certificate", f"{row.id} {row.certificate_sha256}") for row in licences if row.certificate_sha256),
        *(("entry", str(entry)) for entry in confirmed),
    }


def _check(shop: Shop, promised: set[str]) -> None:
    """Every paid order became one licence, on the chain, with one file, one anchor, one certificate, one notice."""
    with shop.services.database.read() as session:
        licences = session.exec(select(LicenceRow)).all()
        orders = session.exec(select(OrderRow)).all()
        grants = session.exec(select(GrantRow)).all()
        entries = session.exec(select(EntryRow)).all()
        notices = session.exec(select(NoticeRow)).all()
    ids = sorted(row.id for row in licences)
    assert promised <= {str(licence_id) for licence_id in ids}
    assert {row.state for row in licences} == {"delivered"}
    assert {order.state for order in orders} <= {"open", "licensed"}
    assert sorted(row.order_id for row in licences) == sorted(order.id for order in orders if order.state == "licensed")
    assert sorted(row.licence_id for row in grants) == ids
    assert all(row.is_in_head for row in grants)
    assert {entry.state for entry in entries} == {EntryState.CONFIRMED}
    assert _subjects(list(entries), EntryKind.GRANT) == ids
    assert _subjects(list(entries), EntryKind.ANCHOR) == ids
    assert set(Counter((notice.person_id, notice.link) for notice in notices).values()) == {1}
    assert len(notices) == 2 * len(ids)
    _check_deliveries(shop, list(licences))


def _subjects(entries: list[EntryRow], kind: EntryKind) -> list[UUID]:
    return sorted(entry.subject_id for entry in entries if entry.kind == kind)


def _check_deliveries(shop: Shop, licences: list[LicenceRow]) -> None:
    with shop.services.database.read() as session:
        trust = trust_file(session, shop.services.keys, issuer_name="asset_hub")
    for row in licences:
        assert row.sha256
        assert row.certificate_sha256
        assert row.pdf_sha256
        assert read_blob(shop.services.files, row.pdf_sha256).startswith(b"%PDF")
        certificate = read_blob(shop.services.files, row.certificate_sha256)
        with shop.services.files.as_path(row.sha256) as media:
            report = verify_certificate(
                certificate, media=media, trust=trust, status=None, today=max(START, beijing_date(clock.now()))
            )
        assert report.is_valid, report.checks
