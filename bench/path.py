"""Seconds per step of the demo's path, and files a second of intake beside its bound, measured in the same run.

The bound is the least that any intake must do with a picture: read it once for SHA-256, decode it, write a preview and
a thumbnail, in this process, without a limited child, database or queue. `--cold` draws the collection anew.
"""

from bench import Figures, fresh_home, measured  # first: it takes this folder off the path

# isort: split
import hashlib
import os
import sys
import tempfile
from pathlib import Path

import numpy
import pyvips
from PIL import Image

from asset_hub.accounts import local_operator, require_organisation
from asset_hub.app import Services
from asset_hub.catalogue import Secrecy
from asset_hub.core import clock
from asset_hub.demo.path import Walk, walk_path
from ingest.accessions import open_accession, receipt_of, seal_accession
from ingest.folder import receive_folder
from ingest.types import Door

PICTURES = 60
SIZE = (900, 600)


def main() -> None:
    """Print both."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as cache:
        if "--cold" in sys.argv:
            os.environ["XDG_CACHE_HOME"] = cache
        measure_intake(figures)
        measure_path(figures)
    figures.finish()


def measure_path(figures: Figures) -> None:
    """Walk the whole path on a new home."""
    with fresh_home() as services, measured() as whole:
        walk = Walk(services, services.settings.home / "demo", on_step=lambda step: figures.put(
            f"path: {step.name} s", step.seconds, str(step.detail)))  # fmt: skip
        walk_path(walk)
    figures.put("path: all s", whole.seconds)


def measure_intake(figures: Figures) -> None:
    """Take the same small pictures in by the real pipeline and by the bound."""
    with tempfile.TemporaryDirectory() as folder:
        paths = draw_pictures(Path(folder), PICTURES)
        with fresh_home() as services:
            take_in(services, draw_pictures(Path(folder) / "warm", 2)[0].parent)
            with measured() as real:
                taken = take_in(services, Path(folder) / "pictures")
        with tempfile.TemporaryDirectory() as out, measured() as bound:
            for path in paths:
                do_the_least(path, Path(out))
    if taken != PICTURES:
        raise SystemExit(f"{taken} of {PICTURES} pictures were accepted")
    figures.put("intake: files/s", PICTURES / real.seconds, f"{PICTURES} JPEGs of {SIZE[0]} × {SIZE[1]}, two workers")
    figures.put("intake: bound files/s", PICTURES / bound.seconds, "hash, decode, two JPEGs; one thread, no child")
    figures.put("intake: ratio", bound.seconds / real.seconds, "1 would be the bound")


def draw_pictures(folder: Path, count: int) -> list[Path]:
    """Write pictures of smooth noise, no two with the same bytes."""
    target = folder / "pictures"
    target.mkdir(parents=True)
    paths = []
    for number in range(count):
        noise = numpy.random.default_rng(number if count > 2 else 1000 + number).integers(0, 255, (30, 45, 3), "u1")
        path = target / f"{number:04d}.jpg"
        Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC).save(path, quality=88)
        paths.append(path)
    return paths


def take_in(services: Services, folder: Path) -> int:
    """Take a folder in through the folder door, to the end of its jobs; return how many were accepted."""
    now = clock.now()
    with services.database.write() as session:
        by = local_operator(session, now=now)
        accession_id = open_accession(
            session, owner_id=require_organisation(by), door=Door.FOLDER, secrecy=Secrecy.UNREVIEWED,
            source=str(folder), publish=False, by=by, now=now,
        )  # fmt: skip
    receive_folder(services.database, services.files, folder, accession_id=accession_id, sheet=None, now=now)
    with services.database.write() as session:
        seal_accession(session, accession_id=accession_id, files=services.files, now=now)
    services.run_jobs()
    with services.database.read() as reading:
        return int(str(receipt_of(reading, accession_id=accession_id, by=by)["accepted"]))


def do_the_least(path: Path, out: Path) -> None:
    """Hash, decode and encode one picture."""
    hashlib.sha256(path.read_bytes()).hexdigest()
    picture = pyvips.Image.new_from_file(str(path)).copy_memory()
    for name, side in (("preview", 1600), ("thumbnail", 480)):
        small = picture.thumbnail_image(side, height=side, size="down")
        small.jpegsave(str(out / f"{name}.jpg"), Q=82, strip=True, interlace=True, optimize_coding=True)


if __name__ == "__main__":
    main()
