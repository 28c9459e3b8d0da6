"""Every event that any of our contracts declares is read back as it was encoded, lists and structures too."""

import random
from typing import Any

import pytest
from eth_abi.abi import encode

import contracts
from ledger.calls import topic_of, type_of
from ledger.indexer.decoding import Decoder
from ledger.indexer.sources import Log
from ledger.merkle import keccak
from tests.drill import SEED, grown
from tests.ledger.test_replay import value_of

AT = b"\7" * 20
TIMES = grown(5, 200)
EVENTS = [
    (name, entry) for name in contracts.NAMES for entry in contracts.load(name).abi if entry["type"] == "event"
]  # fmt: skip


def plainly(kind: str, value: Any) -> Any:
    """Return a value as it is read: addresses as bytes, lists as tuples."""
    if isinstance(value, list | tuple):
        return tuple(plainly("", part) for part in value)
    return bytes.fromhex(value[2:]) if kind == "address" else value


@pytest.mark.parametrize(("name", "entry"), EVENTS, ids=[f"{name}.{entry['name']}" for name, entry in EVENTS])
def test_every_event_is_read_back(name: str, entry: dict[str, Any]) -> None:
    dice = random.Random(f"{SEED} {name} {entry['name']}")
    for _ in range(TIMES):
        kinds = {member["name"]: type_of(member) for member in entry["inputs"]}
        values = {member: value_of(kind, [AT], dice) for member, kind in kinds.items()}
        indexed = [member["name"] for member in entry["inputs"] if member["indexed"]]
        plain = [member for member in kinds if member not in indexed]
        topics = [encode([kinds[member]], [values[member]]) for member in indexed]
        data = encode([kinds[member] for member in plain], [values[member] for member in plain])

        read = Decoder({AT: name}).read(
            Log(1, keccak(b"b"), 0, keccak(b"t"), 0, AT, (topic_of(name, entry["name"]), *topics), data)
        )

        assert read is not None
        assert read.members == {member: plainly(kinds[member], value) for member, value in values.items()}
