"""Merkle-sum trees over the lines of a statement: a payee proves its line, and that all lines add up to the total.

Leaf = keccak(0x00 ‖ line digest ‖ sum), node = keccak(0x01 ‖ left digest ‖ left sum ‖ right digest ‖ right sum), and
the published root = keccak(0x02 ‖ depth ‖ top digest ‖ total); sums have 16 bytes. A line digest is salted and names
payee, amount and part.

A proof must show the sums beside its path. With one leaf per line some two lines stand side by side and read each
other, whatever padding is used. Therefore a line is split at random into DECKS parts, one in each deck (a quarter of
the tree); each deck is shuffled by itself and filled up with lines of nothing, and shuffled again until no payee sees
any other line alone in all decks.

What a proof shows: the total; the rough number of lines; sums of groups of parts; a few single parts of lines, not
whose. That bounds other lines, it does not give them. What no such tree can hide: of two lines, each is the total less
the other; payees who put their proofs together see more. Pure: no chain, no database.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from ledger.merkle import keccak

DECKS = 4
_DECK_BITS = 2
_WORD, _SUM_BYTES = 32, 16
_LIMIT = 1 << 8 * _SUM_BYTES
_ATTEMPTS, _MAX_DEPTH, _MAX_BYTES = 500, 40, 1 << 16
_TYPE = "asset_hub/statement-line/1"
_LINE, _SEED = b"asset_hub/line:", b"asset_hub/statement-seed:"
_LEAF, _NODE, _ROOT = b"\0", b"\1", b"\2"


class StatementRefused(ValueError):
    """These lines make no statement."""


class SumProofRefused(ValueError):
    """The proof does not lead from the line to the root and its total."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one payee gets, in fen; the salt is secret, of 32 bytes, and fresh for every line of every revision."""

    payee: UUID
    fen: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class Node:
    """A digest with the sum below it."""

    digest: bytes
    fen: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a line: its leaf's position from the left, and the siblings up to the top."""

    position: int
    fen: int
    path: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class LineProof:
    """What a payee is given: its line, the total of the statement, and a part in each deck."""

    line: Line
    total_fen: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class SumTree:
    """A statement's tree, kept by whoever made it: `levels` from the leaves up, `positions[line][deck]`."""

    lines: tuple[Line, ...]
    levels: tuple[tuple[Node, ...], ...]
    positions: tuple[tuple[int, ...], ...]

    @property
    def total_fen(self) -> int:
        return self.levels[-1][0].fen

    @property
    def depth(self) -> int:
        return len(self.levels) - 1

    @property
    def root(self) -> bytes:
        """What is published."""
        return _seal(self.depth, self.levels[-1][0])


def build_tree(lines: Sequence[Line]) -> SumTree:
    """Build the tree of a statement; the same lines in the same order give the same tree.

    Raises StatementRefused for no lines, a negative amount, a total over 128 bits, a salt that is short or used
    twice, a payee that is named twice.
    """
    _check_lines(lines)
    seed = keccak(_SEED + b"".join(sorted(line.salt for line in lines)))
    width = max(2, 1 << (len(lines) - 1).bit_length())
    slots = _shuffle_until_private(seed, len(lines), width)
    parts = [_split(seed, line) for line in lines]
    leaves = []
    for deck, deck_slots in enumerate(slots):
        owners = {slot: index for index, slot in enumerate(deck_slots)}
        for slot in range(width):
            if slot in owners:
                index = owners[slot]
                leaves.append(_leaf(_line_digest(lines[index], deck), parts[index][deck]))
            else:
                leaves.append(_leaf(keccak(seed + b"nothing" + bytes([deck]) + slot.to_bytes(8, "big")), 0))
    positions = zip(
        *([deck * width + slot for slot in deck_slots] for deck, deck_slots in enumerate(slots)), strict=True
    )
    return SumTree(tuple(lines), _levels(leaves), tuple(positions))


def prove_line(tree: SumTree, index: int) -> LineProof:
    """Return the proof of a line of the tree, to be shown to its payee only."""
    parts = tuple(_part(tree, position) for position in tree.positions[index])
    return LineProof(tree.lines[index], tree.total_fen, parts)


def verify_line(root: bytes, proof: LineProof) -> None:
    """Check that a line is whole under a published root and that the proof's total is the root's.

    Raises SumProofRefused with the reason.
    """
    if len(proof.parts) != DECKS:
        raise SumProofRefused(f"a line has {DECKS} parts, one in each deck")
    depth = len(proof.parts[0].path)
    if not _DECK_BITS < depth <= _MAX_DEPTH:
        raise SumProofRefused("no statement has a tree of this depth")
    if sum(part.fen for part in proof.parts) != proof.line.fen:
        raise SumProofRefused("the parts do not add up to the line")
    for deck, part in enumerate(proof.parts):
        if len(part.path) != depth or part.position >> depth - _DECK_BITS != deck:
            raise SumProofRefused("a part is not in its deck")
        top = _climb(_leaf(_line_digest(proof.line, deck), part.fen), part)
        if top.fen != proof.total_fen:
            raise SumProofRefused("the sums do not add up to the total")
        if _seal(depth, top) != root:
            raise SumProofRefused("the path does not lead to the root")


