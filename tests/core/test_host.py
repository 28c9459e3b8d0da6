"""A process of this host: known to be gone once it is, and its temporary files with it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asset_hub.core.host import is_dead, process_mark, scratch_folder, sweep_scratch
from tests.commands import PROJECT

_CHILD = """
import sys, time
from asset_hub.core.host import process_mark, scratch_folder
with scratch_folder() as folder:
    (folder / "half.mp4").write_bytes(b"half")
    print(process_mark(), folder, flush=True)
    time.sleep(60)
"""


@contextmanager
def running_child() -> Iterator[tuple["subprocess.Popen[str]", str, Path]]:
    """Start a process that works in a scratch folder; give its mark and the folder."""
    child = subprocess.Popen([sys.executable, "-c", _CHILD], stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    try:
        assert child.stdout is not None
        mark, folder = child.stdout.readline().split()
        yield child, mark, Path(folder)
    finally:
        child.kill()
        child.wait()


def test_a_killed_process_is_dead_also_before_its_parent_asks() -> None:
    with running_child() as (child, mark, _folder):
        alive = is_dead(mark)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        assert (alive, is_dead(mark)) == (False, True)
        assert Path(f"/proc/{child.pid}").exists()
    assert is_dead(mark)
    assert not is_dead(process_mark())


def test_a_process_of_another_host_is_not_called_dead() -> None:
    assert not is_dead("elsewhere/12345678:1:1")


def test_only_what_killed_processes_left_is_swept(tmp_path: Path) -> None:
    other = tmp_path / "asset_hub-somebody-elses"
    other.mkdir()
    with running_child() as (child, _mark, folder), scratch_folder() as mine:
        sweep_scratch()
        was_there = folder.is_dir()
        child.kill()
        child.wait()

        swept = sweep_scratch()

        assert was_there
        assert swept >= 1
        assert not folder.exists()
        assert mine.is_dir()
        assert folder.parent == Path(tempfile.gettempdir())
    assert sweep_scratch(tmp_path) == 0
    assert other.is_dir()
