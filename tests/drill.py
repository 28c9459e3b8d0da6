"""One switch grows n: ASSET_HUB_PROFILE=drill runs the same tests with their long n (`make drill`)."""

import os
from collections.abc import Callable
from itertools import count

from hypothesis import seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

PROFILE = os.environ.get("ASSET_HUB_PROFILE", "short")
SEED = int(os.environ.get("ASSET_HUB_SEED", "2026"))


def grown(short: int, long: int) -> int:
    """Return the n of this run."""
    return long if PROFILE == "drill" else short


def load_profile() -> None:
    """Load the profile of properties that name no n of their own; no deadline, because machines are busy."""
    settings.register_profile("short", deadline=None)
    settings.register_profile("drill", deadline=None, max_examples=2000)
    settings.load_profile(PROFILE)


def walk(machine: type[RuleBasedStateMachine], *, settings: settings, while_: Callable[[], bool]) -> None:
    """Run the machine again and again, every time from a seed of its own, for as long as the caller asks.

    Without the seeds Hypothesis would, where it finds itself in CI, walk the same way every time.
    """
    for number in count(SEED):
        if not while_():
            return
        run_state_machine_as_test(seed(number)(machine), settings=settings)
