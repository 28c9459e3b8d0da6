"""A real anvil on loopback that mines only when told, as the index's tests need it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from ledger.chain import CHAIN_ID

_START_SECONDS = 30
_SENDER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"


class Anvil:
    """A running node."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(timeout=60.0, trust_env=False)

    def call(self, method: str, *params: Any) -> Any:
        """Ask one thing. Raises RuntimeError for an error."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = self._client.post(self.url, json=body).json()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def send(self, to: bytes, data: bytes) -> str:
        """Put a transaction of the node's own account into the pool."""
        return str(self.call("eth_sendTransaction", transaction(to, data)))

    def mine(self, count: int = 1) -> None:
        """Mine blocks; the first takes what waits."""
        self.call("anvil_mine", hex(count))

    def reorganise(self, depth: int, calls: list[tuple[bytes, bytes, int]]) -> None:
        """Replace the last `depth` blocks; `calls` are (to, data, which of the new blocks)."""
        self.call("anvil_reorg", depth, [[transaction(to, data), block] for to, data, block in calls])

    def head(self) -> int:
        return int(self.call("eth_blockNumber"), 16)

    def close(self) -> None:
        self._client.close()


def transaction(to: bytes, data: bytes) -> dict[str, str]:
    return {"from": _SENDER, "to": f"0x{to.hex()}", "data": f"0x{data.hex()}", "gas": hex(20_000_000)}


@contextmanager
def running_anvil(program: Path, folder: Path, *options: str) -> Iterator[Anvil]:
    """Start a node with Paris rules; it ends with the block."""
    port = _free_port()
    command = [str(program), "--port", str(port), "--hardfork", "paris", "--chain-id", str(CHAIN_ID), "--no-mining",
               "--gas-limit", "1000000000", *options]  # fmt: skip
    with (folder / "anvil.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, env={"HOME": str(folder)})
    node = Anvil(f"http://127.0.0.1:{port}")
    try:
        _wait_until_up(node, process)
        yield node
    finally:
        node.close()
        process.kill()
        process.wait()


def _wait_until_up(node: Anvil, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            node.call("eth_chainId")
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("anvil did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
