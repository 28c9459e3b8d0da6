"""What the indexer asks a chain for, and the checks that an answer must pass before it counts.

A node may lie or be late; a log counts only when its block's header carries it. Which checks hold on a network is a
setting: some permissioned chains compute header hashes or receipt roots by rules of their own.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from asset_hub.core.text import N_
from ledger.engine import Checks
from ledger.indexer.bloom import blooms_of
from ledger.indexer.errors import LogsDoNotFit


class Header(NamedTuple):
    """What the indexer needs of a block's header; `bloom` is the filter as a number."""

    number: int
    hash: bytes
    parent: bytes
    time: int
    receipts_root: bytes
    bloom: int


class Log(NamedTuple):
    """One log, of whatever contract."""

    block_number: int
    block_hash: bytes
    log_index: int
    tx_hash: bytes
    tx_index: int
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


class Delivered(NamedTuple):
    """Every log of one block, and the root over the receipts they came in (None: the node gives no receipts)."""

    logs: tuple[Log, ...]
    receipts_root: bytes | None


class LogSource(Protocol):
    """A chain to follow. Every method may raise SourceUnavailable; logs are those of all contracts."""

    def network(self) -> str:
        """Return the chain's id and genesis: what never changes about it."""

    def head(self) -> tuple[Header, int]:
        """Return the newest header and the number of the newest final block, as this node knows them."""

    def headers(self, first: int, last: int) -> list[Header]:
        """Return the headers by number, both ends included; shorter where the node has fewer."""

    def logs_of(self, block_hash: bytes) -> Delivered:
        """Return the logs of one block by its hash."""

    def logs_between(self, first: int, last: int) -> list[Log]:
        """Return the logs of a range of blocks, in order."""

    def checks(self) -> Checks:
        """Say what must fit on this network."""


def check_headers(headers: Sequence[Header], *, first: int, last: int) -> None:
    """Raise LogsDoNotFit unless these are the headers from first to last, each the parent of the next."""
    if [header.number for header in headers] != list(range(first, last + 1)):
        raise LogsDoNotFit(N_("Headers {first} to {last} were asked for, others came."), first=first, last=last)
    for parent, child in itertools.pairwise(headers):
        if child.parent != parent.hash:
            raise LogsDoNotFit(N_("Block {number} does not follow the one before it."), number=child.number)


def check_delivered(header: Header, delivered: Delivered, checks: Checks) -> list[Log]:
    """Return a block's logs when they fit its header. Raises LogsDoNotFit."""
    if checks == Checks.RECEIPTS and delivered.receipts_root not in (None, header.receipts_root):
        raise LogsDoNotFit(N_("The receipts of block {number} have another root."), number=header.number)
    return check_range([header], delivered.logs, checks)


def check_range(headers: Sequence[Header], logs: Iterable[Log], checks: Checks) -> list[Log]:
    """Return the logs in order when each block's fit its header: none missing, doubled or foreign.

    Raises LogsDoNotFit. The filter cannot see a missing last log whose bits all occur in the others of its block.
    """
    by_block: dict[int, list[Log]] = defaultdict(list)
    for log in logs:
        by_block[log.block_number].append(log)
    for header in headers:
        _check_block(header, by_block.get(header.number, []), checks)
    if len(by_block.keys() - {header.number for header in headers}):
        raise LogsDoNotFit(N_("The node sent logs of blocks that were not asked for."))
    if checks != Checks.NONE:
        _check_blooms(headers, by_block)
    return [log for header in headers for log in by_block.get(header.number, ())]


def _check_block(header: Header, logs: Sequence[Log], checks: Checks) -> None:
    if any(log.block_hash != header.hash for log in logs):
        raise LogsDoNotFit(N_("A log of block {number} names another block."), number=header.number)
    indexes = [log.log_index for log in logs]
    expected = sorted(set(indexes)) if checks == Checks.NONE else list(range(len(logs)))
    if indexes != expected:
        raise LogsDoNotFit(N_("Logs of block {number} are missing, doubled or out of order."), number=header.number)


def _check_blooms(headers: Sequence[Header], by_block: dict[int, list[Log]]) -> None:
    entries = {number: [entry for log in logs for entry in (log.address, *log.topics)]
               for number, logs in by_block.items()}  # fmt: skip
    blooms = blooms_of(entries)
    for header in headers:
        if blooms.get(header.number, 0) != header.bloom:
            raise LogsDoNotFit(N_("The logs of block {number} do not fit its filter."), number=header.number)
