"""Merkle trees over 32-byte digests: leaves hashed twice, pairs sorted, so that a proof needs no positions.

The same tree as OpenZeppelin's MerkleProof and the AnchorRegistry contract. Pure: no chain, no database.
"""

from collections.abc import Sequence

from ledger.standalone.native import keccak

__all__ = ["climb", "keccak", "leaf_of", "path_of", "root_of"]
_WORD = 32


def leaf_of(commitment: bytes) -> bytes:
    """Hash a 32-byte commitment twice: a leaf can then never be mistaken for an inner node."""
    if len(commitment) != _WORD:
        raise ValueError("a commitment has 32 bytes")
    return keccak(keccak(commitment))


def root_of(commitments: Sequence[bytes]) -> bytes:
    """Return the root over at least one commitment; their order matters, repetitions are allowed."""
    return _levels(commitments)[-1][0]


def path_of(commitments: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the siblings from the leaf at `index` up to the root."""
    path = []
    for level in _levels(commitments)[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index //= 2
    return tuple(path)


def climb(commitment: bytes, path: Sequence[bytes]) -> bytes:
    """Return the root that a commitment and its path lead to."""
    node = leaf_of(commitment)
    for sibling in path:
        node = _join(node, sibling)
    return node


def _join(left: bytes, right: bytes) -> bytes:
    return keccak(left + right if left <= right else right + left)


def _levels(commitments: Sequence[bytes]) -> list[list[bytes]]:
    """Build the tree; a node without sibling moves up unchanged."""
    levels = [[leaf_of(commitment) for commitment in commitments]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = [_join(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        levels.append(pairs + below[len(pairs) * 2 :])
    return levels
