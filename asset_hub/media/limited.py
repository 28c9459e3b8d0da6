"""Runs a named task on a hostile file in a forked, limited child and brings back plain values."""

import array
import atexit
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from asset_hub.core.text import N_
from asset_hub.media.errors import BY_SLUG, DecodeTimedOut, MediaRefused

OnProgress = Callable[[float], None]
_LOCK = threading.Lock()
_MAX_ANSWER = 64 << 20
_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")
_SOURCES = str(Path(__file__).resolve().parents[2])


class _Zygote:
    """The process that forks children, started with the first request and again whenever it is gone."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.channel: socket.socket | None = None
        self.owner = 0

    def send(self, request: bytes, pipe: int) -> None:
        with _LOCK:
            channel = self._channel()
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pipe]))]
            channel.sendmsg([request], rights)

    def _channel(self) -> socket.socket:
        alive = self.process is not None and self.owner == os.getpid() and self.process.poll() is None
        return self.channel if alive and self.channel is not None else self._start()

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", "-m", "asset_hub.media.zygote", str(theirs.fileno())]
        self.process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=_environment(), cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=None if _debugging() else subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        self.channel, self.owner = ours, os.getpid()
        return ours

    def stop(self) -> None:
        if self.process is not None and self.owner == os.getpid() and self.channel is not None:
            self.channel.close()
            self.process.kill()
            self.process.wait()


_ZYGOTE = _Zygote()
atexit.register(_ZYGOTE.stop)


def run_limited(
    task: str,
    args: dict[str, Any],
    *,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    seconds: int = 120,
    on_progress: OnProgress | None = None,
) -> Any:
    """Run one of `tasks.TASKS`; only the given paths can be read or written, for at most `seconds` of wall clock.

    Raises the MediaRefused that the child named, DecodeTimedOut when it was stopped by a limit.
    """
    request = json.dumps(
        {
            "task": task,
            "args": args,
            "seconds": seconds,
            "readable": [os.fsencode(path.absolute()).hex() for path in readable],
            "writable": [str(path.absolute()) for path in writable],
        }
    ).encode()
    reading, writing = os.pipe()
    try:
        _ZYGOTE.send(request, writing)
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        return _listen(answers, on_progress, [*readable, *writable])


def _listen(answers: Any, on_progress: OnProgress | None, paths: Sequence[Path]) -> Any:
    while line := answers.readline(_MAX_ANSWER):
        message = json.loads(line)
        if "result" in message:
            return message["result"]
        if "refused" in message:
            raise _refusal(message, paths)
        if on_progress is not None:
            on_progress(float(message.get("progress", 0)))
    raise DecodeTimedOut(N_("Reading took longer, or more memory, than a file may take."))


def _refusal(message: dict[str, Any], paths: Sequence[Path]) -> MediaRefused:
    refusal = BY_SLUG.get(str(message["refused"]), MediaRefused)
    params: dict[str, Any] = {str(key): without_paths(str(value), paths) for key, value in message["params"].items()}
    return refusal(str(message["message"]), **params)


def encode_path(path: Path) -> str:
    """Write a path, whose bytes need not be text, so that JSON keeps it."""
    return os.fsencode(path.absolute()).hex()


def decode_path(text: str) -> Path:
    """Undo `encode_path`."""
    return Path(os.fsdecode(bytes.fromhex(text)))


def _environment() -> dict[str, str]:
    """Return the little that decoders need: our own variables hold secrets and addresses of services."""
    kept = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    modules = [_SOURCES, *(os.path.abspath(path) for path in sys.path if path)]
    return {"PATH": os.defpath, "LANG": "C.UTF-8", **kept, "VIPS_CONCURRENCY": "1",
            "PYTHONPATH": os.pathsep.join(modules)}  # fmt: skip


def _debugging() -> bool:
    return bool(os.environ.get("ASSET_HUB_DEBUG_MEDIA"))


def without_paths(complaint: str, paths: Sequence[Path]) -> str:
    """Keep where our files lie out of what people read, also where a decoder cut the path short."""
    for path in paths:
        complaint = complaint.replace(str(path.absolute()), "–")
        complaint = re.sub(rf"\S*{re.escape(path.name)}\S*", "–", complaint)
    return complaint
