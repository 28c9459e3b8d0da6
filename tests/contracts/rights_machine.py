"""Random acts on the real bytecode beside the plain model and the oracle in Vyper, all three of one mind at every step.

Every step is kept for the tests of single invariants.
"""

from dataclasses import dataclass, field

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ledger.calls import LogEvent
from ledger.merkle import keccak
from tests.contracts.calls import (
    NOTHING,
    RESERVATION,
    SUBLICENSABLE,
    Call,
    Grant,
    Signer,
    Terms,
    flat,
    key_of,
    org_of,
    packed_head,
    rolling_head,
    work_of,
)  # fmt: skip
from tests.contracts.engine import DAY, START, Engine
from tests.contracts.model import Book
from tests.contracts.oracle import Oracle

ARCHIVE, BUYERS = "archive", ("producer", "station", "studio")
WORKS = (work_of(keccak(b"film")), work_of(keccak(b"song")))
ONE_OR_BOTH = st.integers(1, 3)
TERMS = st.builds(
    Terms,
    uses=ONE_OR_BOTH,
    places=ONE_OR_BOTH,
    window=st.builds(lambda start, days: (start, start + days), st.integers(0, 6), st.integers(1, 8)),
    languages=st.sampled_from([1, 1, 1, 2, 3]),
    segment=st.one_of(st.none(), st.builds(lambda a, n: (a, a + n), st.integers(0, 5), st.integers(1, 5))),
    kind=st.integers(0, 2),
    flags=st.sampled_from([0, SUBLICENSABLE]),
)
MEANINGLESS = st.sampled_from(
    [
        Terms(uses=0), Terms(places=0), Terms(languages=0), Terms(window=(3, 3)), Terms(window=(4, 2)),
        Terms(segment=(5, 5)), Terms(segment=(6, 2)), Terms(kind=3), Terms(flags=16), Terms(kind=1, lapses=START + DAY),
    ]
)  # fmt: skip

HOW = st.sampled_from(["strict", "strict", "subject to", "meaningless", "forged by the seller", "forged by the buyer"])


@dataclass(frozen=True, slots=True)
class Step:
    """One act: what was wanted, whether and why it was refused, what it emitted, the heads behind it."""

    act: str
    time: int
    wanted: Grant | None
    refusal: str
    events: tuple[LogEvent, ...]
    heads: dict[bytes, tuple[bytes, bytes]]
    disclosed: bytes = NOTHING
    is_subject_to: bool = False
    oracle: bool | None = None
    """Whether the oracle took the act; None where it knows nothing of such."""


@dataclass
class Walk:
    """The steps of one example, from an empty book, and the states of its records at its end."""

    steps: list[Step] = field(default_factory=list)
    states: dict[int, int] = field(default_factory=dict)


WALKS: list[Walk] = []
_PREPARED: list[tuple[Engine, Oracle]] = []


def prepared() -> Engine:
    """An engine with an archive, three buyers and two works."""
    return prepared_with_oracle()[0]


def prepared_with_oracle() -> tuple[Engine, Oracle]:
    """The same with the oracle that knows of them."""
    if not _PREPARED:
        engine, signer = Engine(), Signer()
        signer.count = 10_000
        calls = [signer.admit(name) for name in (ARCHIVE, *BUYERS)]
        calls += [signer.register(keccak(name), ARCHIVE) for name in (b"film", b"song")]
        assert all(call.send(engine).accepted for call in calls)
        _PREPARED.append((engine, Oracle(engine, dict.fromkeys(WORKS, ARCHIVE))))
    engine, oracle = _PREPARED[0]
    return engine.branch(), oracle


