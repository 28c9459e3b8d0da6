"""The committed artefacts are what the sources compile to, fit every network, and expose no token."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import contracts
from ledger.calls import selector
from ledger.deployment import MANAGER, REGISTERS
from ledger.merkle import keccak

FOLDER = Path(contracts.__file__).parent
LONGEST_CODE = 24_576
TOKEN_FUNCTIONS = (
    # ERC-20, ERC-721, ERC-1155, ERC-2981, ERC-4906 and their usual company
    "transfer(address,uint256)", "transferFrom(address,address,uint256)", "approve(address,uint256)",
    "allowance(address,address)", "balanceOf(address)", "totalSupply()", "decimals()", "symbol()", "ownerOf(uint256)",
    "safeTransferFrom(address,address,uint256)", "safeTransferFrom(address,address,uint256,bytes)",
    "setApprovalForAll(address,bool)", "getApproved(uint256)", "isApprovedForAll(address,address)", "tokenURI(uint256)",
    "balanceOf(address,uint256)", "balanceOfBatch(address[],uint256[])", "uri(uint256)",
    "safeTransferFrom(address,address,uint256,uint256,bytes)",
    "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)", "royaltyInfo(uint256,uint256)",
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", "mint(address,uint256)", "burn(uint256)",
    "supportsInterface(bytes4)",
)  # fmt: skip
INTERFACE_IDS = ("01ffc9a7", "80ac58cd", "5b5e139f", "780e9d63", "d9b67a26", "0e89341c", "2a55205a", "36372b07")


def test_artifacts_recompile_to_the_same_bytes(tmp_path: Path) -> None:
    if shutil.which("node") is None or not (FOLDER / "node_modules").exists():
        pytest.skip("Node or the compiler is not installed (make setup-tests)")

    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=FOLDER, check=True)

    made = {path.name: path.read_bytes() for path in tmp_path.glob("*.json")}
    assert made == {path.name: path.read_bytes() for path in (FOLDER / "artifacts").glob("*.json")}


def test_every_register_is_an_artefact_and_small_enough() -> None:
    assert {MANAGER, *REGISTERS} <= set(contracts.NAMES)
    for name in contracts.NAMES:
        settings = json.loads((FOLDER / "artifacts" / f"{name}.json").read_text(encoding="utf-8"))["settings"]
        assert settings["evmVersion"] == "paris"
        assert len(contracts.load(name).bytecode) <= LONGEST_CODE, name


def test_no_token_interface_is_exposed() -> None:
    """Neither a function of a token nor an interface's identifier as a constant anywhere in the code."""
    banned = {keccak(text.encode())[:4] for text in TOKEN_FUNCTIONS}
    identifiers = [b"\x63" + bytes.fromhex(text) for text in INTERFACE_IDS]
    for name in contracts.NAMES:
        functions = {e["name"]: selector(name, e["name"]) for e in contracts.load(name).abi if e["type"] == "function"}
        assert len(functions) > 5
        assert not banned & set(functions.values()), name
        assert not [found.hex() for found in identifiers if found in contracts.load(name).bytecode], name


def test_no_opcode_that_other_networks_answer_differently() -> None:
    """No PREVRANDAO, SELFDESTRUCT or delegate call in our registers (AccessManager is OpenZeppelin's)."""
    for name in REGISTERS:
        used = set(_opcodes(contracts.load(name).bytecode))
        assert 0x54 in used
        assert not used & {0x44, 0xFF, 0xF4, 0xF2, 0x49}, name


def _opcodes(code: bytes) -> list[int]:
    """Every opcode up to the first INVALID, behind which constants may lie."""
    found, position = [], 0
    while position < len(code) and code[position] != 0xFE:
        found.append(code[position])
        position += 1 + (code[position] - 0x5F if 0x60 <= code[position] <= 0x7F else 0)
    return found
