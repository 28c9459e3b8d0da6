"""Reads the mean brightness of each 8 × 8 block of a JPEG: its DC coefficients, with no transform at all. Pure.

Sequential files and the first scan of progressive ones, Huffman-coded, 8 bits, grey or YCbCr. Source: ITU-T T.81.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_MAX_PIXELS = 40_000_000
_LEAST_SIDE = 256
_MOST_SEGMENTS = 1000
_CODE_NAMES, _QUANTA_NAMES = (0, 1, 2, 3, 16, 17, 18, 19), (0, 1, 2, 3)
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2
_TABLES, _QUANTA, _SCAN, _RESTARTS, _EXIF, _ADOBE = 0xC4, 0xDB, 0xDA, 0xDD, 0xE1, 0xEE
_STOP = re.compile(rb"\xff[^\x00\xff]")
_RESTARTED = range(0xD0, 0xD8)

Codes = list[tuple[int, int]]


class Unreadable(ValueError):
    """A picture that is not read here."""


@dataclass(slots=True)
class Component:
    """One of the planes: how many blocks it has in a unit, its first quantum, its tables in the scan."""

    across: int
    down: int
    quanta: int
    dc: int = 0
    ac: int = 0


@dataclass(slots=True)
class Head:
    """What stands before the scan."""

    width: int = 0
    height: int = 0
    is_progressive: bool = False
    is_plain_rgb: bool = False
    orientation: int = 1
    restarts: int = 0
    components: dict[int, Component] = field(default_factory=dict)
    codes: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    quanta: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blocks:
    """The means row by row; width and height are the picture's, in pixels."""

    columns: int
    width: int
    height: int
    means: list[float]
    orientation: int


def read_jpeg_blocks(content: bytes) -> Blocks:
    """Return the mean brightness of every block. Raises Unreadable, ValueError, LookupError for what it cannot read."""
    head = Head()
    for marker, body, after in _segments(content):
        if marker == _SCAN:
            return _read_scan(head, body, content, after)
        _read_segment(head, marker, body)
    raise Unreadable


def _read_segment(head: Head, marker: int, body: bytes) -> None:
    if marker in (*_SEQUENTIAL, _PROGRESSIVE):
        _read_frame(head, body, is_progressive=marker == _PROGRESSIVE)
    elif marker == _TABLES:
        _read_codes(head, body)
    elif marker == _QUANTA:
        _read_quanta(head, body)
    elif marker == _RESTARTS:
        head.restarts = int(struct.unpack(">H", body)[0])
    elif marker == _EXIF and body.startswith(b"Exif\0\0"):
        head.orientation = _orientation(body[6:])
    elif marker == _ADOBE and body.startswith(b"Adobe"):
        head.is_plain_rgb = body[11] == 0


