"""Reads how bright a picture is, by the standard library alone: JPEG by its block means, PNG by its samples. Pure.

Every size is bounded before anything is unpacked; what is hostile, broken or another format raises one of BROKEN.
Source: ITU-T T.81 (JPEG), Exif 2.32 (orientation), W3C PNG third edition.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from ledger.jpeg_blocks import Unreadable, read_jpeg_blocks

_MAX_BYTES = 64 << 20
_MAX_PIXELS = 8_000_000
_LONGEST_SIDE = 1 << 15
_MOST_CHUNKS = 1 << 16
_PNG = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_WHITE = 255

BROKEN = (ValueError, LookupError, ArithmeticError, MemoryError, struct.error, zlib.error)


@dataclass(frozen=True, slots=True)
class Raster:
    """Brightness row by row, 0 to 255; width and height in samples, of which the last may be in part."""

    width: float
    height: float
    rows: Iterable[Sequence[float]]
    orientation: int = 1


def cut_rows(samples: Sequence[float], *, columns: int, count: int) -> Iterator[Sequence[float]]:
    """Return the first rows of samples that lie one behind another."""
    return (samples[at : at + columns] for at in range(0, columns * count, columns))


def read_raster(path: Path) -> Raster:
    """Return the brightness of a JPEG or PNG file. Raises one of BROKEN for whatever else it is, as its rows may."""
    if path.stat().st_size > _MAX_BYTES:
        raise Unreadable
    content = path.read_bytes()
    return _read_png(content) if content.startswith(_PNG) else _read_jpeg(content)


def _read_jpeg(content: bytes) -> Raster:
    if not content.startswith(b"\xff\xd8"):
        raise Unreadable
    blocks = read_jpeg_blocks(content)
    rows = cut_rows(blocks.means, columns=blocks.columns, count=ceil(blocks.height / 8))
    return Raster(blocks.width / 8, blocks.height / 8, rows, blocks.orientation)


def _read_png(content: bytes) -> Raster:
    chunks = list(_chunks(content))
    width, height, depth, kind, _packing, _filter, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or interlaced or kind not in _CHANNELS or not 0 < width * height <= _MAX_PIXELS:
        raise Unreadable
    if max(width, height) > _LONGEST_SIDE:
        raise Unreadable
    stride = width * _CHANNELS[kind]
    unpacking = zlib.decompressobj()
    packed = b"".join(body for name, body in chunks if name == b"IDAT")
    lines = unpacking.decompress(packed, height * (stride + 1))
    if len(lines) != height * (stride + 1):
        raise Unreadable
    named = dict(chunks)
    palette = _palette(named.get(b"PLTE", b""), named.get(b"tRNS", b"")) if kind == 3 else []
    rows = (
        [palette[index] for index in row] if kind == 3 else _brightness(row, kind)
        for row in _rows(lines, stride, _CHANNELS[kind])
    )  # fmt: skip
    return Raster(width, height, rows)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(content):
            return
        length, name = struct.unpack(">I4s", content[at : at + 8])
        yield name, content[at + 8 : at + 8 + length]
        at += length + 12
    raise Unreadable


def _rows(lines: bytes, stride: int, step: int) -> Iterator[bytearray]:
    above = bytearray(stride)
    for at in range(0, len(lines), stride + 1):
        above = _unfiltered(lines[at], bytearray(lines[at + 1 : at + 1 + stride]), above, step)
        yield above


def _unfiltered(kind: int, row: bytearray, above: bytearray, step: int) -> bytearray:
    """Undo the filter of a line. Source: PNG, clause 9."""
    match kind:
        case 0:
            return row
        case 1:
            for x in range(step, len(row)):
                row[x] = row[x] + row[x - step] & 255
        case 2:
            return bytearray(a + b & 255 for a, b in zip(row, above, strict=True))
        case 3:
            for x in range(len(row)):
                row[x] = row[x] + ((row[x - step] if x >= step else 0) + above[x] >> 1) & 255
        case 4:
            _undo_paeth(row, above, step)
        case _:
            raise Unreadable
    return row


def _undo_paeth(row: bytearray, above: bytearray, step: int) -> None:
    for x in range(step):
        row[x] = row[x] + above[x] & 255
    for x in range(step, len(row)):
        left, up, corner = row[x - step], above[x], above[x - step]
        by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        if by_left <= by_up and by_left <= by_corner:
            row[x] = row[x] + left & 255
        else:
            row[x] = row[x] + (up if by_up <= by_corner else corner) & 255


def _brightness(row: bytearray, kind: int) -> list[float]:
    match kind:
        case 0:
            return list(row)
        case 4:
            return [_on_white(grey, alpha) for grey, alpha in zip(row[::2], row[1::2], strict=True)]
        case 2:
            return list(map(_luma, row[::3], row[1::3], row[2::3]))
        case _:
            shown = map(_luma, row[::4], row[1::4], row[2::4])
            return [_on_white(grey, alpha) for grey, alpha in zip(shown, row[3::4], strict=True)]


def _palette(colours: bytes, alphas: bytes) -> list[float]:
    shown = map(_luma, colours[::3], colours[1::3], colours[2::3])
    return [_on_white(grey, alphas[at] if at < len(alphas) else 255) for at, grey in enumerate(shown)]


def _luma(red: float, green: float, blue: float) -> float:
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _on_white(grey: float, alpha: int) -> float:
    return _WHITE + (grey - _WHITE) * alpha / 255
