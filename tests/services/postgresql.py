"""Starts a throw-away PostgreSQL cluster for tests, as an unprivileged user, on a Unix socket and a loopback port."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNPRIVILEGED = 65534


def find_binaries() -> Path | None:
    """Return the newest server binaries, or None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def running_cluster(binaries: Path) -> Iterator[str]:
    """Yield the URL of the maintenance database; fsync is off, so this is for tests, not for durability drills."""
    folder = Path(tempfile.mkdtemp(prefix="ahpg"))
    try:
        if os.getuid() == 0:
            os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)
        port = _free_port()
        _run(
            binaries / "initdb", "-U", "asset_hub", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            "-D", folder / "data",
        )  # fmt: skip
        options = (
            f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off "
            "-c full_page_writes=off -c max_connections=200"
        )
        _run(binaries / "pg_ctl", "-w", "-D", folder / "data", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://asset_hub@127.0.0.1:{port}/postgres"
        finally:
            _run(binaries / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(*command: str | Path) -> None:
    prefix: list[str] = []
    if os.getuid() == 0:
        user = str(UNPRIVILEGED)
        prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/tmp", "USER": pwd.getpwuid(os.getuid()).pw_name}
    done = subprocess.run(
        [*prefix, *map(str, command)], capture_output=True, text=True, env=environment, timeout=60, cwd="/"
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
