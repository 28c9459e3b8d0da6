"""Any EVM network through its JSON-RPC: our own reading of headers and receipts, and what a node lacks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from ledger.chain import CHAIN_ID
from ledger.engine import (
    Answer,
    BlockHead,
    Called,
    ChainTerms,
    ChainUrl,
    FinalityRule,
    Log,
    Outcome,
    Receipt,
)
from ledger.errors import ChainUnavailable, WrongChain
from ledger.health import Lack, NodeFacts, Quorum
from ledger.journal import ProvenBlock
from ledger.merkle import keccak
from ledger.rpc import Request, Rpc, RpcRefused
from ledger.trie import trie_root
from ledger.wire import encode_header, encode_receipt

_CALL_GAS = 30_000_000
_PERIOD_OVER = 10
_HISTORY = 200
_NEEDED = (
    "eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_getTransactionCount", "eth_getBlockByHash",
    "eth_getBlockByNumber", "eth_getLogs", "eth_call",
)  # fmt: skip
_NO_BLOCK = "0x" + 64 * "0"
_KNOWN = ("already known", "known transaction", "already imported", "alreadyknown", "already exist")
_NONCE_TOO_LOW = ("nonce too low", "nonce is too low", "nonce_too_low", "invalid nonce", "nonce check fail")
_NONCE_TAKEN = ("replacement transaction underpriced", "replacement transaction", "underpriced replacement")


class NetworkEngine:
    """A network as a LedgerEngine."""

    def __init__(self, rpc: Rpc, terms: ChainTerms) -> None:
        self.rpc = rpc
        self._terms = terms
        self._times: dict[str, int] = {}

    @classmethod
    @contextmanager
    def connect(cls, url: ChainUrl) -> Iterator[Self]:
        """Connect and learn the chain id. Raises WrongChain when the setting names another, ChainUnavailable."""
        rpc = Rpc(url.nodes)
        try:
            yield cls(rpc, read_terms(rpc, url))
        finally:
            rpc.close()

    @property
    def terms(self) -> ChainTerms:
        return self._terms

    def head(self) -> BlockHead:
        """Return the newest block, read from the block itself and not from a counter."""
        block = self.rpc.ask("eth_getBlockByNumber", "latest", False)
        number = _int(block["number"])
        return BlockHead(number, _bytes(block["hash"]), _int(block["timestamp"]), self._final(number))

    def nonce_of(self, address: bytes) -> int:
        return _int(self.rpc.ask("eth_getTransactionCount", _hex(address), "latest"))

    def send(self, raws: Sequence[bytes], *, now: datetime) -> tuple[Answer, ...]:  # noqa: ARG002  the network's clock
        answers = self.rpc.ask_all([("eth_sendRawTransaction", [_hex(raw)]) for raw in raws])
        return tuple(_read_sent(keccak(raw), answer) for raw, answer in zip(raws, answers, strict=True))

    def receipts(self, tx_hashes: Sequence[bytes]) -> tuple[Receipt | None, ...]:
        found = self.rpc.ask_all([("eth_getTransactionReceipt", [_hex(tx_hash)]) for tx_hash in tx_hashes])
        known = [answer for answer in found if _is_mined(answer)]
        times = self._times_of({answer["blockHash"] for answer in known})
        return tuple(
            _read_receipt(answer, times[answer["blockHash"]])
            if _is_mined(answer) and answer["blockHash"] in times
            else None
            for answer in found
        )

    def call(self, to: bytes, data: bytes, *, sender: bytes) -> Called:
        asked = {"from": _hex(sender), "to": _hex(to), "data": _hex(data), "gas": hex(_CALL_GAS)}
        try:
            return Called(True, _bytes(self.rpc.ask("eth_call", asked, "latest")))
        except RpcRefused as refused:
            return Called(False, _revert_data(refused.data))

    def genesis(self) -> bytes:
        """Return the hash of block 0."""
        return _bytes(self.rpc.ask("eth_getBlockByNumber", "0x0", False)["hash"])

    def read_block(self, block_hash: bytes) -> "BlockRead | None":
        """Return a block with the receipts of all its transactions, None when the node has no such block."""
        block = self.rpc.ask("eth_getBlockByHash", _hex(block_hash), False)
        return _read_block(block, self._receipts_in(block)) if block else None

    def _receipts_in(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        found: Any = None
        with suppress(RpcRefused):
            found = self.rpc.ask("eth_getBlockReceipts", block["hash"])
        if isinstance(found, list):
            return found
        asked = [("eth_getTransactionReceipt", [tx_hash]) for tx_hash in block["transactions"]]
        answers = self.rpc.ask_all(asked)
        if not all(_is_mined(answer) for answer in answers):
            raise ChainUnavailable
        return answers

    def _final(self, head: int) -> int:
        finality = self._terms.finality
        if finality.rule is not FinalityRule.TAG:
            return max(0, head - finality.depth)
        block = self.rpc.ask("eth_getBlockByNumber", "finalized", False)
        return _int(block["number"]) if block else 0

    def _times_of(self, hashes: set[str]) -> dict[str, int]:
        """Return the times of blocks; a block that was undone meanwhile is left out."""
        unknown = sorted(hashes - set(self._times))
        blocks = self.rpc.ask_all([("eth_getBlockByHash", [block_hash, False]) for block_hash in unknown])
        self._times |= {block["hash"]: _int(block["timestamp"]) for block in blocks if isinstance(block, dict)}
        return {block_hash: self._times[block_hash] for block_hash in hashes if block_hash in self._times}


@dataclass(frozen=True, slots=True)
class BlockRead:
    """A block, and where each of its transactions is in it with which receipt, by the transaction's hash."""

    block: ProvenBlock
    places: dict[bytes, int]
    receipts: dict[bytes, bytes]


