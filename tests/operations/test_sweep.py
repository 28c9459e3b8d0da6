"""Stored files that nothing refers to are swept; what any package refers to, and what is young, stays."""

import hashlib
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from obstore.store import MemoryStore
from sqlmodel import SQLModel

from asset_hub.accounts import Role
from asset_hub.app import FILES_KEPT, Services, open_home
from asset_hub.core import clock
from asset_hub.core.files import BucketFiles, FileStore, FolderFiles, put_bytes, read_blob
from asset_hub.core.settings import Settings
from asset_hub.operations.sweep import NothingKept, plan_sweep, sweep_files
from tests.accounts.desk import SCANS, hand_in, open_desk
from tests.builders import make_actor
from tests.commands import Shell, shell
from tests.ingest.desk import open_intake, upload
from tests.web.pages import client_for

__all__ = ["shell"]

BROKEN_JPEG = b"\xff\xd8\xff" + b"\xe0 no picture after all" * 40
LETTER = SCANS["authorisation_sha256"][1]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sweep_all(services: Services) -> tuple[str, ...]:
    """Sweep whatever its age."""
    later = clock.now() + timedelta(seconds=1)
    return sweep_files(services.database, services.files, FILES_KEPT, before=later).removed


def grow_old(services: Services, sha256: str, *, hours: int) -> None:
    assert isinstance(services.files, FolderFiles)
    moment = (clock.now() - timedelta(hours=hours)).timestamp()
    os.utime(services.files.root / sha256[:2] / sha256[2:4] / sha256, (moment, moment))


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = open_home(Settings(home=tmp_path / "home"))
    yield opened
    opened.database.dispose()


def reject_in_intake(services: Services, content: bytes) -> None:
    with services.database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
    client = client_for(services, archivist)
    upload(client, open_intake(client), b"scan.jpg", content)
    services.run_jobs()


def test_a_rejected_upload_leaves_the_equal_paper_of_another_house_alone(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    scans = {**SCANS, "licence_scan_sha256": ("licence.jpg", BROKEN_JPEG)}
    assert hand_in(client_for(desk.services, desk.applicant), scans=scans).status_code == 303

    reject_in_intake(desk.services, BROKEN_JPEG)
    removed = sweep_all(desk.services)

    assert removed == ()
    assert read_blob(desk.services.files, digest(BROKEN_JPEG)) == BROKEN_JPEG
    assert read_blob(desk.services.files, digest(LETTER)) == LETTER


def test_a_rejected_upload_is_swept_when_nothing_else_refers_to_it(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    assert hand_in(client_for(desk.services, desk.applicant)).status_code == 303
    reject_in_intake(desk.services, BROKEN_JPEG)

    removed = sweep_all(desk.services)

    assert removed == (digest(BROKEN_JPEG),)
    assert list(desk.services.files.digests()) == [digest(LETTER)]


def test_what_is_young_or_was_stored_again_stays(services: Services) -> None:
    old, young, again = (put_bytes(services.files, word).sha256 for word in (b"old", b"young", b"again"))
    for sha256 in (old, again):
        grow_old(services, sha256, hours=48)
    put_bytes(services.files, b"again")
    before = clock.now() - timedelta(days=1)

    removed = [sha256 for sha256 in (old, young, again) if services.files.delete(sha256, before=before)]

    assert removed == [old]
    assert sorted(services.files.digests()) == sorted([young, again])


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_a_file_stored_while_its_twin_is_swept_is_there_afterwards(kind: str, tmp_path: Path) -> None:
    store: FileStore = FolderFiles(tmp_path) if kind == "folder" else BucketFiles(MemoryStore())
    stop = threading.Event()

    def sweep() -> None:
        while not stop.is_set():
            store.delete(digest(b"twin"), before=clock.now() - timedelta(days=1))

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        for _ in range(200):
            sha256 = put_bytes(store, b"twin").sha256
            assert read_blob(store, sha256) == b"twin"
            if kind == "folder":
                os.utime(tmp_path / sha256[:2] / sha256[2:4] / sha256, (0, 0))
    finally:
        stop.set()
        sweeper.join()


def test_every_column_that_names_a_stored_file_is_asked() -> None:
    named = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if "sha256" in column.name
    }

    asked = {f"{column.table.name}.{column.name}" for select in FILES_KEPT for column in select.selected_columns}

    assert named - asked == set()
    assert asked - named == {"accounts_party.facts"}


def test_a_database_that_knows_none_of_the_files_removes_none(services: Services) -> None:
    stored = put_bytes(services.files, b"of another database").sha256
    grow_old(services, stored, hours=48)

    with pytest.raises(NothingKept):
        sweep_all(services)

    assert list(services.files.digests()) == [stored]


def test_the_command_plans_then_removes(shell: Shell, tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    hand_in(client_for(desk.services, desk.applicant))
    idle = put_bytes(desk.services.files, b"idle").sha256

    planned, early = shell("files", "sweep", "--plan", "--json"), shell("files", "sweep", "--json")
    grow_old(desk.services, idle, hours=25)
    done = shell("files", "sweep", "--json")

    assert planned.json == {"kept": 1, "idle": [idle]}
    assert early.json == {"kept": 1, "removed": []}
    assert done.json == {"kept": 1, "removed": [idle]}
    assert plan_sweep(desk.services.database, desk.services.files, FILES_KEPT).removed == ()
