"""Any EVM node over JSON-RPC as a source: plain request arrays, every answer checked for shape before it counts."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import httpx
import orjson
import rlp

from asset_hub.core.text import N_
from ledger.indexer.bloom import BLOOM_BYTES
from ledger.indexer.errors import LogsDoNotFit, MethodMissing, SourceUnavailable
from ledger.indexer.sources import Checks, Delivered, Finality, Header, Log
from ledger.merkle import keccak
from ledger.trie import trie_root

_NO_METHOD = (-32601, -32004)
_HEADERS_IN_ONE = 200
_ANSWER = TypeVar("_ANSWER")
_HASH, _ADDRESS = 32, 20
# The members of a header in the order in which they are hashed; those from the tenth fork on are there or not.
_HEADER_MEMBERS = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot",
    "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash",
)  # fmt: skip
_NUMBERS = frozenset(
    ("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas")
)
_ALWAYS = 15


class RpcSource:
    """A node at a URL. `checks` says what holds on its network: BLOOM where header hashes follow other rules."""

    def __init__(
        self, url: str, *, finality: Finality, checks: Checks = Checks.RECEIPTS, timeout_seconds: float = 10.0
    ) -> None:
        self._client = httpx.Client(base_url=url, timeout=timeout_seconds, trust_env=False)
        self._finality = finality
        self._checks = checks
        self._has_receipts = True

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def network(self) -> str:
        chain_id, genesis = self._ask([("eth_chainId", []), ("eth_getBlockByNumber", ["0x0", False])])
        return _shaped(lambda: f"{int(chain_id, 16)}:{_bytes(genesis['hash'], _HASH).hex()}")

    def head(self) -> tuple[Header, int]:
        calls: list[tuple[str, list[Any]]] = [("eth_getBlockByNumber", ["latest", False])]
        if self._finality.depth is None:
            calls.append(("eth_getBlockByNumber", ["finalized", False]))
        newest, *tagged = self._ask(calls)
        head = self._header(newest)
        if self._finality.depth is not None:
            return head, max(head.number - self._finality.depth, -1)
        return head, min(_shaped(lambda: int(tagged[0]["number"], 16)), head.number)

    def headers(self, first: int, last: int) -> list[Header]:
        found: list[Any] = []
        for start in range(first, last + 1, _HEADERS_IN_ONE):
            numbers = range(start, min(start + _HEADERS_IN_ONE, last + 1))
            found += self._ask([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
        return [self._header(block) for block in found if block is not None]

    def logs_of(self, block_hash: bytes) -> Delivered:
        name = f"0x{block_hash.hex()}"
        if self._has_receipts and self._checks == Checks.RECEIPTS:
            try:
                return self._from_receipts(self._ask([("eth_getBlockReceipts", [name])])[0])
            except MethodMissing:
                self._has_receipts = False
        (logs,) = self._ask([("eth_getLogs", [{"blockHash": name}])])
        return Delivered(tuple(_read_logs(logs)), None)

    def logs_between(self, first: int, last: int) -> list[Log]:
        (logs,) = self._ask([("eth_getLogs", [{"fromBlock": hex(first), "toBlock": hex(last)}])])
        return _read_logs(logs)

    def checks(self) -> Checks:
        return self._checks

    def _from_receipts(self, receipts: Any) -> Delivered:
        def read() -> Delivered:
            logs = [log for receipt in receipts for log in _read_logs(receipt["logs"])]
            return Delivered(tuple(logs), trie_root([_encode_receipt(receipt) for receipt in receipts]))

        return _shaped(read)

    def _header(self, block: Any) -> Header:
        header = _shaped(lambda: _read_header(block))
        if self._checks == Checks.RECEIPTS and header.number > 0:
            encoded = _shaped(lambda: _encode_header(block))
            if keccak(encoded) != header.hash:
                raise LogsDoNotFit(N_("Header {number} has another hash than its members."), number=header.number)
        return header

    def _ask(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Post one array; return the results in the order of the calls."""
        body = [{"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                for number, (method, params) in enumerate(calls)]  # fmt: skip
        try:
            answer = self._client.post("", content=orjson.dumps(body), headers={"content-type": "application/json"})
            answer.raise_for_status()
            parsed = orjson.loads(answer.content)
        except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError) as error:
            raise SourceUnavailable from error
        return _shaped(lambda: _results(parsed, len(calls)))


def _results(parsed: Any, count: int) -> list[Any]:
    if isinstance(parsed, dict):
        raise _refusal(parsed["error"])
    by_id = {answer["id"]: answer for answer in parsed}
    if len(parsed) != count or by_id.keys() != set(range(count)):
        raise ValueError("not every call was answered once")
    for answer in by_id.values():
        if answer.get("error") is not None:
            raise _refusal(answer["error"])
    return [by_id[number]["result"] for number in range(count)]


def _refusal(error: Any) -> SourceUnavailable:
    refusal = MethodMissing if error["code"] in _NO_METHOD else SourceUnavailable
    return refusal(N_("The node answers: {answer}"), answer=str(error["message"])[:200])


def _shaped(read: Callable[[], _ANSWER]) -> _ANSWER:
    """Read an answer; whatever shape it lacks, the node did not answer."""
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise SourceUnavailable from error


def _read_header(block: Any) -> Header:
    return Header(
        int(block["number"], 16), _bytes(block["hash"], _HASH), _bytes(block["parentHash"], _HASH),
        int(block["timestamp"], 16), _bytes(block["receiptsRoot"], _HASH),
        int.from_bytes(_bytes(block["logsBloom"], BLOOM_BYTES), "big"),
    )  # fmt: skip


def _encode_header(block: Any) -> bytes:
    members = [name for name in _HEADER_MEMBERS[_ALWAYS:] if block.get(name) is not None]
    fields = [_field(name, block[name]) for name in (*_HEADER_MEMBERS[:_ALWAYS], *members)]
    return bytes(rlp.encode(fields))


def _field(name: str, text: str) -> bytes | int:
    return int(text, 16) if name in _NUMBERS else bytes.fromhex(text[2:])


def _read_logs(logs: Any) -> list[Log]:
    return _shaped(lambda: [_read_log(log) for log in logs])


def _read_log(log: Any) -> Log:
    if log.get("removed"):
        raise LogsDoNotFit(N_("The node sent a log that it says is removed."))
    return Log(
        int(log["blockNumber"], 16), _bytes(log["blockHash"], _HASH), int(log["logIndex"], 16),
        _bytes(log["transactionHash"], _HASH), int(log["transactionIndex"], 16), _bytes(log["address"], _ADDRESS),
        tuple([_bytes(topic, _HASH) for topic in log["topics"]]), bytes.fromhex(log["data"][2:]),
    )  # fmt: skip


def _bytes(text: str, length: int) -> bytes:
    data = bytes.fromhex(text[2:])
    if len(data) != length or text[:2] != "0x":
        raise ValueError("a value has another length")
    return data


def _encode_receipt(receipt: Any) -> bytes:
    fields = [
        int(receipt["status"], 16), int(receipt["cumulativeGasUsed"], 16), bytes.fromhex(receipt["logsBloom"][2:]),
        _encode_logs(receipt["logs"]),
    ]  # fmt: skip
    kind = int(receipt.get("type") or "0x0", 16)
    return (bytes([kind]) if kind else b"") + bytes(rlp.encode(fields))


def _encode_logs(logs: Iterable[Any]) -> list[list[Any]]:
    return [
        [bytes.fromhex(log["address"][2:]), [bytes.fromhex(topic[2:]) for topic in log["topics"]],
         bytes.fromhex(log["data"][2:])]
        for log in logs
    ]  # fmt: skip
