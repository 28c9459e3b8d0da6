"""Every text a person sees has its Chinese, and no parameter is lost on the way."""

import re
from pathlib import Path

from babel.messages.extract import extract
from babel.messages.pofile import read_po

from asset_hub.web.texts import chinese

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("asset_hub", "ingest", "ledger", "marketplace", "search")
OPTIONS = {"trimmed": "true", "silent": "false"}


def written_ids() -> dict[str, str]:
    """Return every message id of code and templates with the file that has it."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*")):
            if path.suffix not in (".py", ".html") or "node_modules" in path.parts:
                continue
            method = "python" if path.suffix == ".py" else "jinja2.ext:babel_extract"
            with path.open("rb") as file:
                for _, message, _, _ in extract(method, file, keywords={"_": None, "N_": None}, options=OPTIONS):
                    if isinstance(message, str) and message:
                        found.setdefault(message, str(path.relative_to(PROJECT)))
    return found


def test_every_text_has_its_chinese() -> None:
    known = chinese()

    missing = [f"{path}: {message}" for message, path in written_ids().items() if message not in known]

    assert missing == []


def test_no_parameter_is_lost_in_translation() -> None:
    lost = [
        message
        for message, text in chinese().items()
        if set(re.findall(r"{(\w+)}", message)) != set(re.findall(r"{(\w+)}", text))
    ]

    assert lost == []


def test_no_text_is_translated_twice_differently() -> None:
    seen: dict[str, str] = {}
    twice = []
    for path in sorted((PROJECT / "asset_hub" / "web" / "locales" / "zh").glob("*.po")):
        with path.open("rb") as file:
            twice += [
                f"{path.name}: {message.id}"
                for message in read_po(file, locale="zh")
                if message.id and seen.setdefault(str(message.id), str(message.string)) != message.string
            ]

    assert twice == []
