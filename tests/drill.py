"""One switch grows n: ASSET_HUB_PROFILE=drill runs the same tests with their long n (`make drill`)."""

import os

from hypothesis import settings

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
