"""Random titles on the real bytecode beside a model that thinks right by right: who holds how much of it."""

from dataclasses import dataclass, field

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ledger.calls import LogEvent
from ledger.merkle import keccak
from tests.contracts.calls import Call, Move, Signer, Title, org_of, work_of
from tests.contracts.rights_machine import prepared

HOUSES = ("archive", "producer", "station", "studio")
NAMES = {org_of(name): name for name in HOUSES} | {b"\0" * 32: ""}
RIGHTS = range(4)
WORK = work_of(keccak(b"film"))
MASKS = st.integers(1, 15)

Holding = dict[int, dict[str, int]]
"""Right → holder → basis points; an empty inner dict is *unknown*, an absent right is not recorded."""


@dataclass(frozen=True, slots=True)
class TitleStep:
    """One attempt: who signed, what it left."""

    act: str
    move: Move | None
    sides: tuple[str, ...]
    required: tuple[str, ...]
    refusal: str
    before: Holding
    after: Holding
    head: bytes
    title: Title | None


STEPS: list[TitleStep] = []


def per_right(title: Title) -> Holding:
    """The rows read right by right."""
    held: Holding = {}
    for holder, rights, bps in title.shares:
        for right in RIGHTS:
            if rights >> right & 1:
                held.setdefault(right, {})
                if holder:
                    assert holder not in held[right]
                    held[right][holder] = bps
    return held


def rows_of(parts: list[tuple[int, tuple[str, ...]]]) -> Title:
    """A well-formed title: for each mask its holders in equal shares, none for unknown."""
    rows: list[tuple[str, int, int]] = []
    for mask, holders in parts:
        ordered = sorted(holders, key=org_of)
        share = 10_000 // len(ordered) if ordered else 0
        rest = 10_000 - share * len(ordered) if ordered else 0
        rows += [(name, mask, share + (rest if name == ordered[0] else 0)) for name in ordered] or [("", mask, 0)]
    return Title(tuple(rows))


SOME = st.lists(st.sampled_from(HOUSES), min_size=1, max_size=3, unique=True).map(tuple)
HOLDERS = st.one_of(SOME, SOME, SOME, st.just(()))
TITLES = st.one_of(
    st.builds(lambda a: rows_of([(15, a)]), SOME),
    st.builds(lambda a, b: rows_of([(3, a), (12, b)]), HOLDERS, HOLDERS),
    st.builds(lambda a, b, c: rows_of([(1, a), (6, b), (8, c)]), HOLDERS, HOLDERS, HOLDERS),
    st.builds(lambda a: rows_of([(5, a)]), HOLDERS),
)
BAD_TITLES = st.sampled_from(
    [
        Title(()), Title((("archive", 1, 9_999),)), Title((("archive", 1, 10_001),)), Title((("archive", 0, 10_000),)),
        Title((("archive", 1, 10_000), ("archive", 3, 10_000))), Title((("archive", 1, 5_000), ("archive", 1, 5_000))),
        Title((("", 1, 0), ("archive", 1, 10_000))), Title((("", 1, 10_000),)), Title((("archive", 1, 0),)),
        Title((("", 1, 0), ("", 1, 0))),
        Title(tuple(sorted((("archive", 1, 6_000), ("producer", 1, 4_001)), key=lambda row: org_of(row[0])))),
        Title(tuple(sorted((("archive", 1, 6_000), ("producer", 1, 4_000)), key=lambda row: org_of(row[0]))[::-1])),
    ]
)  # fmt: skip


WHO, TAKER = st.integers(0, 9), st.integers(0, 9)
MISSING = st.sampled_from([None, None, None, 0, 1, 2])


@dataclass
class Held:
    """The model: holdings right by right, pledges as (pledgor, pledgee, rights)."""

    rights: Holding = field(default_factory=dict)
    pledges: list[tuple[str, str, int]] = field(default_factory=list)

    def owners(self, rights: int) -> set[str]:
        return {name for right in RIGHTS if rights >> right & 1 for name in self.rights.get(right, {})}

    def pledgees(self, rights: int) -> set[str]:
        return {pledgee for _, pledgee, held in self.pledges if held & rights}

    def holds(self, name: str, rights: int, bps: int) -> bool:
        mine = [self.rights.get(right, {}).get(name, 0) for right in RIGHTS if rights >> right & 1]
        return all(held >= max(bps, 1) for held in mine)

    def move(self, move: Move) -> None:
        for right in RIGHTS:
            if move.rights >> right & 1:
                shares = dict(self.rights[right])
                shares[move.giver] -= move.bps
                shares[move.taker] = shares.get(move.taker, 0) + move.bps
                self.rights[right] = {name: bps for name, bps in shares.items() if bps}


_MOST_PLEDGES = 16
_BEYOND = 3  # a pledge that is rarely there


