"""Invariants of titles over random walks of the real contract. Engine: py-evm on the committed bytecode."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.contracts.calls import NOTHING
from tests.contracts.title_machine import STEPS, TitleMachine, TitleStep
from tests.drill import PROFILE, grown

pytestmark = pytest.mark.timeout(grown(300, 3600))


@pytest.fixture(scope="module")
def steps() -> list[TitleStep]:
    """Walk once; a step in which contract and model disagree fails here, shrunk by Hypothesis."""
    STEPS.clear()
    few = settings(
        max_examples=grown(24, 450), stateful_step_count=25, deadline=None, database=None,
        derandomize=PROFILE == "short", suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(TitleMachine, settings=few)
    print(f"engine: py-evm, TitleLedger: {len(STEPS)} steps")
    return list(STEPS)


def test_the_walks_see_every_outcome(steps: list[TitleStep]) -> None:
    seen = Counter((step.act, step.refusal.split("(")[0]) for step in steps)

    assert len(steps) >= grown(500, 10_000), seen
    for act in ("record", "transfer", "pledge", "release", "correct"):
        assert seen[act, ""] > 0, seen
    assert {error for _, error in seen} >= {"BadTitle", "TitleTaken", "NotHeld", "ConsentMissing", "NotSignedByOrg"}


def test_invariant_11_shares_of_a_right_sum_to_the_whole_or_are_unknown(steps: list[TitleStep]) -> None:
    known = unknown = 0
    for step in steps:
        for shares in step.after.values():
            assert not shares or sum(shares.values()) == 10_000
            assert all(bps > 0 for bps in shares.values())
            known, unknown = known + bool(shares), unknown + (not shares)
    assert known > 100
    assert unknown > 10
    assert not [step for step in steps if step.act == "bad" and not step.refusal]


def test_invariant_12_transfers_conserve(steps: list[TitleStep]) -> None:
    moved = 0
    for step in steps:
        if step.act != "transfer" or step.refusal or step.move is None:
            continue
        moved += 1
        assert step.after.keys() == step.before.keys()
        for right, before in step.before.items():
            after = step.after[right]
            change = {name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}}
            bps = step.move.bps if step.move.rights >> right & 1 else 0
            expected = {step.move.giver: -bps, step.move.taker: bps}
            assert {name: n for name, n in change.items() if n} == {name: n for name, n in expected.items() if n}
    assert moved > 10


def test_invariant_13_no_title_changes_without_its_parties_but_by_authority(steps: list[TitleStep]) -> None:
    missing = 0
    for step in steps:
        if step.act == "correct":
            continue
        if step.refusal:
            assert step.after == step.before
            missing += not set(step.required) <= set(step.sides)
        elif step.after != step.before or step.act in {"pledge", "release"}:
            assert set(step.required) <= set(step.sides)
    assert missing > 10


def test_heads_follow_from_the_events_alone(steps: list[TitleStep]) -> None:
    for step in steps:
        assert step.head == (step.title.head if step.title else NOTHING)
