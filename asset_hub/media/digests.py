"""Digests in one pass over a file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Digests:
    """Lower-case hex; `sm3` only where the platform's OpenSSL has it (GB/T 32905)."""

    sha256: str
    blake3: str
    sm3: str | None
    bytes_count: int


def digest_file(path: Path, *, with_sm3: bool = False) -> Digests:
    """Read a file once; SM3 costs most and is made only when evidence asks for it."""
    sha, fast, count = hashlib.sha256(), blake3(), 0
    sm3 = hashlib.new("sm3") if with_sm3 and "sm3" in hashlib.algorithms_available else None
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha.update(chunk)
            fast.update(chunk)
            count += len(chunk)
            if sm3 is not None:
                sm3.update(chunk)
    return Digests(sha.hexdigest(), fast.hexdigest(), sm3.hexdigest() if sm3 else None, count)
