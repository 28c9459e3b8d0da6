"""What a subverted child could try, tried: files outside, the network, endless work, endless memory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from asset_hub.media import DecodeTimedOut, MediaKind, MediaRefused, probe
from asset_hub.media.limited import encode_path, run_limited
from tests.media_files import make_film, make_picture

PROJECT = Path(__file__).resolve().parents[2]
_PROBE = """
import os, resource, signal, socket, sys, threading
from pathlib import Path
from asset_hub.media import sandbox
given, out = Path(sys.argv[1]), Path(sys.argv[2])
print(sandbox.limit_rights(readable=[given], writable=[out]))
def attempt(act):
    try:
        act()
        return "done"
    except OSError as error:
        return type(error).__name__
print(attempt(lambda: Path(sys.argv[1]).read_bytes()))
print(attempt(lambda: Path(sys.argv[3]).read_bytes()))
print(attempt(lambda: Path(sys.argv[3]).write_bytes(b"x")))
print(attempt(lambda: (Path(sys.argv[2]) / "made").write_bytes(b"x")))
print(attempt(lambda: socket.socket(socket.AF_INET)))
print(attempt(lambda: socket.socket(socket.AF_UNIX)))
print(attempt(lambda: os.kill(os.getppid(), 0)))
print(attempt(lambda: signal.pthread_kill(threading.get_ident(), signal.SIGCONT)))
print(attempt(lambda: os.pidfd_open(os.getppid())))
print(attempt(lambda: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)))
print(attempt(lambda: Path("/etc/passwd").read_bytes()))
print(attempt(lambda: Path("/etc/ld.so.cache").read_bytes()))
"""


def test_only_the_given_paths_and_no_network(tmp_path: Path) -> None:
    given, out, secret = tmp_path / "given", tmp_path / "out", tmp_path / "secret"
    given.write_bytes(b"1")
    secret.write_bytes(b"2")
    out.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}

    printed = subprocess.run(
        [sys.executable, "-c", _PROBE, str(given), str(out), str(secret)],
        env=environment, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip

    enforced = printed[0].split("+")
    if "landlock" not in enforced or "seccomp" not in enforced:
        pytest.skip(f"this kernel enforces only {printed[0]}")
    assert printed[1:] == ["done", "PermissionError", "PermissionError", "done", *7 * ["PermissionError"], "done"]
    assert secret.read_bytes() == b"2"


def test_a_child_that_only_waits_is_stopped(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(DecodeTimedOut):
        run_limited("probe", {"path": encode_path(pipe), "kind": "film", "mime": ""}, readable=[pipe], seconds=1)


@pytest.fixture
def home_inside() -> Iterator[Path]:
    """A home inside the folder of the sources, as ./var is in a checkout."""
    with tempfile.TemporaryDirectory(dir=PROJECT, prefix="var-") as folder:
        yield Path(folder)


def _is_enforced() -> bool:
    code = "from asset_hub.media import sandbox; print(sandbox.limit_rights(readable=[], writable=[]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    return "landlock" in done.stdout


def test_a_home_inside_the_sources_is_closed_to_the_child(home_inside: Path) -> None:
    if not _is_enforced():
        pytest.skip("this kernel has no Landlock")
    given, other = make_picture(home_inside / "given.jpg"), make_picture(home_inside / "other.jpg", shade=9)
    args = {"path": encode_path(other), "kind": "picture", "mime": "image/jpeg"}

    facts = probe(given, kind=MediaKind.PICTURE, mime="image/jpeg")
    with pytest.raises(MediaRefused) as refused:
        run_limited("probe", args, readable=[given])

    assert facts.width > 0
    assert "ermission" in str(refused.value)
    assert run_limited("probe", args, readable=[other])["width"] > 0


_LOOK = """
import os, sys
from pathlib import Path
from asset_hub.media import MediaKind, limited, probe
probe(Path(sys.argv[1]), kind=MediaKind.FILM, mime="video/mp4")
process = Path(f"/proc/{limited._ZYGOTE.process.pid}")
print(sorted(entry.split(b"=")[0].decode() for entry in (process / "environ").read_bytes().split(b"\\0") if entry))
print((process / "cwd").readlink(), [(process / "fd" / str(n)).readlink().as_posix() for n in range(3)])
"""


def test_the_child_inherits_no_secret_and_no_stream(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4")
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), "ASSET_HUB_SECRET_KEY": "s" * 32,
        "AWS_SECRET_ACCESS_KEY": "s", "HOME": str(tmp_path), "LANG": "C.UTF-8", "TZ": "UTC",
    }  # fmt: skip

    seen = subprocess.run(
        [sys.executable, "-c", _LOOK, str(film)], env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert seen == [
        str(["LANG", "PATH", "PYTHONPATH", "TZ", "VIPS_CONCURRENCY"]),
        f"/ {['/dev/null'] * 3}",
    ]
