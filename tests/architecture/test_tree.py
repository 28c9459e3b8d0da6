"""What holds for every file of the tree: sizes, no mocks, no unfinished work, no address of one machine."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
MAX_LINES = 500
MAX_FUNCTION_LINES = 60
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|NotImplemented" + r"Error)\b")
MOCKS = re.compile("unittest" + r"\.mock|Magic" + r"Mock|monkeypatch" + r"\.setattr|mocker" + r"\.patch")
REGISTRY_HOSTS = re.compile(
    "pypi" + r"\.org|python" + r"hosted\.org|registry\.npm" + r"js\.org|repo\d?\.maven", re.IGNORECASE
)


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=True).stdout
    return tuple(PROJECT / name for name in listed.decode().split("\0") if name and (PROJECT / name).is_file())


def product_modules() -> list[Path]:
    skipped = {"tests", "bench"}
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(PROJECT).parts[0] not in skipped and "versions" not in path.parts
    ]


def test_no_module_is_longer_than_the_limit() -> None:
    too_long = {
        str(p.relative_to(PROJECT)): n for p in product_modules() if (n := len(p.read_text().splitlines())) > MAX_LINES
    }

    assert too_long == {}


def test_no_function_is_longer_than_the_limit() -> None:
    too_long = [
        f"{path.relative_to(PROJECT)}:{node.lineno} {node.name}"
        for path in product_modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]

    assert too_long == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(p.relative_to(PROJECT)) for p in product_modules() if ast.get_docstring(ast.parse(p.read_text())) is None
    ]

    assert silent == []


@pytest.mark.parametrize(
    ("pattern", "what"), [(UNFINISHED, "unfinished work"), (MOCKS, "mocks"), (REGISTRY_HOSTS, "registry hosts")]
)
def test_nothing_forbidden_is_written(pattern: re.Pattern[str], what: str) -> None:
    text_kinds = {".py", ".sh", ".ts", ".mjs", ".sol", ".html", ".css", ".md", ".toml", ".json", ".lock"}
    found = [
        f"{path.relative_to(PROJECT)}:{number}"
        for path in tracked()
        if path.suffix in text_kinds and path.parent.name != "artifacts" and path.name != "pyproject.toml"
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == [], what


def test_every_test_asserts_something() -> None:
    asserting = re.compile(r"'\w*(assert|raises|expect|check|verify|fail)\w*'", re.IGNORECASE)
    empty = [
        f"{path.relative_to(PROJECT)}:{node.lineno} {node.name}"
        for path in tracked()
        if path.name.startswith("test_")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        if "Assert(" not in ast.dump(node) and not asserting.search(ast.dump(node))
    ]

    assert empty == []


def test_every_promise_names_tests_that_exist() -> None:
    rows = [
        line.split("|") for line in (PROJECT / "docs" / "promises.md").read_text().splitlines() if line.startswith("| ")
    ]
    named = {match for row in rows[1:] for match in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", "|".join(row))}

    assert named
    missing = [f"{file}::{test}" for file, test in sorted(named) if not _defines(PROJECT / file, test)]
    assert missing == []


def _defines(path: Path, test: str) -> bool:
    return path.is_file() and f"def {test}(" in path.read_text()
