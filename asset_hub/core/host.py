"""This process as other processes of the host can recognise it: host, boot, pid and start time."""

import os
import socket
from pathlib import Path

_START_FIELD = 19


def process_mark() -> str:
    """Return a mark that no later process will have, even under the same pid."""
    return f"{_host()}:{os.getpid()}:{_started(os.getpid())}"


def is_dead(mark: str) -> bool:
    """Say whether the marked process of this host is gone; False for other hosts, whose processes we cannot see."""
    host, pid, started = mark.rsplit(":", 2)
    return host == _host() and _started(int(pid)) != started


def _host() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        boot = ""
    return f"{socket.gethostname()}/{boot}"


def _started(pid: int) -> str:
    """Return the start time of a process in clock ticks since boot; empty when there is none (proc(5))."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_START_FIELD]
    except (OSError, IndexError):
        return ""
