"""The few foreign functions of the verifier over plain integers: the twin of `ledger.standalone.native`.

Only checks public documents, holds no secret, and therefore does not run in constant time.
Source: FIPS 202 (Keccak-f), Yellow Paper appendix B (RLP), SEC 1 section 4.1.6 and SEC 2 (recovery on secp256k1).
"""

from typing import Union

from ledger.curves import sum_of_products

Rlp = Union[bytes, "list[Rlp]"]
_RATE = 136
_LANE = (1 << 64) - 1
_ROTATIONS = (
    (0, 36, 3, 41, 18), (1, 44, 10, 45, 2), (62, 6, 43, 15, 61), (28, 55, 25, 21, 56), (27, 20, 39, 8, 14),
)  # fmt: skip
_P = 2**256 - 2**32 - 977
_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_MAX_DEPTH = 200


def keccak(data: bytes) -> bytes:
    """Return the Keccak-256 digest that the EVM uses (not SHA3-256)."""
    padding = bytearray(_RATE - len(data) % _RATE)
    padding[0] ^= 0x01
    padding[-1] ^= 0x80
    message = data + padding
    state = [0] * 25
    for start in range(0, len(message), _RATE):
        for lane in range(_RATE // 8):
            at = start + 8 * lane
            state[lane] ^= int.from_bytes(message[at : at + 8], "little")
        state = _permute(state)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])


def _round_constants() -> tuple[int, ...]:
    """Return the constants of the 24 rounds, from the shift register of FIPS 202, algorithm 5."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


_CONSTANTS = _round_constants()
_MOVES = tuple((x + 5 * y, y + 5 * ((2 * x + 3 * y) % 5), _ROTATIONS[x][y]) for x in range(5) for y in range(5))


def _permute(lanes: list[int]) -> list[int]:
    for constant in _CONSTANTS:
        columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        mixed = [
            columns[x - 1] ^ ((columns[(x + 1) % 5] << 1 | columns[(x + 1) % 5] >> 63) & _LANE) for x in range(5)
        ]  # fmt: skip
        moved = [0] * 25
        for source, target, turn in _MOVES:
            lane = lanes[source] ^ mixed[source % 5]
            moved[target] = (lane << turn | lane >> (64 - turn)) & _LANE
        lanes = [
            moved[row + x] ^ (~moved[row + (x + 1) % 5] & moved[row + (x + 2) % 5])
            for row in range(0, 25, 5)
            for x in range(5)
        ]
        lanes[0] ^= constant
    return lanes


def rlp_encode(item: "int | Rlp") -> bytes:
    """Return the RLP of bytes, a whole number or nested lists of bytes. Source: Yellow Paper, appendix B."""
    if isinstance(item, list):
        body = b"".join(map(rlp_encode, item))
        return _length(len(body), 0xC0) + body
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    return item if len(item) == 1 and item[0] < 0x80 else _length(len(item), 0x80) + item


def _length(count: int, base: int) -> bytes:
    if count < 56:
        return bytes([base + count])
    spelled = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(spelled)]) + spelled


def rlp_decode(encoded: bytes) -> Rlp:
    """Return what an RLP item holds. Raises ValueError unless it is whole and in its shortest form."""
    item, end = _item(encoded, 0, len(encoded), 0)
    if end != len(encoded):
        raise ValueError("no RLP item: bytes are left over")
    return item


def _item(encoded: bytes, at: int, limit: int, depth: int) -> tuple[Rlp, int]:
    if at >= limit or depth > _MAX_DEPTH:
        raise ValueError("no RLP item: it ends early or is nested too deep")
    prefix = encoded[at]
    if prefix < 0x80:
        return encoded[at : at + 1], at + 1
    is_list = prefix >= 0xC0
    start, end = _body(encoded, at, prefix - (0xC0 if is_list else 0x80))
    if end > limit:
        raise ValueError("no RLP item: it ends early")
    if not is_list:
        if end - start == 1 and encoded[start] < 0x80:
            raise ValueError("no RLP item: a byte below 80 has no prefix")
        return encoded[start:end], end
    items: list[Rlp] = []
    while start < end:
        inner, start = _item(encoded, start, end, depth + 1)
        items.append(inner)
    return items, end


def _body(encoded: bytes, at: int, size: int) -> tuple[int, int]:
    """Return where the body of an item starts and ends."""
    if size < 56:
        return at + 1, at + 1 + size
    start = at + 1 + size - 55
    spelled = encoded[at + 1 : start]
    count = int.from_bytes(spelled, "big")
    if not spelled or spelled[0] == 0 or count < 56:
        raise ValueError("no RLP item: its length is not in its shortest form")
    return start, start + count


def recover_public(digest: bytes, r_and_s: bytes, parity: int) -> bytes:
    """Return the secp256k1 public key (x and y, 64 bytes) that signed a digest; `parity` is that of R's y.

    Raises ValueError where no key fits.
    """
    r, s = int.from_bytes(r_and_s[:32], "big"), int.from_bytes(r_and_s[32:], "big")
    if not (0 < r < _N and 0 < s < _N):
        raise ValueError("the signature fits no key")
    square = (pow(r, 3, _P) + 7) % _P
    y = pow(square, (_P + 1) // 4, _P)
    if y * y % _P != square:
        raise ValueError("the signature fits no key")
    nonce = (r, y if y % 2 == parity else _P - y)
    inverse = pow(r, -1, _N)
    point = sum_of_products(
        -int.from_bytes(digest, "big") * inverse % _N, _G, s * inverse % _N, nonce, p=_P, a=0,
    )  # fmt: skip
    if point is None:
        raise ValueError("the signature fits no key")
    return point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
