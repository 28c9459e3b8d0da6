"""What programs that reason about the sources say: halmos proves the overlap rule, slither's findings are all answered.

Both run as programs in environments of their own (tests/services/contract_tools.py), on what contracts/inspect.mjs
makes.
"""

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import contracts
from tests.services.anvil import skip_or_fail
from tests.services.contract_tools import HALMOS, SLITHER, require_tool

FOLDER = Path(contracts.__file__).parent
ANSWERS = FOLDER / "slither.md"
PROVED = {
    "check_symmetry", "check_a_common_point_is_an_overlap", "check_an_overlap_has_a_common_point",
    "check_a_mask_that_is_not_zero_has_a_bit", "check_the_whole_meets_every_segment", "check_nothing_else_counts",
}  # fmt: skip
Findings = Counter[tuple[str, str]]
"""(detector, where) → how often."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("node") is None or not (FOLDER / "node_modules").exists():
        skip_or_fail("Node or the compiler is not installed (make setup-tests)")
    root = tmp_path_factory.mktemp("compiled")
    subprocess.run(["node", "inspect.mjs", str(root)], cwd=FOLDER, check=True)
    return root


def test_halmos_proves_that_overlap_is_the_set_definition(compiled: Path) -> None:
    """For all words, not for some: both ways, symmetric, (0, 0) the whole, nothing else counting."""
    proved = _prove(compiled, "check_")

    print(f"engine: halmos {HALMOS.version} with z3, paths: {proved}")
    assert proved.keys() == PROVED
    assert all(exit_code == 0 and paths > 1 for exit_code, paths, _ in proved.values())


def test_halmos_refutes_what_is_not_true(compiled: Path) -> None:
    refuted = _prove(compiled, "deny_")

    ((exit_code, _, counterexamples),) = refuted.values()
    assert exit_code != 0
    assert counterexamples > 0


def test_every_finding_of_slither_is_answered(compiled: Path) -> None:
    found, answered = _find(compiled), read_answers()

    print(f"engine: slither {SLITHER.version}, {found.total()} findings in {len(found)} places")
    assert found - answered == Counter(), "findings that contracts/slither.md does not answer"
    assert answered - found == Counter(), "answers to findings that are gone"


def test_an_unanswered_finding_is_told(compiled: Path) -> None:
    """One answer struck out is missed."""
    answered = read_answers()
    struck = next(iter(answered))
    answered[struck] -= 1

    assert _find(compiled) - answered == Counter({struck: 1})


def read_answers() -> Findings:
    """Read the tables: | detector | where | findings | answer |."""
    answers: Findings = Counter()
    for line in ANSWERS.read_text(encoding="utf-8").splitlines():
        row = re.fullmatch(r"\| `([a-z-]+)` \| `(.+?)` \| (\d+) \| (.{20,}) \|", line)
        if row:
            answers[row[1], row[2]] += int(row[3])
    return answers


def _prove(root: Path, prefix: str) -> dict[str, tuple[int, int, int]]:
    """Return for each proof halmos's exit code, paths and counterexamples."""
    program, report = require_tool(HALMOS), root / f"{prefix}.json"
    (root / "bin").mkdir(exist_ok=True)
    forge = root / "bin" / "forge"  # halmos has it compile first; that is done already
    if not forge.exists():
        forge.symlink_to(shutil.which("true") or "/bin/true")
    environment = os.environ | {"PATH": f"{root / 'bin'}:{program.parent}:{os.environ['PATH']}"}
    command: list[str | Path] = [
        program,
        "--root",
        root,
        "--contract",
        "OverlapProof",
        "--function",
        prefix,
        "--solver",
        "z3",
    ]
    subprocess.run([*command, "--no-status", "--json-output", report], env=environment, timeout=240, check=False)
    (results,) = json.loads(report.read_text(encoding="utf-8"))["test_results"].values()
    return {
        result["name"].split("(")[0]: (result["exitcode"], result["num_paths"][0], result["num_models"])
        for result in results
    }


def _find(root: Path) -> Findings:
    program, report = require_tool(SLITHER), root / "slither.json"
    if not report.exists():
        command: list[str | Path] = [
            program,
            ".",
            "--ignore-compile",
            "--hardhat-artifacts-directory",
            "artifacts",
            "--json",
            report,
        ]
        subprocess.run([*command, "--filter-paths", "node_modules|@openzeppelin"], cwd=root, timeout=240, check=False)
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["success"], told["error"]
    return Counter((finding["check"], _place(finding)) for finding in told["results"]["detectors"])


def _place(finding: dict[str, Any]) -> str:
    """Contract and function or variable; for a constant that is inherited unused, the heir too."""
    names = [_name(element) for element in finding["elements"]]
    return " in ".join(names[:2]) if finding["check"] == "unused-state" else names[0]


def _name(element: dict[str, Any]) -> str:
    parent = element.get("type_specific_fields", {}).get("parent")
    return f"{_name(parent)}.{element['name']}" if parent and parent["type"] != "file" else str(element["name"])
