"""The fingerprint of a picture (相似指纹): near for the same picture in other bytes, far for another one. Pure.

It says 相似，非同一 and never more: what is similar is not the same file, and whoever draws for it may come near.
Source: ADR 0018 (the steps and the threshold), docs/verifier.md.
"""

from collections.abc import Sequence
from math import ceil, cos, pi
from pathlib import Path

from ledger.rasters import BROKEN, Raster, read_raster

FINGERPRINT_BITS = 256
MOST_SIMILAR = 31
_SIDE, _WAVES = 64, 16
_FLAT = 8.0
_COSINES = tuple(
    tuple(cos(pi * wave * (2 * place + 1) / (2 * _SIDE)) for place in range(_SIDE)) for wave in range(1, _WAVES + 1)
)


def fingerprint_of(raster: Raster) -> str:
    """Return a picture's fingerprint in lower-case hex; empty for one so flat that nothing tells it from others.

    The mean brightness of 64 × 64 equal cells, its waves 1 to 16 in both directions, one bit each: above the median.
    """
    cells = _turned(_cells(raster), raster.orientation)
    if max(map(max, cells)) - min(map(min, cells)) < _FLAT:
        return ""
    across = [[_product(wave, row) for wave in _COSINES] for row in cells]
    columns = list(zip(*across, strict=True))
    waves = [_product(wave, column) for wave in _COSINES for column in columns]
    ordered = sorted(waves)
    middle = (ordered[FINGERPRINT_BITS // 2 - 1] + ordered[FINGERPRINT_BITS // 2]) / 2
    bits = "".join("1" if wave > middle else "0" for wave in waves)
    return f"{int(bits, 2):0{FINGERPRINT_BITS // 4}x}"


def read_fingerprint(path: Path) -> str:
    """Return the fingerprint of a JPEG or PNG file by nothing but Python; empty where that cannot read it."""
    try:
        return fingerprint_of(read_raster(path))
    except BROKEN:
        return ""


def distance_of(one: str, other: str) -> int:
    """Return in how many of the 256 bits two fingerprints differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def fingerprint_given(text: str) -> str:
    """Return a fingerprint that was made elsewhere, as it is spelled. Raises ValueError for anything else."""
    if len(text) != FINGERPRINT_BITS // 4 or not set(text) <= set("0123456789abcdef"):
        raise ValueError("a fingerprint has 64 characters: 0-9 and a-f")
    return text


def _product(some: Sequence[float], others: Sequence[float]) -> float:
    return sum(map(float.__mul__, some, others))


def _cells(raster: Raster) -> list[list[float]]:
    """Return the mean of each cell; a sample that lies in two cells counts in each by its share.

    No more than one row is held: each is added to its cells as it comes.
    """
    across, down = _shares(raster.width), _shares(raster.height)
    into: list[list[tuple[int, float]]] = [[] for _ in range(ceil(raster.height))]
    for cell, parts in enumerate(down):
        for place, share in parts:
            into[place].append((cell, share))
    cells = [[0.0] * _SIDE for _ in range(_SIDE)]
    for row, parts in zip(raster.rows, into, strict=True):
        narrow = [sum(row[place] * share for place, share in cell) for cell in across]
        for cell, share in parts:
            cells[cell] = [one + more * share for one, more in zip(cells[cell], narrow, strict=True)]
    return cells


def _shares(length: float) -> list[list[tuple[int, float]]]:
    """Return for each cell which samples of a line lie in it, and by which share of the cell."""
    width = length / _SIDE
    cells = []
    for cell in range(_SIDE):
        start, end = cell * width, (cell + 1) * width
        parts = [(place, min(end, place + 1) - max(start, place)) for place in range(int(start), ceil(end))]
        cells.append([(place, part / width) for place, part in parts if part > 0])
    return cells


def _turned(cells: list[list[float]], orientation: int) -> list[list[float]]:
    """Return the cells upright. Source: Exif 2.32, tag 274."""
    if orientation in (2, 3, 6, 7):
        cells = cells[::-1] if orientation == 6 else [row[::-1] for row in cells]
    if orientation in (3, 4, 7, 8):
        cells = [row[::-1] for row in cells] if orientation == 8 else cells[::-1]
    return [list(column) for column in zip(*cells, strict=True)] if orientation >= 5 else cells
