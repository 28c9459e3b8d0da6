"""Merkle trees and receipt proofs agree with an independent implementation and refuse what was changed."""

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from ledger.merkle import climb, keccak, leaf_of, path_of, root_of
from ledger.trie import ProofRefused, trie_proof, trie_root, value_in_proof
from tests.drill import grown

COMMITMENTS = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)
VALUES = st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=150)


@given(COMMITMENTS, st.data())
def test_every_leaf_climbs_to_the_root_and_no_other_does(commitments: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(commitments) - 1))
    path = path_of(commitments, index)

    assert climb(commitments[index], path) == root_of(commitments)
    assert climb(keccak(commitments[index]), path) != root_of(commitments)


def test_an_inner_node_is_no_leaf() -> None:
    pair = [b"\1" * 32, b"\2" * 32]
    assert root_of(pair) != leaf_of(root_of(pair))


@settings(deadline=None, max_examples=grown(60, 2000))
@given(VALUES, st.data())
def test_roots_and_proofs_are_those_of_py_trie(values: list[bytes], data: st.DataObject) -> None:
    oracle = HexaryTrie({})
    for number, value in enumerate(values):
        oracle[rlp.encode(number)] = value
    index = data.draw(st.integers(0, len(values) - 1))

    assert trie_root(values) == oracle.root_hash
    proof = trie_proof(values, index)
    assert value_in_proof(oracle.root_hash, index, proof) == values[index]
    broken = [*proof[:-1], proof[-1][:-1] + bytes([proof[-1][-1] ^ 1])]
    with pytest.raises(ProofRefused):
        value_in_proof(oracle.root_hash, index, broken)
    with pytest.raises(ProofRefused):
        value_in_proof(oracle.root_hash, index, [*proof, b"\x80"])


def test_no_values_have_the_empty_root() -> None:
    assert trie_root([]) == HexaryTrie({}).root_hash
