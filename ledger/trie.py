"""Merkle-Patricia proofs: that a receipt is in a block, checked with nothing but the block's header.

Pure: RLP and Keccak only. Source: Ethereum Yellow Paper, appendices B (RLP), C (hex prefix) and D (trie).
"""

from collections.abc import Sequence

from ledger.standalone.native import Rlp, keccak, rlp_decode, rlp_encode

_BRANCH = 17
_INLINE = 32


class ProofRefused(ValueError):
    """The nodes do not lead from the root to the key."""


def trie_root(values: Sequence[bytes]) -> bytes:
    """Return the root of the trie that maps rlp(index) to each value; the empty trie has its own root."""
    return keccak(rlp_encode(_build(_items(values)))) if values else keccak(rlp_encode(b""))


def trie_proof(values: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the encoded nodes from the root down to the value at `index`."""
    return tuple(_collect(_items(values), _nibbles(rlp_encode(index))))


def value_in_proof(root: bytes, index: int, proof: Sequence[bytes]) -> bytes:
    """Return the proven value. Raises ProofRefused when a node does not fit, or nodes are left over."""
    key, expected, nodes = _nibbles(rlp_encode(index)), root, list(proof)
    while nodes:
        encoded = nodes.pop(0)
        if keccak(encoded) != expected:
            raise ProofRefused("a node has another digest than its parent says")
        value, expected, key = _follow(_decoded(encoded), key)
        if value is not None:
            if nodes:
                raise ProofRefused("nodes are left over")
            return value
    raise ProofRefused("the proof ends before its value")


def _decoded(encoded: bytes) -> list[Rlp]:
    try:
        node = rlp_decode(encoded)
    except ValueError as error:
        raise ProofRefused("a node is no RLP list") from error
    if not isinstance(node, list):
        raise ProofRefused("a node is no RLP list")
    return node


def _follow(node: list[Rlp], key: list[int]) -> tuple[bytes | None, bytes, list[int]]:
    """Take one step: the value when the key ends here, else the digest of the next node and the key's rest."""
    if len(node) == _BRANCH:
        return _step(node[16], key) if not key else _step_down(node[key[0]], key[1:])
    if len(node) != 2 or not isinstance(node[0], bytes):
        raise ProofRefused("a node has an unknown shape")
    part, is_leaf = _from_prefix(node[0])
    if key[: len(part)] != part:
        raise ProofRefused("the key leaves the proof")
    rest = key[len(part) :]
    return _step(node[1], rest) if is_leaf else _step_down(node[1], rest)


def _step(value: Rlp, key: list[int]) -> tuple[bytes | None, bytes, list[int]]:
    if key or not isinstance(value, bytes) or not value:
        raise ProofRefused("the key ends elsewhere")
    return value, b"", key


def _step_down(child: Rlp, key: list[int]) -> tuple[bytes | None, bytes, list[int]]:
    if isinstance(child, list):
        return _follow(child, key)
    if not isinstance(child, bytes) or len(child) != _INLINE:
        raise ProofRefused("the key leads nowhere")
    return None, child, key


Items = list[tuple[list[int], bytes]]


def _items(values: Sequence[bytes]) -> Items:
    return [(_nibbles(rlp_encode(index)), value) for index, value in enumerate(values)]


def _build(items: Items) -> list[Rlp]:
    if len(items) == 1:
        key, value = items[0]
        return [_to_prefix(key, is_leaf=True), value]
    shared = _shared(items)
    if shared:
        return [_to_prefix(items[0][0][:shared], is_leaf=False), _reference(_build(_below(items, shared)))]
    ends = [value for key, value in items if not key]
    children = [[(key[1:], value) for key, value in items if key and key[0] == nibble] for nibble in range(16)]
    return [*(_reference(_build(child)) if child else b"" for child in children), ends[0] if ends else b""]


def _collect(items: Items, key: list[int]) -> list[bytes]:
    """Return the encoded nodes on the way of a key, those shorter than a digest inside their parent."""
    encoded = rlp_encode(_build(items))
    if len(items) == 1:
        return [encoded]
    shared = _shared(items)
    if shared:
        return [encoded, *_unless_inline(_below(items, shared), key[shared:])]
    if not key:
        return [encoded]
    below = [(k[1:], value) for k, value in items if k and k[0] == key[0]]
    return [encoded, *_unless_inline(below, key[1:])]


def _unless_inline(items: Items, key: list[int]) -> list[bytes]:
    nodes = _collect(items, key)
    return nodes if len(nodes[0]) >= _INLINE else nodes[1:]


def _below(items: Items, count: int) -> Items:
    return [(key[count:], value) for key, value in items]


def _reference(node: list[Rlp]) -> Rlp:
    encoded = rlp_encode(node)
    return keccak(encoded) if len(encoded) >= _INLINE else node


def _shared(items: Items) -> int:
    first, last = min(key for key, _ in items), max(key for key, _ in items)
    count = 0
    while count < min(len(first), len(last)) and first[count] == last[count]:
        count += 1
    return count


def _nibbles(data: bytes) -> list[int]:
    return [nibble for byte in data for nibble in (byte >> 4, byte & 15)]


def _to_prefix(nibbles: list[int], *, is_leaf: bool) -> bytes:
    flag = 2 * is_leaf + len(nibbles) % 2
    padded = [flag, *nibbles] if len(nibbles) % 2 else [flag, 0, *nibbles]
    return bytes(high << 4 | low for high, low in zip(padded[::2], padded[1::2], strict=True))


def _from_prefix(data: bytes) -> tuple[list[int], bool]:
    nibbles = _nibbles(data)
    if not nibbles or nibbles[0] > 3:
        raise ProofRefused("a key part has an unknown prefix")
    return nibbles[1:] if nibbles[0] % 2 else nibbles[2:], nibbles[0] >= 2
