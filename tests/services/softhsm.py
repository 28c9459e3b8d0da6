"""SoftHSM2 for tests: a token in a folder of its own."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PLACES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
PIN, LABEL = "4711-0815", "asset_hub"


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was made, by the path of its module and its label."""

    module: str
    label: str
    pin: str


def find_module() -> str:
    """Return the path of SoftHSM2's module, empty where it is not installed."""
    found = next((place for place in _PLACES if Path(place).exists()), "")
    return found if found and shutil.which("softhsm2-util") else ""


def make_token(folder: Path) -> Token:
    """Make an empty token; the environment of this process names its folder from now on."""
    store, config = folder / "tokens", folder / "softhsm2.conf"
    store.mkdir(parents=True)
    config.write_text(f"directories.tokendir = {store}\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(config)
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN],
        check=True, capture_output=True, timeout=20,
    )  # fmt: skip
    return Token(find_module(), LABEL, PIN)
