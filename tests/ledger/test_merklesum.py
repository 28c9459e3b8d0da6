"""Statement trees: every payee proves its line and the total, nobody reads another's, nothing forged passes."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.merkle import keccak
from ledger.merklesum import (
    DECKS,
    Line,
    LineProof,
    Node,
    Part,
    StatementRefused,
    SumProofRefused,
    SumTree,
    build_tree,
    prove_line,
    read_proof,
    verify_line,
    write_proof,
)
from tests.drill import grown

AMOUNTS = st.lists(st.one_of(st.integers(0, 20), st.integers(0, 10**12)), min_size=1, max_size=24)
LIMIT = 1 << 128


def make_lines(amounts: list[int], name: str = "2026-12") -> list[Line]:
    return [
        Line(UUID(int=number + 1), fen, keccak(f"salt {name} {number}".encode())) for number, fen in enumerate(amounts)
    ]


@settings(max_examples=grown(60, 2000))
@given(AMOUNTS)
def test_invariant_20_the_lines_sum_to_the_total(amounts: list[int]) -> None:
    tree = build_tree(make_lines(amounts))

    assert tree.total_fen == sum(amounts)
    for index, fen in enumerate(amounts):
        proof = read_proof(write_proof(prove_line(tree, index)))
        verify_line(tree.root, proof)
        assert (proof.line.fen, proof.total_fen) == (fen, sum(amounts))
        assert sum(part.fen for part in proof.parts) == fen
        for part in proof.parts:
            assert part.fen + sum(node.fen for node in part.path) == sum(amounts)


@settings(max_examples=grown(200, 20_000))
@given(AMOUNTS, st.data())
def test_one_changed_byte_of_a_proof_is_refused(amounts: list[int], data: st.DataObject) -> None:
    tree = build_tree(make_lines(amounts))
    content = write_proof(prove_line(tree, data.draw(st.integers(0, len(amounts) - 1))))
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[place]))

    with pytest.raises(SumProofRefused):
        verify_line(tree.root, read_proof(content[:place] + bytes([byte]) + content[place + 1 :]))


@settings(max_examples=grown(40, 2000))
@given(AMOUNTS.filter(lambda amounts: len(amounts) > 1), st.data())
def test_an_omitted_or_changed_line_is_detected(amounts: list[int], data: st.DataObject) -> None:
    lines = make_lines(amounts)
    honest, victim = build_tree(lines), data.draw(st.integers(0, len(lines) - 1))
    proof = prove_line(honest, victim)
    changed = replace(lines[victim], fen=lines[victim].fen + 1)

    for forged in (
        build_tree(lines[:victim] + lines[victim + 1 :]),
        build_tree([*lines[:victim], changed, *lines[victim + 1 :]]),
        build_tree([*lines, Line(UUID(int=99), 0, b"\7" * 32)]),
    ):
        assert forged.root != honest.root
        with pytest.raises(SumProofRefused):
            verify_line(forged.root, proof)


@settings(max_examples=grown(40, 2000))
@given(AMOUNTS, st.data())
def test_a_path_in_another_order_or_place_is_refused(amounts: list[int], data: st.DataObject) -> None:
    tree = build_tree(make_lines(amounts))
    proof = prove_line(tree, data.draw(st.integers(0, len(amounts) - 1)))
    deck = data.draw(st.integers(0, DECKS - 1))
    part = proof.parts[deck]
    moved = data.draw(st.permutations(part.path).filter(lambda path: tuple(path) != part.path))
    elsewhere = data.draw(st.integers(0, len(tree.levels[0]) - 1).filter(lambda place: place != part.position))

    for broken in (
        replace(part, path=tuple(moved)),
        replace(part, path=part.path[:-1]),
        replace(part, path=(*part.path, Node(b"\0" * 32, 0))),
        replace(part, position=elsewhere),
        replace(part, position=part.position + len(tree.levels[0])),
    ):
        with pytest.raises(SumProofRefused):
            verify_line(tree.root, _with_part(proof, deck, broken))
    with pytest.raises(SumProofRefused):
        verify_line(tree.root, replace(proof, parts=proof.parts[::-1]))
    with pytest.raises(SumProofRefused):
        verify_line(tree.root, replace(proof, parts=proof.parts[:-1]))


def _with_part(proof: LineProof, deck: int, part: Part) -> LineProof:
    return replace(proof, parts=(*proof.parts[:deck], part, *proof.parts[deck + 1 :]))


@pytest.mark.parametrize("sums", [(-5, 5), (LIMIT - 3, 3), (LIMIT, 0)])
def test_negative_and_overflowing_sums_are_refused(sums: tuple[int, int]) -> None:
    """An operator that hides money beside a line by a negative sum, or by one that wraps around, is found out."""
    proof = prove_line(build_tree(make_lines([10, 20, 30])), 0)
    part = proof.parts[0]
    path = (replace(part.path[0], fen=sums[0]), replace(part.path[1], fen=sums[1]), *part.path[2:])

    with pytest.raises(SumProofRefused, match="128 bits"):
        verify_line(b"\0" * 32, _with_part(proof, 0, replace(part, path=path)))


@pytest.mark.parametrize(
    "lines",
    [
        [],
        make_lines([5, -1]),
        make_lines([LIMIT]),
        make_lines([LIMIT - 1, 1]),
        [make_lines([1])[0], replace(make_lines([2])[0], payee=UUID(int=9))],
        [Line(UUID(int=1), 1, b"short")],
        [make_lines([1])[0], replace(make_lines([2])[0], salt=b"\7" * 32)],
    ],
)
def test_what_is_no_statement_is_refused(lines: list[Line]) -> None:
    with pytest.raises(StatementRefused):
        build_tree(lines)


@pytest.mark.parametrize("count", [3, 4, 5, 6, 7, 8, 9, 16, 17, 33, 100])
def test_no_payee_sees_another_line_alone_in_every_deck(count: int) -> None:
    """Counted from the tree itself: for any two lines some deck shows the one only in a group with a third."""
    for round_number in range(grown(3, 40)):
        lines = make_lines([100 + number for number in range(count)], f"round {round_number}")
        tree = build_tree(lines)
        for viewer in range(count):
            proof = prove_line(tree, viewer)
            seen = [_alone(tree, deck, proof.parts[deck]) for deck in range(DECKS)]
            assert set.intersection(*seen) == set()


def _alone(tree: SumTree, deck: int, part: Part) -> set[int]:
    """Return the lines whose part is the only one below some sibling of this path."""
    owners = {places[deck]: line for line, places in enumerate(tree.positions)}
    found = set()
    for height in range(len(part.path)):
        start = ((part.position >> height) ^ 1) << height
        below = [owners[leaf] for leaf in range(start, start + (1 << height)) if leaf in owners]
        if len(below) == 1:
            found.add(below[0])
    return found


def test_a_proof_names_nobody_else_and_no_other_salt() -> None:
    lines = make_lines([1_234_567, 7_654_321, 3_141_592, 2_718_281])
    tree = build_tree(lines)

    for index, line in enumerate(lines):
        text = write_proof(prove_line(tree, index)).decode()
        for other in lines:
            is_own = other is line
            assert (str(other.payee) in text, other.salt.hex() in text) == (is_own, is_own)
            assert (f'"{other.fen}"' in text) == is_own


@settings(max_examples=grown(60, 5000))
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["payee", "fen", "salt", "total_fen", "parts", "path", "position"]), inner, max_size=7
            )
        ),
    )
)
def test_what_is_no_proof_is_refused_and_crashes_nothing(document: object) -> None:
    with pytest.raises(SumProofRefused):
        read_proof(json.dumps(document).encode())


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 60_000, b"{}" * 70_000, b'{"fen":' + b"9" * 5000 + b"}"])
def test_hostile_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(SumProofRefused):
        read_proof(content)


def test_another_spelling_of_a_good_proof_is_refused() -> None:
    tree = build_tree(make_lines([10, 20, 30]))
    content = write_proof(prove_line(tree, 1))
    document = json.loads(content)
    document["parts"][0]["position"] = int(document["parts"][0]["position"])

    for other in (
        content + b"\n",
        content.replace(b'"fen":"20"', b'"fen":"020"'),
        content.replace(b'"fen":"20"', b'"fen": "20"'),
        content.upper(),
        json.dumps(document, sort_keys=True, separators=(",", ":")).encode(),
        content[:-1] + b',"zz":1}',
    ):
        assert other != content
        with pytest.raises(SumProofRefused):
            read_proof(other)
