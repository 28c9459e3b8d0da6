"""Logs to events: layouts are read from the ABI once per topic, fixed-size members are cut out of the data.

Five to ten times faster than decoding by type names; dynamic members go through eth_abi.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

import contracts
from asset_hub.core.text import N_
from ledger.calls import topic_of, type_of
from ledger.indexer.errors import LogsDoNotFit
from ledger.indexer.sources import Log

_WORD = 32


class Event(NamedTuple):
    """A log with a meaning: `members` by the names of the ABI; addresses and bytesN are bytes."""

    contract: str
    name: str
    members: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an event: its ABI type, and how a word of it is read."""

    name: str
    kind: str
    bits: int

    def read(self, word: bytes) -> Any:
        """Read one word. Raises ValueError for padding that is not zero."""
        if self.kind == "bytes32":
            return word
        if self.kind == "uint":
            return self._unsigned(word)
        if self.kind == "address":
            return self._unsigned(word).to_bytes(20, "big")
        if self.kind == "bool":
            return self._unsigned(word) == 1
        return decode([self.kind], word, strict=True)[0]

    def _unsigned(self, word: bytes) -> int:
        number = int.from_bytes(word, "big")
        if number >> self.bits:
            raise ValueError("a value is larger than its type")
        return number


@dataclass(frozen=True, slots=True)
class Layout:
    """How an event lies in topics and data; `is_fixed`: every plain member is one word."""

    contract: str
    name: str
    indexed: tuple[Member, ...]
    plain: tuple[Member, ...]
    is_fixed: bool

    def read(self, log: Log) -> Event:
        if len(log.topics) != len(self.indexed) + 1:
            raise ValueError("an event has another number of topics")
        members = {
            member.name: member.read(topic) for member, topic in zip(self.indexed, log.topics[1:], strict=True)
        }  # fmt: skip
        members.update(self._read_fixed(log.data) if self.is_fixed else self._read_dynamic(log.data))
        return Event(self.contract, self.name, members)

    def _read_fixed(self, data: bytes) -> dict[str, Any]:
        if len(data) != _WORD * len(self.plain):
            raise ValueError("an event has another length")
        return {
            member.name: member.read(data[position * _WORD : (position + 1) * _WORD])
            for position, member in enumerate(self.plain)
        }

    def _read_dynamic(self, data: bytes) -> dict[str, Any]:
        values = decode([member.kind for member in self.plain], data, strict=True)
        return {
            member.name: bytes.fromhex(value[2:]) if member.kind == "address" else value
            for member, value in zip(self.plain, values, strict=True)
        }


class Decoder:
    """Knows which contract is where."""

    def __init__(self, site: Mapping[bytes, str]) -> None:
        self._layouts = {address: layouts_of(name) for address, name in site.items()}

    def is_ours(self, address: bytes) -> bool:
        return address in self._layouts

    def read(self, log: Log) -> Event | None:
        """Return the event; None for one that its contract does not declare. Raises LogsDoNotFit."""
        layout = self._layouts[log.address].get(log.topics[0]) if log.topics else None
        if layout is None:
            return None
        try:
            return layout.read(log)
        except (ValueError, DecodingError) as error:
            raise LogsDoNotFit(
                N_("Log {index} of block {number} is no event of its contract."),
                index=log.log_index, number=log.block_number,
            ) from error  # fmt: skip


@cache
def layouts_of(contract: str) -> dict[bytes, Layout]:
    """Return the layouts of a contract's events by their first topic."""
    if contract not in contracts.NAMES:
        return {}
    entries = [entry for entry in contracts.load(contract).abi if entry["type"] == "event"]
    return {topic_of(contract, entry["name"]): _layout(contract, entry) for entry in entries}


def _layout(contract: str, entry: Mapping[str, Any]) -> Layout:
    members: Sequence[Mapping[str, Any]] = entry["inputs"]
    plain = [_member(member) for member in members if not member["indexed"]]
    indexed = [_member(member, is_topic=True) for member in members if member["indexed"]]
    is_fixed = all(_is_one_word(str(member["type"])) for member in members if not member["indexed"])
    return Layout(contract, entry["name"], tuple(indexed), tuple(plain), is_fixed)


def _member(member: Mapping[str, Any], *, is_topic: bool = False) -> Member:
    kind, name = type_of(member), str(member["name"])
    if kind == "bytes32" or (is_topic and not _is_one_word(kind)):
        return Member(name, "bytes32", 256)
    if kind.startswith("uint") and kind[4:].isdecimal():
        return Member(name, "uint", int(kind[4:]))
    if kind in ("address", "bool"):
        return Member(name, kind, 160 if kind == "address" else 1)
    return Member(name, kind, 256)


def _is_one_word(kind: str) -> bool:
    return kind.rstrip("0123456789") in ("uint", "int", "address", "bool") or (
        kind.startswith("bytes") and kind[5:].isdecimal()
    )
