"""This process as other processes of the host can recognise it: host, boot, pid and start time.

Its temporary files carry that mark in their names, so that what a killed process left can be told from what is in use.
"""

import hashlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATE_FIELD, _START_FIELD = 0, 19
_ENDED = ("Z", "X", "x")
_PREFIX = "asset_hub"


def process_mark() -> str:
    """Return a mark that no later process will have, even under the same pid."""
    return f"{_host()}:{os.getpid()}:{_started(os.getpid())}"


def is_dead(mark: str) -> bool:
    """Say whether the marked process of this host is gone; False for other hosts, whose processes we cannot see."""
    host, pid, started = mark.rsplit(":", 2)
    return host == _host() and _started(int(pid)) != started


def scratch_prefix() -> str:
    """Return how the names of this process's temporary files begin; see `sweep_scratch`."""
    return f"{_PREFIX}-{_host_tag()}-{os.getpid()}-{_started(os.getpid())}-"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Lend an empty folder that is removed afterwards; if this process is killed, by the next sweep."""
    with tempfile.TemporaryDirectory(prefix=scratch_prefix()) as folder:
        yield Path(folder)


def sweep_scratch(folder: Path | None = None) -> int:
    """Remove what killed processes of this host left in a folder, or among temporary files; return how many things."""
    count = 0
    for path in (folder or Path(tempfile.gettempdir())).glob(f"{_PREFIX}-{_host_tag()}-*-*-*"):
        pid, started = path.name.split("-")[2:4]
        if pid.isdecimal() and _started(int(pid)) != started:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            count += 1
    return count


def _host_tag() -> str:
    return hashlib.sha256(_host().encode()).hexdigest()[:8]


def _host() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        boot = ""
    return f"{socket.gethostname()}/{boot}"


def _started(pid: int) -> str:
    """Return the start time of a running process in clock ticks since boot; empty when there is none (proc(5)).

    A process that has ended and whose parent has not asked yet (a zombie) does not run.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[_STATE_FIELD] in _ENDED else fields[_START_FIELD]
    except (OSError, IndexError):
        return ""
