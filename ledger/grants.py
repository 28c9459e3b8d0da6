"""A licence as the contract's three words, and the overlap of two: pure, the same rule as GrantLedger.sol."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from asset_hub.core.errors import BadInput
from asset_hub.core.period import DateRange
from asset_hub.core.rational import Span
from asset_hub.core.text import N_
from ledger.codebook import GrantKind, mask_of_languages, mask_of_territories, mask_of_uses

Words = tuple[int, int, int]
_EPOCH = date(1970, 1, 1)
_DAY_BITS, _NUMBER_BITS = 24, 80
_COUNT_MAX = (1 << 64) - 1
_DAYS = ((1 << 48) - 1) << 80
_NOBODY = UUID(int=0)
_SUBLICENSABLE, _RESERVATION = 4, 8
_NUMBER = (1 << _NUMBER_BITS) - 1


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """What is granted: codes of the code book, Beijing days half-open, a segment in master frames or None."""

    uses: tuple[str, ...]
    territories: tuple[str, ...]
    window: DateRange
    kind: GrantKind = GrantKind.NON_EXCLUSIVE
    languages: tuple[str, ...] = ("all",)
    segment: Span | None = None
    may_sublicense: bool = False

    def words(self, number: int, *, parent: int = 0, lapses_at: int = 0) -> Words:
        """Return the three words under this licence number. Raises UnknownTerm, BadInput for an empty mask.

        `parent` is the number of the licence it is given under; `lapses_at` (unix seconds) makes it a reservation.
        """
        uses, languages = mask_of_uses(self.uses), mask_of_languages(self.languages)
        territories = mask_of_territories(self.territories)
        if not uses or not languages or not territories:
            raise BadInput(N_("Name at least one use and one territory."))
        word1 = uses << 160 | languages << 128 | _day(self.window.start) << 104 | _day(self.window.end) << 80 | number
        start, end = (self.segment.start, self.segment.end) if self.segment else (0, 0)
        flags = self.kind | (_SUBLICENSABLE if self.may_sublicense else 0) | (_RESERVATION if lapses_at else 0)
        return word1, territories, start << 192 | end << 128 | parent << 48 | lapses_at << 8 | flags


def overlap(a: Words, b: Words) -> bool:
    """Say whether two grants of one work claim something in common (GrantLedger.overlap)."""
    if not (a[0] & b[0]) >> 160 or not ((a[0] & b[0]) >> 128) & 0xFFFFFFFF or not a[1] & b[1]:
        return False
    if start_day(a) >= end_day(b) or start_day(b) >= end_day(a):
        return False
    (a_from, a_to), (b_from, b_to) = _segment(a[2]), _segment(b[2])
    return a_from < b_to and b_from < a_to


def start_day(words: Words) -> int:
    """Return the first day as days since 1970-01-01."""
    return words[0] >> 104 & (1 << _DAY_BITS) - 1


def end_day(words: Words) -> int:
    """Return the day after the last."""
    return words[0] >> 80 & (1 << _DAY_BITS) - 1


def kind_of(words: Words) -> GrantKind:
    return GrantKind(words[2] & 3)


def is_exclusive(words: Words) -> bool:
    """Say whether it keeps every other licensee out: 排他, 独占, or a reservation (预留) of whatever kind."""
    return bool(words[2] & (3 | _RESERVATION))


def is_reservation(words: Words) -> bool:
    return bool(words[2] & _RESERVATION)


def may_be_sublicensed(words: Words) -> bool:
    return bool(words[2] & _SUBLICENSABLE)


def number_of(words: Words) -> int:
    """Return the number that it is recorded under, 0 for what is only asked for."""
    return words[0] & _NUMBER


def parent_of(words: Words) -> int:
    """Return the number of the licence that it is given under, 0 where it is given by the holder."""
    return words[2] >> 48 & _NUMBER


def is_inside(inner: Words, outer: Words) -> bool:
    """Say whether one grant claims nothing that the other does not (GrantLedger._isInside, of one work)."""
    if (inner[0] & ~outer[0]) >> 128 or inner[1] & ~outer[1]:
        return False
    if start_day(inner) < start_day(outer) or end_day(inner) > end_day(outer):
        return False
    (start, end), (outer_start, outer_end) = _segment(inner[2]), _segment(outer[2])
    return start >= outer_start and end <= outer_end


def day_as_date(day: int) -> date:
    """Undo the day number."""
    return date.fromordinal(_EPOCH.toordinal() + day)


def conflicts(wanted: Words, held: Sequence[tuple[UUID, Words]], *, subject_to: bool = False) -> list[UUID]:
    """Return the licences that stand in the way: exclusives of any, and any of an exclusive that is not `subject_to`.

    The licence that the wanted one is given under never does (GrantLedger._scan).
    """
    wants_all = is_exclusive(wanted) and not subject_to
    return [
        licence_id
        for licence_id, words in held
        if (wants_all or is_exclusive(words)) and overlap(wanted, words) and not _is_parent(words, wanted)
    ]


def standing_under(wanted: Words, held: Sequence[tuple[UUID, Words]]) -> tuple[int, ...]:
    """Return the numbers of the non-exclusive licences that a wanted exclusive one would be subject to, in order."""
    return tuple(sorted(
        number_of(words)
        for _, words in held
        if not is_exclusive(words) and overlap(wanted, words) and not _is_parent(words, wanted)
    ))  # fmt: skip


def _is_parent(words: Words, wanted: Words) -> bool:
    return 0 < parent_of(wanted) == number_of(words)


def first_free_day(wanted: Words, held: Sequence[Words], *, subject_to: bool = False) -> date:
    """Return the earliest first day, not before the wanted one, at which a window of the same length meets nothing."""
    start = start_day(wanted)
    ends = sorted({end_day(words) for words in held if end_day(words) > start})
    return day_as_date(next((day for day in (start, *ends) if not _meets(wanted, held, day, subject_to)), start))


def _meets(wanted: Words, held: Sequence[Words], day: int, subject_to: bool) -> bool:
    length = end_day(wanted) - start_day(wanted)
    moved = wanted[0] & ~_DAYS | day << 104 | (day + length) << 80
    at_day = (moved, wanted[1], wanted[2])
    return bool(conflicts(at_day, [(_NOBODY, words) for words in held], subject_to=subject_to))


def write_words(words: Words) -> list[str]:
    return [f"{word:064x}" for word in words]


def read_words(texts: Sequence[str]) -> Words:
    first, second, third = (int(text, 16) for text in texts)
    return first, second, third


def _day(day: date) -> int:
    return day.toordinal() - _EPOCH.toordinal()


def _segment(word3: int) -> tuple[int, int]:
    start, end = word3 >> 192, word3 >> 128 & _COUNT_MAX
    return (0, _COUNT_MAX) if start == end == 0 else (start, end)
