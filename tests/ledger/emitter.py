"""Logs at will on a real engine: a small program at the registers' addresses emits what its calldata says.

The indexer sees only logs, so chains of any shape are made without keys; the real contracts' logs come from the
embedded chain. `Chronicle` is a plain model of what the indexer must say after any number of blocks.
"""

import random
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from eth_abi.abi import encode

import contracts
from ledger.calls import topic_of
from ledger.merkle import keccak

ADDRESSES = {
    "OrgRegistry": b"\x11" * 20, "AnchorRegistry": b"\x12" * 20, "WorkRegistry": b"\x13" * 20,
    "GrantLedger": b"\x14" * 20,
}  # fmt: skip
STRANGER = b"\x99" * 20
SITE = {address: name for name, address in ADDRESSES.items()}
_NOTHING = b"\0" * 32
_FAR_DAY = 60_000
_OPCODES = {
    "STOP": 0x00, "ADD": 0x01, "LT": 0x10, "EQ": 0x14, "ISZERO": 0x15, "CALLDATALOAD": 0x35, "CALLDATASIZE": 0x36,
    "CALLDATACOPY": 0x37, "MLOAD": 0x51, "MSTORE": 0x52, "JUMP": 0x56, "JUMPI": 0x57, "JUMPDEST": 0x5B, "LOG": 0xA0,
}  # fmt: skip


