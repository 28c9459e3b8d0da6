"""From a node's JSON to the bytes that are hashed: headers and receipts as RLP.

Source: Ethereum Yellow Paper, section 4.4; EIP-1559, 2718, 4895, 4844, 4788, 7685 for the later members.
"""

from collections.abc import Iterable
from typing import Any

import rlp

# The members of a header in the order in which they are hashed; those from the sixteenth on are there or not.
_HEADER_MEMBERS = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot",
    "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash",
)  # fmt: skip
_NUMBERS = frozenset(
    ("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas")
)
_ALWAYS = 15


def encode_header(block: Any) -> bytes:
    """Return a block's header as it is hashed. Raises KeyError, TypeError or ValueError for what is none."""
    members = [name for name in _HEADER_MEMBERS[_ALWAYS:] if block.get(name) is not None]
    fields = [_field(name, block[name]) for name in (*_HEADER_MEMBERS[:_ALWAYS], *members)]
    return bytes(rlp.encode(fields))


def encode_receipt(receipt: Any) -> bytes:
    """Return a receipt as it lies in its block's trie. Raises KeyError, TypeError or ValueError for what is none."""
    fields = [
        int(receipt["status"], 16), int(receipt["cumulativeGasUsed"], 16), bytes.fromhex(receipt["logsBloom"][2:]),
        _encode_logs(receipt["logs"]),
    ]  # fmt: skip
    kind = int(receipt.get("type") or "0x0", 16)
    return (bytes([kind]) if kind else b"") + bytes(rlp.encode(fields))


def _field(name: str, text: str) -> bytes | int:
    return int(text, 16) if name in _NUMBERS else bytes.fromhex(text[2:])


def _encode_logs(logs: Iterable[Any]) -> list[list[Any]]:
    return [
        [bytes.fromhex(log["address"][2:]), [bytes.fromhex(topic[2:]) for topic in log["topics"]],
         bytes.fromhex(log["data"][2:])]
        for log in logs
    ]  # fmt: skip