def _read_block(block: dict[str, Any], receipts: list[dict[str, Any]]) -> BlockRead:
    """Encode a block; one whose header or receipts are hashed by other rules keeps no header: it proves nothing."""
    hashes = [_bytes(receipt["transactionHash"]) for receipt in receipts]
    encoded = tuple(encode_receipt(receipt) for receipt in receipts)
    header = b"" if _is_foreign(block, encoded) else encode_header(block)
    return BlockRead(
        ProvenBlock(_int(block["number"]), _bytes(block["hash"]), _int(block["timestamp"]), header, encoded),
        {tx_hash: place for place, tx_hash in enumerate(hashes)}, dict(zip(hashes, encoded, strict=True)),
    )  # fmt: skip


def _is_foreign(block: dict[str, Any], receipts: tuple[bytes, ...]) -> bool:
    return not _is_hashed(block) or trie_root(receipts) != _bytes(block["receiptsRoot"])


def _is_hashed(block: dict[str, Any]) -> bool:
    """Say whether a block's hash is that of its header as we know it (not so on QBFT, IBFT and FISCO BCOS)."""
    try:
        return keccak(encode_header(block)) == _bytes(block["hash"])
    except (KeyError, TypeError, ValueError):
        return False


def read_facts(engine: NetworkEngine) -> NodeFacts:
    """Ask a node how it is and what it lacks. Never raises: a network that does not answer is a fact too."""
    terms = engine.terms
    try:
        return _facts(engine)
    except ChainUnavailable:
        return NodeFacts(terms.chain_id, "", str(terms.finality), None, lacks=(Lack.ANSWER,))


def _facts(engine: NetworkEngine) -> NodeFacts:
    latest: dict[str, Any] = engine.rpc.ask("eth_getBlockByNumber", "latest", False)
    number = _int(latest["number"])
    earlier = max(0 if number < _PERIOD_OVER else 1, number - _PERIOD_OVER)
    asked: dict[str, Request] = {
        "chain_id": ("eth_chainId", []), "client": ("web3_clientVersion", []), "peers": ("net_peerCount", []),
        "syncing": ("eth_syncing", []), "before": ("eth_getBlockByNumber", [hex(earlier), False]),
        "finalized": ("eth_getBlockByNumber", ["finalized", False]),
        "history": ("eth_getBalance", [_hex(bytes(20)), hex(max(1, number - _HISTORY))]),
        "clique": ("clique_getSigners", []), "qbft": ("qbft_getValidatorsByBlockNumber", ["latest"]),
        "ibft": ("ibft_getValidatorsByBlockNumber", ["latest"]),
    }  # fmt: skip
    told = dict(zip(asked, engine.rpc.ask_all(list(asked.values())), strict=True))
    missing = _missing_methods(engine.rpc)
    peers = _int(told["peers"]) if isinstance(told["peers"], str) else None
    terms, chain_id = engine.terms, _int(told["chain_id"]) if isinstance(told["chain_id"], str) else 0
    found = {
        Lack.CHAIN_ID: chain_id == 0,
        Lack.METHODS: bool(missing),
        Lack.HISTORY: number > 1 and isinstance(told["history"], RpcRefused),
        Lack.FINALIZED: terms.finality.rule is FinalityRule.TAG and not isinstance(told["finalized"], dict),
        Lack.SYNC: bool(told["syncing"]) and not isinstance(told["syncing"], RpcRefused),
        Lack.HEADERS: number > 0 and not _is_hashed(latest),
    }
    final = max(0, number - terms.finality.depth)
    if terms.finality.rule is FinalityRule.TAG:
        final = _int(told["finalized"]["number"]) if isinstance(told["finalized"], dict) else 0
    return NodeFacts(
        chain_id, told["client"] if isinstance(told["client"], str) else "", str(terms.finality),
        BlockHead(number, _bytes(latest["hash"]), _int(latest["timestamp"]), final),
        _period(latest, told["before"]) if terms.engine == "network" else None,
        peers, _quorum(told, peers), tuple(lack for lack, is_so in found.items() if is_so), missing,
    )  # fmt: skip


