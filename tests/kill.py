"""The kill harness: a warm parent that has everything imported forks one command per request and kills it on time.

ASSET_HUB_KILLS says how many kills all drills make together, ASSET_HUB_SEED when they come.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import col, func, select

from asset_hub.core.db import Database
from asset_hub.core.jobs import JobRow, JobState
from tests.drill import SEED

PROJECT = Path(__file__).resolve().parent.parent
KILLS = int(os.environ.get("ASSET_HUB_KILLS", "20"))

_PARENT = """
import json, os, signal, sys, time
import asset_hub.cli
for line in sys.stdin:
    order = json.loads(line)
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(out, 1); os.dup2(out, 2); os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(order["env"])
        import tempfile; tempfile.tempdir = None
        sys.argv = ["asset-hub", *order["argv"]]
        code = 0
        try:
            asset_hub.cli.main()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            import traceback; traceback.print_exc(); code = 70
        sys.stdout.flush(); sys.stderr.flush()
        import atexit; atexit._run_exitfuncs()
        os._exit(code or 0)
    until = started + order["kill_after"] if order["kill_after"] is not None else None
    killed = False
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if until is not None and time.monotonic() >= until and not killed:
            os.kill(child, signal.SIGKILL); killed = True
        time.sleep(0.002)
    code = -9 if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    print(json.dumps({"code": code, "seconds": time.monotonic() - started}), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: exit code, -9 when it was killed; what it printed."""

    code: int
    seconds: float
    output: str

    @property
    def json(self) -> Any:
        """The document of `--json`, which comes last."""
        return json.loads(self.output.splitlines()[-1])


class Killer:
    """Runs `asset-hub` commands in forked children; their temporary files lie in `scratch`."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process = process
        self._folder = folder
        self.scratch = folder / "tmp"
        self.scratch.mkdir()

    def run(self, *argv: str, home: Path, kill_after: float | None = None) -> Ended:
        """Run one command on a home, killed with SIGKILL after so many seconds when given."""
        out = self._folder / "output"
        environment = {"ASSET_HUB_HOME": str(home), "TMPDIR": str(self.scratch)}
        order: dict[str, Any] = {"argv": argv, "env": environment, "kill_after": kill_after, "out": str(out)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Ended(answer["code"], answer["seconds"], out.read_text(errors="replace") if out.exists() else "")

    def work(self, home: Path) -> None:
        """Run the home's jobs until none waits, also not for a later moment."""
        for _ in range(60):
            ended = self.run("work", "--until-idle", home=home)
            assert ended.code == 0, ended.output
            if not open_jobs(home):
                return
        raise AssertionError("jobs still wait")


@contextmanager
def warm_parent(folder: Path) -> Iterator[Killer]:
    """Start the parent; it ends with the test."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
    )
    try:
        yield Killer(process, folder)
    finally:
        process.kill()
        process.wait()


def kill_moments(name: str, *, count: int, most: float) -> Iterator[float]:
    """Return `count` seeded moments in seconds, spread evenly below `most`; prints seed and n."""
    print(f"{name}: seed {SEED}, n {count} kills")
    rng = random.Random(f"{name} {SEED}")
    slots = [(number + rng.random()) / count * most for number in range(count)]
    rng.shuffle(slots)
    return iter(slots)


@contextmanager
def opened(home: Path) -> Iterator[Database]:
    """Open a home's database for looking."""
    database = Database(f"sqlite:///{home}/asset_hub.db")
    try:
        yield database
    finally:
        database.dispose()


def open_jobs(home: Path) -> int:
    """Return how many jobs wait or run."""
    with opened(home) as database, database.read() as session:
        open_states = col(JobRow.state).in_([JobState.QUEUED, JobState.RUNNING])
        return session.exec(select(func.count()).select_from(JobRow).where(open_states)).one()


def left_behind(killer: Killer, home: Path) -> list[str]:
    """Return what lies where only unfinished work lies."""
    return sorted(path.name for folder in (killer.scratch, home / "files" / "incoming") for path in folder.iterdir())
