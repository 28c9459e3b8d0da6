"""Hostile folders: every entry once in the receipt, with a reason; nothing half-made outlives the next sweep."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from asset_hub.accounts import Actor, Role
from asset_hub.accounts.acting import acting_person
from asset_hub.app import FILES_KEPT, Services, open_home
from asset_hub.catalogue import AssetState, FileRole, Secrecy, list_assets
from asset_hub.catalogue.models import FileRow
from asset_hub.core import clock
from asset_hub.core.settings import Settings
from asset_hub.operations.sweep import sweep_files
from ingest.accessions import open_accession, receipt_of, seal_accession
from ingest.folder import receive_folder
from ingest.models import AccessionRow
from ingest.sheets import find_sheet
from ingest.types import Door
from tests.media_files import make_film, make_huge_png, make_picture

NOW = clock.now()


def take_in(services: Services, root: Path, *, publish: bool = False) -> tuple[dict[str, Any], Actor]:
    """Take a folder in as the local operator and run the jobs to the end."""
    with services.database.write() as session:
        actor = acting_person(session, login="")
        assert actor.organisation_id is not None
        accession_id = open_accession(
            session, owner_id=actor.organisation_id, door=Door.FOLDER, secrecy=Secrecy.OPEN, publish=publish,
            by=actor, now=NOW,
        )  # fmt: skip
    receive_folder(services.database, services.files, root, accession_id=accession_id, sheet=find_sheet(root), now=NOW)
    with services.database.write() as session:
        seal_accession(session, accession_id=accession_id, files=services.files, now=NOW)
    services.run_jobs()
    with services.database.read() as reading:
        return receipt_of(reading, accession_id=accession_id, by=actor), actor


def services_in(tmp_path: Path) -> Services:
    return open_home(Settings(home=tmp_path / "home"))


def test_a_hostile_folder_is_accounted_for_row_by_row(tmp_path: Path) -> None:
    root = tmp_path / "media"
    (root / "a" / "b").mkdir(parents=True)
    make_picture(root / "a" / "b" / "good.jpg")
    make_picture(root / "two\nlines.jpg", shade=1)
    Path(os.fsdecode(os.fsencode(root) + b"/\xd6\xd8\xc7\xec.jpg")).write_bytes(
        make_picture(root / "x.jpg", shade=2).read_bytes()
    )
    (root / "empty.tif").touch()
    make_huge_png(root / "huge.png")
    (root / "cut.jpg").write_bytes((root / "x.jpg").read_bytes()[:900])
    (root / "film.mp4").write_bytes((root / "x.jpg").read_bytes() + b"\0")
    (root / "blob.bin").write_bytes(b"\x00\x01\x02\x03" * 50)
    (root / "link.jpg").symlink_to(root / "x.jpg")
    os.mkfifo(root / "pipe.jpg")
    (root / ".DS_Store").write_bytes(b"1")
    services = services_in(tmp_path)

    receipt, _ = take_in(services, root)

    outcomes = {row["path"]: (row["status"], row["reason"]) for row in receipt["rows"]}
    twins = {outcomes.pop("x.jpg"), outcomes.pop("\\xd6\\xd8\\xc7\\xec.jpg")}
    assert twins == {("accepted", None), ("duplicate", "same-bytes")}
    assert outcomes == {
        "a/b/good.jpg": ("accepted", None),
        "two\\x0alines.jpg": ("accepted", None),
        "empty.tif": ("rejected", "empty-file"),
        "huge.png": ("rejected", "too-many-pixels"),
        "cut.jpg": ("rejected", "truncated-file"),
        "film.mp4": ("quarantined", "mislabelled-file"),
        "blob.bin": ("quarantined", "unsupported-format"),
        "link.jpg": ("rejected", "not-a-file"),
        "pipe.jpg": ("rejected", "not-a-file"),
        ".DS_Store": ("rejected", "system-file"),
    }
    assert receipt["offered"] == 12
    assert receipt["accepted"] + receipt["duplicate"] == 4
    with services.database.read() as session:
        kept = set(session.exec(select(FileRow.sha256)))
        accessions = session.exec(select(AccessionRow)).all()
        receipts = {digest for row in accessions for digest in (row.receipt_sha256, row.captures_sha256)}
    quarantined = {row["sha256"] for row in receipt["rows"] if row["status"] == "quarantined"}
    rejected = {row["sha256"] for row in receipt["rows"] if row["status"] == "rejected"} - {None}
    later = clock.now() + timedelta(seconds=1)
    swept = set(sweep_files(services.database, services.files, FILES_KEPT, before=later).removed)
    assert swept >= rejected
    assert swept.isdisjoint(kept | quarantined | receipts)
    assert set(services.files.digests()) == kept | quarantined | receipts


def test_a_film_becomes_a_published_asset_with_shots(tmp_path: Path) -> None:
    root = tmp_path / "media"
    root.mkdir()
    make_film(root / "1983年朝天门轮渡.mp4", cuts=3)
    services = services_in(tmp_path)

    receipt, actor = take_in(services, root, publish=True)

    with services.database.read() as session:
        (asset,) = list_assets(session, state=AssetState.PUBLISHED, by=actor, now=NOW).assets
    assert receipt["rows"][0]["asset"] == str(asset.id)
    assert [(part.span.start, part.span.end) for part in asset.parts] == [(0, 25), (25, 50), (50, 75)]
    assert all(part.picture_id for part in asset.parts)
    assert {file.role for file in asset.files} == {
        FileRole.MASTER, FileRole.PROXY, FileRole.POSTER, FileRole.THUMBNAIL, FileRole.SHOT,
    }  # fmt: skip
    assert asset.codes("district") == ("500103",)
    assert asset.all_texts("date") == ("1983",)
    assert [event.kind.split()[0] for event in asset.events] == [
        "fixity", "format", "metadata", "derivation", "shot", "classification",
    ]  # fmt: skip


def test_a_sheet_beside_files_describes_them_and_says_what_is_wrong(tmp_path: Path) -> None:
    root = tmp_path / "media"
    root.mkdir()
    make_picture(root / "门.jpg")
    make_picture(root / "secret.jpg", shade=9)
    make_picture(root / "free.jpg", shade=11)
    (root / "目录.csv").write_text(
        "题名,英文题名,密级,文件名\n朝天门,Chaotianmen,公开,门.jpg\n不可说,,机密,secret.jpg\n"
        "没有,,公开,gone.jpg\n记录,A record,,\n"
    )
    services = services_in(tmp_path)

    receipt, actor = take_in(services, root, publish=True)

    assert {row["path"]: (row["status"], row["reason"]) for row in receipt["rows"]} == {
        "门.jpg": ("accepted", None),
        "secret.jpg": ("rejected", "wrong-cell"),
        "free.jpg": ("accepted", None),
        "目录.csv!4": ("rejected", "file-not-found"),
        "目录.csv!5": ("accepted", None),
    }
    with services.database.read() as session:
        titles = {asset.title("en") for asset in list_assets(session, by=actor, now=NOW).assets}
    assert titles == {"Chaotianmen", "free", "A record"}
    digest = next(row["sha256"] for row in receipt["rows"] if row["path"] == "secret.jpg")
    assert digest is None


def test_the_same_folder_again_is_all_duplicates(tmp_path: Path) -> None:
    root = tmp_path / "media"
    root.mkdir()
    for shade in range(3):
        make_picture(root / f"{shade}.jpg", shade=shade)
    services = services_in(tmp_path)
    first, _ = take_in(services, root)

    again, actor = take_in(services, root)

    assert (first["accepted"], again["duplicate"], again["accepted"]) == (3, 3, 0)
    assert [row["asset"] for row in again["rows"]] == [row["asset"] for row in first["rows"]]
    assert Role.ARCHIVIST in actor.roles
