"""Reads blocks out of proofs: a header's time and digest, and the one event of a proven receipt. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ledger.merkle import keccak
from ledger.papers import N_, Refused
from ledger.standalone.native import rlp_decode
from ledger.trie import value_in_proof

BEIJING = timezone(timedelta(hours=8))
_RECEIPTS_ROOT, _HEADER_TIME = 5, 11
_HEADER_FIELDS = range(15, 22)


def event_in(proof: Mapping[str, Any], signature: bytes) -> tuple[list[bytes], bytes, int]:
    """Return topics and data of the one event in a proven receipt, and its block's time. Raises Refused and others."""
    header = _header(proof)
    value = value_in_proof(header[_RECEIPTS_ROOT], proof["index"], [bytes.fromhex(node) for node in proof["nodes"]])
    receipt: Any = rlp_decode(value)
    if receipt[0] != b"\x01":
        raise Refused(N_("the transaction was refused"))
    for address, topics, data in receipt[3]:
        if address == bytes.fromhex(proof["contract"]) and topics[0] == signature:
            return list(topics), data, _time(header)
    raise Refused(N_("the receipt has no such event of this contract"))


def time_of(proof: Mapping[str, Any]) -> int:
    """Return a block's time in unix seconds. Raises Refused."""
    return _time(_header(proof))


def digest_of(proof: Mapping[str, Any]) -> bytes:
    """Return the hash of a block's header. Raises Refused."""
    _header(proof)
    return keccak(bytes.fromhex(proof["header"]))


def show_time(time: int) -> str:
    """Return unix seconds as Beijing time."""
    return datetime.fromtimestamp(time, BEIJING).strftime("%Y-%m-%d %H:%M:%S +08:00")


def _time(header: list[bytes]) -> int:
    return int.from_bytes(header[_HEADER_TIME], "big")


def _header(proof: Mapping[str, Any]) -> list[bytes]:
    try:
        fields = rlp_decode(bytes.fromhex(proof["header"]))
    except ValueError:
        fields = b""
    if not isinstance(fields, list) or len(fields) not in _HEADER_FIELDS:
        raise Refused(N_("the block's header is none"))
    header = [field for field in fields if isinstance(field, bytes)]
    if len(header) != len(fields) or len(header[_HEADER_TIME]) > 4:
        raise Refused(N_("the block's header is none"))
    return header
