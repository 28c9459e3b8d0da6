"""A node that cannot be trusted: a proxy before a real one that is late, forgets, repeats, invents and breaks off.

Each answer is spoilt with a chance and by a kind drawn from a seeded generator; `calm` makes it honest again.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import httpx

SLOW_SECONDS = 0.8
Answers = list[dict[str, Any]]


class Liar:
    """What the proxy does to answers; `told` counts the lies by kind."""

    def __init__(self, upstream: str, *, seed: str) -> None:
        self.told: dict[str, int] = {}
        self._client = httpx.Client(base_url=upstream, timeout=30, trust_env=False)
        self._rng = random.Random(seed)
        self._kinds: Sequence[str] = ()
        self._chance = 0.0
        self._old_heads: list[Any] = []
        self._lock = Lock()

    def lie(self, *kinds: str, chance: float = 1.0) -> None:
        """Spoil answers from now on."""
        self._kinds, self._chance = kinds, chance

    def calm(self) -> None:
        """Be honest from now on."""
        self._kinds = ()

    def answer(self, body: bytes) -> tuple[int, bytes, bool]:
        """Return (status, body, whether to break off in the middle)."""
        calls = json.loads(body)
        parsed = self._client.post("", content=body, headers={"content-type": "application/json"}).json()
        with self._lock:
            self._remember(calls, parsed)
            kind = self._rng.choice(self._kinds) if self._kinds and self._rng.random() < self._chance else ""
            spoilt = self._spoil(kind, calls, parsed)
        if kind == "slow":
            time.sleep(SLOW_SECONDS)
        return spoilt

    def _remember(self, calls: Answers, answers: Answers) -> None:
        for call, answer in zip(calls, answers, strict=True):
            if call["params"][:1] == ["latest"]:
                self._old_heads.append(answer["result"])

    def _spoil(self, kind: str, calls: Answers, answers: Answers) -> tuple[int, bytes, bool]:
        if kind == "stale" and any(call["params"][:1] == ["latest"] for call in calls):
            answers[0]["result"] = self._rng.choice(self._old_heads)
            self._count(kind)
        elif kind in _BREAKS:
            self._count(kind)
            return (503 if kind == "away" else 200), json.dumps(answers).encode(), kind == "cut"
        elif kind in _LOG_LIES:
            self._spoil_logs(kind, calls, answers)
        elif kind == "partial" and len(answers) > 1:
            del answers[self._rng.randrange(len(answers))]
            self._count(kind)
        return 200, json.dumps(answers).encode(), False

    def _spoil_logs(self, kind: str, calls: Answers, answers: Answers) -> None:
        for call, answer in zip(calls, answers, strict=True):
            for logs in _lists_of_logs(call["method"], answer.get("result")):
                named = [position for position, log in enumerate(logs) if log["topics"]]
                if named and not (kind == "altered" and call["method"] == "eth_getLogs"):
                    _LOG_LIES[kind](logs, self._rng.choice(named))
                    self._count(kind)
                    return

    def _count(self, kind: str) -> None:
        self.told[kind] = self.told.get(kind, 0) + 1


def _lists_of_logs(method: str, result: Any) -> list[list[Any]]:
    if method == "eth_getLogs" and result:
        return [result]
    return [receipt["logs"] for receipt in result or ()] if method == "eth_getBlockReceipts" else []


def _drop(logs: list[Any], position: int) -> None:
    del logs[position]


def _double(logs: list[Any], position: int) -> None:
    logs.insert(position, dict(logs[position]))


def _remove(logs: list[Any], position: int) -> None:
    logs[position] = {**logs[position], "removed": True}


def _misplace(logs: list[Any], position: int) -> None:
    logs[position] = {**logs[position], "blockHash": "0x" + "ab" * 32}


def _swap_topic(logs: list[Any], position: int) -> None:
    topics = list(logs[position]["topics"])
    topics[-1] = "0x" + "cd" * 32
    logs[position] = {**logs[position], "topics": topics}


def _alter(logs: list[Any], position: int) -> None:
    logs[position] = {**logs[position], "data": logs[position]["data"] + "00"}


_LOG_LIES: dict[str, Callable[[list[Any], int], None]] = {
    "missing": _drop, "doubled": _double, "removed": _remove, "misplaced": _misplace, "forged": _swap_topic,
    "altered": _alter,
}  # fmt: skip
_BREAKS = ("slow", "cut", "away")
KINDS = ("stale", "partial", *_LOG_LIES, *_BREAKS)


@contextmanager
def lying_proxy(upstream: str, *, seed: str) -> Iterator[tuple[str, Liar]]:
    """Serve on loopback until the block ends."""
    liar = Liar(upstream, seed=seed)

    class Serve(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body, is_cut = liar.answer(self.rfile.read(int(self.headers["content-length"])))
            with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has waited long enough
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if is_cut else body)
            self.close_connection = is_cut

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Serve)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", liar
    finally:
        server.shutdown()
        server.server_close()
