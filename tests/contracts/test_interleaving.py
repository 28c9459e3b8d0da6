"""Acts of different parties in any interleaving. Engine: py-evm (Paris rules) on the committed bytecode, no mining.

An act is prepared (its lists are read, its parties sign) and carried later; others' acts come in between. What was read
too early is refused and prepared anew, as the service does. At the end everything must be as if every act had been
prepared and carried in one go, one after the other, in the order in which they came through.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from ledger.merkle import keccak
from tests.contracts.calls import NOTHING, RESERVATION, SUBLICENSABLE, Call, Grant, Signer, Terms, flat, rolling_head
from tests.contracts.engine import DAY, START, Engine
from tests.contracts.rights_machine import ARCHIVE, BUYERS, TERMS, WORKS, prepared
from tests.drill import PROFILE, SEED, grown

FIRST = [
    Grant(1, WORKS[0], ARCHIVE, "producer", Terms(uses=4, kind=1, flags=SUBLICENSABLE)),
    Grant(2, WORKS[0], ARCHIVE, "station", Terms(uses=2)),
    Grant(3, WORKS[1], ARCHIVE, "studio", Terms(uses=1, kind=2, window=(0, 3))),
]
SEEN: Counter[str] = Counter()


@dataclass
class Lists:
    """What a party reads before it signs."""

    exclusives: list[Grant] = field(default_factory=list)
    others: list[Grant] = field(default_factory=list)

    def of(self, work: bytes) -> "Lists":
        return Lists([g for g in self.exclusives if g.work == work], [g for g in self.others if g.work == work])

    def take(self, grant: Grant | None) -> None:
        if grant is not None:
            (self.exclusives if grant.terms.kind or grant.terms.flags & RESERVATION else self.others).append(grant)


Build = Callable[[Signer, Lists], Call]


@dataclass(frozen=True, slots=True)
class Act:
    """One party's act: how it is prepared from what the party reads, and the grant it would add."""

    name: str
    build: Build
    grant: Grant | None = None


def _grant(terms: Terms, work: bytes, buyer: str, hold: bool, subject_to: bool) -> Callable[[int], Act]:
    meant = Terms(
        terms.uses, terms.places, terms.window, terms.languages, terms.segment, terms.kind,
        RESERVATION if hold else 0, START + DAY if hold else 0,
    )  # fmt: skip
    spares = subject_to and meant.kind != 0 and not hold

    def act(number: int) -> Act:
        grant = Grant(number, work, ARCHIVE, buyer, meant)

        def build(signer: Signer, lists: Lists) -> Call:
            mine = lists.of(work)
            disclosed = rolling_head(mine.others) if meant.kind and not hold else NOTHING
            others = [] if spares or disclosed == NOTHING else flat(mine.others)
            return signer.grant(grant, flat(mine.exclusives), others, disclosed=disclosed, subject_to=spares)

        return Act("hold" if hold else f"grant {meant.kind}", build, grant)

    return act


def _sublicence(buyer: str) -> Callable[[int], Act]:
    def act(number: int) -> Act:
        grant = Grant(number, WORKS[0], "producer", buyer, Terms(uses=4, parent=1))
        return Act(
            "sublicense", lambda s, lists: s.grant(grant, flat(lists.of(WORKS[0]).exclusives), source=FIRST[0]), grant
        )

    return act


def _plain(name: str, build: Callable[[Signer], Call]) -> Callable[[int], Act]:
    return lambda _: Act(name, lambda signer, _lists: build(signer))


WORK, BUYER = st.sampled_from(WORKS), st.sampled_from(BUYERS)
ACTS = st.one_of(
    st.builds(_grant, TERMS, WORK, BUYER, st.booleans(), st.booleans()),
    st.builds(_grant, TERMS, WORK, BUYER, st.just(False), st.booleans()),
    st.builds(_sublicence, BUYER),
    st.builds(lambda n: _plain("terminate", lambda s: s.terminate(FIRST[n])), st.integers(0, 2)),
    st.builds(lambda who: _plain("suspend", lambda s: s.set_org_status(who, 2)), BUYER),
    st.builds(lambda work: _plain("freeze", lambda s: s.set_work_status(work, 2)), WORK),
)


