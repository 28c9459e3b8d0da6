"""Reads a zip with a closed set of members: everything is bounded and listed before anything is unpacked. Pure.

Stricter than the standard library's reader, and no more than the verifier page can be (`zip.ts` is its twin): stored or
deflated members end to end from the first byte, each with the header that the list repeats; one list right before the
end; no byte that belongs to none of them, so no comment, no extra field, no data descriptor.
Source: PKWARE APPNOTE 6.3, sections 4.3 and 4.4.
"""

import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass

from ledger.papers import N_, Refused

LONGEST_IN_ALL = 48 << 20
_LONGEST = 16 << 20
_FIRST, _LISTED, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LISTED_LENGTH, _END_LENGTH = 46, 22
_KIND_OF_FILE, _LINK = 0o170000, 0o120000
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIBED_AFTER = 1, 8
_AROUND, _BETWEEN = "bytes before or after it", "bytes that belong to no member"
_LIST, _DAMAGED = "its list is damaged", "a member is damaged"


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    length: int
    mode: int
    at: int
    header: bytes


def is_zip(content: bytes) -> bool:
    """Say whether something begins as a zip does."""
    return content[:4] == _FIRST


def read_zip(content: bytes, members: Collection[str]) -> dict[str, bytes]:
    """Return the members of a zip that has exactly these. Raises Refused."""
    if len(content) > LONGEST_IN_ALL:
        raise Refused(N_("it is too long"))
    start = _start_of_list(content)
    entries = _listed(content, start)
    _check_list(entries, members)
    _check_places(content, entries, start)
    return {entry.name: _unpacked(content, entry) for entry in entries}


def _start_of_list(content: bytes) -> int:
    end = len(content) - _END_LENGTH
    if end < 0 or not is_zip(content):
        raise _no_zip(_AROUND)
    count, length, at = struct.unpack_from("<HII", content, end + 10)
    if content[end:] != struct.pack("<4s4HIIH", _END, 0, 0, count, count, length, at, 0) or at + length != end:
        raise _no_zip(_AROUND)
    return int(at)


def _listed(content: bytes, at: int) -> list[_Entry]:
    end = len(content) - _END_LENGTH
    entries = []
    for _ in range(struct.unpack_from("<H", content, end + 10)[0]):
        if at + _LISTED_LENGTH > end or content[at : at + 4] != _LISTED:
            raise _no_zip(_LIST)
        entry, at = _entry(content, at)
        entries.append(entry)
    if at != end:
        raise _no_zip(_LIST)
    return entries


def _entry(content: bytes, at: int) -> tuple[_Entry, int]:
    """Return an entry of the list, and where it ends: behind its name, for it has no extra field and no comment."""
    flags, method = struct.unpack_from("<HH", content, at + 8)
    crc, packed, length, name_length = struct.unpack_from("<IIIH", content, at + 16)
    mode, first = struct.unpack_from("<HI", content, at + 40)
    if any(content[at + 30 : at + 38]):
        raise _no_zip(_BETWEEN)
    name = content[at + _LISTED_LENGTH : at + _LISTED_LENGTH + name_length]
    header = _FIRST + content[at + 6 : at + 32] + name
    entry = _Entry(name.decode("utf-8", "replace"), flags, method, crc, packed, length, mode, first, header)
    return entry, at + _LISTED_LENGTH + name_length


def _check_list(entries: list[_Entry], members: Collection[str]) -> None:
    """Refuse before reading: names that are not ours, twice the same, links, encrypted or too long members."""
    for entry in entries:
        if entry.name not in members or entry.mode & _KIND_OF_FILE == _LINK:
            raise Refused(N_("“{name}” does not belong into a bundle"), name=entry.name[:80])
        if entry.length > _LONGEST or entry.flags & _ENCRYPTED or entry.method not in (_STORED, _DEFLATED):
            raise Refused(N_("“{name}” is too long, or encrypted"), name=entry.name)
    names = {entry.name for entry in entries}
    if len(names) != len(entries):
        raise Refused(N_("a member is there twice"))
    if missing := sorted(set(members) - names):
        raise Refused(N_("“{name}” is missing"), name=missing[0])
    if sum(entry.length for entry in entries) > LONGEST_IN_ALL:
        raise Refused(N_("it is too long"))


def _check_places(content: bytes, entries: list[_Entry], end: int) -> None:
    """Refuse members that do not lie end to end before the list, or whose own header says other than the list."""
    at = 0
    for entry in entries:
        if entry.at != at:
            raise _no_zip(_BETWEEN)
        if entry.flags & _DESCRIBED_AFTER or content[at : at + len(entry.header)] != entry.header:
            raise _no_zip(_DAMAGED)
        at += len(entry.header) + entry.packed
    if at != end:
        raise _no_zip(_BETWEEN)


def _unpacked(content: bytes, entry: _Entry) -> bytes:
    start = entry.at + len(entry.header)
    packed = content[start : start + entry.packed]
    whole = packed if entry.method == _STORED else _inflated(packed, entry.length)
    if len(whole) != entry.length:
        raise Refused(N_("“{name}” is damaged"), name=entry.name)
    if zlib.crc32(whole) != entry.crc:
        raise _no_zip("a checksum differs")
    return whole


def _inflated(packed: bytes, most: int) -> bytes:
    """Unpack no more than a byte beyond what was declared."""
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        whole = unpacking.decompress(packed, most + 1)
    except zlib.error as error:
        raise _no_zip(_DAMAGED) from error
    if len(whole) <= most and (not unpacking.eof or unpacking.unused_data):
        raise _no_zip(_DAMAGED)
    return whole


def _no_zip(reason: str) -> Refused:
    return Refused(N_("it is no zip that can be read: {reason}"), reason=reason)
