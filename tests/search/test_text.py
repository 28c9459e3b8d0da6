"""Text analysis: what is typed and what is stored meet, whatever script, width or case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.query import parse_terms
from search.text import SEPARATOR, analyse, mark_terms, normalise


@pytest.mark.parametrize(
    ("written", "folded"),
    [("長江三峽", "长江三峡"), ("ＡＢＣ１２", "abc12"), ("Crémieux", "cremieux"), ("STRASSE", "strasse"), ("①", "1")],
)
def test_spellings_fold_together(written: str, folded: str) -> None:
    assert normalise(written) == folded


def test_nothing_crosses_punctuation_and_other_scripts_stay_whole() -> None:
    streams = analyse("朝天门，黄昏 ferry-boat 2026年")

    assert streams.chars == (
        "朝", "天", "门", SEPARATOR, "黄", "昏", "ferry", SEPARATOR, "boat", "2026", "年",
    )  # fmt: skip
    assert streams.bigrams == ("朝天", "天门", "黄昏", "年")
    assert streams.words == ("朝天门", "黄昏", "ferry", "boat", "2026", "年")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("朝天门 黄昏", [((("朝", "天", "门"),), False), ((("黄", "昏"),), False)]),
        ('"dusk ferry"', [((("dusk", "ferry"),), False)]),
        ("-夜 桥", [((("夜",),), True), ((("桥",),), False)]),
        ("桥 OR 渡", [((("桥",), ("渡",)), False)]),
        ("桥 或 渡", [((("桥",), ("渡",)), False)]),
        ("", []),
        ('"', []),
        ("/ ( ) [ ~ : \\ *", []),
        ("OR", [((("or",),), False)]),
    ],
)
def test_what_people_type(typed: str, expected: list[object]) -> None:
    assert [(term.any_of, term.is_excluded) for term in parse_terms(typed)] == expected


@given(st.text(max_size=200))
def test_nothing_typed_is_an_error(typed: str) -> None:
    for term in parse_terms(typed):
        assert all(token.strip() for tokens in term.any_of for token in tokens)


@given(st.text(max_size=80))
def test_a_highlight_gives_the_text_back_unchanged(text: str) -> None:
    terms = [tokens for term in parse_terms(text[:10]) for tokens in term.any_of]
    assert "".join(piece for piece, _ in mark_terms(text, terms)) == text


def test_a_highlight_finds_the_other_script() -> None:
    assert mark_terms("舊時長江輪渡 Dusk", [("长", "江"), ("dusk",)]) == [
        ("舊時", False), ("長江", True), ("輪渡 ", False), ("Dusk", True),
    ]  # fmt: skip
