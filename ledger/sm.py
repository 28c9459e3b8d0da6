"""SM3 digests and SM2 signatures over plain integers: what evidence in China is written with. Pure.

Checking needs no secret. Signing here is not constant-time: use it where nobody can measure this process closely.
Source: GB/T 32905-2016 (SM3), GB/T 32918.2-2016 and 32918.5-2017 (SM2, its curve), GM/T 0009-2012 (the usual name).
"""

import hashlib
import secrets
from pathlib import Path
from typing import Protocol

from ledger.curves import sum_of_products

USUAL_NAME = b"1234567812345678"
_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_X = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
_Y = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0
_WORD = 0xFFFFFFFF
_BLOCK = 64
_SLOW_BYTES = 1 << 18
_START = (
    0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E,
)  # fmt: skip

Point = tuple[int, int] | None


class Digest(Protocol):
    """A digest in the making."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class PureSm3:
    """SM3 over plain integers: about a thousand times slower than OpenSSL's."""

    def __init__(self) -> None:
        self._state: tuple[int, ...] = _START
        self._rest = b""
        self._count = 0

    def update(self, data: bytes, /) -> None:
        """Take more of the message."""
        self._count += len(data)
        waiting = self._rest + data
        end = len(waiting) - len(waiting) % _BLOCK
        for at in range(0, end, _BLOCK):
            self._state = _compress(self._state, waiting[at : at + _BLOCK])
        self._rest = waiting[end:]

    def digest(self) -> bytes:
        """Return the digest of what was taken so far."""
        padding = b"\x80" + bytes((55 - self._count) % _BLOCK) + (8 * self._count).to_bytes(8, "big")
        state, last = self._state, self._rest + padding
        for at in range(0, len(last), _BLOCK):
            state = _compress(state, last[at : at + _BLOCK])
        return b"".join(word.to_bytes(4, "big") for word in state)


def has_fast_sm3() -> bool:
    """Say whether this Python's OpenSSL has SM3."""
    try:
        hashlib.new("sm3")
    except ValueError:
        return False
    return True


def new_sm3() -> Digest:
    """Return an SM3 in the making: OpenSSL's where this Python has it."""
    return hashlib.new("sm3") if has_fast_sm3() else PureSm3()


def sm3(data: bytes) -> bytes:
    """Return the SM3 digest of a message."""
    made = new_sm3()
    made.update(data)
    return made.digest()


def sm3_of_file(path: Path) -> str:
    """Return the SM3 digest of a file in hex; empty for one that would take this Python hours without OpenSSL's."""
    if not has_fast_sm3() and path.stat().st_size > _SLOW_BYTES:
        return ""
    made = new_sm3()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            made.update(chunk)
    return made.digest().hex()


def public_of(secret: int) -> bytes:
    """Return the public key of a secret number in [1, n−2]: 04, x, y. Raises ValueError."""
    if not 0 < secret < _N - 1:
        raise ValueError("no SM2 secret")
    return _spelled(_times(secret))


def secret_from(seed: bytes) -> int:
    """Return the secret number that 32 uniformly random bytes name."""
    return int.from_bytes(seed, "big") % (_N - 2) + 1


def new_secret() -> int:
    """Return a fresh secret number."""
    return secrets.randbelow(_N - 2) + 1


def sign(secret: int, message: bytes, *, name: bytes = USUAL_NAME, nonce: int | None = None) -> bytes:
    """Return r and s, 64 bytes. `nonce` is for published test vectors only; a repeated one gives the secret away."""
    digest = _message_digest(public_of(secret), message, name)
    while True:
        k = nonce if nonce is not None else secrets.randbelow(_N - 1) + 1
        point = _times(k)
        r = (digest + (point[0] if point else 0)) % _N
        s = pow(1 + secret, -1, _N) * (k - r * secret) % _N
        if r and s and r + k != _N:
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def is_signed(public: bytes, signature: bytes, message: bytes, *, name: bytes = USUAL_NAME) -> bool:
    """Say whether r and s (64 bytes) are this key's signature of the message."""
    point = _read(public)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if point is None or len(signature) != 64 or not (0 < r < _N and 0 < s < _N) or (r + s) % _N == 0:
        return False
    found = sum_of_products(s, (_X, _Y), (r + s) % _N, point, p=_P, a=_A)
    return found is not None and (_message_digest(public, message, name) + found[0]) % _N == r


def _message_digest(public: bytes, message: bytes, name: bytes) -> int:
    curve = b"".join(number.to_bytes(32, "big") for number in (_A, _B, _X, _Y))
    signer = sm3((8 * len(name)).to_bytes(2, "big") + name + curve + public[1:])
    return int.from_bytes(sm3(signer + message), "big")


def _read(public: bytes) -> Point:
    """Return the point of an uncompressed public key; None when it is not on the curve."""
    if len(public) != 65 or public[0] != 4:
        return None
    x, y = int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
    return (x, y) if x < _P and y < _P and (y * y - x**3 - _A * x - _B) % _P == 0 else None


def _spelled(point: Point) -> bytes:
    if point is None:
        raise ValueError("no SM2 key")
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def _times(factor: int) -> Point:
    return sum_of_products(factor, (_X, _Y), 0, (_X, _Y), p=_P, a=_A)


def _turned(word: int, count: int) -> int:
    count %= 32
    return (word << count | word >> (32 - count)) & _WORD


def _compress(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    words = [int.from_bytes(block[at : at + 4], "big") for at in range(0, _BLOCK, 4)]
    for j in range(16, 68):
        mixed = words[j - 16] ^ words[j - 9] ^ _turned(words[j - 3], 15)
        mixed ^= _turned(mixed, 15) ^ _turned(mixed, 23)
        words.append(mixed ^ _turned(words[j - 13], 7) ^ words[j - 6])
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        constant = 0x79CC4519 if j < 16 else 0x7A879D8A
        ss1 = _turned((_turned(a, 12) + e + _turned(constant, j)) & _WORD, 7)
        ss2 = ss1 ^ _turned(a, 12)
        if j < 16:
            ff, gg = a ^ b ^ c, e ^ f ^ g
        else:
            ff, gg = (a & b) | (a & c) | (b & c), (e & f) | (~e & _WORD & g)
        tt1 = (ff + d + ss2 + (words[j] ^ words[j + 4])) & _WORD
        tt2 = (gg + h + ss1 + words[j]) & _WORD
        a, b, c, d = tt1, a, _turned(b, 9), c
        e, f, g, h = tt2 ^ _turned(tt2, 9) ^ _turned(tt2, 17), e, _turned(f, 19), g
    return tuple(old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))