@dataclass
class Run:
    """One execution: what each act came to, and the order in which they came through."""

    engine: Engine = field(default_factory=lambda: _begun())
    lists: Lists = field(default_factory=lambda: Lists([FIRST[0], FIRST[2]], [FIRST[1]]))
    outcomes: dict[int, str] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)

    def prepare(self, position: int, act: Act) -> Call:
        signer = Signer(chosen_op=keccak(b"interleaved %d" % position))
        return act.build(signer, Lists(list(self.lists.exclusives), list(self.lists.others)))

    def carry(self, position: int, act: Act, call: Call) -> str:
        """Send; a refusal must leave no trace."""
        before = self.engine.state_root()
        outcome = call.send(self.engine)
        SEEN["calls"] += 1
        if outcome.accepted:
            self.lists.take(act.grant)
            self.outcomes[position] = str([sorted(event.members.items()) for event in outcome.events])
        else:
            assert self.engine.state_root() == before
            self.outcomes[position] = outcome.refusal
        return outcome.error


_BEGUN: list[Engine] = []


def _begun() -> Engine:
    """The engine with three licences to build on."""
    if not _BEGUN:
        engine, signer = prepared(), Signer(count=20_000)
        none = Lists()
        for grant in FIRST:
            call = signer.grant(grant, flat(none.of(grant.work).exclusives), disclosed=NOTHING)
            assert call.send(engine).accepted
            none.take(grant)
        _BEGUN.append(engine)
    return _BEGUN[0].branch()


def _interleave(acts: Sequence[Act], schedule: Sequence[int]) -> Run:
    """The first time that an act's turn comes it is prepared, the second time carried, and again if it was stale."""
    run, waiting = Run(), dict[int, Call]()
    for position in schedule:
        act = acts[position]
        if position not in waiting:
            waiting[position] = run.prepare(position, act)
            continue
        error = run.carry(position, act, waiting[position])
        if error == "StaleWitness":
            SEEN["stale"] += 1
            run.carry(position, act, run.prepare(position, act))
        run.order.append(position)
    return run


def _one_after_the_other(acts: Sequence[Act], order: Sequence[int]) -> Run:
    run = Run()
    for position in order:
        run.carry(position, acts[position], run.prepare(position, acts[position]))
    return run


@settings(
    max_examples=grown(70, 900), deadline=None, database=None, derandomize=PROFILE == "short",
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(st.lists(ACTS, min_size=5, max_size=9), st.data())
def _check(makers: list[Callable[[int], Act]], data: st.DataObject) -> None:
    numbers = count(100)
    acts = [make(next(numbers)) for make in makers]
    schedule = data.draw(st.permutations([*range(len(acts))] * 2))

    found = _interleave(acts, schedule)
    serial = _one_after_the_other(acts, found.order)

    note(str([act.name for act in acts]))
    assert serial.outcomes == found.outcomes
    assert serial.engine.state_root() == found.engine.state_root()
    SEEN.update(acts[position].name for position, told in found.outcomes.items() if told.startswith("["))
    SEEN.update(told.split("(")[0] for told in found.outcomes.values() if not told.startswith("["))


def test_invariant_28_any_interleaving_equals_a_serial_order() -> None:
    SEEN.clear()

    _check()

    print(f"engine: py-evm, seed {SEED}, {SEEN}")
    assert SEEN["calls"] >= grown(800, 10_000), SEEN
    assert SEEN["stale"] > 20, SEEN
    names = {"grant 0", "grant 1", "grant 2", "hold", "sublicense", "terminate", "suspend", "freeze"}
    assert SEEN.keys() >= names | {"Overlaps", "NotActive", "NotSignedByOrg"}, SEEN
    assert SEEN["StaleWitness"] == 0, SEEN