def write_proof(proof: LineProof) -> bytes:
    """Return a proof as JSON in its one spelling; numbers are written as decimal texts."""
    parts = [
        {
            "position": str(p.position),
            "fen": str(p.fen),
            "path": [[node.digest.hex(), str(node.fen)] for node in p.path],
        }
        for p in proof.parts
    ]
    document = {
        "type": _TYPE, "payee": str(proof.line.payee), "fen": str(proof.line.fen), "salt": proof.line.salt.hex(),
        "total_fen": str(proof.total_fen), "parts": parts,
    }  # fmt: skip
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def read_proof(content: bytes) -> LineProof:
    """Read a proof. Raises SumProofRefused for anything but the one spelling of a proof."""
    if len(content) > _MAX_BYTES:
        raise SumProofRefused("too long for a proof")
    try:
        proof = _proof_in(json.loads(content.decode("ascii")))
        spelled = write_proof(proof)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SumProofRefused("not a proof of a statement's line") from error
    if spelled != content:
        raise SumProofRefused("not the one spelling of this proof")
    return proof


def _proof_in(document: dict[str, Any]) -> LineProof:
    line = Line(UUID(document["payee"]), int(document["fen"]), bytes.fromhex(document["salt"]))
    parts = tuple(
        Part(
            int(part["position"]), int(part["fen"]),
            tuple(Node(bytes.fromhex(digest), int(fen)) for digest, fen in part["path"]),
        )
        for part in document["parts"]
    )  # fmt: skip
    return LineProof(line, int(document["total_fen"]), parts)


def _check_lines(lines: Sequence[Line]) -> None:
    if not lines:
        raise StatementRefused("a statement has at least one line")
    if any(line.fen < 0 for line in lines):
        raise StatementRefused("no line is negative")
    if sum(line.fen for line in lines) >= _LIMIT:
        raise StatementRefused("the total has at most 128 bits")
    if any(len(line.salt) != _WORD for line in lines):
        raise StatementRefused(f"a salt has {_WORD} bytes")
    if len({line.salt for line in lines}) != len(lines):
        raise StatementRefused("no salt is used twice")
    if len({line.payee for line in lines}) != len(lines):
        raise StatementRefused("a payee has one line: two of its own would show it more of the others")


def _shuffle_until_private(seed: bytes, count: int, width: int) -> list[list[int]]:
    """Return for each deck the slot of every line. With one or two lines there is nothing left to hide."""
    for attempt in range(_ATTEMPTS):
        slots = [
            _shuffle(seed + b"deck" + bytes([deck]) + attempt.to_bytes(2, "big"), width)[:count]
            for deck in range(DECKS)
        ]
        if count <= 2 or not _is_anyone_seen(slots, width):
            return slots
    raise StatementRefused("these lines cannot be shuffled so that none is seen")


def _shuffle(key: bytes, width: int) -> list[int]:
    return sorted(range(width), key=lambda slot: keccak(key + slot.to_bytes(8, "big")))


def _is_anyone_seen(slots: Sequence[Sequence[int]], width: int) -> bool:
    """Say whether some payee sees another's parts alone in every deck."""
    decks = [_occupants(deck_slots, width) for deck_slots in slots]
    for line in range(len(slots[0])):
        alone = [_seen_alone(decks[deck], slots[deck][line]) for deck in range(DECKS)]
        if set.intersection(*alone):
            return True
    return False


def _occupants(deck_slots: Sequence[int], width: int) -> list[list[tuple[int, int]]]:
    """Return per level and node how many lines are below and the sum of their numbers: of one line, its number."""
    level = [(0, 0)] * width
    for line, slot in enumerate(deck_slots):
        level[slot] = (1, line)
    levels = [level]
    while len(level) > 1:
        level = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(level[::2], level[1::2], strict=True)]
        levels.append(level)
    return levels


def _seen_alone(levels: Sequence[Sequence[tuple[int, int]]], slot: int) -> set[int]:
    siblings = (level[(slot >> height) ^ 1] for height, level in enumerate(levels[:-1]))
    return {line for count, line in siblings if count == 1}


def _split(seed: bytes, line: Line) -> list[int]:
    """Cut an amount at random places into one part per deck."""
    cuts = [
        int.from_bytes(keccak(seed + b"cut" + bytes([n]) + line.salt), "big") % (line.fen + 1) for n in range(1, DECKS)
    ]
    return [end - start for start, end in pairwise([0, *sorted(cuts), line.fen])]


def _line_digest(line: Line, deck: int) -> bytes:
    return keccak(_LINE + line.salt + line.payee.bytes + _sum_bytes(line.fen) + bytes([deck]))


def _leaf(line_digest: bytes, fen: int) -> Node:
    return Node(keccak(_LEAF + line_digest + _sum_bytes(fen)), fen)


def _join(left: Node, right: Node) -> Node:
    digest = keccak(_NODE + left.digest + _sum_bytes(left.fen) + right.digest + _sum_bytes(right.fen))
    return Node(digest, left.fen + right.fen)


def _seal(depth: int, top: Node) -> bytes:
    return keccak(_ROOT + bytes([depth]) + top.digest + _sum_bytes(top.fen))


def _levels(leaves: Sequence[Node]) -> tuple[tuple[Node, ...], ...]:
    levels = [tuple(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append(tuple(_join(left, right) for left, right in zip(below[::2], below[1::2], strict=True)))
    return tuple(levels)


def _part(tree: SumTree, position: int) -> Part:
    path = tuple(level[(position >> height) ^ 1] for height, level in enumerate(tree.levels[:-1]))
    return Part(position, tree.levels[0][position].fen, path)


def _climb(node: Node, part: Part) -> Node:
    for height, sibling in enumerate(part.path):
        if len(sibling.digest) != _WORD:
            raise SumProofRefused(f"a digest has {_WORD} bytes")
        node = _join(sibling, node) if part.position >> height & 1 else _join(node, sibling)
    return node


def _sum_bytes(fen: int) -> bytes:
    if not 0 <= fen < _LIMIT:
        raise SumProofRefused("a sum is not negative and has at most 128 bits")
    return fen.to_bytes(_SUM_BYTES, "big")