class Record(NamedTuple):
    """A log to be emitted by `address`."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes

    def encoded(self) -> bytes:
        padded = b"".join(self.topics).ljust(128, b"\0")
        return _word(len(self.topics)) + padded + _word(len(self.data)) + self.data


def calls_of(records: list[Record]) -> list[tuple[bytes, bytes]]:
    """Return (to, calldata), one call for each run of logs of the same address."""
    return [
        (address, b"".join(record.encoded() for record in run))
        for address, run in groupby(records, key=lambda record: record.address)
    ]


def program() -> bytes:
    """Assemble the emitter: memory word 0 holds where the next record begins; data length is a multiple of 32."""
    at = [0, "MLOAD"]
    length = [160, *at, "ADD", "CALLDATALOAD"]
    body: list[Any] = ["start:", "CALLDATASIZE", *at, "LT", "ISZERO", ":end", "JUMPI"]
    for count in range(5):
        body += [*at, "CALLDATALOAD", count, "EQ", f":log{count}", "JUMPI"]
    body += ["end:", "STOP"]
    for count in range(5):
        body += [f"log{count}:", *length, 192, *at, "ADD", 32, "CALLDATACOPY"]
        for position in range(count, 0, -1):
            body += [32 * position, *at, "ADD", "CALLDATALOAD"]
        body += [*length, 32, ("LOG", count), *length, 192, "ADD", *at, "ADD", 0, "MSTORE", ":start", "JUMP"]
    return _assemble(body)


def _assemble(body: list[Any]) -> bytes:
    code, labels, jumps = bytearray(), {}, []
    for part in body:
        if isinstance(part, int):
            code += bytes([0x60, part])
        elif isinstance(part, tuple):
            code.append(_OPCODES[part[0]] + part[1])
        elif part.endswith(":"):
            labels[part[:-1]] = len(code)
            code.append(_OPCODES["JUMPDEST"])
        elif part.startswith(":"):
            jumps.append((len(code) + 1, part[1:]))
            code += bytes([0x61, 0, 0])
        else:
            code.append(_OPCODES[part])
    for position, name in jumps:
        code[position : position + 2] = labels[name].to_bytes(2, "big")
    return bytes(code)


def make_record(contract: str, event: str, **members: Any) -> Record:
    """Return the log that a contract would write for an event."""
    entry = next(e for e in contracts.load(contract).abi if e["type"] == "event" and e["name"] == event)
    indexed = [encode([m["type"]], [members[m["name"]]]) for m in entry["inputs"] if m["indexed"]]
    plain = [m for m in entry["inputs"] if not m["indexed"]]
    data = encode([m["type"] for m in plain], [members[m["name"]] for m in plain])
    return Record(ADDRESSES[contract], (topic_of(contract, event), *indexed), data)


@dataclass
class State:
    """What all events so far say."""

    orgs: dict[bytes, int] = field(default_factory=dict)
    keys: dict[bytes, tuple[bytes, int, int | None]] = field(default_factory=dict)
    works: dict[bytes, tuple[bytes, bytes, int, int]] = field(default_factory=dict)
    grants: dict[bytes, tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]] = field(default_factory=dict)
    heads: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    anchors: dict[bytes, int] = field(default_factory=dict)


class Chronicle:
    """Blocks of events that follow from one another, and the state after each; `cut` goes back."""

    def __init__(self, seed: str) -> None:
        self._rng = random.Random(seed)
        self._count = 0
        self.states = [State()]

    @property
    def state(self) -> State:
        return self.states[-1]

    def cut(self, depth: int) -> None:
        """Forget the last blocks."""
        del self.states[len(self.states) - depth :]

    def add_block(self, events: int) -> list[Record]:
        """Return the logs of one more block, among them some that nobody knows."""
        state = deepcopy(self.state)
        records = [record for _ in range(events) for record in self._act(state)]
        self.states.append(state)
        return records

    def _act(self, state: State) -> list[Record]:
        acts = [self._admit, self._anchor, self._noise]
        acts += [self._register, self._retire] if state.keys else []
        acts += [self._amend, self._grant, self._grant, self._grant, self._freeze] if state.works else []
        return self._rng.choice(acts)(state)

    def _admit(self, state: State) -> list[Record]:
        org, key, op = self._fresh(), self._fresh()[:20], self._fresh()
        state.orgs[org], state.keys[key] = 1, (org, self._count, None)
        return [
            make_record("OrgRegistry", "OrgAdmitted", opId=op, org=org, credential=_NOTHING, number=1),
            make_record(
                "OrgRegistry",
                "KeyAdded",
                opId=op,
                org=org,
                key=f"0x{key.hex()}",
                purpose=3,
                validFrom=self._count,
                validUntil=0,
            ),
        ]

    def _retire(self, state: State) -> list[Record]:
        key = self._rng.choice(sorted(state.keys))
        org, since, _ = state.keys[key]
        state.keys[key] = (org, since, self._count)
        members = {"org": org, "key": f"0x{key.hex()}", "validUntil": self._count}
        return [make_record("OrgRegistry", "KeyRetired", opId=self._fresh(), **members)]

    def _anchor(self, state: State) -> list[Record]:
        root, count = self._fresh(), self._count
        state.anchors[root] = count
        return [make_record("AnchorRegistry", "Anchored", opId=self._fresh(), root=root, count=count, kind=1)]

    def _register(self, state: State) -> list[Record]:
        work, org, commitment = self._fresh(), self._rng.choice(sorted(state.orgs)), self._fresh()
        state.works[work] = (org, commitment, 1, 1)
        state.grants[work], state.heads[work] = ([], []), (_NOTHING, _NOTHING)
        members = {"work": work, "registrar": org, "content": work, "statement": commitment, "codeBook": 1}
        return [make_record("WorkRegistry", "WorkRegistered", opId=self._fresh(), **members)]

    def _amend(self, state: State) -> list[Record]:
        work, commitment = self._rng.choice(sorted(state.works)), self._fresh()
        org, earlier, status, revision = state.works[work]
        state.works[work] = (org, commitment, status, revision + 1)
        members = {"work": work, "statement": commitment, "earlier": earlier, "revision": revision + 1}
        return [make_record("WorkRegistry", "WorkAmended", opId=self._fresh(), **members)]

    def _freeze(self, state: State) -> list[Record]:
        work, status = self._rng.choice(sorted(state.works)), self._rng.choice([1, 2, 3])
        org, commitment, _, revision = state.works[work]
        state.works[work] = (org, commitment, status, revision)
        return [make_record("WorkRegistry", "WorkStatusChanged", opId=self._fresh(), work=work, status=status)]

    def _grant(self, state: State) -> list[Record]:
        work, kind = self._rng.choice(sorted(state.works)), self._rng.choice([0, 0, 0, 1, 2])
        licence, op = int.from_bytes(self._fresh()[:10], "big"), self._fresh()
        words = (1 << 160 | _FAR_DAY << 80 | licence, self._rng.getrandbits(256), kind)
        exclusives, others = state.grants[work]
        (exclusives if kind else others).append(words)
        head, other = state.heads[work]
        head = keccak(b"".join(_word(w) for grant in exclusives for w in grant)) if kind else head
        other = other if kind else keccak(other + b"".join(map(_word, words)))
        state.heads[work] = (head, other)
        members = {"licensor": self._fresh(), "licensee": self._fresh(), "terms": self._fresh(), "w1": words[0],
                   "w2": words[1], "w3": words[2], "exclusiveHead": head, "nonExclusiveHead": other}  # fmt: skip
        return [make_record("GrantLedger", "Granted", opId=op, work=work, licence=licence, **members)]

    def _noise(self, _state: State) -> list[Record]:
        """A stranger's log, and one of ours that no ABI knows."""
        topics = tuple(self._fresh() for _ in range(self._rng.randrange(5)))
        return [Record(STRANGER, topics, b"\7" * 32), Record(ADDRESSES["GrantLedger"], (self._fresh(),), b"")]

    def _fresh(self) -> bytes:
        self._count += 1
        return self._rng.randbytes(32)


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