class RightsMachine(RuleBasedStateMachine):
    """Grants, holds, sub-licences, terminations, compaction; frozen works, suspended houses, pauses, time."""

    @initialize(first=st.lists(TERMS, min_size=2, max_size=6), work=st.sampled_from(WORKS))
    def begin(self, first: list[Terms], work: bytes) -> None:
        (self.engine, self.oracle), self.signer, self.book, self.walk = prepared_with_oracle(), Signer(), Book(), Walk()
        self.number = 0
        for position, terms in enumerate(first):
            self._try("grant", self._new(work, ARCHIVE, BUYERS[position % 3], terms))

    @rule(terms=TERMS, work=st.sampled_from(WORKS), buyer=st.sampled_from(BUYERS), how=HOW, nonsense=MEANINGLESS)
    def grant(self, terms: Terms, work: bytes, buyer: str, how: str, nonsense: Terms) -> None:
        if how == "meaningless":
            self._grant_nothing(self._new(work, ARCHIVE, buyer, nonsense))
        elif how.startswith("forged"):
            self._forge(self._new(work, ARCHIVE, buyer, terms), ARCHIVE if how == "forged by the seller" else buyer)
        else:
            grant = self._new(work, ARCHIVE, buyer, terms)
            self._try("grant", grant, subject_to=how == "subject to" and terms.kind != 0)

    @rule(terms=TERMS, work=st.sampled_from(WORKS), buyer=st.sampled_from(BUYERS), hours=st.integers(-2, 40 * 24))
    def reserve(self, terms: Terms, work: bytes, buyer: str, hours: int) -> None:
        held = Terms(
            terms.uses, terms.places, terms.window, terms.languages, terms.segment, terms.kind, RESERVATION,
            self.engine.time + hours * 3600,
        )  # fmt: skip
        self._try("reserve", self._new(work, ARCHIVE, buyer, held))

    @precondition(lambda self: self._pick(RESERVATION))
    @rule(
        which=st.integers(0, 50),
        terms=TERMS,
        as_it_is=st.booleans(),
        buyer=st.sampled_from([None, None, None, "studio"]),
    )
    def confirm(self, which: int, terms: Terms, as_it_is: bool, buyer: str | None) -> None:
        found = self._pick(RESERVATION)
        held = found[which % len(found)]
        meant = _as(held.terms, terms.kind) if as_it_is else _as(terms, terms.kind)
        self._try("confirm", self._new(held.work, ARCHIVE, buyer or held.licensee, meant), source=held)

    @precondition(lambda self: self._pick(SUBLICENSABLE))
    @rule(which=st.integers(0, 50), terms=TERMS, as_it_is=st.booleans(), buyer=st.sampled_from(BUYERS))
    def sublicense(self, which: int, terms: Terms, as_it_is: bool, buyer: str) -> None:
        found = self._pick(SUBLICENSABLE)
        parent = found[which % len(found)]
        kind = min(terms.kind, parent.terms.kind) if as_it_is else terms.kind
        meant = _as(parent.terms if as_it_is else terms, kind, parent=parent.number)
        self._try("sublicense", self._new(parent.work, parent.licensee, buyer, meant), source=parent)

    @precondition(lambda self: self.book.grants)
    @rule(which=st.integers(0, 50), by_authority=st.booleans(), again=st.sampled_from([False, False, True]))
    def terminate(self, which: int, by_authority: bool, again: bool) -> None:
        running = [grant for number, grant in self.book.grants.items() if again or number not in self.book.ended]
        found = running or list(self.book.grants.values())
        grant = found[which % len(found)]
        call = self.signer.terminate_by_authority(grant.number) if by_authority else self.signer.terminate(grant)
        told = self.oracle.tell(self.engine, "terminate", grant.number, by_authority)
        step = self._send("terminate", call, grant, oracle=told)
        allowed = grant.number not in self.book.ended and (by_authority or grant.work not in self.book.frozen)
        assert (step.refusal == "") == allowed, step
        if allowed:
            self.book.ended.add(grant.number)

    @rule(work=st.sampled_from(WORKS), exclusive=st.booleans())
    def compact(self, work: bytes, exclusive: bool) -> None:
        held = self.book.list_of(work, exclusive=exclusive)
        head = packed_head(held) if exclusive else rolling_head(held)
        told = self.oracle.tell(self.engine, "compact", work, exclusive)
        step = self._send("compact", self.signer.compact(work, exclusive, head, flat(held)), None, oracle=told)
        allowed = work not in self.book.frozen and self.engine.time >= self.book.paused_until
        assert (step.refusal == "") == allowed, step
        if allowed:
            self.book.compact(work, exclusive=exclusive)

    @rule(hours=st.sampled_from([1, 5, 24, 24, 72]))
    def wait(self, hours: int) -> None:
        self.engine.time += hours * 3600
        self.book.time = self.engine.time

    @rule(work=st.sampled_from(WORKS), frozen=st.sampled_from([True, False, False]))
    def freeze(self, work: bytes, frozen: bool) -> None:
        step = self._send("freeze", self.signer.set_work_status(work, 2 if frozen else 1), None)
        assert not step.refusal
        self.oracle.tell(self.engine, "freeze", work, frozen)
        (self.book.frozen.add if frozen else self.book.frozen.discard)(work)

    @rule(house=st.sampled_from(BUYERS), suspended=st.sampled_from([True, False, False]))
    def suspend(self, house: str, suspended: bool) -> None:
        step = self._send("suspend", self.signer.set_org_status(house, 2 if suspended else 1), None)
        assert not step.refusal
        self.oracle.tell(self.engine, "suspend", org_of(house), suspended)
        (self.book.suspended.add if suspended else self.book.suspended.discard)(house)

    @precondition(lambda self: len(self.book.grants) > 8)
    @rule(hours=st.sampled_from([3, 100]))
    def pause(self, hours: int) -> None:
        rested = not self.book.paused_until or self.engine.time >= self.book.paused_until + DAY
        step = self._send("pause", self.signer.pause("GrantLedger", self.engine.time + hours * 3600), None)
        assert (step.refusal == "") == (rested and hours <= 72), step
        if not step.refusal:
            self.book.paused_until = self.engine.time + hours * 3600
            self.oracle.tell(self.engine, "pause", self.book.paused_until)

    def teardown(self) -> None:
        if hasattr(self, "walk"):
            records = {
                number: self.engine.storage("GrantLedger", "records", _word(number)) for number in self.book.grants
            }
            self.walk.states = {number: record[-1] for number, record in records.items()}
            WALKS.append(self.walk)

    def _grant_nothing(self, grant: Grant) -> None:
        told = self.oracle.takes(self.engine, grant, spares_others=False, source=None)
        step = self._send("malformed", self._call(grant), grant, oracle=told)
        is_paused = self.engine.time < self.book.paused_until
        assert step.refusal.split("(")[0] == ("Paused" if is_paused else "Malformed"), step

    def _forge(self, grant: Grant, party: str) -> None:
        """One party signs in the place of both."""
        self.signer.forger = key_of(party)
        step = self._send("forge", self._call(grant), grant)
        self.signer.forger = None
        assert step.refusal

    def _new(self, work: bytes, licensor: str, licensee: str, terms: Terms) -> Grant:
        self.number += 1
        return Grant(self.number, work, licensor, licensee, terms)

    def _pick(self, flag: int) -> list[Grant]:
        return [grant for grant in self.book.grants.values() if grant.terms.flags & flag]

    def _call(self, grant: Grant, *, subject_to: bool = False, source: Grant | None = None) -> Call:
        exclusives = self.book.list_of(grant.work, exclusive=True)
        others = self.book.list_of(grant.work, exclusive=False)
        is_exclusive = grant.terms.kind != 0 and not grant.terms.flags & RESERVATION
        disclosed = rolling_head(others) if is_exclusive else NOTHING
        return self.signer.grant(
            grant, flat(exclusives), [] if subject_to else flat(others), disclosed=disclosed, subject_to=subject_to,
            source=source,
        )  # fmt: skip

    def _try(self, act: str, grant: Grant, *, subject_to: bool = False, source: Grant | None = None) -> None:
        allowed = self.book.allows(grant, subject_to=subject_to, source=source, registrar=ARCHIVE)
        call = self._call(grant, subject_to=subject_to, source=source)
        told = self.oracle.takes(self.engine, grant, spares_others=subject_to, source=source)
        step = self._send(act, call, grant, is_subject_to=subject_to, oracle=told)
        note(f"{grant} {source} -> {step.refusal or 'accepted'}")
        assert (step.refusal == "") == allowed, step.refusal or "accepted against the model"
        if allowed:
            self.book.record(grant, source)

    def _send(
        self, act: str, call: Call, wanted: Grant | None, *, is_subject_to: bool = False, oracle: bool | None = None
    ) -> Step:
        outcome = call.send(self.engine)
        assert oracle in {None, outcome.accepted}, f"{outcome.refusal or 'accepted'}, the oracle says otherwise: {act}"
        heads = {
            work: (
                self.engine.storage("GrantLedger", "exclusiveHead", work),
                self.engine.storage("GrantLedger", "nonExclusiveHead", work),
            )
            for work in WORKS
        }
        disclosed = call.values[3] if call.function in {"grantExclusive", "confirm", "sublicense"} else NOTHING
        step = Step(
            act, self.engine.time, wanted, outcome.refusal, outcome.events, heads, disclosed, is_subject_to, oracle
        )
        self.walk.steps.append(step)
        return step


def _as(terms: Terms, kind: int, parent: int = 0) -> Terms:
    """The same as a plain licence of this kind."""
    return Terms(terms.uses, terms.places, terms.window, terms.languages, terms.segment, kind, 0, 0, parent)


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
