"""Says what this machine lacks for which purpose, and how to get it."""

import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from asset_hub.core.text import N_, Text

_LOW_SPACE = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `needed` says whether the product cannot do its main job without it."""

    name: str
    ok: bool
    needed: bool
    detail: Text


_PROGRAMS: tuple[tuple[str, bool, str], ...] = (
    ("ffmpeg", True, "ffmpeg"),
    ("ffprobe", True, "ffmpeg"),
    ("exiftool", False, "libimage-exiftool-perl"),
    ("pdftoppm", False, "poppler-utils"),
    ("clamdscan", False, "clamav-daemon clamdscan"),
)


def examine(home: Path) -> tuple[Finding, ...]:
    """Look at the interpreter, the programs, the built pages and the free space below `home`. Changes nothing."""
    return (_python(), *(_program(*row) for row in _PROGRAMS), _pages(), _space(home))


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding("python", ok, True, Text(N_("Python {version}"), {"version": platform.python_version()}))


def _program(name: str, needed: bool, package: str) -> Finding:
    found = shutil.which(name)
    if found:
        return Finding(name, True, needed, Text("{path}", {"path": found}))
    return Finding(name, False, needed, Text(N_("missing: apt-get install {package}"), {"package": package}))


def _pages() -> Finding:
    built = Path(__file__).parent.parent / "web" / "static" / "dist" / "manifest.json"
    if built.exists():
        return Finding("pages", True, True, Text(N_("the pages' assets are built")))
    return Finding("pages", False, True, Text(N_("the pages' assets are not built: make web")))


def _space(home: Path) -> Finding:
    existing = next(path for path in (home.resolve(), *home.resolve().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return Finding("space", free > _LOW_SPACE, False, Text(N_("{free} GB free"), {"free": free >> 30}))
