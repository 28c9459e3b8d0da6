"""The index: back-fill beside web3.py's own decoding of the same logs, block to query, restart at a million events.

The chain is anvil with a program that emits what its calldata says; where anvil is missing, and for the million, the
blocks are made in memory with headers that carry them, and go through the same checks.
"""

from bench import Figures, measured  # first: it takes this folder off the path

# isort: split
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

from sqlmodel import SQLModel, select
from web3 import Web3
from web3.datastructures import AttributeDict

import contracts
import ledger.index_models
from asset_hub.core.db import Database
from asset_hub.core.log import configure_logging
from ledger.anvil import find_anvil
from ledger.engine import Checks, parse_finality
from ledger.index_models import CursorRow
from ledger.indexer import Contracts, Following, RpcSource, follow, keep_following
from ledger.indexer.bloom import blooms_of
from ledger.indexer.decoding import Decoder
from ledger.indexer.sources import Delivered, Header, Log
from ledger.merkle import keccak
from ledger.rpc import Rpc
from tests.ledger.emitter import SITE, Chronicle
from tests.ledger.indexed import emitting_anvil, mine

BLOCKS, EVENTS_IN_BLOCK = 300, 40
NODE_BLOCKS, DECODED = 60, 3000
MILLION = 1_000_000
WATCHED = 10


class MemorySource:
    """Blocks in memory, every one final."""

    def __init__(self, headers: Sequence[Header], logs: Sequence[Log]) -> None:
        self._headers = list(headers)
        self._logs: dict[int, list[Log]] = {header.number: [] for header in headers}
        for log in logs:
            self._logs[log.block_number].append(log)

    def network(self) -> str:
        return "bench"

    def head(self) -> tuple[Header, int]:
        return self._headers[-1], self._headers[-1].number

    def headers(self, first: int, last: int) -> list[Header]:
        return self._headers[first : last + 1]

    def logs_of(self, block_hash: bytes) -> Delivered:
        number = next(header.number for header in self._headers if header.hash == block_hash)
        return Delivered(tuple(self._logs[number]), None)

    def logs_between(self, first: int, last: int) -> list[Log]:
        return [log for number in range(first, last + 1) for log in self._logs[number]]

    def checks(self) -> Checks:
        return Checks.BLOOM


def main() -> None:
    """Print everything."""
    configure_logging()
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        headers, logs = make_blocks(BLOCKS, EVENTS_IN_BLOCK)
        theirs = measure_web3(figures, logs)
        measure_decoding(figures, logs, theirs)
        measure_back_fill(figures, Path(folder), MemorySource(headers, logs), len(logs), theirs)
        if find_anvil() is not None:
            measure_node(figures, Path(folder), theirs)
        elif "--json" not in sys.argv:
            print("             anvil is not installed: no figures from a node", flush=True)
        measure_restart(figures, Path(folder))
    figures.finish()


def make_blocks(blocks: int, events: int) -> tuple[list[Header], list[Log]]:
    """Make a chain of blocks with events, as the back-fill sees them."""
    chronicle = Chronicle("bench")
    headers, logs = [], []
    parent = b"\0" * 32
    for number in range(blocks):
        name = keccak(b"block" + number.to_bytes(8, "big"))
        made = [
            Log(number, name, index, keccak(name + bytes([index & 255])), index, r.address, r.topics, r.data)
            for index, r in enumerate(chronicle.add_block(events))
        ]
        del chronicle.states[:-1]
        bloom = blooms_of({number: [entry for log in made for entry in (log.address, *log.topics)]})
        headers.append(Header(number, name, parent, number, b"", bloom[number]))
        logs += made
        parent = name
    return headers, logs


def measure_web3(figures: Figures, logs: Sequence[Log]) -> float:
    """Let web3.py decode: `process_log` of each event's own class, contract objects made beforehand."""
    decoder = Decoder(SITE)
    entries = []
    for log in logs:
        event = decoder.read(log) if decoder.is_ours(log.address) else None
        if event is not None:
            entries.append((_web3_event(event.contract, event.name), _web3_log(log)))
        if len(entries) == DECODED:
            break
    with measured() as took:
        for processor, entry in entries:
            processor.process_log(entry)
    rate = len(entries) / took.seconds
    figures.put("web3.py process_log, events/s", rate, f"{len(entries)} events, decoding alone")
    return rate


def _web3_event(contract: str, name: str, kept: dict[tuple[str, str], Any] = {}) -> Any:  # noqa: B006
    if (contract, name) not in kept:
        kept[contract, name] = Web3().eth.contract(abi=list(contracts.load(contract).abi)).events[name]()
    return kept[contract, name]


def _web3_log(log: Log) -> Any:
    return AttributeDict(
        {"address": Web3.to_checksum_address(log.address), "topics": list(log.topics), "data": log.data,
         "blockNumber": log.block_number, "blockHash": log.block_hash, "logIndex": log.log_index,
         "transactionHash": log.tx_hash, "transactionIndex": log.tx_index}
    )  # fmt: skip


