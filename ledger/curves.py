"""Sums of points on short Weierstrass curves over plain integers, for checking public signatures. Pure.

Not constant-time. Source: SEC 1 section 2.2.1; Jacobian coordinates (x/z², y/z³).
"""

Affine = tuple[int, int]
Jacobian = tuple[int, int, int]
_NOWHERE: Jacobian = (0, 1, 0)


def sum_of_products(first: int, base: Affine, second: int, other: Affine, *, p: int, a: int) -> Affine | None:
    """Return first·base + second·other on y² = x³ + ax + b over p, both in one run; None is the point at infinity."""
    one, two = (*base, 1), (*other, 1)
    choice = {(1, 0): one, (0, 1): two, (1, 1): _add(one, two, p, a)}
    total = _NOWHERE
    for bit in range(max(first.bit_length(), second.bit_length()) - 1, -1, -1):
        total = _double(total, p, a)
        bits = (first >> bit & 1, second >> bit & 1)
        if any(bits):
            total = _add(total, choice[bits], p, a)
    x, y, z = total
    if z == 0:
        return None
    scale = pow(z, -1, p)
    return x * scale**2 % p, y * scale**3 % p


def _double(point: Jacobian, p: int, a: int) -> Jacobian:
    x, y, z = point
    if z == 0 or y == 0:
        return _NOWHERE
    square = y * y % p
    s = 4 * x * square % p
    m = (3 * x * x + (a * pow(z, 4, p) if a else 0)) % p
    doubled = (m * m - 2 * s) % p
    return doubled, (m * (s - doubled) - 8 * square * square) % p, 2 * y * z % p


def _add(one: Jacobian, other: Jacobian, p: int, a: int) -> Jacobian:
    if one[2] == 0:
        return other
    if other[2] == 0:
        return one
    z1, z2 = one[2] ** 2 % p, other[2] ** 2 % p
    u1, u2 = one[0] * z2 % p, other[0] * z1 % p
    s1, s2 = one[1] * z2 * other[2] % p, other[1] * z1 * one[2] % p
    if u1 == u2:
        return _double(one, p, a) if s1 == s2 else _NOWHERE
    h, r = (u2 - u1) % p, (s2 - s1) % p
    h2 = h * h % p
    h3, v = h * h2 % p, u1 * h2 % p
    x = (r * r - h3 - 2 * v) % p
    return x, (r * (v - x) - s1 * h3) % p, h * one[2] * other[2] % p
