"""docs/promises.md: every row names a test that exists and a command that runs it."""

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
COLUMNS = ["promise", "test", "short n", "long n", "command"]


def rows() -> list[dict[str, str]]:
    """Return the table of promises."""
    text = (PROJECT / "docs" / "promises.md").read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    head, _rule, *body = lines
    assert head == COLUMNS
    return [dict(zip(COLUMNS, line, strict=True)) for line in body]


def functions_of(path: Path) -> set[str]:
    """Return the names of a module's functions."""
    if not path.is_file():
        return set()
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_a_test_that_exists() -> None:
    lost = []
    for row in rows():
        path, _, name = row["test"].strip("`").partition("::")
        if not name.startswith("test_") or name not in functions_of(PROJECT / path):
            lost.append(row["test"])

    assert lost == []


def test_no_cell_is_empty_and_no_promise_made_twice() -> None:
    promises = [row["promise"] for row in rows()]

    assert [row for row in rows() if not all(row.values())] == []
    assert len(set(promises)) == len(promises)


def test_what_a_drill_grows_is_run_by_that_drill() -> None:
    script = (PROJECT / "scripts" / "drill.sh").read_text(encoding="utf-8")
    parts: dict[str, str] = dict(re.findall(r"^(\w+)_drill\(\) {\n(.*?)^}", script, re.MULTILINE | re.DOTALL))
    not_run = []
    for row in rows():
        part = row["command"].strip("`").removeprefix("make drill PART=")
        path, _, name = row["test"].strip("`").partition("::")
        if part == "make test":
            continue
        if f"{path}::{name}" not in parts[part] and not re.search(rf"{re.escape(path)}(?!::)", parts[part]):
            not_run.append(row["promise"])

    assert not_run == []


def test_what_only_the_suite_runs_has_one_n() -> None:
    assert [row for row in rows() if row["command"] == "`make test`" and row["short n"] != row["long n"]] == []
