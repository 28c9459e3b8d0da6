"""anvil as an engine: a child process or one that runs already; it forgets, so it is filled from the journal."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import rlp

from ledger.chain import CHAIN_ID, GAS_LIMIT
from ledger.engine import ANVIL, Answer, ChainTerms, ChainUrl, JournalBlock, Outcome, parse_chain_url, replay_blocks
from ledger.errors import ChainUnavailable
from ledger.merkle import keccak
from ledger.network import NetworkEngine, read_terms
from ledger.rpc import Rpc

HARDFORK = "paris"
_START_SECONDS = 30
_ENDOWMENT = 10**30
# The shell's input closes when we end, however we end: no node is left behind, also not after `kill -9`.
_UNTIL_WE_END = '"$@" & read -r _; kill -9 $!'
_PROGRAMS = "node_modules/@foundry-rs/anvil-*/bin/anvil"


def cache_folder() -> Path:
    """Return where this machine keeps what was installed for the project."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "asset_hub"


def find_anvil() -> Path | None:
    """Return the program: on PATH, or as the npm package in the cache."""
    on_path = shutil.which("anvil")
    if on_path:
        return Path(on_path)
    return next(iter(sorted((cache_folder() / "anvil").glob(_PROGRAMS))), None)


class AnvilEngine(NetworkEngine):
    """anvil, made to behave like the embedded chain: a batch is one block at the time it is told, and is final."""

    def __init__(self, rpc: Rpc, terms: ChainTerms) -> None:
        super().__init__(rpc, terms)
        self._mining = threading.Lock()
        rpc.ask("evm_setAutomine", False)

    def endow(self, accounts: Sequence[bytes]) -> None:
        """Give gas to accounts that have none."""
        for account in accounts:
            if int(self.rpc.ask("eth_getBalance", "0x" + account.hex(), "latest"), 16) == 0:
                self.rpc.ask("anvil_setBalance", "0x" + account.hex(), hex(_ENDOWMENT))

    def send(self, raws: Sequence[bytes], *, now: datetime) -> tuple[Answer, ...]:
        with self._mining:
            ours = [raw for raw in raws if _chain_id_of(raw) == self.terms.chain_id]
            taken = {answer.tx_hash: answer for answer in super().send(ours, now=now)}
            if any(answer.outcome in (Outcome.ACCEPTED, Outcome.KNOWN) for answer in taken.values()):
                self.rpc.ask("evm_setNextBlockTimestamp", max(int(now.timestamp()), self.head().time + 1))
                self.rpc.ask("evm_mine")
        hashes = [keccak(raw) for raw in raws]
        return tuple(
            taken.get(tx_hash, Answer(tx_hash, Outcome.REFUSED, "no legacy transaction for this chain"))
            for tx_hash in hashes
        )


@contextmanager
def opened_anvil(url: ChainUrl, *, endowed: Sequence[bytes], blocks: Sequence[JournalBlock]) -> Iterator[AnvilEngine]:
    """Open anvil with the journal's blocks in it; a child process ends with the block.

    Raises ChainUnavailable without the program, JournalBroken for an anvil that runs already and holds other blocks.
    """
    if url.nodes:
        with AnvilEngine.connect(url) as engine:
            engine.endow(endowed)
            replay_blocks(engine, blocks)
            yield engine
        return
    with fresh_anvil(endowed=endowed) as engine:
        replay_blocks(engine, blocks)
        yield engine


@contextmanager
def fresh_anvil(*, endowed: Sequence[bytes], chain_id: int = CHAIN_ID) -> Iterator[AnvilEngine]:
    """Start an empty anvil of our own; it ends with the block. Raises ChainUnavailable without the program."""
    program = find_anvil()
    if program is None:
        raise ChainUnavailable
    with (
        running_anvil(program, endowed=endowed, chain_id=chain_id) as node,
        AnvilEngine.connect(parse_chain_url(f"anvil+{node}#chain_id={chain_id}")) as engine,
    ):
        yield engine


@contextmanager
def running_anvil(
    program: Path, *, endowed: Sequence[bytes], hardfork: str = HARDFORK, chain_id: int = CHAIN_ID
) -> Iterator[str]:
    """Start anvil under the rules of the embedded chain on a free loopback port; yield its address."""
    with tempfile.TemporaryDirectory(prefix="ahanvil") as folder:
        genesis = Path(folder) / "genesis.json"
        genesis.write_text(json.dumps(_genesis(endowed, chain_id)))
        port = _free_port()
        command = [
            str(program), "--silent", "--host", "127.0.0.1", "--port", str(port), "--hardfork", hardfork,
            "--chain-id", str(chain_id), "--init", str(genesis), "--gas-limit", str(GAS_LIMIT), "--accounts", "1",
            "--order", "fifo", "--block-base-fee-per-gas", "0",
        ]  # fmt: skip
        kept = ["sh", "-c", _UNTIL_WE_END, "sh", *command]
        process = subprocess.Popen(kept, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _wait_until_up(f"http://127.0.0.1:{port}", process, chain_id)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.communicate()


def _chain_id_of(raw: bytes) -> int | None:
    """Return the chain that a legacy transaction is signed for: anvil does not look."""
    try:
        v = int.from_bytes(rlp.decode(raw)[6], "big")
    except (rlp.exceptions.RLPException, IndexError, TypeError):
        return None
    return (v - 35) // 2


def _genesis(endowed: Sequence[bytes], chain_id: int) -> dict[str, object]:
    return {
        "config": {"chainId": chain_id}, "nonce": "0x0", "timestamp": hex(1_767_225_600), "gasLimit": hex(GAS_LIMIT),
        "difficulty": "0x0", "extraData": "0x", "alloc": {
            "0x" + address.hex(): {"balance": hex(_ENDOWMENT)} for address in endowed
        },
    }  # fmt: skip


def _wait_until_up(node: str, process: "subprocess.Popen[bytes]", chain_id: int) -> None:
    rpc = Rpc([node], timeout_s=2)
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            read_terms(rpc, ChainUrl(ANVIL, (node,), chain_id=chain_id))
        except ChainUnavailable:
            time.sleep(0.05)
        else:
            rpc.close()
            return
    raise ChainUnavailable


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
