"""Vyper, halmos and slither for the tests: each in an environment of its own below the machine's cache.

They conflict with the product's packages (slither with web3 8), and two of them are AGPL: nothing imports them, they
run as programs and are shipped with nothing.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ledger.anvil import cache_folder
from tests.services.anvil import skip_or_fail

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that a Python package brings along."""

    program: str
    package: str
    version: str

    @property
    def folder(self) -> Path:
        return cache_folder() / f"{self.program}-{self.version}"

    @property
    def path(self) -> Path:
        return self.folder / "bin" / self.program


VYPER = Tool("vyper", "vyper", "0.4.3")
HALMOS = Tool("halmos", "halmos", "0.3.3")
SLITHER = Tool("slither", "slither-analyzer", "0.11.6")
TOOLS = (VYPER, HALMOS, SLITHER)


def require_tool(tool: Tool) -> Path:
    """Return the program; without it the test skips with the reason, in CI it fails."""
    if not _is_there(tool):
        skip_or_fail(f"{tool.program} {tool.version} is not installed (make setup-tests)")
    return tool.path


def install() -> None:
    """Make the environments that are not there yet."""
    uv = ROOT / ".cache" / "tools" / "bin" / "uv"
    for tool in TOOLS:
        if _is_there(tool):
            continue
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, tool.folder], check=True)
        python = tool.folder / "bin" / "python"
        wanted = f"{tool.package}=={tool.version}"
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, wanted], check=True)
        _stamp(tool).write_text(wanted, encoding="utf-8")


def _is_there(tool: Tool) -> bool:
    return _stamp(tool).exists() and os.access(tool.path, os.X_OK)


def _stamp(tool: Tool) -> Path:
    """Written last: an installation that was broken off does not count."""
    return tool.folder / "installed"


if __name__ == "__main__":
    act = sys.argv[1]
    if act == "is-there":
        sys.exit(0 if all(_is_there(tool) for tool in TOOLS) else 1)
    elif act == "install":
        install()
