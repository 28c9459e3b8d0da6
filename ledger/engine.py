"""The engine of the ledger: six methods on plain values, and which of the three adapters the setting names.

Embedded, anvil and a network behave alike here; what a network adds (waiting, reorganisations) is in its finality rule.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import rlp
from coincurve import PrivateKey

from asset_hub.core.db import ReadSession
from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_
from ledger.chain import CHAIN_ID, GAS_PRICE
from ledger.errors import JournalBroken
from ledger.merkle import keccak
from ledger.signing import HomeKeys, Key

EMBEDDED, ANVIL, NETWORK = "embedded", "anvil", "network"
_FEELESS = 0
_OPTIONS = {"finality", "chain_id", "gas_price", "checks"}


class BadChainUrl(BadInput):
    """ASSET_HUB_CHAIN_URL names no engine."""

    slug, title = "bad-chain-url", N_("ASSET_HUB_CHAIN_URL names no ledger")


class FinalityRule(StrEnum):
    """When a block of a network can no longer be undone."""

    INSTANT = "instant"
    DEPTH = "depth"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Finality:
    """`depth` counts the blocks above a final one; it is 0 for the other rules."""

    rule: FinalityRule
    depth: int = 0

    def __str__(self) -> str:
        return f"depth:{self.depth}" if self.rule is FinalityRule.DEPTH else str(self.rule)


class Checks(StrEnum):
    """How far headers prove logs: roots and filters; filters alone; nothing but the block's hash in every log."""

    RECEIPTS = "receipts"
    BLOOM = "bloom"
    NONE = "none"


INSTANT = Finality(FinalityRule.INSTANT)


@dataclass(frozen=True, slots=True)
class ChainTerms:
    """What every transaction on a chain must say, and when its blocks are final."""

    engine: str
    chain_id: int = CHAIN_ID
    gas_price: int = GAS_PRICE
    finality: Finality = INSTANT


@dataclass(frozen=True, slots=True)
class BlockHead:
    """The newest block; `time` in unix seconds, `final` the number of the last block that cannot be undone."""

    number: int
    hash: bytes
    time: int
    final: int


@dataclass(frozen=True, slots=True)
class Log:
    """What a contract emitted."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction: in which block, `status` 1 or 0, at what cost, with which logs."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    block_time: int
    status: int
    gas_used: int
    logs: tuple[Log, ...]


class Outcome(StrEnum):
    """What a node says to a transaction. KNOWN is success; NONCE_TOO_LOW asks to look up the receipt."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    NONCE_TOO_LOW = "nonce-too-low"
    NONCE_TAKEN = "nonce-taken"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """A node's answer to one transaction; `reason` is the node's own text, empty when it accepted."""

    tx_hash: bytes
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Called:
    """The result of a call that is not recorded: its output, or the data it reverted with."""

    done: bool
    output: bytes


@dataclass(frozen=True, slots=True)
class JournalBlock:
    """The transactions of one block of the journal, and its time in unix seconds."""

    number: int
    time: int
    raws: tuple[bytes, ...]


class LedgerEngine(Protocol):
    """A chain. Every method may raise ChainUnavailable."""

    @property
    def terms(self) -> ChainTerms: ...

    def head(self) -> BlockHead: ...

    def nonce_of(self, address: bytes) -> int:
        """Return how many transactions of an account are in blocks."""
        ...

    def send(self, raws: Sequence[bytes], *, now: datetime) -> tuple[Answer, ...]:
        """Hand over signed transactions in order; an engine that makes its own blocks mines them at once."""
        ...

    def receipts(self, tx_hashes: Sequence[bytes]) -> tuple[Receipt | None, ...]:
        """Return what became of transactions; None for one that is in no block."""
        ...

    def call(self, to: bytes, data: bytes, *, sender: bytes) -> Called:
        """Execute at the newest block without recording."""
        ...


@dataclass(frozen=True, slots=True)
class ChainUrl:
    """A parsed ASSET_HUB_CHAIN_URL. `nodes` is empty for engines that we start; None means: ask the node."""

    engine: str
    nodes: tuple[str, ...] = ()
    finality: Finality = INSTANT
    chain_id: int | None = None
    gas_price: int = field(default=_FEELESS)
    checks: Checks = Checks.RECEIPTS


