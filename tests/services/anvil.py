"""anvil for the tests: the npm package in a folder of its own below the machine's cache."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.anvil import cache_folder, find_anvil

VERSION = "1.7.1"
FOLDER = cache_folder() / "anvil"


def is_there() -> bool:
    return find_anvil() is not None


def install() -> None:
    """Fetch the package with npm; what is there already stays."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = {"private": True, "dependencies": {"@foundry-rs/anvil": VERSION}}
    (FOLDER / "package.json").write_text(json.dumps(wanted))
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=FOLDER, check=True)


def require_anvil() -> Path:
    """Return the program; without it the test skips with the reason, in CI it fails."""
    found = find_anvil()
    if found is None:
        skip_or_fail("anvil is not installed (make setup-tests)")
    assert found is not None
    return found


def skip_or_fail(reason: str) -> None:
    """A missing tool is a skip on a stranger's machine and a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


if __name__ == "__main__":
    act = sys.argv[1]
    if act == "is-there":
        sys.exit(0 if is_there() else 1)
    elif act == "install":
        install()
