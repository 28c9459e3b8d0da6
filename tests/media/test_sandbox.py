"""What a subverted child could try, tried: files outside, the network, endless work, endless memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_PROBE = """
import socket, sys
from pathlib import Path
from asset_hub.media import sandbox
given, out, python = Path(sys.argv[1]), Path(sys.argv[2]), [Path(p) for p in sys.path if p]
print(sandbox.limit_rights(readable=[given], writable=[out], python=python))
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
    assert printed[1:] == ["done", "PermissionError", "PermissionError", "done", "PermissionError"]
    assert secret.read_bytes() == b"2"


def test_a_child_that_only_waits_is_stopped(tmp_path: Path) -> None:
    from asset_hub.media.errors import DecodeTimedOut
    from asset_hub.media.limited import encode_path, run_limited

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(DecodeTimedOut):
        run_limited("probe", {"path": encode_path(pipe), "kind": "film", "mime": ""}, readable=[pipe], seconds=1)
