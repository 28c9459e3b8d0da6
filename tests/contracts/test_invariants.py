"""All invariants of the design are tests by name: test_invariant_01_… to test_invariant_32_…."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
NUMBERED = "test_invariant_"


def test_every_invariant_has_a_test() -> None:
    found: dict[int, list[str]] = {}
    for folder in ("contracts", "ledger"):
        for path in sorted((TESTS / folder).glob("test_*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef) and node.name.startswith(NUMBERED):
                    number = int(node.name.removeprefix(NUMBERED).split("_")[0])
                    found.setdefault(number, []).append(f"{path.name}::{node.name}")

    missing = set(range(1, 33)) - found.keys()
    assert (missing, found.keys() - set(range(1, 33))) == (set(), set())
