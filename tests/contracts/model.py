"""The rules of licences told plainly, without bits or hashes of words: what the contract is compared with."""

from dataclasses import dataclass, field, replace

from tests.contracts.calls import RESERVATION, SUBLICENSABLE, Grant, Terms
from tests.contracts.engine import DAY, START

LONGEST_HOLD = 30 * DAY


def bits(mask: int) -> set[int]:
    return {position for position in range(mask.bit_length()) if mask >> position & 1}


def share_something(a: Terms, b: Terms) -> bool:
    """Whether two grants of one work claim something in common."""
    sets = all(
        bits(one) & bits(other) for one, other in ((a.uses, b.uses), (a.places, b.places), (a.languages, b.languages))
    )
    days = set(range(*a.window)) & set(range(*b.window))
    parts = a.segment is None or b.segment is None or set(range(*a.segment)) & set(range(*b.segment))
    return bool(sets and days and parts)


def is_inside(inner: Terms, outer: Terms) -> bool:
    sets = all(
        bits(one) <= bits(other)
        for one, other in (
            (inner.uses, outer.uses), (inner.places, outer.places), (inner.languages, outer.languages),
        )
    )  # fmt: skip
    days = set(range(*inner.window)) <= set(range(*outer.window))
    part = outer.segment is None or (
        inner.segment is not None and set(range(*inner.segment)) <= set(range(*outer.segment))
    )
    return sets and days and part


def is_meant(terms: Terms) -> bool:
    """Whether a grant says something at all."""
    segment = terms.segment is None or terms.segment[0] < terms.segment[1]
    masks = terms.uses and terms.places and terms.languages
    return bool(masks and terms.window[0] < terms.window[1] and segment and terms.kind < 3)


@dataclass
class Book:
    """What is on record about some works, by the same acts as the contract's."""

    time: int = START
    grants: dict[int, Grant] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    exclusives: dict[bytes, list[int]] = field(default_factory=dict)
    others: dict[bytes, list[int]] = field(default_factory=dict)
    frozen: set[bytes] = field(default_factory=set)
    suspended: set[str] = field(default_factory=set)
    paused_until: int = 0

    def day(self) -> int:
        return (self.time + 8 * 3600) // DAY - (START + 8 * 3600) // DAY

    def list_of(self, work: bytes, *, exclusive: bool) -> list[Grant]:
        numbers = (self.exclusives if exclusive else self.others).get(work, [])
        return [self.grants[number] for number in numbers]

    def has_lapsed(self, grant: Grant) -> bool:
        return bool(grant.terms.flags & RESERVATION) and grant.terms.lapses <= self.time

    def is_live(self, grant: Grant) -> bool:
        """Not terminated, not lapsed, its parent not terminated, its last day not passed."""
        return self.blocks(grant) and grant.terms.window[1] > self.day()

    def blocks(self, grant: Grant) -> bool:
        fell = grant.number in self.ended or grant.terms.parent in self.ended
        return not fell and not self.has_lapsed(grant)

    def collides(self, grant: Grant, *, with_others: bool) -> bool:
        held = self.list_of(grant.work, exclusive=True)
        held += self.list_of(grant.work, exclusive=False) if with_others else []
        return any(
            share_something(grant.terms, other.terms) and self.blocks(other) and other.number != grant.terms.parent
            for other in held
        )

    def allows(self, grant: Grant, *, subject_to: bool, source: Grant | None, registrar: str) -> bool:
        """Whether this grant may be recorded now, everything said and signed as it must be."""
        started = not self.suspended & {grant.licensor, grant.licensee}
        if self.time < self.paused_until or grant.work in self.frozen or not started:
            return False
        if not is_meant(grant.terms) or grant.number in self.grants:
            return False
        if grant.terms.flags & RESERVATION and not self._may_hold(grant):
            return False
        if source is None and grant.licensor != registrar:
            return False
        if source is not None and not self._may_come_from(grant, source):
            return False
        is_strict = grant.terms.kind != 0 and not grant.terms.flags & RESERVATION and not subject_to
        ended = {source.number} if source and source.terms.flags & RESERVATION else set()
        return not replace(self, ended=self.ended | ended).collides(grant, with_others=is_strict)

    def _may_hold(self, grant: Grant) -> bool:
        return self.time < grant.terms.lapses <= self.time + LONGEST_HOLD

    def _may_come_from(self, grant: Grant, source: Grant) -> bool:
        if source.number in self.ended or not is_inside(grant.terms, source.terms) or grant.work != source.work:
            return False
        if source.terms.flags & RESERVATION:
            same = (grant.licensor, grant.licensee) == (source.licensor, source.licensee)
            return same and not self.has_lapsed(source)
        permitted = bool(source.terms.flags & SUBLICENSABLE) and source.licensee == grant.licensor
        return permitted and grant.terms.kind <= source.terms.kind and source.terms.window[1] > self.day()

    def record(self, grant: Grant, source: Grant | None) -> None:
        self.grants[grant.number] = grant
        if source is not None and source.terms.flags & RESERVATION:
            self.ended.add(source.number)
        if grant.terms.kind == 0 and not grant.terms.flags & RESERVATION:
            self.others.setdefault(grant.work, []).append(grant.number)
            return
        kept = [
            held.number
            for held in self.list_of(grant.work, exclusive=True)
            if held.terms.window[1] > self.day() and not self.has_lapsed(held)
        ]
        self.exclusives[grant.work] = [*kept, grant.number]

    def compact(self, work: bytes, *, exclusive: bool) -> None:
        kept = [held.number for held in self.list_of(work, exclusive=exclusive) if self.is_live(held)]
        (self.exclusives if exclusive else self.others)[work] = kept