def measure_decoding(figures: Figures, logs: Sequence[Log], theirs: float) -> None:
    decoder = Decoder(SITE)
    ours = [log for log in logs if decoder.is_ours(log.address)]
    with measured() as took:
        for log in ours:
            decoder.read(log)
    rate = len(ours) / took.seconds
    figures.put("decoding alone, events/s", rate, f"{rate / theirs:.1f} × web3.py")


def measure_back_fill(figures: Figures, folder: Path, source: MemorySource, count: int, theirs: float) -> None:
    """Check filters, decode, project and commit on SQLite with full durability."""
    database = _database(folder / "back-fill.db")
    followed = Following.start(database, source, Contracts(SITE))
    with measured() as took:
        progress = follow(followed)
    database.dispose()
    rate = count / took.seconds
    figures.put("back-fill on SQLite, logs/s", rate, f"{count} logs, {progress.events} of them ours")
    figures.put("back-fill : web3.py's decoding alone", rate / theirs, "target ≥ 5")


def measure_node(figures: Figures, folder: Path, theirs: float) -> None:
    """The same over JSON-RPC from a real node, then how long a new block takes until a query shows it."""
    chronicle = Chronicle("node")
    with emitting_anvil(folder) as node:
        mine(node, chronicle, blocks=NODE_BLOCKS, events=EVENTS_IN_BLOCK)
        database = _database(folder / "node.db")
        source = RpcSource(Rpc([node.url]), finality=parse_finality("instant"))
        followed = Following.start(database, source, Contracts(SITE))
        with measured() as took:
            progress = follow(followed)
        rate = progress.events / took.seconds
        figures.put("back-fill from anvil, events/s", rate, f"{rate / theirs:.1f} × web3.py's decoding alone")
        stop = Event()
        watcher = Thread(target=keep_following, args=(followed, stop))
        watcher.start()
        waited = []
        for _ in range(WATCHED):
            mine(node, chronicle, events=4)
            waited.append(_wait_for(database, node.head()))
        stop.set()
        watcher.join()
        figures.put("block to query: median s", sorted(waited)[WATCHED // 2], f"worst {max(waited):.3f}; target ≤ 1")
        database.dispose()


def _wait_for(database: Database, number: int) -> float:
    with measured() as took:
        while True:
            with database.read() as session:
                if session.exec(select(CursorRow.number)).one() >= number:
                    break
            time.sleep(0.005)
    return took.seconds


def measure_restart(figures: Figures, folder: Path) -> None:
    """Open an index of a million events and take one more block."""
    if "--short" in sys.argv:
        return
    headers, logs = make_blocks(200, 50)
    database = _database(folder / "million.db")
    times = -(-MILLION // sum(log.address in SITE for log in logs))
    many = Repeated(headers, logs, times)
    with measured() as filled:
        followed = Following.start(database, many, Contracts(SITE))
        many.stop_at = len(headers) * times - 2
        progress = follow(followed)
    database.dispose()
    figures.put("million: logs/s", len(logs) * times / filled.seconds, f"{progress.events:,} events kept")
    many.stop_at += 1
    with measured() as restarted:
        database = _database(folder / "million.db", make=False)
        resumed = follow(Following.start(database, many, Contracts(SITE)))
    if resumed.number != many.stop_at:
        raise SystemExit("the index did not go on")
    size = (folder / "million.db").stat().st_size
    figures.put("restart and next block: s", restarted.seconds, f"{progress.events:,} events; target ≤ 1")
    figures.put("bytes per event", size / progress.events)
    database.dispose()


class Repeated(MemorySource):
    """A long chain from a short one: its events again and again, each round setting the same rows."""

    stop_at = 0

    def __init__(self, headers: Sequence[Header], logs: Sequence[Log], times: int) -> None:
        super().__init__(headers, logs)
        self._round = len(headers)
        self._last = self._round * times - 1

    def head(self) -> tuple[Header, int]:
        header = self.headers(self.stop_at, self.stop_at)[0]
        return header, header.number

    def headers(self, first: int, last: int) -> list[Header]:
        return [self._header(number) for number in range(first, min(last, self._last) + 1)]

    def logs_of(self, block_hash: bytes) -> Delivered:
        number = int.from_bytes(block_hash[24:], "big") - 1
        return Delivered(tuple(self.logs_between(number, number)), None)

    def logs_between(self, first: int, last: int) -> list[Log]:
        return [
            log._replace(block_number=number, block_hash=_name(number))
            for number in range(first, last + 1)
            for log in self._logs[number % self._round]
        ]

    def _header(self, number: int) -> Header:
        bloom = self._headers[number % self._round].bloom
        return Header(number, _name(number), _name(number - 1), number, b"", bloom)


def _name(number: int) -> bytes:
    return b"r" * 24 + (number + 1).to_bytes(8, "big")


def _database(path: Path, *, make: bool = True) -> Database:
    opened = Database(f"sqlite:///{path}")
    if make:
        SQLModel.metadata.create_all(opened.engine)
    return opened


assert ledger.index_models

if __name__ == "__main__":
    main()
