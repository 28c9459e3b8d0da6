"""JSON-RPC over HTTP: the one client of nodes. Arrays of requests, every answer asked for once and matched by its id.

web3.py is not used here: its signing middleware races for nonces, and its formatters refuse the headers of Clique and
QBFT.
"""

from collections.abc import Sequence
from typing import Any

import httpx
import orjson

from ledger.errors import ChainUnavailable

TIMEOUT_S = 10.0
_BATCH = 200
_NO_METHOD = (-32601, -32004)
_NO_METHOD_WORDS = ("does not exist", "not found", "not available", "not supported", "unknown method")
_HEADERS = {"content-type": "application/json"}

Request = tuple[str, Sequence[Any]]


class RpcRefused(Exception):
    """A node's error to one request; `code` is its number, the text its own."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        self.code, self.message, self.data = code, message, data
        super().__init__(f"{message} ({code})")

    @property
    def is_missing_method(self) -> bool:
        """Say whether the node does not have the method at all."""
        return self.code in _NO_METHOD or any(word in self.message.lower() for word in _NO_METHOD_WORDS)


class Rpc:
    """JSON-RPC to the first of several nodes of one network that answers; safe for threads."""

    def __init__(self, nodes: Sequence[str], *, timeout_s: float = TIMEOUT_S) -> None:
        self.nodes = tuple(nodes)
        self._clients = [httpx.Client(base_url=node, timeout=timeout_s, trust_env=False) for node in nodes]

    def ask(self, method: str, *params: Any) -> Any:
        """Return one result. Raises RpcRefused for the node's own error, ChainUnavailable when no node answers."""
        (answer,) = self.ask_all([(method, params)])
        if isinstance(answer, RpcRefused):
            raise answer
        return answer

    def ask_all(self, asked: Sequence[Request]) -> list[Any]:
        """Return a result or an RpcRefused per request, in order: one HTTP request per 200.

        A batch that one node broke off is asked again of the next: transactions may then be known already.
        """
        answers: list[Any] = []
        for start in range(0, len(asked), _BATCH):
            answers += self._ask_batch(asked[start : start + _BATCH])
        return answers

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    def _ask_batch(self, asked: Sequence[Request]) -> list[Any]:
        body = orjson.dumps(
            [
                {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
                for number, (method, params) in enumerate(asked)
            ]
        )
        problem: Exception | None = None
        for client in self._clients:
            try:
                answer = client.post("", content=body, headers=_HEADERS)
                answer.raise_for_status()
                return _read_all(orjson.loads(answer.content), len(asked))
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError) as error:
                problem = error
        raise ChainUnavailable from problem


def _read_all(parsed: Any, count: int) -> list[Any]:
    """Return the answers in the order of the requests. Raises ValueError, KeyError or TypeError for other shapes."""
    if isinstance(parsed, dict):
        refusal = _refusal(parsed["error"])
        if not refusal.is_missing_method:
            raise ValueError(str(refusal))
        return [refusal] * count
    by_id = {answer["id"]: answer for answer in parsed}
    if len(parsed) != count or by_id.keys() != set(range(count)):
        raise ValueError("not every request was answered once")
    return [_read_answer(by_id[number]) for number in range(count)]


def _read_answer(answer: dict[str, Any]) -> Any:
    if answer.get("error") is None:
        return answer["result"]
    return _refusal(answer["error"])


def _refusal(error: dict[str, Any]) -> RpcRefused:
    return RpcRefused(int(error.get("code", 0)), str(error.get("message", "")), error.get("data"))
