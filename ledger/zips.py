"""Reads a zip with a closed set of members: everything is bounded and listed before anything is unpacked. Pure.

Stricter than the standard library's reader, and no more than the verifier page can be (`zip.ts` is its twin): one list
right before the end, no bytes around it, stored or deflated members that end where the list says.
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
_FIRST_LENGTH, _LISTED_LENGTH, _END_LENGTH = 30, 46, 22
_KIND_OF_FILE, _LINK = 0o170000, 0o120000
_STORED, _DEFLATED = 0, 8
_DAMAGED = "a member is damaged"


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


def is_zip(content: bytes) -> bool:
    """Say whether something begins as a zip does."""
    return content[:4] == _FIRST


def read_zip(content: bytes, members: Collection[str]) -> dict[str, bytes]:
    """Return the members of a zip that has exactly these. Raises Refused."""
    if len(content) > LONGEST_IN_ALL:
        raise Refused(N_("it is too long"))
    entries = _listed(content)
    _check_list(entries, members)
    return {entry.name: _unpacked(content, entry) for entry in entries}


def _listed(content: bytes) -> list[_Entry]:
    end = len(content) - _END_LENGTH
    if end < 0 or not is_zip(content) or content[end : end + 4] != _END:
        raise _no_zip("bytes before or after it")
    count, length, at = struct.unpack_from("<HII", content, end + 10)
    if at + length != end:
        raise _no_zip("bytes before or after it")
    entries = []
    while at < end:
        if at + _LISTED_LENGTH > end or content[at : at + 4] != _LISTED:
            raise _no_zip("its list is damaged")
        entry, at = _entry(content, at)
        entries.append(entry)
    if len(entries) != count:
        raise _no_zip("its list is damaged")
    return entries


def _entry(content: bytes, at: int) -> tuple[_Entry, int]:
    flags, method = struct.unpack_from("<HH", content, at + 8)
    crc, packed, length, *lengths = struct.unpack_from("<IIIHHH", content, at + 16)
    mode, first = struct.unpack_from("<HI", content, at + 40)
    start = at + _LISTED_LENGTH
    name = _text(content[start : start + lengths[0]])
    return _Entry(name, flags, method, crc, packed, length, mode, first), start + sum(lengths)


def _check_list(entries: list[_Entry], members: Collection[str]) -> None:
    """Refuse before reading: names that are not ours, twice the same, links, encrypted or too long members."""
    for entry in entries:
        if entry.name not in members or entry.mode & _KIND_OF_FILE == _LINK:
            raise Refused(N_("“{name}” does not belong into a bundle"), name=entry.name[:80])
        if entry.length > _LONGEST or entry.flags & 1 or entry.method not in (_STORED, _DEFLATED):
            raise Refused(N_("“{name}” is too long, or encrypted"), name=entry.name)
    names = {entry.name for entry in entries}
    if len(names) != len(entries):
        raise Refused(N_("a member is there twice"))
    if missing := sorted(set(members) - names):
        raise Refused(N_("“{name}” is missing"), name=missing[0])
    if sum(entry.length for entry in entries) > LONGEST_IN_ALL:
        raise Refused(N_("it is too long"))


def _unpacked(content: bytes, entry: _Entry) -> bytes:
    if entry.at + _FIRST_LENGTH > len(content) or content[entry.at : entry.at + 4] != _FIRST:
        raise _no_zip(_DAMAGED)
    name_length, more = struct.unpack_from("<HH", content, entry.at + 26)
    name = entry.at + _FIRST_LENGTH
    start = name + name_length + more
    if _text(content[name : name + name_length]) != entry.name or start + entry.packed > len(content):
        raise _no_zip(_DAMAGED)
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


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _no_zip(reason: str) -> Refused:
    return Refused(N_("it is no zip that can be read: {reason}"), reason=reason)