def parse_chain_url(url: str) -> ChainUrl:
    """Read `embedded`, `anvil`, `anvil+http://…` or `http(s)://…[,http(s)://…]#finality=RULE[&chain_id=N][&gas_price=WEI][&checks=WHAT]`.

    A network must name its finality rule: instant (QBFT, PBFT), depth:N, or tag. Raises BadChainUrl.
    """
    if url in (EMBEDDED, ANVIL):
        return ChainUrl(url, chain_id=CHAIN_ID, gas_price=GAS_PRICE)
    address, _, fragment = url.partition("#")
    options = dict(parse_qsl(fragment))
    if set(options) - _OPTIONS:
        raise BadChainUrl(N_("{name} is no option of a ledger."), name=min(set(options) - _OPTIONS))
    is_anvil = address.startswith("anvil+")
    nodes = tuple(address.removeprefix("anvil+").split(","))
    if any(urlsplit(node).scheme not in ("http", "https") or not urlsplit(node).netloc for node in nodes):
        raise BadChainUrl(N_("A ledger is embedded, anvil, or the address of a node (http or https)."))
    finality = INSTANT if is_anvil else parse_finality(options.get("finality", ""))
    chain_id = _whole(options["chain_id"]) if "chain_id" in options else None
    price = _whole(options.get("gas_price", str(GAS_PRICE if is_anvil else _FEELESS)))
    checks = options.get("checks", Checks.RECEIPTS)
    if checks not in {str(known) for known in Checks}:
        raise BadChainUrl(N_("What fits on a network is receipts, bloom or none."))
    return ChainUrl(ANVIL if is_anvil else NETWORK, nodes, finality, chain_id, price, Checks(checks))


def parse_finality(text: str) -> Finality:
    """Read `instant`, `depth:N` (N from 1 up) or `tag`. Raises BadChainUrl."""
    rule, _, depth = text.partition(":")
    if rule == FinalityRule.DEPTH and _whole(depth) > 0:
        return Finality(FinalityRule.DEPTH, _whole(depth))
    if text in (FinalityRule.INSTANT, FinalityRule.TAG):
        return Finality(FinalityRule(text))
    raise BadChainUrl(N_("A network needs its finality rule: instant, depth:N or tag."))


@contextmanager
def open_engine(url: str, *, session: ReadSession, keys: HomeKeys) -> Iterator[LedgerEngine]:
    """Open the engine that the setting names; what was started for it ends with the block.

    Embedded, it reads in the session's transaction: what is recorded there goes through `ledger.submit`, so that
    block and journal commit together. anvil forgets, so it starts from the journal.
    """
    chosen = parse_chain_url(url)
    if chosen.engine == EMBEDDED:
        from ledger.embedded import EmbeddedEngine
        from ledger.submit import open_chain

        yield EmbeddedEngine(open_chain(session, keys))
    elif chosen.engine == ANVIL:
        from ledger.anvil import opened_anvil
        from ledger.replay import journal_blocks
        from ledger.submit import endowed_accounts

        with opened_anvil(chosen, endowed=endowed_accounts(keys), blocks=journal_blocks(session)) as engine:
            yield engine
    else:
        from ledger.network import NetworkEngine

        with NetworkEngine.connect(chosen) as engine:
            yield engine


def replay_blocks(engine: LedgerEngine, blocks: Sequence[JournalBlock]) -> int:
    """Execute what a fresh engine lacks of these blocks, in order and at their times; return how many.

    Raises JournalBroken when it holds half a block or does not take a transaction.
    """
    done = 0
    for block in blocks:
        receipts = engine.receipts([keccak(raw) for raw in block.raws])
        if all(receipts):
            continue
        answers = engine.send(block.raws, now=datetime.fromtimestamp(block.time, UTC))
        if any(receipts) or any(answer.outcome is not Outcome.ACCEPTED for answer in answers):
            raise JournalBroken
        done += 1
    return done


def sign_for(
    key: Key, terms: ChainTerms, *, nonce: int, to: bytes, data: bytes, gas: int, value: int = 0
) -> bytes:  # fmt: skip
    """Return a signed legacy transaction for a chain (EIP-155); `to` is empty for a deployment, `value` in wei."""
    fields = [nonce, terms.gas_price, gas, to, value, data]
    digest = keccak(rlp.encode([*fields, terms.chain_id, 0, 0]))
    signature = PrivateKey(key.secret).sign_recoverable(digest, hasher=None)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return bytes(rlp.encode([*fields, terms.chain_id * 2 + 35 + signature[64], r, s]))


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadChainUrl(N_("{text} is no whole number."), text=text)
    return int(text)
