"""A real network for the tests: four geth validators (Clique) on loopback, built once per machine.

Clique has no finality: this tests distribution, restarts, stalls and real reorganisations, not QBFT.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from coincurve import PrivateKey
from eth_account import Account

from ledger.anvil import cache_folder
from ledger.chain import CHAIN_ID
from ledger.errors import ChainUnavailable
from ledger.merkle import keccak
from ledger.rpc import Rpc, RpcRefused
from ledger.signing import Key
from tests.services.anvil import skip_or_fail

VERSION = "1.13.15"
FOLDER = cache_folder() / "geth" / VERSION
PROGRAM = FOLDER / "geth"
PERIOD_S = 1
VALIDATORS = 4
_MODULE = f"github.com/ethereum/go-ethereum/cmd/geth@v{VERSION}"
_GAS_LIMIT = 1_000_000_000
_ENDOWMENT = 10**30
_START_SECONDS = 60
_PASSWORD = "validator"
_APIS = "eth,net,web3,admin,debug,txpool,clique,miner"


def find_go() -> Path | None:
    """Return the Go tool that builds geth."""
    found = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    return Path(found) if found else None


def is_there() -> bool:
    return PROGRAM.exists()


def install() -> None:
    """Build geth; it appears in its folder only when it is complete. The flag: without it the link fails."""
    go = find_go()
    assert go is not None, "no Go"
    part = FOLDER.with_name(f"{VERSION}.{os.getpid()}.part")
    environment = {**os.environ, "GOBIN": str(part), "GOTOOLCHAIN": "local"}
    subprocess.run([go, "install", "-ldflags=-checklinkname=0", _MODULE], env=environment, check=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (part / "geth").replace(PROGRAM)
    part.rmdir()


def require_geth() -> None:
    """Without geth the test skips with the reason, in CI it fails."""
    if not is_there():
        reason = "geth is not built (make setup-tests)" if find_go() else "geth cannot be built: there is no Go"
        skip_or_fail(reason)


@dataclass
class Validator:
    """One node: its folder, its keys and ports, and the process while it runs."""

    folder: Path
    signer: Key
    node_key: Key
    peer_port: int
    http_port: int
    ws_port: int
    auth_port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.ws_port}"

    @property
    def rpc(self) -> Rpc:
        return Rpc([self.url], timeout_s=5)

    @property
    def enode(self) -> str:
        public = PrivateKey(self.node_key.secret).public_key.format(compressed=False)[1:].hex()
        return f"enode://{public}@127.0.0.1:{self.peer_port}"


@dataclass
class Network:
    """Four validators."""

    folder: Path
    validators: list[Validator] = field(default_factory=list)

    @property
    def urls(self) -> list[str]:
        return [validator.url for validator in self.validators]

    def kill(self, *positions: int) -> None:
        """End these validators at once (SIGKILL)."""
        for position in positions:
            _end(self.validators[position])

    def restart(self, *positions: int) -> None:
        """Start these validators again on their data and let them seal."""
        for position in positions:
            _start(self.validators[position])
        for position in positions:
            _until(lambda node=self.validators[position]: _answers(node), "an answer")  # type: ignore[misc]
            self.validators[position].rpc.ask("miner_start")


@contextmanager
def running_network(folder: Path, *, endowed: Sequence[bytes], chain_id: int = CHAIN_ID) -> Iterator[Network]:
    """Start four validators whose data lie in `folder`; they seal together from the genesis time on."""
    ports = _free_ports(4 * VALIDATORS)
    network = Network(
        folder, [_make_validator(folder / f"n{index}", index, ports[index::VALIDATORS]) for index in range(VALIDATORS)]
    )
    genesis = folder / "genesis.json"
    genesis_time = int(time.time()) + 4
    genesis.write_text(json.dumps(_genesis(network, endowed, chain_id, genesis_time)))
    try:
        for validator in network.validators:
            _write_files(validator, network, genesis)
            _start(validator)
        for validator in network.validators:
            _until(lambda node=validator: _answers(node) and _peers(node) == VALIDATORS - 1, "three peers")  # type: ignore[misc]
        for validator in network.validators:
            validator.rpc.ask("miner_start")
        _until(lambda: all(_number(validator) > 0 for validator in network.validators), "the first block")
        yield network
    finally:
        for validator in network.validators:
            _end(validator)


def _make_validator(folder: Path, index: int, ports: Sequence[int]) -> Validator:
    folder.mkdir(parents=True)
    signer, node = (Key(keccak(f"asset_hub tests {purpose} {index}".encode())) for purpose in ("signer", "node"))
    peer, http, ws, auth = ports
    return Validator(folder, signer, node, peer, http, ws, auth)


def _genesis(network: Network, endowed: Sequence[bytes], chain_id: int, genesis_time: int) -> dict[str, object]:
    forks = (
        "homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg", "istanbul", "berlin",
        "london",
    )  # fmt: skip
    signers = b"".join(sorted(validator.signer.address for validator in network.validators))
    return {
        "config": {
            "chainId": chain_id, **{f"{fork}Block": 0 for fork in forks},
            "clique": {"period": PERIOD_S, "epoch": 30_000},
        },
        "difficulty": "0x1", "gasLimit": hex(_GAS_LIMIT), "baseFeePerGas": "0x0", "timestamp": hex(genesis_time),
        "extraData": "0x" + (bytes(32) + signers + bytes(65)).hex(),
        "alloc": {address.hex(): {"balance": hex(_ENDOWMENT)} for address in endowed},
    }  # fmt: skip


def _write_files(validator: Validator, network: Network, genesis: Path) -> None:
    others = json.dumps([other.enode for other in network.validators if other is not validator])
    (validator.folder / "config.toml").write_text(
        f"[Node.P2P]\nStaticNodes = {others}\nTrustedNodes = {others}\nDialRatio = 1\n"
    )
    (validator.folder / "nodekey").write_text(validator.node_key.secret.hex())
    (validator.folder / "password").write_text(_PASSWORD)
    keystore = validator.folder / "keystore"
    keystore.mkdir()
    sealed = Account.encrypt(validator.signer.secret, _PASSWORD, kdf="scrypt", iterations=2)
    (keystore / "signer").write_text(json.dumps(sealed))
    command = [str(PROGRAM), "--datadir", str(validator.folder), "--verbosity", "2", "init", str(genesis)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def _start(validator: Validator) -> None:
    folder, address = validator.folder, "0x" + validator.signer.address.hex()
    command = [
        str(PROGRAM), "--config", str(folder / "config.toml"), "--datadir", str(folder), "--networkid", str(CHAIN_ID),
        "--nodekey", str(folder / "nodekey"), "--keystore", str(folder / "keystore"),
        "--port", str(validator.peer_port),
        "--syncmode", "full", "--gcmode", "archive", "--nodiscover", "--nat", "none", "--netrestrict", "127.0.0.0/8",
        "--maxpeers", "2", "--ipcdisable", "--http", "--http.addr", "127.0.0.1", "--http.port",
        str(validator.http_port), "--http.api", _APIS, "--ws", "--ws.addr", "127.0.0.1", "--ws.port",
        str(validator.ws_port), "--ws.api", _APIS, "--authrpc.port", str(validator.auth_port), "--miner.gasprice", "1",
        "--miner.gaslimit", str(_GAS_LIMIT), "--txpool.pricelimit", "1", "--rpc.txfeecap", "0",
        "--txpool.accountslots", "10000",
        "--txpool.accountqueue", "10000", "--txpool.globalslots", "50000", "--txpool.globalqueue", "50000",
        "--miner.etherbase", address, "--unlock", address, "--password",
        str(folder / "password"), "--allow-insecure-unlock", "--verbosity", "2",
    ]  # fmt: skip
    with (folder / "node.log").open("ab") as log:
        validator.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _end(validator: Validator) -> None:
    if validator.process is not None:
        validator.process.send_signal(signal.SIGKILL)
        validator.process.wait()
        validator.process = None


def _answers(validator: Validator) -> bool:
    if validator.process is not None and validator.process.poll() is not None:
        raise RuntimeError("a node ended:\n" + (validator.folder / "node.log").read_text(errors="replace")[-3000:])
    try:
        return bool(validator.rpc.ask("eth_chainId"))
    except (ChainUnavailable, RpcRefused):
        return False


def _peers(validator: Validator) -> int:
    return int(validator.rpc.ask("net_peerCount"), 16)


def _number(validator: Validator) -> int:
    return int(validator.rpc.ask("eth_blockNumber"), 16)


def _until(is_reached: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if is_reached():
            return
        time.sleep(0.1)
    raise RuntimeError(f"the network never had {what}")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as probes:
        opened = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in opened:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in opened]


if __name__ == "__main__":
    act = sys.argv[1]
    if act == "find-go":
        print(find_go() or "")
    elif act == "is-there":
        sys.exit(0 if is_there() else 1)
    elif act == "install":
        install()
