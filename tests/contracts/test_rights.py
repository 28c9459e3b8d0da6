"""Invariants of licences, over random walks of the real contract that also agree with the plain model step by step.

Engine: py-evm (Paris rules), the engine of production, on the committed bytecode, without mining. At least 1,000 steps
in the short profile and 10,000 in the drill. One machine walks, once; each test looks at all steps with its own rule.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from ledger.merkle import keccak
from tests.contracts.calls import NOTHING, RESERVATION
from tests.contracts.model import is_inside, is_meant, share_something
from tests.contracts.oracle import ARTEFACT, compile_oracle
from tests.contracts.recital import Entry, Recital, head_before, recite
from tests.contracts.rights_machine import WALKS, WORKS, RightsMachine, Walk
from tests.drill import PROFILE, grown
from tests.services.contract_tools import VYPER

pytestmark = pytest.mark.timeout(grown(300, 3600))


@pytest.fixture(scope="module")
def walks() -> list[Walk]:
    """Walk once; any step in which contract and model disagree fails here, shrunk by Hypothesis."""
    WALKS.clear()
    few = settings(
        max_examples=grown(42, 460), stateful_step_count=40, deadline=None, database=None,
        derandomize=PROFILE == "short", suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(RightsMachine, settings=few)
    print(f"engine: py-evm, GrantLedger: {sum(len(walk.steps) for walk in WALKS)} steps")
    return list(WALKS)


def test_the_walks_are_long_and_see_every_outcome(walks: list[Walk]) -> None:
    seen = Counter((step.act, step.refusal.split("(")[0]) for walk in walks for step in walk.steps)

    assert sum(seen.values()) >= grown(1_000, 10_000)
    for act in ("grant", "reserve", "confirm", "sublicense", "terminate", "compact"):
        assert seen[act, ""] > 0, seen
    refused = {error for (_, error) in seen}
    assert refused >= {"", "Overlaps", "Malformed", "Exceeds", "NotSignedByOrg", "NotActive", "NotOnRecord"}


def test_the_oracle_in_vyper_agrees_on_every_act(walks: list[Walk]) -> None:
    """A second contract that keeps and reads everything took and refused the same; it does not know signatures."""
    asked = [step for walk in walks for step in walk.steps if step.oracle is not None]
    taken = Counter(step.act for step in asked if step.oracle)
    refused = Counter(step.act for step in asked if not step.oracle)

    print(f"engine: py-evm, Vyper {VYPER.version} beside Solidity, {len(asked)} acts: took {taken}, refused {refused}")
    assert all(step.oracle == (not step.refusal) for step in asked)
    assert len(asked) >= grown(800, 8_000)
    assert taken.keys() >= {"grant", "reserve", "confirm", "sublicense", "terminate", "compact"}
    assert refused.keys() >= {"grant", "reserve", "confirm", "sublicense", "terminate", "malformed"}


def test_the_oracle_is_what_its_source_compiles_to() -> None:
    assert compile_oracle() == ARTEFACT.read_text(encoding="utf-8")


def test_invariant_01_no_two_live_exclusives_overlap(walks: list[Walk]) -> None:
    """But for a sub-licence with the licence that it was given under."""
    pairs = 0
    for walk in walks:
        for _, _, told in recite(walk):
            for work in WORKS:
                live = [entry for entry in told.live(work) if entry.is_exclusive]
                for position, one in enumerate(live):
                    for other in live[:position]:
                        pairs += 1
                        is_family = other.number == one.terms.parent or one.number == other.terms.parent
                        assert is_family or not share_something(one.terms, other.terms), (one, other)
    assert pairs > 100


def test_invariant_02_no_non_exclusive_overlaps_an_earlier_live_exclusive(walks: list[Walk]) -> None:
    checked = 0
    for walk in walks:
        for entry, before, _, _ in _accepted(walk):
            if entry.is_exclusive:
                continue
            held = [other for other in before.live(entry.work) if other.is_exclusive]
            checked += len(held)
            assert not any(
                share_something(entry.terms, other.terms) and other.number != entry.terms.parent for other in held
            )
    assert checked > 0


def test_invariant_03_a_strict_exclusive_overlaps_nothing_live(walks: list[Walk]) -> None:
    checked = 0
    for walk in walks:
        for entry, before, _, is_subject_to in _accepted(walk):
            if not entry.is_exclusive or is_subject_to or entry.terms.flags & RESERVATION:
                continue
            checked += 1
            live = before.live(entry.work)
            assert not any(
                share_something(entry.terms, other.terms) and other.number != entry.terms.parent for other in live
            )
    assert checked > 20


def test_invariant_04_subject_to_names_the_head_stored_before_it(walks: list[Walk]) -> None:
    checked = 0
    for walk in walks:
        for position, step in enumerate(walk.steps):
            if step.is_subject_to and not step.refusal and step.wanted:
                checked += 1
                assert step.disclosed == head_before(walk, position, step.wanted.work)[1]
    assert checked > 0


def test_invariant_05_every_grant_means_something(walks: list[Walk]) -> None:
    refused = 0
    for walk in walks:
        for step in walk.steps:
            if step.wanted and step.act != "terminate" and not step.refusal:
                assert is_meant(step.wanted.terms)
            refused += step.act == "malformed" and step.refusal == "Malformed()"
    assert refused > 0


def test_invariant_06_compact_never_drops_a_future_end(walks: list[Walk]) -> None:
    dropped = 0
    for walk in walks:
        for step, before, told in recite(walk):
            if step.act != "compact" or step.refusal:
                continue
            for old, new in ((before.exclusives, told.exclusives), (before.others, told.others)):
                gone = {n for numbers in old.values() for n in numbers} - {
                    n for numbers in new.values() for n in numbers
                }
                dropped += len(gone)
                for number in gone:
                    entry = told.entries[number]
                    fell = number in told.ended or entry.terms.parent in told.ended or told.lapsed(number)
                    assert fell or entry.terms.window[1] <= told.day
    assert dropped > 0


def test_invariant_07_heads_rebuilt_from_events_equal_stored_heads(walks: list[Walk]) -> None:
    for walk in walks:
        for step, _, told in recite(walk):
            for work in WORKS:
                assert step.heads[work] == (_packed(told, work), _rolled(told, work))


def test_invariant_08_a_reservation_blocks_until_it_lapses_and_never_after(walks: list[Walk]) -> None:
    blocked = 0
    for walk in walks:
        for step, before, _ in recite(walk):
            if step.refusal.startswith("Overlaps"):
                number = int(step.refusal.split(", ")[1].rstrip(")"))
                blocked += before.entries[number].terms.flags & RESERVATION != 0
                assert not before.lapsed(number)
    assert blocked > 0


def test_invariant_09_what_was_terminated_never_blocks(walks: list[Walk]) -> None:
    named = 0
    for walk in walks:
        for step, before, _ in recite(walk):
            if step.refusal.startswith("Overlaps"):
                number = int(step.refusal.split(", ")[1].rstrip(")"))
                named += 1
                assert number not in before.ended
                assert before.entries[number].terms.parent not in before.ended
    assert named > 20


def test_invariant_10_a_sub_licence_is_inside_its_parent(walks: list[Walk]) -> None:
    checked = 0
    for walk in walks:
        for entry, before, _, _ in _accepted(walk):
            if not entry.terms.parent:
                continue
            checked += 1
            parent = before.entries[entry.terms.parent]
            assert is_inside(entry.terms, parent.terms)
            assert parent.parties[1] == entry.parties[0]
            assert before.is_live(parent.number)
            assert entry.terms.kind <= parent.terms.kind
    assert checked > 0


def test_invariant_29_events_alone_rebuild_the_records(walks: list[Walk]) -> None:
    """Number by number: nothing, live, reserved, ended. (The other registers: test_registers.py.)"""
    states = Counter[int]()
    for walk in walks:
        told = Recital()
        for step in walk.steps:
            told.time = step.time
            for event in step.events:
                told.hear(event)
        rebuilt = {
            number: 3 if number in told.ended else 2 if entry.terms.flags & RESERVATION else 1
            for number, entry in told.entries.items()
        }
        assert rebuilt == walk.states
        states.update(rebuilt.values())
    assert states.keys() == {1, 2, 3}


def _accepted(walk: Walk) -> Iterator[tuple[Entry, Recital, Recital, bool]]:
    """Every licence and reservation with the record before it, at its time."""
    for step, before, told in recite(walk):
        for event in step.events:
            if event.name in {"Granted", "Reserved"}:
                confirmed = {e.members["reservation"] for e in step.events if e.name == "Confirmed"}
                before.ended |= confirmed
                yield told.entries[event.members["licence"]], before, told, step.is_subject_to


def _packed(told: Recital, work: bytes) -> bytes:
    words = told.words(work, exclusive=True)
    return keccak(b"".join(word.to_bytes(32, "big") for word in words)) if words else NOTHING


def _rolled(told: Recital, work: bytes) -> bytes:
    words, head = told.words(work, exclusive=False), NOTHING
    for start in range(0, len(words), 3):
        head = keccak(head + b"".join(word.to_bytes(32, "big") for word in words[start : start + 3]))
    return head
