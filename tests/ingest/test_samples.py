"""Real files of many kinds, if they are there: every one once in the receipt, none crashes a stage.

A subset, so that it stays under a minute: files up to 1 MB, so many of each folder, one of each suffix first.
"""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from asset_hub.core.jobs import JobState, list_jobs
from tests.ingest.test_intake import services_in, take_in

LARGEST = 1 << 20
MOST = {"images": 30, "video": 7, "documents": 20}


def choose(folder: Path, *, most: int) -> list[Path]:
    """Return small files of as many kinds as there are, the first of each suffix before the second of any."""
    turns: Counter[str] = Counter()
    ranked = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size <= LARGEST:
            suffix = path.suffix.lower()
            ranked.append((turns[suffix], str(path), path))
            turns[suffix] += 1
    return [path for _, _, path in sorted(ranked)[:most]]


@pytest.mark.parametrize("kind", sorted(MOST))
def test_every_sample_is_accounted_for_once(samples: Path, tmp_path: Path, kind: str) -> None:
    root = tmp_path / "media"
    for path in choose(samples / kind, most=MOST[kind]):
        target = root / path.relative_to(samples / kind)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    offered = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    services = services_in(tmp_path)

    receipt, _ = take_in(services, root)

    assert sorted(row["path"] for row in receipt["rows"]) == offered
    outcomes = ("accepted", "duplicate", "rejected", "quarantined")
    assert receipt["offered"] == len(offered) == sum(receipt[name] for name in outcomes)
    assert receipt["accepted"] > len(offered) // 2
    assert {row["reason"] for row in receipt["rows"] if row["status"] in ("rejected", "quarantined")} <= {
        "truncated-file", "too-many-pixels", "unsupported-format", "media-refused",
    }  # fmt: skip
    with services.database.read() as session:
        assert [job.error for job in list_jobs(session, states=(JobState.FAILED,))] == []
