"""`kill -9` at seeded moments of an intake: nothing acknowledged is missing, nothing done twice."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts.acting import acting_person
from asset_hub.app import Services, open_home
from asset_hub.catalogue import Secrecy
from asset_hub.catalogue.models import AssetRow, FileRow
from asset_hub.core import clock
from asset_hub.core.files import FolderFiles, read_blob
from asset_hub.core.jobs import Job, JobRow, JobRun, JobState, Worker, hasten_jobs, retry_job
from asset_hub.core.settings import Settings
from ingest.accessions import open_accession, receipt_of, seal_accession
from ingest.desk import item_page, retry_item
from ingest.errors import AccessionSealed
from ingest.folder import receive_folder
from ingest.jobs import jobs
from ingest.models import AccessionRow, ItemRow, MasterRow
from ingest.types import AccessionId, Door
from ledger.models import EntryRow
from ledger.types import EntryKind, EntryState
from tests.kill import KILLS, Ended, Killer, kill_moments, left_behind, opened, warm_parent
from tests.media_files import make_film, make_picture

FILES = 60
TAKE_IN = ("--secrecy", "公开", "--publish", "--json")


def make_collection(folder: Path) -> None:
    """57 pictures, a film, an empty file and a copy: 60 files with known outcomes."""
    folder.mkdir()
    for number in range(FILES - 3):
        make_picture(folder / f"{number:02d}.jpg", size=(320, 200), shade=number)
    make_film(folder / "film.mp4", cuts=2)
    (folder / "empty.jpg").touch()
    (folder / "zz-copy.jpg").write_bytes((folder / "00.jpg").read_bytes())


@pytest.mark.timeout(900)
def test_an_intake_survives_being_killed(tmp_path: Path) -> None:
    folder, home, receipt = tmp_path / "media", tmp_path / "home", tmp_path / "receipt.json"
    make_collection(folder)
    with warm_parent(tmp_path / "parent") as killer:
        undisturbed = killer.run("ingest", str(folder), *TAKE_IN, home=tmp_path / "first")
        assert undisturbed.code == 0, undisturbed.output
        _disturb(killer, folder, home, undisturbed.seconds)

        final = killer.run("ingest", str(folder), *TAKE_IN, "--receipt", str(receipt), home=home)
        killer.work(home)

        assert final.code == 0, final.output
        for check in (("receipt", "verify", str(receipt)), ("index", "check"), ("ledger", "verify")):
            assert (checked := killer.run(*check, home=home)).code == 0, checked.output
        assert left_behind(killer, home) == []
    _check(home, undisturbed)


def _disturb(killer: Killer, folder: Path, home: Path, seconds: float) -> None:
    assert killer.run("init", home=home).code == 0
    acknowledged: set[tuple[str, str]] = set()
    for moment in kill_moments("intake", count=KILLS * 3 // 5, most=seconds / 3):
        killer.run("ingest", str(folder), *TAKE_IN, home=home, kill_after=moment)
        now_known = _known(home)
        assert acknowledged <= now_known
        acknowledged = now_known


def _known(home: Path) -> set[tuple[str, str]]:
    """Return what the home has acknowledged: files written down, and assets made of them."""
    with opened(home) as database, database.read() as session:
        items = session.exec(select(ItemRow)).all()
    return {("file", item.sha256) for item in items if item.sha256} | {
        ("asset", str(item.asset_id)) for item in items if item.asset_id
    }


def _check(home: Path, undisturbed: Ended) -> None:
    files = FolderFiles(home / "files")
    with opened(home) as database, database.read() as session:
        accessions = session.exec(select(AccessionRow)).all()
        items = session.exec(select(ItemRow)).all()
        stored = session.exec(select(FileRow)).all()
        assets = session.exec(select(AssetRow)).all()
        claims = session.exec(select(MasterRow)).all()
        entries = session.exec(select(EntryRow)).all()
    assert {item.status for item in items} == {"accepted", "duplicate", "rejected"}
    accepted = [item for item in items if item.status == "accepted"]
    masters = [file for file in stored if file.role == "master"]
    assert len(accepted) == len(assets) == len(masters) == len(claims) == undisturbed.json["accepted"] == FILES - 2
    assert len({item.sha256 for item in accepted}) == FILES - 2
    assert {asset.state for asset in assets} == {"published"}
    for file in stored:
        assert len(read_blob(files, file.sha256)) == file.bytes_count
    _check_first(accessions, items)
    _check_entries(entries, accessions, assets)


def _check_first(accessions: Sequence[AccessionRow], items: Sequence[ItemRow]) -> None:
    """One intake of 60 rows, however often it was interrupted; what was begun after its receipt is all duplicates."""
    first, *later = sorted(accessions, key=lambda accession: accession.number)
    counts = {row.id: sum(item.accession_id == row.id for item in items) for row in accessions}
    assert set(counts.values()) == {FILES}
    assert all(row.closed_at is not None for row in accessions)
    assert {item.accession_id for item in items if item.status == "accepted"} == {first.id}
    assert len(later) <= KILLS


def _check_entries(entries: Sequence[EntryRow], accessions: Sequence[AccessionRow], assets: Sequence[AssetRow]) -> None:
    """Every asset registered once and every receipt anchored once, all on the chain."""
    assert {entry.state for entry in entries} == {EntryState.CONFIRMED}
    subjects = {kind: sorted(str(e.subject_id) for e in entries if e.kind == kind) for kind in EntryKind}
    assert subjects[EntryKind.REGISTER] == sorted(str(asset.id) for asset in assets)
    assert subjects[EntryKind.ANCHOR] == sorted(str(accession.id) for accession in accessions)


class Killed(BaseException):
    """Ends a worker as a signal would: nothing catches it, the job stays claimed."""


def _kill(_run: JobRun, **_arguments: object) -> None:
    raise Killed


def _offer(services: Services, folder: Path) -> AccessionId:
    with services.database.write() as session:
        actor = acting_person(session, login="")
        assert actor.organisation_id is not None
        accession_id = open_accession(
            session, owner_id=actor.organisation_id, door=Door.FOLDER, secrecy=Secrecy.OPEN, source=str(folder),
            by=actor, now=clock.now(),
        )  # fmt: skip
    receive_folder(
        services.database, services.files, folder, accession_id=accession_id, sheet=None, now=clock.now()
    )  # fmt: skip
    with services.database.write() as session:
        seal_accession(session, accession_id=accession_id, files=services.files, now=clock.now())
    return accession_id


def _receipt(services: Services, accession_id: AccessionId) -> dict[str, tuple[str, str | None]]:
    with services.database.write() as session:
        outcome = receipt_of(session, accession_id=accession_id, by=acting_person(session, login=""))
    rows = outcome["rows"]
    assert isinstance(rows, list)
    return {row["path"]: (row["status"], row["reason"]) for row in rows}


def _die(services: Services) -> None:
    """Let a worker die of the next job; its lease has expired."""
    with services.database.write() as session:
        waiting = [job.id for job in session.exec(select(JobRow).where(JobRow.state != JobState.DONE))]
        hasten_jobs(session, job_ids=waiting, now=clock.now())
    with pytest.raises(Killed):
        Worker(services.database, {"ingest.process_item": Job("ingest.process_item", _kill)}).run_until_idle()
    with services.database.write() as session:
        past = clock.now() - timedelta(seconds=1)
        statement = sa.update(JobRow).where(col(JobRow.state) == JobState.RUNNING).values(lease_until=past)
        session.connection().execute(statement)


def _retry(services: Services) -> None:
    """Try the one failed job again; it fails with words that say what to do."""
    with services.database.write() as session:
        (job,) = session.exec(select(JobRow).where(JobRow.state == JobState.FAILED)).all()
        retry_job(session, job_id=job.id, now=clock.now())
    services.run_jobs(threads=1)
    with services.database.read() as reading:
        row = reading.get_one(JobRow, job.id)
    assert (row.state, (row.error or {})["slug"]) == (JobState.FAILED, "not-examined")


def test_a_file_whose_workers_keep_dying_ends_in_quarantine_and_can_be_brought_again(tmp_path: Path) -> None:
    services, folder = open_home(Settings(home=tmp_path / "home")), tmp_path / "media"
    folder.mkdir()
    make_picture(folder / "poison.jpg")
    accession_id = _offer(services, folder)
    for _ in range(8):
        _die(services)
    with services.database.write() as session:
        session.connection().execute(sa.update(JobRow).values(first_death_at=clock.now() - timedelta(hours=2)))

    services.run_jobs(threads=1)
    given_up = _receipt(services, accession_id)
    _retry(services)
    with services.database.read() as reading:
        closed = reading.get_one(AccessionRow, accession_id).receipt_sha256
    again = _offer(services, folder)
    services.run_jobs(threads=1)

    assert given_up == {"poison.jpg": ("quarantined", "not-examined")}
    assert closed is not None
    assert again != accession_id
    assert _receipt(services, again) == {"poison.jpg": ("accepted", None)}
    assert _receipt(services, accession_id) == given_up


def _fail(services: Services) -> None:
    """Run the examinations with a mistake in the program."""
    (real,) = jobs(services.files)

    def mistake(_run: JobRun, **_arguments: object) -> None:
        raise KeyError("{odd}")

    Worker(services.database, {real.name: Job(real.name, mistake, real.give_up)}).run_until_idle()


def test_a_mistake_of_the_program_ends_in_quarantine_too(tmp_path: Path) -> None:
    services, folder = open_home(Settings(home=tmp_path / "home")), tmp_path / "media"
    folder.mkdir()
    make_picture(folder / "odd.jpg")
    accession_id = _offer(services, folder)

    _fail(services)

    assert _receipt(services, accession_id) == {"odd.jpg": ("quarantined", "not-examined")}


def test_what_was_given_up_is_examined_again_until_there_is_a_receipt(tmp_path: Path) -> None:
    services, folder = open_home(Settings(home=tmp_path / "home")), tmp_path / "media"
    folder.mkdir()
    make_picture(folder / "odd.jpg")
    accession_id = _offer(services, folder)
    with services.database.write() as session:
        session.get_one(AccessionRow, accession_id).sealed_at = None
    _fail(services)
    before = _receipt(services, accession_id)

    lines = [_try_again(services, accession_id)]
    services.run_jobs(threads=1)
    after = _receipt(services, accession_id)

    assert before == {"odd.jpg": ("quarantined", "not-examined")}
    assert lines == [True]
    assert after == {"odd.jpg": ("accepted", None)}


def test_what_a_receipt_says_is_not_examined_again(tmp_path: Path) -> None:
    services, folder = open_home(Settings(home=tmp_path / "home")), tmp_path / "media"
    folder.mkdir()
    make_picture(folder / "odd.jpg")
    accession_id = _offer(services, folder)
    _fail(services)

    with pytest.raises(AccessionSealed):
        _try_again(services, accession_id)

    assert _receipt(services, accession_id) == {"odd.jpg": ("quarantined", "not-examined")}


def _try_again(services: Services, accession_id: AccessionId) -> bool:
    """Have the archivist try the only item again; return whether the desk offered it."""
    with services.database.write() as session:
        by = acting_person(session, login="")
        (line,) = item_page(session, accession_id=accession_id, by=by, now=clock.now()).lines
        retry_item(session, accession_id=accession_id, item_id=line.id, by=by, now=clock.now())
    return line.is_failed


def test_an_intake_without_receipt_goes_on_and_takes_what_is_new_or_changed(tmp_path: Path) -> None:
    services, folder = open_home(Settings(home=tmp_path / "home")), tmp_path / "media"
    folder.mkdir()
    make_picture(folder / "a.jpg", shade=1)
    make_picture(folder / "b.jpg", shade=2)
    first = _offer(services, folder)
    make_picture(folder / "b.jpg", shade=3)
    make_picture(folder / "c.jpg", shade=4)

    second = _offer(services, folder)
    services.run_jobs(threads=1)

    assert second == first
    assert _receipt(services, first) == {
        "a.jpg": ("accepted", None),
        "b.jpg": ("accepted", None),
        "b.jpg [2]": ("accepted", None),
        "c.jpg": ("accepted", None),
    }
    with services.database.read() as session:
        names = [row.name for row in session.exec(select(ItemRow).order_by(col(ItemRow.key)))]
    assert names == [b"a.jpg", b"b.jpg", b"b.jpg", b"c.jpg"]


def test_the_receipt_of_an_undisturbed_intake_adds_up(tmp_path: Path) -> None:
    folder, home = tmp_path / "media", tmp_path / "home"
    folder.mkdir()
    make_picture(folder / "a.jpg")
    (folder / "b.jpg").write_bytes((folder / "a.jpg").read_bytes())
    (folder / "c.jpg").touch()
    (folder / "d.png").write_bytes((folder / "a.jpg").read_bytes() + b"\0")
    with warm_parent(tmp_path / "parent") as killer:
        receipt = tmp_path / "receipt.json"
        ended = killer.run("ingest", str(folder), "--json", "--receipt", str(receipt), home=home)
        verified = killer.run("receipt", "verify", str(receipt), home=home)
        receipt.write_text(receipt.read_text().replace('"accepted":1', '"accepted":2'))
        forged = killer.run("receipt", "verify", str(receipt), home=home)

    outcome = json.loads(ended.output.splitlines()[-1])
    assert ended.code == 0
    assert [outcome[key] for key in ("offered", "accepted", "duplicate", "rejected", "quarantined")] == [4, 1, 1, 1, 1]
    reasons = {row["path"]: row["reason"] for row in outcome["rows"]}
    assert {reasons.pop("a.jpg"), reasons.pop("b.jpg")} == {None, "same-bytes"}
    assert reasons == {"c.jpg": "empty-file", "d.png": "mislabelled-file"}
    assert (verified.code, forged.code) == (0, 1), verified.output
