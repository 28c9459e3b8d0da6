"""EVM sources and their committed artefacts; run time needs neither Node nor a compiler."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_ARTIFACTS = files("contracts").joinpath("artifacts")
NAMES = tuple(sorted(entry.name[:-5] for entry in _ARTIFACTS.iterdir() if entry.name.endswith(".json")))


@dataclass(frozen=True, slots=True)
class Contract:
    """A compiled contract: ABI and storage layout as JSON values, creation code as bytes."""

    name: str
    abi: tuple[dict[str, Any], ...]
    bytecode: bytes
    compiler: str
    layout: tuple[dict[str, Any], ...]


@cache
def load(name: str) -> Contract:
    """Return one of NAMES. Raises KeyError for another name."""
    if name not in NAMES:
        raise KeyError(name)
    found = json.loads(_ARTIFACTS.joinpath(f"{name}.json").read_text(encoding="utf-8"))
    bytecode = bytes.fromhex(found["bytecode"][2:])
    return Contract(name, tuple(found["abi"]), bytecode, found["compiler"], tuple(found["storageLayout"]))