class TitleMachine(RuleBasedStateMachine):
    """Record, transfer, pledge, release, correct; now and then a signature is missing or a title does not add up."""

    @initialize(title=TITLES)
    def begin(self, title: Title) -> None:
        self.engine, self.signer, self.held = prepared(), Signer(), Held()
        self.title: Title | None = None
        self._record(title, None)

    @rule(title=TITLES, missing=st.sampled_from([None, 0, 1]), bad=BAD_TITLES, how=st.sampled_from([0, 1, 2, 3, 3]))
    def record_or_correct(self, title: Title, missing: int | None, bad: Title, how: int) -> None:
        if how == 0:
            self._record(title, missing)
        elif how < 3:
            self._record_what_does_not_add_up(bad, by_authority=how == 1)
        else:
            step = self._send("correct", None, self.signer.correct(WORK, title), (), set(), title)
            assert not step.refusal

    @rule(who=WHO, taker=TAKER, rights=MASKS, bps=st.integers(1, 10_000), whole=st.booleans(), missing=MISSING)
    def transfer(self, who: int, taker: int, rights: int, bps: int, whole: bool, missing: int | None) -> None:
        if self.title is None:
            return
        giver, taker_name, rights = self._likely(who, taker, rights)
        held = [self.held.rights.get(right, {}).get(giver, 0) for right in RIGHTS if rights >> right & 1]
        move = Move(WORK, rights, giver, taker_name, min(held) if whole and min(held) else bps)
        required = {giver, taker_name} | self.held.owners(rights) | self.held.pledgees(rights)
        sides = _without(required, missing)
        step = self._send("transfer", move, self.signer.transfer(move, self.title, sides), sides, required, None)
        is_held = self.held.holds(giver, rights, move.bps)
        may = is_held and giver != taker_name and len(sides) == len(required)
        assert (step.refusal == "") == may, step
        if may:
            self.held.move(move)
            self._compare()

    @rule(who=WHO, taker=TAKER, rights=MASKS, missing=MISSING)
    def pledge(self, who: int, taker: int, rights: int, missing: int | None) -> None:
        if self.title is None:
            return
        giver, taker_name, rights = self._likely(who, taker, rights)
        move = Move(WORK, rights, giver, taker_name)
        required = {giver, taker_name} | self.held.owners(rights) | self.held.pledgees(rights)
        sides = _without(required, missing)
        step = self._send("pledge", move, self.signer.pledge(move, self.title, sides), sides, required, None)
        is_held = self.held.holds(giver, rights, 1) and len(self.held.pledges) < _MOST_PLEDGES
        may = is_held and giver != taker_name and len(sides) == len(required)
        assert (step.refusal == "") == may, step
        if may:
            self.held.pledges.append((giver, taker_name, rights))
            self._compare()

    @rule(index=st.integers(0, 3), by=st.sampled_from([None, None, *HOUSES]), who=WHO, taker=TAKER, rights=MASKS)
    def release(self, index: int, by: str | None, who: int, taker: int, rights: int) -> None:
        """Most titles have no pledge yet: then one is made first."""
        if self.title is None:
            return
        if not self.held.pledges and index != _BEYOND:
            self.pledge(who, taker, rights, None)
        if self.held.pledges and index != _BEYOND:
            index %= len(self.held.pledges)
        exists = index < len(self.held.pledges)
        pledgee = self.held.pledges[index][1] if exists else "station"
        signed_by = by or pledgee
        call = self.signer.release(WORK, index, self.title, signed_by)
        step = self._send("release", None, call, (signed_by,), {pledgee}, None)
        assert (step.refusal == "") == (exists and signed_by == pledgee), step
        if not step.refusal:
            del self.held.pledges[index]
            self._compare()

    def _record(self, title: Title, missing: int | None) -> None:
        required = {"archive", *(name for name, _, _ in title.shares if name)}
        sides = _without(required, missing)
        step = self._send("record", None, self.signer.record(WORK, title, sides), sides, required, title)
        assert (step.refusal == "") == (self._earlier is None and len(sides) == len(required)), step

    def _record_what_does_not_add_up(self, title: Title, *, by_authority: bool) -> None:
        call = self.signer.correct(WORK, title) if by_authority else self.signer.record(WORK, title, HOUSES)
        step = self._send("bad", None, call, HOUSES, set(), None)
        assert step.refusal.split("(")[0] in {"BadTitle", "TitleTaken"}, step

    def _likely(self, who: int, taker: int, rights: int) -> tuple[str, str, int]:
        """Mostly a giver that holds some of these rights, then only those that it holds, and somebody else."""
        owners = sorted(self.held.owners(rights))
        giver = owners[who % len(owners)] if owners and who < 9 else HOUSES[who % 4]
        mine = sum(1 << right for right in RIGHTS if giver in self.held.rights.get(right, {}))
        others = [name for name in HOUSES if name != giver]
        return giver, others[taker % 3] if taker < 9 else giver, rights & mine or rights

    def _compare(self) -> None:
        assert self.title is not None
        assert per_right(self.title) == self.held.rights
        assert list(self.title.pledges) == self.held.pledges

    def _send(
        self, act: str, move: Move | None, call: Call, sides: tuple[str, ...], required: set[str], fresh: Title | None
    ) -> TitleStep:
        self._earlier = self.title
        before = {right: dict(shares) for right, shares in self.held.rights.items()}
        outcome = call.send(self.engine)
        note(f"{act} {move} -> {outcome.refusal or 'accepted'}")
        if outcome.accepted:
            self.title = _heard(outcome.events)
            if fresh is not None:
                self.held = Held(per_right(fresh), list(fresh.pledges))
        after = per_right(self.title) if self.title else {}
        head = self.engine.storage("TitleLedger", "titleHead", WORK)
        step = TitleStep(act, move, sides, tuple(sorted(required)), outcome.refusal, before, after, head, self.title)
        STEPS.append(step)
        return step


def _without(required: set[str], missing: int | None) -> tuple[str, ...]:
    names = sorted(required)
    return tuple(names if missing is None else [name for n, name in enumerate(names) if n != missing % len(names)])


def _heard(events: tuple[LogEvent, ...]) -> Title:
    shares, pledges = events[0].members["title"]
    return Title(
        tuple((NAMES[bytes(holder)], rights, bps) for holder, rights, bps in shares),
        tuple((NAMES[bytes(pledgor)], NAMES[bytes(pledgee)], rights) for pledgor, pledgee, rights in pledges),
    )
