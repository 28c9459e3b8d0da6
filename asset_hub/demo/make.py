"""Makes the demo's files: one folder per holder with its media and the sheet that describes them; cached by content."""

import csv
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from asset_hub.demo.collection import (
    DRAWN_EN,
    DRAWN_ZH,
    FILMS,
    HOLDERS,
    PEOPLE_EN,
    PICTURE_SIZE,
    PICTURES,
    Film,
    Picture,
)
from asset_hub.demo.draw.film import draw_film
from asset_hub.demo.draw.scene import draw_scene

_HEADINGS = ("文件名", "题名", "英文题名", "日期", "区县", "人物", "英文人物", "密级", "描述", "英文描述")


def cache_folder() -> Path:
    """Return where drawn files are kept between homes."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "asset_hub" / f"demo-{_fingerprint()}"


def make_collection(target: Path, *, on_file: Callable[[str], None] = lambda _name: None) -> int:
    """Fill `target/<holder>/` with drawn files and a sheet; return how many media files there are."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one(cache), ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        waiting: dict[Future[None], str] = {}
        for film in FILMS:
            if not (cache / film.name).exists():
                waiting[pool.submit(_draw_film, film, cache)] = film.name
        for picture in PICTURES:
            if not (cache / picture.name).exists():
                waiting[pool.submit(_draw_picture, picture, cache)] = picture.name
        for future, name in waiting.items():
            future.result()
            on_file(name)
    for holder in HOLDERS:
        _fill_folder(target / holder.key, holder.key, cache)
    return len(FILMS) + len(PICTURES)


@contextmanager
def _only_one(cache: Path) -> Iterator[None]:
    """Let two demos that start at once draw each file only once."""
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _draw_film(film: Film, cache: Path) -> None:
    fresh = cache / f".{os.getpid()}-{film.name}"
    draw_film(film, fresh)
    fresh.replace(cache / film.name)


def _draw_picture(picture: Picture, cache: Path) -> None:
    fresh = cache / f".{os.getpid()}-{picture.name}"
    large = draw_scene(picture.scene, 3.0, (PICTURE_SIZE[0], PICTURE_SIZE[1]))
    large.save(fresh, format="JPEG", quality=92)
    fresh.replace(cache / picture.name)


def _fill_folder(folder: Path, holder: str, cache: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "目录.csv").open("w", encoding="utf-8-sig", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(_HEADINGS)
        for picture in PICTURES:
            if picture.holder == holder:
                shutil.copyfile(cache / picture.name, folder / picture.name)
                sheet.writerow(_row(picture, picture.secrecy))
        for film in FILMS:
            if film.holder == holder:
                shutil.copyfile(cache / film.name, folder / film.name)
                sheet.writerow(_row(film, "公开"))


def _row(one: Film | Picture, secrecy: str) -> tuple[str, ...]:
    people_en = "; ".join(PEOPLE_EN[name] for name in one.people.split("；") if name)
    return (
        one.name, one.title_zh, one.title_en, one.date, one.district, one.people, people_en, secrecy, DRAWN_ZH,
        DRAWN_EN,
    )  # fmt: skip


def _fingerprint() -> str:
    """Name the cache after everything that decides what is drawn."""
    here = Path(__file__).parent
    sources = [here / "collection.py", *sorted((here / "draw").glob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
