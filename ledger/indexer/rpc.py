"""Any EVM node over JSON-RPC as a source: plain request arrays, every answer checked for shape before it counts."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from asset_hub.core.text import N_
from ledger.engine import Checks, Finality, FinalityRule
from ledger.errors import ChainUnavailable
from ledger.indexer.bloom import BLOOM_BYTES
from ledger.indexer.errors import LogsDoNotFit, MethodMissing, SourceUnavailable
from ledger.indexer.sources import Delivered, Header, Log
from ledger.merkle import keccak
from ledger.rpc import Request, Rpc, RpcRefused
from ledger.trie import trie_root
from ledger.wire import encode_header, encode_receipt

_HEADERS_IN_ONE = 200
_ANSWER = TypeVar("_ANSWER")
_HASH, _ADDRESS = 32, 20


class RpcSource:
    """A chain through its nodes; `checks` is BLOOM where header hashes follow other rules."""

    def __init__(self, rpc: Rpc, *, finality: Finality, checks: Checks = Checks.RECEIPTS) -> None:
        self._rpc = rpc
        self._finality = finality
        self._checks = checks
        self._has_receipts = True

    def network(self) -> str:
        chain_id, genesis = self._ask([("eth_chainId", []), ("eth_getBlockByNumber", ["0x0", False])])
        return _shaped(lambda: f"{int(chain_id, 16)}:{_bytes(genesis['hash'], _HASH).hex()}")

    def head(self) -> tuple[Header, int]:
        calls: list[Request] = [("eth_getBlockByNumber", ["latest", False])]
        is_tagged = self._finality.rule is FinalityRule.TAG
        if is_tagged:
            calls.append(("eth_getBlockByNumber", ["finalized", False]))
        newest, *tagged = self._ask(calls)
        head = self._header(newest)
        if not is_tagged:
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
            return Delivered(tuple(logs), trie_root([encode_receipt(receipt) for receipt in receipts]))

        return _shaped(read)

    def _header(self, block: Any) -> Header:
        header = _shaped(lambda: _read_header(block))
        if self._checks == Checks.RECEIPTS and header.number > 0:
            encoded = _shaped(lambda: encode_header(block))
            if keccak(encoded) != header.hash:
                raise LogsDoNotFit(N_("Header {number} has another hash than its members."), number=header.number)
        return header

    def _ask(self, calls: Sequence[Request]) -> list[Any]:
        """Return the results in the order of the calls; any that was refused counts for all."""
        try:
            answers = self._rpc.ask_all(calls)
        except ChainUnavailable as error:
            raise SourceUnavailable from error
        for answer in answers:
            if isinstance(answer, RpcRefused):
                raise _refusal(answer)
        return answers


def _refusal(answer: RpcRefused) -> SourceUnavailable:
    refusal = MethodMissing if answer.is_missing_method else SourceUnavailable
    return refusal(N_("The node answers: {answer}"), answer=answer.message[:200])


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
