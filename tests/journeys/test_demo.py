"""The demo walks the whole path on a new home, again on the same home, and on one's own files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from asset_hub.app import open_services
from asset_hub.core.settings import Settings
from tests.kill import Killer, warm_parent
from tests.media_files import make_film, make_picture
from tests.plaintext import find_leaks, read_known, read_material


def figures(killer: Killer, home: Path, *more: str) -> dict[str, Any]:
    ended = killer.run("demo", "--no-serve", "--json", *more, home=home)
    assert ended.code == 0, ended.output
    found: dict[str, Any] = json.loads(ended.output.splitlines()[-1])
    return found


@dataclass(frozen=True, slots=True)
class Walked:
    """A home in which the demo ran, and what it printed."""

    killer: Killer
    home: Path
    first: dict[str, Any]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    folder = tmp_path_factory.mktemp("demo")
    with warm_parent(folder / "parent") as killer:
        yield Walked(killer, folder / "home", figures(killer, folder / "home"))


@pytest.mark.timeout(400)
def test_the_drawn_collection_goes_the_whole_way_twice(walked: Walked, tmp_path: Path) -> None:
    killer, home, first = walked.killer, walked.home, walked.first
    again = figures(killer, home)
    checked = killer.run(
        "certificate", "verify", first["files"]["certificate"], "--file", first["files"]["media"], "--trust",
        first["files"]["trust"], home=tmp_path / "elsewhere",
    )  # fmt: skip
    index = killer.run("index", "check", home=home)
    hits = json.loads(killer.run("search", "朝天门 黄昏", "--json", home=home).output.splitlines()[-1])["hits"]
    shot = next(hit for hit in hits if hit["shot"])
    asked = ("availability", shot["number"], "--use", "streaming", "--territory", "world", "--years", "5")
    free = killer.run(*asked, "--kind", "sole", home=home)
    ledger = killer.run("ledger", "verify", home=home)
    told = {step["name"]: step["where"].rsplit("/", 1)[-1] for step in first["steps"]}
    proven = killer.run(
        "statement", "verify", first["files"]["statement_proof"], "--trust", first["files"]["trust"], "--json",
        home=tmp_path / "elsewhere",
    )  # fmt: skip
    dispute = killer.run("dispute", "show", told["dispute"], "--json", home=home)

    counts = {step["name"]: step["count"] for step in first["steps"]}
    assert (counts["draw"], counts["intake"], counts["describe"], counts["title"]) == (31, 31, 19, 30)
    assert (counts["title on the ledger"], counts["hold"], counts["statement"], counts["dispute"]) == (1, 1, 3, 6)
    assert again["licence"] == first["licence"]
    assert {step["name"]: step["where"].rsplit("/", 1)[-1] for step in again["steps"]} | told == told
    assert proven.code == 0, proven.output
    assert dispute.json["state"] == "closed"
    acts = [(step["act"], step["state"]) for step in dispute.json["steps"]]
    assert acts == [(act, "confirmed") for act in ("open", "answer", "decide", "appeal", "decide", "close")]
    assert checked.code == 0, checked.output
    assert (index.code, ledger.code) == (0, 0), index.output + ledger.output
    assert free.code == 0, free.output
    receipt = json.loads(Path(first["files"]["receipt"]).read_text())
    assert receipt["offered"] == receipt["accepted"] + receipt["duplicate"]


@pytest.mark.timeout(400)
def test_the_chain_of_a_whole_demo_tells_no_plaintext(walked: Walked) -> None:
    services = open_services(Settings(home=walked.home))
    with services.database.read() as session:
        known, material = read_known(session), read_material(session)

    leaks = find_leaks(known, material)

    expected = {"朝天门的一天", "江声影视有限公司", "制片人 Producer", "索道上的雾", "渝中区", "川江号子.mp4"}
    assert expected <= known.texts
    assert {1_785_000, 1_892_100} <= known.amounts
    assert len(known.texts) > 500
    kinds = [where.split()[0] for where in material.strings]
    assert (kinds.count("calldata") > 60, kinds.count("log") > 60, kinds.count("code")) == (True, True, 11)
    assert len(material.slots) > 150
    assert leaks == []


def test_ones_own_folder_goes_the_same_way(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    make_picture(media / "a.jpg")
    make_film(media / "b.mp4", cuts=2)
    (media / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no")
    with warm_parent(tmp_path / "parent") as killer:
        found = figures(killer, tmp_path / "home", "--media", str(media))

    assert {step["name"] for step in found["steps"]} >= {"intake", "license", "verify", "catalogue", "ledger verify"}
    assert Path(found["files"]["media"]).stat().st_size > 0
