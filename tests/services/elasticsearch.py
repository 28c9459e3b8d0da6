"""A real Elasticsearch node for the tests: the distribution's own test archive, on loopback, in a folder of its own."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

PROJECT = Path(__file__).resolve().parent.parent.parent
VERSION = "9.5.3"
CACHE = PROJECT / ".cache" / "elasticsearch"
NODE = CACHE / f"elasticsearch-{VERSION}"
_ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
_OLDEST_JAVA = 21
_NOBODY = 65534
_START_SECONDS = 180


def find_java() -> Path | None:
    """Return the home of a Java that the node runs on."""
    on_path = shutil.which("java")
    homes = [os.environ.get("JAVA_HOME"), *map(str, sorted(Path("/usr/lib/jvm").glob("*"), reverse=True))]
    if on_path:
        homes.append(str(Path(on_path).resolve().parent.parent))
    for home in homes:
        if home and (Path(home) / "bin" / "java").exists() and _java_version(Path(home)) >= _OLDEST_JAVA:
            return Path(home)
    return None


def _java_version(home: Path) -> int:
    printed = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', printed)
    return int(found[1]) if found else 0


def install() -> None:
    """Fetch the archive with Maven and unpack it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mvn", "-B", "-q", "dependency:get", f"-Dartifact={_ARTIFACT}", "-Dtransitive=false"], check=True)
    subprocess.run(
        ["mvn", "-B", "-q", "dependency:copy", f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={CACHE}"], check=True
    )
    (archive,) = CACHE.glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(CACHE)
    archive.unlink()
    for program in (NODE / "bin").iterdir():
        program.chmod(0o755)


def is_there() -> bool:
    return (NODE / "bin" / "elasticsearch").exists()


@contextmanager
def running_node() -> Iterator[str]:
    """Start a node of its own; node and data end with the block.

    Its folder lies beside pytest's: whenever another pytest starts it closes that one to all but root, and a node
    that cannot write its data is no master any more.
    """
    folder = Path(tempfile.mkdtemp(prefix="ahes"))
    try:
        yield from _run_in(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_in(folder: Path) -> Iterator[str]:
    java = find_java()
    assert java is not None
    home = folder / "node"
    shutil.copytree(NODE, home, symlinks=True)
    port, transport = _free_port(), _free_port()
    environment = {
        **os.environ, "HOME": str(home), "ES_JAVA_HOME": str(java), "ES_JAVA_OPTS": "-Xms512m -Xmx512m",
    }  # fmt: skip
    settings = {
        "discovery.type": "single-node", "network.host": "127.0.0.1", "http.port": port, "transport.port": transport,
        "xpack.security.enabled": "false", "cluster.routing.allocation.disk.threshold_enabled": "false",
    }  # fmt: skip
    command = [str(home / "bin" / "elasticsearch"), *(f"-E{key}={value}" for key, value in settings.items())]
    command = [*_as_nobody(folder), *command]
    with (folder / "node.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_until_up(f"http://127.0.0.1:{port}", process, folder / "node.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _as_nobody(folder: Path) -> list[str]:
    """Elasticsearch refuses root: give the folder to nobody and become it."""
    if os.geteuid() != 0:
        return []
    subprocess.run(["chown", "-R", f"{_NOBODY}:{_NOBODY}", str(folder)], check=True)
    assert pwd.getpwuid(_NOBODY)
    return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]


def _wait_until_up(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/_cluster/health?wait_for_status=yellow&timeout=5s", timeout=10).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise RuntimeError("the node did not start:\n" + log.read_text(errors="replace")[-3000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    act = sys.argv[1]
    if act == "find-java":
        print(find_java() or "")
    elif act == "is-there":
        sys.exit(0 if is_there() else 1)
    elif act == "install":
        install()