def _segments(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if content[at] != 0xFF:
            raise Unreadable
        if content[at + 1] == 0xFF:
            at += 1
            continue
        length = int(struct.unpack(">H", content[at + 2 : at + 4])[0])
        yield content[at + 1], content[at + 4 : at + 2 + length], at + 2 + length
        at += 2 + length


def _read_frame(head: Head, body: bytes, *, is_progressive: bool) -> None:
    depth, head.height, head.width, count = struct.unpack(">BHHB", body[:6])
    if depth != 8 or count not in (1, 3) or head.components or head.width * head.height > _MAX_PIXELS:
        raise Unreadable
    if min(head.width, head.height) < _LEAST_SIDE:
        raise Unreadable
    head.is_progressive = is_progressive
    for name, sampling, quanta in struct.iter_unpack("BBB", body[6 : 6 + 3 * count]):
        if not (1 <= sampling >> 4 <= 4 and 1 <= sampling & 15 <= 4):
            raise Unreadable
        head.components[name] = Component(sampling >> 4, sampling & 15, quanta)


def _read_codes(head: Head, body: bytes) -> None:
    """Keep the tables of a segment, no more than there are names: how many codes of each length, and their values."""
    for _ in _CODE_NAMES:
        if not body:
            return
        counts = body[1:17]
        values = body[17 : 17 + sum(counts)]
        if body[0] not in _CODE_NAMES or len(values) != sum(counts):
            raise Unreadable
        head.codes[body[0]] = counts, values
        body = body[17 + len(values) :]
    if body:
        raise Unreadable


def _spread(counts: bytes, values: bytes) -> Codes:
    """Spread each code over all 16-bit words that begin with it. Source: T.81, annex C."""
    lengths = [length for length, count in enumerate(counts, 1) for _ in range(count)]
    if sum(1 << 16 - length for length in lengths) > 1 << 16:
        raise Unreadable
    spread: Codes = []
    for value, length in zip(values, lengths, strict=True):
        spread += [(value, length)] * (1 << 16 - length)
    return spread + [(0, 0)] * ((1 << 16) - len(spread))


def _read_quanta(head: Head, body: bytes) -> None:
    for _ in _QUANTA_NAMES:
        if not body:
            return
        is_wide, name = body[0] >> 4, body[0] & 15
        if name not in _QUANTA_NAMES:
            raise Unreadable
        head.quanta[name] = body[1] << 8 | body[2] if is_wide else body[1]
        body = body[129 if is_wide else 65 :]
    if body:
        raise Unreadable


def _orientation(tiff: bytes) -> int:
    """Return the orientation of an Exif block; 1 where it says none. Source: Exif 2.32, tag 274."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for at in range(min(count, 200)):
        tag, kind, _many, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * at)
        if (tag, kind) == (274, 3) and 1 <= value <= 8:
            return int(value)
    return 1


def _read_scan(head: Head, body: bytes, content: bytes, start: int) -> Blocks:
    order = _order(head, body)
    first, last, low = body[1 + 2 * len(order) : 4 + 2 * len(order)]
    is_whole = (first, last, low) == (0, 63, 0)
    if not (is_whole or (head.is_progressive and (first, last) == (0, 0) and low >> 4 == 0)):
        raise Unreadable
    for at, name in enumerate(order):
        tables = body[2 + 2 * at]
        head.components[name].dc, head.components[name].ac = tables >> 4, 0x10 | tables & 15
    luma = head.components[order[0]]
    shift = low & 15
    scale = (luma_quantum := head.quanta[luma.quanta]) * (1 << shift) / 8
    if not luma_quantum:
        raise Unreadable
    columns, levels = _levels(head, order, _parts(content, start), reads_rest=is_whole)
    return Blocks(
        columns, head.width, head.height, [min(255.0, max(0.0, 128 + scale * one)) for one in levels],
        head.orientation,
    )  # fmt: skip


def _order(head: Head, body: bytes) -> list[int]:
    """Return the components of a scan: each in the frame, none twice, brightness first. Source: T.81, B.2.3."""
    order = [body[1 + 2 * at] for at in range(body[0])]
    if len(set(order)) != len(order) or not set(order) <= set(head.components):
        raise Unreadable
    if not order or order[0] != next(iter(head.components)) or (head.is_plain_rgb and len(order) > 1):
        raise Unreadable
    return order


def _parts(content: bytes, start: int) -> Iterator[bytes]:
    """Cut a scan at its restarts, each part only when it is asked for. Raises Unreadable for one more than there is."""
    while True:
        found = _STOP.search(content, start)
        end = found.start() if found else len(content)
        yield content[start:end].replace(b"\xff\x00", b"\xff")
        if found is None or content[end + 1] not in _RESTARTED:
            raise Unreadable
        start = end + 2


def _levels(head: Head, order: list[int], parts: Iterator[bytes], *, reads_rest: bool) -> tuple[int, list[int]]:
    """Return the level of each luma block, row by row, and how many there are in a row."""
    planes = [head.components[name] for name in order]
    widest = max(one.across for one in head.components.values())
    tallest = max(one.down for one in head.components.values())
    luma = planes[0]
    if (luma.across, luma.down) != (widest, tallest):
        raise Unreadable
    across, down = (luma.across, luma.down) if len(planes) > 1 else (1, 1)
    units, rows = -(-head.width // (8 * across)), -(-head.height // (8 * down))
    columns = units * across
    levels = [0] * (columns * rows * down)
    names = {one.dc for one in planes} | ({one.ac for one in planes} if reads_rest else set())
    codes = {name: _spread(*head.codes[name]) for name in names}
    counts = [one.across * one.down if len(planes) > 1 else 1 for one in planes]
    every = head.restarts or units * rows
    reading = _Bits(b"")
    for unit in range(units * rows):
        if unit % every == 0:
            reading, before = _Bits(next(parts)), [0] * len(planes)
        for plane, (one, count) in enumerate(zip(planes, counts, strict=True)):
            for block in range(count):
                before[plane] += reading.level(codes[one.dc])
                if reads_rest:
                    reading.skip_rest(codes[one.ac])
                if plane == 0:
                    x, y = unit % units * across + block % across, unit // units * down + block // across
                    levels[y * columns + x] = before[0]
    return columns, levels


class _Bits:
    """The bits of a scan between two restarts, the first of each byte first."""

    __slots__ = ("at", "count", "data", "word")

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.word, self.count = data, 0, 0, 0

    def level(self, codes: Codes) -> int:
        """Return the difference to the block before."""
        size = self._symbol(codes)
        if size > 11:
            raise Unreadable
        if not size:
            return 0
        self._fill()
        self.count -= size
        value = self.word >> self.count & (1 << size) - 1
        return value if value >> size - 1 else value - (1 << size) + 1

    def skip_rest(self, codes: Codes) -> None:
        """Pass over the other 63 coefficients of a block."""
        place = 1
        while place < 64:
            symbol = self._symbol(codes)
            size = symbol & 15
            if size:
                self._fill()
                self.count -= size
                place += (symbol >> 4) + 1
            elif symbol == 0xF0:
                place += 16
            else:
                return

    def _symbol(self, codes: Codes) -> int:
        self._fill()
        value, length = codes[self.word >> self.count - 16 & 0xFFFF]
        if not length:
            raise Unreadable
        self.count -= length
        return value

    def _fill(self) -> None:
        """Hold at least 16 bits; after the end come ones, a few bytes at most."""
        if self.count >= 16:
            return
        if self.at > len(self.data) + 8:
            raise Unreadable
        more = self.data[self.at : self.at + 8]
        self.at += 8
        more += b"\xff" * (8 - len(more))
        self.word = (self.word & (1 << self.count) - 1) << 64 | int.from_bytes(more, "big")
        self.count += 64
