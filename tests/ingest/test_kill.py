"""`kill -9` at seeded moments of an intake: nothing acknowledged is missing, nothing done twice."""

import json
import os
import random
from pathlib import Path

from sqlmodel import select

from asset_hub.catalogue.models import AssetRow, FileRow
from asset_hub.core.db import Database
from asset_hub.core.files import FolderFiles, read_blob
from ingest.models import ItemRow, MasterRow
from tests.kill import Killer, warm_parent
from tests.media_files import make_film, make_picture

KILLS = int(os.environ.get("ASSET_HUB_KILLS", "20"))
FILES = 60


def make_collection(folder: Path) -> None:
    """57 pictures, a film, an empty file and a copy: 60 files with known outcomes."""
    folder.mkdir()
    for number in range(FILES - 3):
        make_picture(folder / f"{number:02d}.jpg", size=(320, 200), shade=number)
    make_film(folder / "film.mp4", cuts=2)
    (folder / "empty.jpg").touch()
    (folder / "zz-copy.jpg").write_bytes((folder / "00.jpg").read_bytes())


def test_an_intake_survives_being_killed(tmp_path: Path) -> None:
    folder, home = tmp_path / "media", tmp_path / "home"
    make_collection(folder)
    with warm_parent(tmp_path / "parent") as killer:
        undisturbed = killer.run("ingest", str(folder), "--secrecy", "公开", "--json", home=tmp_path / "first")
        assert undisturbed.code == 0, undisturbed.output
        _disturb(killer, folder, home, undisturbed.seconds)
        final = killer.run("ingest", str(folder), "--secrecy", "公开", "--json", home=home)
        killer.run("work", "--until-idle", home=home)

    assert final.code == 0, final.output
    _check(home)


def _disturb(killer: Killer, folder: Path, home: Path, seconds: float) -> None:
    rng = random.Random(2026)
    assert killer.run("init", home=home).code == 0
    acknowledged: set[str] = set()
    for _ in range(KILLS):
        killer.run(
            "ingest", str(folder), "--secrecy", "公开", "--json", home=home, kill_after=rng.uniform(0.1, seconds / 4)
        )
        now_known = _digests(home)
        assert acknowledged <= now_known
        acknowledged = now_known


def _digests(home: Path) -> set[str]:
    database = Database(f"sqlite:///{home}/asset_hub.db")
    with database.read() as session:
        found = {digest for digest in session.exec(select(ItemRow.sha256)) if digest}
    database.dispose()
    return found


def _check(home: Path) -> None:
    database, files = Database(f"sqlite:///{home}/asset_hub.db"), FolderFiles(home / "files")
    with database.read() as session:
        items = session.exec(select(ItemRow)).all()
        masters = session.exec(select(FileRow).where(FileRow.role == "master")).all()
        assets = session.exec(select(AssetRow)).all()
        claims = session.exec(select(MasterRow)).all()
    assert "waiting" not in {item.status for item in items}
    accepted = [item for item in items if item.status == "accepted"]
    assert len(accepted) == len(assets) == len(masters) == len(claims) == FILES - 2
    assert len({item.sha256 for item in accepted}) == FILES - 2
    for master in masters:
        assert len(read_blob(files, master.sha256)) == master.bytes_count
    database.dispose()


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
