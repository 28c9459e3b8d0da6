"""The Bloom filter of a block's logs, for many blocks at once: a missing or foreign log does not fit its header.

Keccak-256 of short messages side by side in numpy: half the time of one by one.
Source: Ethereum Yellow Paper, section 4.3.1 (the filter M3:2048); FIPS 202, section 3.2 (Keccak-f[1600]).
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ledger.merkle import keccak

BLOOM_BYTES = 256
_LANES = 25
_RATE_LANES = 17
_BATCH = 1024
_FEW = 8

_ROUND_CONSTANTS = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000A, 0x000000008000808B, 0x800000000000008B, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip
_ROTATIONS = (
    0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
)  # fmt: skip

Lanes = NDArray[np.uint64]
_TURNS: Lanes = np.array(_ROTATIONS, dtype=np.uint64)[:, None]
_ONE: Lanes = np.array([1], dtype=np.uint64)
_BEFORE, _AFTER, _SECOND_AFTER = ([(x + step) % 5 for x in range(5)] for step in (-1, 1, 2))
_SOURCES = [(x + 3 * y) % 5 + 5 * x for y in range(5) for x in range(5)]


def blooms_of(blocks: Mapping[int, Iterable[bytes]]) -> dict[int, int]:
    """Return the filter of each block's addresses and topics as a number, most significant bit first."""
    items = {number: list(entries) for number, entries in blocks.items()}
    distinct = list({entry for entries in items.values() for entry in entries})
    bits = dict(zip(distinct, _bits_of_all(distinct), strict=True))
    blooms = {}
    for number, entries in items.items():
        bloom = 0
        for entry in entries:
            bloom |= bits[entry]
        blooms[number] = bloom
    return blooms


def keccak_many(messages: Sequence[bytes]) -> list[bytes]:
    """Return the Keccak-256 digest of each message; each is shorter than one block of the sponge (136 bytes)."""
    digests: list[bytes] = []
    for start in range(0, len(messages), _BATCH):
        digests += _keccak_batch(messages[start : start + _BATCH])
    return digests


def _bits_of_all(entries: Sequence[bytes]) -> list[int]:
    digests = [keccak(entry) for entry in entries] if len(entries) < _FEW else keccak_many(entries)
    return [_bits_of(digest) for digest in digests]


def _bits_of(digest: bytes) -> int:
    first = (digest[0] << 8 | digest[1]) & 2047
    second = (digest[2] << 8 | digest[3]) & 2047
    third = (digest[4] << 8 | digest[5]) & 2047
    return 1 << first | 1 << second | 1 << third


def _keccak_batch(messages: Sequence[bytes]) -> list[bytes]:
    rate = _RATE_LANES * 8
    padded = bytearray(rate * len(messages))
    for position, message in enumerate(messages):
        if len(message) >= rate:
            raise ValueError("a message is longer than one block of the sponge")
        start = position * rate
        padded[start : start + len(message)] = message
        padded[start + len(message)] ^= 0x01
        padded[start + rate - 1] ^= 0x80
    state = np.zeros((_LANES, len(messages)), dtype=np.uint64)
    state[:_RATE_LANES] = np.frombuffer(bytes(padded), dtype="<u8").reshape(len(messages), _RATE_LANES).T
    digests = np.ascontiguousarray(_permute(state)[:4].T).astype("<u8").tobytes()
    return [digests[start : start + 32] for start in range(0, len(digests), 32)]


def _permute(state: Lanes) -> Lanes:
    """Apply Keccak-f[1600] to every column; lane (x, y) is row x + 5y."""
    planes = state.reshape(5, 5, -1)
    for constant in _ROUND_CONSTANTS:
        parity = np.bitwise_xor.reduce(planes, axis=0)
        planes ^= parity[_BEFORE] ^ _rotated(parity[_AFTER], _ONE)
        moved = _rotated(planes.reshape(_LANES, -1), _TURNS)[_SOURCES].reshape(5, 5, -1)
        planes = moved ^ (~moved[:, _AFTER] & moved[:, _SECOND_AFTER])
        planes[0, 0] ^= np.uint64(constant)
    return planes.reshape(_LANES, -1)


def _rotated(lanes: Lanes, turns: Lanes) -> Lanes:
    return lanes << turns | lanes >> (-turns & np.uint64(63))
