"""Runs commands as a shell would, in this process: arguments in, exit code and both streams out."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from asset_hub.cli import main

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """A shell whose commands work on one home."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Ran:
        """Run a command to its end; anything but an exit is a failure of the test."""
        self._capsys.readouterr()
        code: object = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        assert isinstance(code, int | None)
        out, err = self._capsys.readouterr()
        return Ran(code or 0, out, err)


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell on a new home, in an empty folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ASSET_HUB_HOME", str(tmp_path / "home"))
    return Shell(capsys)


def run_process(*arguments: object, stdin: str = "", **variables: str) -> Ran:
    """Run a command as a process of its own, where its standard input or its variables matter."""
    done = subprocess.run(
        [sys.executable, "-m", "asset_hub", *(str(argument) for argument in arguments)],
        input=stdin, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **variables},
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)