def _missing_methods(rpc: Rpc) -> tuple[str, ...]:
    """Return which of the methods that we use the node does not know; asked without arguments, none acts."""
    answers = rpc.ask_all([(method, []) for method in _NEEDED])
    return tuple(
        method
        for method, answer in zip(_NEEDED, answers, strict=True)
        if isinstance(answer, RpcRefused) and answer.is_missing_method
    )


def _period(latest: dict[str, Any], before: Any) -> timedelta | None:
    if not isinstance(before, dict) or latest["number"] == before["number"]:
        return None
    blocks = _int(latest["number"]) - _int(before["number"])
    return timedelta(seconds=_int(latest["timestamp"]) - _int(before["timestamp"])) / blocks


def _quorum(told: dict[str, Any], peers: int | None) -> Quorum | None:
    """Clique goes on with more than half of its signers, QBFT and IBFT with two thirds."""
    connected = None if peers is None else peers + 1
    if isinstance(told["clique"], list):
        count = len(told["clique"])
        return Quorum(count, count // 2 + 1, connected)
    for name in ("qbft", "ibft"):
        if isinstance(told[name], list):
            count = len(told[name])
            return Quorum(count, -(-2 * count // 3), connected)
    return None


def read_terms(rpc: Rpc, url: ChainUrl) -> ChainTerms:
    """Ask the node for its chain id. Raises WrongChain when the setting names another or the node says 0."""
    served = _int(rpc.ask("eth_chainId"))
    expected = url.chain_id if url.chain_id is not None else (served if url.engine == "network" else CHAIN_ID)
    if served != expected or served == 0:
        raise WrongChain(members={"expected": expected, "served": served})
    return ChainTerms(url.engine, served, url.gas_price, url.finality)


def _read_sent(tx_hash: bytes, answer: Any) -> Answer:
    if not isinstance(answer, RpcRefused):
        return Answer(tx_hash, Outcome.ACCEPTED)
    text = answer.message.lower()
    for outcome, words in (
        (Outcome.KNOWN, _KNOWN), (Outcome.NONCE_TOO_LOW, _NONCE_TOO_LOW), (Outcome.NONCE_TAKEN, _NONCE_TAKEN),
    ):  # fmt: skip
        if any(word in text for word in words):
            return Answer(tx_hash, outcome, answer.message)
    return Answer(tx_hash, Outcome.REFUSED, answer.message)


def _is_mined(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("blockHash") not in (None, _NO_BLOCK)


def _read_receipt(answer: dict[str, Any], time: int) -> Receipt:
    return Receipt(
        tx_hash=_bytes(answer["transactionHash"]), block_number=_int(answer["blockNumber"]),
        block_hash=_bytes(answer["blockHash"]), block_time=time, status=_int(answer["status"]),
        gas_used=_int(answer["gasUsed"]),
        logs=tuple(
            Log(_bytes(log["address"]), tuple(map(_bytes, log["topics"])), _bytes(log["data"]))
            for log in answer["logs"]
        ),
    )  # fmt: skip


def _revert_data(data: Any) -> bytes:
    """Nodes give revert data as hex, or wrapped in another object."""
    if isinstance(data, dict):
        data = data.get("data") or data.get("output") or ""
    return _bytes(data) if isinstance(data, str) and data.startswith("0x") else b""


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def _int(value: str) -> int:
    return int(value, 16)
