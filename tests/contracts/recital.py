"""Rebuilds what is on record from events alone, knowing nothing of the model: a second reading of the same story."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ledger.calls import LogEvent
from tests.contracts.calls import NOTHING, RESERVATION, Terms
from tests.contracts.engine import DAY, START
from tests.contracts.rights_machine import Step, Walk

FIRST_DAY = (START + 8 * 3600) // DAY
_COUNT = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A grant as its event tells it."""

    number: int
    work: bytes
    parties: tuple[bytes, bytes]
    terms: Terms
    words: tuple[int, int, int]
    is_exclusive: bool


def read_entry(members: dict[str, Any]) -> Entry:
    w1, w2, w3 = members["w1"], members["w2"], members["w3"]
    low, high = w3 >> 192, w3 >> 128 & _COUNT
    flags = w3 & 12
    terms = Terms(
        w1 >> 160, w2, ((w1 >> 104 & 0xFFFFFF) - FIRST_DAY, (w1 >> 80 & 0xFFFFFF) - FIRST_DAY),
        w1 >> 128 & 0xFFFFFFFF, (low, high) if (low, high) != (0, 0) else None, w3 & 3, flags, w3 >> 8 & (1 << 40) - 1,
        w3 >> 48 & (1 << 80) - 1,
    )  # fmt: skip
    parties = members["licensor"], members["licensee"]
    words = w1, w2, w3
    return Entry(members["licence"], members["work"], parties, terms, words, w3 & 3 != 0 or flags & RESERVATION != 0)


@dataclass
class Recital:
    """The lists of two works, built from events and the time of their blocks."""

    time: int = START
    entries: dict[int, Entry] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    exclusives: dict[bytes, list[int]] = field(default_factory=dict)
    others: dict[bytes, list[int]] = field(default_factory=dict)

    @property
    def day(self) -> int:
        return (self.time + 8 * 3600) // DAY - FIRST_DAY

    def lapsed(self, number: int) -> bool:
        terms = self.entries[number].terms
        return bool(terms.flags & RESERVATION) and terms.lapses <= self.time

    def is_live(self, number: int) -> bool:
        entry = self.entries[number]
        fell = number in self.ended or entry.terms.parent in self.ended
        return not fell and not self.lapsed(number) and entry.terms.window[1] > self.day

    def live(self, work: bytes) -> list[Entry]:
        return [entry for number, entry in self.entries.items() if entry.work == work and self.is_live(number)]

    def hear(self, event: LogEvent) -> None:
        members = event.members
        match event.name:
            case "Granted" | "Reserved":
                self._append(read_entry(members))
            case "Terminated":
                self.ended.add(members["licence"])
            case "Confirmed":
                self.ended.add(members["reservation"])
            case "Compacted":
                held = self.exclusives if members["ofExclusives"] else self.others
                held[members["work"]] = [number for number in held.get(members["work"], []) if self.is_live(number)]

    def _append(self, entry: Entry) -> None:
        self.entries[entry.number] = entry
        if not entry.is_exclusive:
            self.others.setdefault(entry.work, []).append(entry.number)
            return
        held = self.exclusives.get(entry.work, [])
        kept = [n for n in held if self.entries[n].terms.window[1] > self.day and not self.lapsed(n)]
        self.exclusives[entry.work] = [*kept, entry.number]

    def words(self, work: bytes, *, exclusive: bool) -> list[int]:
        numbers = (self.exclusives if exclusive else self.others).get(work, [])
        return [word for number in numbers for word in self.entries[number].words]


def recite(walk: Walk) -> Iterator[tuple[Step, Recital, Recital]]:
    """Yield every step with the record before and behind it, both at the step's time; the first is a copy."""
    told = Recital()
    for step in walk.steps:
        told.time = step.time
        before = Recital(
            told.time, dict(told.entries), set(told.ended), {k: list(v) for k, v in told.exclusives.items()},
            {k: list(v) for k, v in told.others.items()},
        )  # fmt: skip
        for event in step.events:
            told.hear(event)
        yield step, before, told


def head_before(walk: Walk, position: int, work: bytes) -> tuple[bytes, bytes]:
    return walk.steps[position - 1].heads[work] if position else (NOTHING, NOTHING)
