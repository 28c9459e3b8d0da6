"""The guided story's facts: what each step of the demo did, written by the demo into its home."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

_NAME = "demo-story.json"


@dataclass(frozen=True, slots=True)
class Chapter:
    """One step as it went in this home: its name, a picture's file id, where to look, what it did, how long."""

    step: str
    detail_zh: str
    detail_en: str
    seconds: float
    link: str = ""
    picture: str = ""


def read_story(home: Path) -> dict[str, Chapter]:
    """Return the chapters of this home by step; none where the demo never ran."""
    path = home / _NAME
    if not path.is_file():
        return {}
    return {row["step"]: Chapter(**row) for row in json.loads(path.read_text(encoding="utf-8"))}


def write_story(home: Path, chapters: list[Chapter]) -> None:
    """Keep what the demo did for the guided page."""
    fresh = home / f".{_NAME}"
    fresh.write_text(json.dumps([asdict(chapter) for chapter in chapters], ensure_ascii=False), encoding="utf-8")
    fresh.replace(home / _NAME)
