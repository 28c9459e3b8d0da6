"""Encodes calls of the contracts, and reads what they emit and refuse with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import rlp
from coincurve import PrivateKey
from eth_abi.abi import decode, encode

import contracts
from ledger.chain import CHAIN_ID, GAS_PRICE
from ledger.merkle import keccak
from ledger.signing import Key

GAS = 12_000_000


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A decoded event: its name and members."""

    name: str
    members: dict[str, Any]


def encode_call(contract: str, function: str, values: Sequence[Any]) -> bytes:
    """Return the calldata of a function by its name."""
    entry = next(e for e in contracts.load(contract).abi if e["type"] == "function" and e["name"] == function)
    types = [type_of(member) for member in entry["inputs"]]
    return selector(contract, function) + encode(types, list(values))


def selector(contract: str, function: str) -> bytes:
    """Return the first four bytes that name a function."""
    entry = next(e for e in contracts.load(contract).abi if e["type"] == "function" and e["name"] == function)
    return keccak(_signature(entry))[:4]


def creation(contract: str, arguments: Sequence[Any]) -> bytes:
    """Return the data of a transaction that deploys a contract."""
    loaded = contracts.load(contract)
    constructor: dict[str, Any] = next((e for e in loaded.abi if e["type"] == "constructor"), {"inputs": []})
    return loaded.bytecode + encode([type_of(member) for member in constructor["inputs"]], list(arguments))


def created_address(sender: bytes, nonce: int) -> bytes:
    """Return where a deployment by this sender and nonce lands."""
    return keccak(rlp.encode([sender, nonce]))[-20:]


def sign_transaction(key: Key, *, nonce: int, to: bytes, data: bytes, value: int = 0) -> bytes:
    """Return a signed legacy transaction for the embedded chain (EIP-155); `to` is empty for a deployment."""
    fields = [nonce, GAS_PRICE, GAS, to, value, data]
    digest = keccak(rlp.encode([*fields, CHAIN_ID, 0, 0]))
    signature = PrivateKey(key.secret).sign_recoverable(digest, hasher=None)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return bytes(rlp.encode([*fields, CHAIN_ID * 2 + 35 + signature[64], r, s]))


@cache
def topic_of(contract: str, event: str) -> bytes:
    """Return the first topic of an event."""
    entry = next(e for e in contracts.load(contract).abi if e["type"] == "event" and e["name"] == event)
    return keccak(_signature(entry))


def read_log(contract: str, topics: Sequence[bytes], data: bytes) -> LogEvent | None:
    """Decode a log of this contract; None for an event it does not declare."""
    for entry in contracts.load(contract).abi:
        if entry["type"] == "event" and topics and keccak(_signature(entry)) == topics[0]:
            plain = [member for member in entry["inputs"] if not member["indexed"]]
            members = dict(zip([m["name"] for m in plain], decode([type_of(m) for m in plain], data), strict=True))
            indexed = [member for member in entry["inputs"] if member["indexed"]]
            for member, topic in zip(indexed, topics[1:], strict=True):
                members[member["name"]] = decode([type_of(member)], topic)[0]
            return LogEvent(entry["name"], members)
    return None


def read_refusal(revert: bytes) -> str:
    """Return the name of the error that a contract reverted with, with its members; empty data give a plain word."""
    for name in contracts.NAMES:
        for entry in contracts.load(name).abi:
            if entry["type"] == "error" and keccak(_signature(entry))[:4] == revert[:4]:
                values = decode([type_of(member) for member in entry["inputs"]], revert[4:])
                shown = (value.hex() if isinstance(value, bytes) else str(value) for value in values)
                return f"{entry['name']}({', '.join(shown)})"
    return "reverted" if not revert else f"reverted({revert[:36].hex()})"


def _signature(entry: dict[str, Any]) -> bytes:
    return f"{entry['name']}({','.join(type_of(member) for member in entry['inputs'])})".encode()


def type_of(member: Mapping[str, Any]) -> str:
    """Return the ABI type of a member, tuples written out."""
    kind = str(member["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(type_of(part) for part in member['components'])}){kind[5:]}"
