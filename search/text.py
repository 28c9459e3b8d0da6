"""Text analysis, once, in our code, for both engines (ADR 0009): normalise, then three token streams joined by spaces.

Characters (phrases of them are matched exactly, with a separator at punctuation), bigrams and words (ranking).
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import opencc
import rjieba

SEPARATOR = "‖"
_MAX_TOKEN = 40
_DOMAIN_WORDS = (
    "朝天门", "解放碑", "洪崖洞", "磁器口", "吊脚楼", "棒棒军", "川江号子", "湖广会馆", "长江索道", "三峡", "夔门",
    "白帝城", "瞿塘峡", "巫峡", "大足石刻", "钓鱼城", "白鹤梁", "两江新区", "黄桷树", "轮渡", "纤夫",
)  # fmt: skip
_COMBINING = "Mn"


@dataclass(frozen=True, slots=True)
class Streams:
    """The token streams of a text, each as tokens in order."""

    chars: tuple[str, ...]
    bigrams: tuple[str, ...]
    words: tuple[str, ...]


def normalise(text: str) -> str:
    """Fold width, case, accents and traditional characters; the length may change (see `fold_char` for highlights)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(c for c in unicodedata.normalize("NFD", folded) if unicodedata.category(c) != _COMBINING)
    return str(_to_simplified().convert(unicodedata.normalize("NFC", plain)))


def analyse(text: str) -> Streams:
    """Return the three streams; Chinese by character, other scripts by word; nothing crosses punctuation."""
    chars: list[str] = []
    bigrams: list[str] = []
    words: list[str] = []
    for run in _runs(normalise(text)):
        if chars:
            chars.append(SEPARATOR)
        for piece in run:
            if is_han(piece[0]):
                chars += piece
                bigrams += [piece[i : i + 2] for i in range(len(piece) - 1)] or [piece]
                words += [word for word in _cutter().cut(piece, hmm=False) if word.strip()]
            else:
                chars.append(piece[:_MAX_TOKEN])
                words.append(piece[:_MAX_TOKEN])
    return Streams(tuple(chars), tuple(bigrams), tuple(words))


def join_streams(texts: Iterable[str]) -> Streams:
    """Return the streams of several texts one after the other, with separators between."""
    parts = [analyse(text) for text in texts if text]
    chars: list[str] = []
    for part in parts:
        chars += [SEPARATOR] * bool(chars) + list(part.chars)
    return Streams(
        tuple(chars), tuple(b for part in parts for b in part.bigrams), tuple(w for part in parts for w in part.words)
    )


def is_han(char: str) -> bool:
    """Say whether a character is matched on its own: Han, kana, extension blocks."""
    return (
        "\u3400" <= char <= "\u9fff"
        or "\u3040" <= char <= "\u30ff"
        or "\uf900" <= char <= "\ufaff"
        or char >= "\U00020000"
    )


def mark_terms(text: str, terms: Sequence[Sequence[str]]) -> list[tuple[str, bool]]:
    """Split a text into (piece, matched) for highlighting; terms are token sequences like `analyse(…).chars`."""
    places = _places(text)
    lit = [False] * len(text)
    tokens = [token for token, _, _ in places]
    for term in terms:
        for start in range(len(tokens) - len(term) + 1):
            if tokens[start : start + len(term)] == list(term):
                first, last = places[start][1], places[start + len(term) - 1][2]
                lit[first:last] = [True] * (last - first)
    pieces: list[tuple[str, bool]] = []
    for char, is_lit in zip(text, lit, strict=True):
        if pieces and pieces[-1][1] == is_lit:
            pieces[-1] = (pieces[-1][0] + char, is_lit)
        else:
            pieces.append((char, is_lit))
    return pieces


def _places(text: str) -> list[tuple[str, int, int]]:
    """Return (token, start, end) over the original text; each character folded by itself, so places stay true."""
    found: list[tuple[str, int, int]] = []
    word, begun = "", 0
    for index, char in enumerate([*text, " "]):
        folded = normalise(char)
        joins = bool(folded) and all(c.isalnum() for c in folded) and not is_han(folded[0])
        if joins:
            begun = begun if word else index
            word += folded
            continue
        if word:
            found.append((word[:_MAX_TOKEN], begun, index))
            word = ""
        if folded and is_han(folded[0]):
            found.append((folded, index, index + 1))
    return found


def _runs(text: str) -> list[list[str]]:
    """Split at punctuation into runs of pieces; a piece is a stretch of Han or one word of another script."""
    runs: list[list[str]] = [[]]
    previous = ""
    for char in text:
        if not char.isalnum():
            if not char.isspace() and runs[-1]:
                runs.append([])
            previous = ""
            continue
        kind = "han" if is_han(char) else "word"
        if kind == previous:
            runs[-1][-1] += char
        else:
            runs[-1].append(char)
        previous = kind
    return [run for run in runs if run]


@cache
def _cutter() -> rjieba.Jieba:
    cutter = rjieba.Jieba()
    for word in _DOMAIN_WORDS:
        cutter.add_word(word, None, None)
    return cutter


@cache
def _to_simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
