"""The documents say what the tree says: dependencies, decisions, links, commands, settings."""

import re
import tomllib
from pathlib import Path

import typer

from asset_hub.cli import app
from asset_hub.core.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
SECTIONS = ["Context", "Decision", "Refused", "Consequences", "Check"]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *(str(p.relative_to(PROJECT)) for p in PROJECT.glob("docs/**/*.md"))]
PICTURES_TO_COME = "docs/pictures/"


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_runtime_dependency_has_its_row() -> None:
    declared = tomllib.loads(read("pyproject.toml"))["project"]["dependencies"]
    names = {normalised(re.split(r"[^A-Za-z0-9._-]", entry, maxsplit=1)[0]) for entry in declared}

    rows = [line.split("|") for line in read("docs/dependencies.md").splitlines() if line.startswith("| ")][1:]
    told = {normalised(re.sub(r"\(.*", "", name).strip()) for row in rows for name in row[1].split(", ")}

    assert names - told == set()
    assert {name for name in told - names if " " not in name} == set()
    assert all(all(cell.strip() for cell in row[1:5]) for row in rows)


def test_every_decision_has_its_sections_and_fits_one_page() -> None:
    wrong = {}
    for path in sorted((PROJECT / "docs" / "adr").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        titles = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
        if titles != SECTIONS or not text.startswith(f"# {path.name[:4]} ") or len(text) > 3000:
            wrong[path.name] = titles

    assert wrong == {}


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (PROJECT / "docs" / "adr").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


def test_every_local_link_leads_somewhere() -> None:
    broken = [
        f"{name}: {target}"
        for name in DOCUMENTS
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(name))
        if not (PROJECT / name).parent.joinpath(target).exists()
    ]

    assert broken == []


def test_every_path_that_is_named_is_there() -> None:
    paths = re.compile(
        r"`((?:asset_hub|ingest|ledger|marketplace|search|contracts|tests|docs|bench|scripts)/[\w./-]+)`"
    )
    missing = [
        f"{name}: {path}"
        for name in DOCUMENTS
        for path in paths.findall(read(name))
        if not path.startswith(PICTURES_TO_COME) and not (PROJECT / path.partition("::")[0]).exists()
    ]

    assert missing == []


def test_every_command_in_the_documents_exists() -> None:
    group = typer.main.get_command(app)
    commands = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {})
        commands |= {f"{name} {below}" for below in inner} or {name}

    asked = set()
    for name in ("README.md", "CONTRIBUTING.md", "docs/guide.md"):
        for first, second in re.findall(r"^(?:\$ )?(?:\.venv/bin/)?asset-hub ([a-z]+)(?: ([a-z]+))?", read(name), re.M):
            asked.add(f"{first} {second}" if f"{first} {second}" in commands else first)

    assert asked - commands == set()
    assert len(asked) > 12


def test_every_setting_is_in_the_table() -> None:
    told = set(re.findall(r"^\| `ASSET_HUB_(\w+)`", read("README.md"), re.MULTILINE))

    assert told == {name.upper() for name in Settings.model_fields}
