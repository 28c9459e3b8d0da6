"""EVM sources and their committed artefacts; run time needs neither Node nor a compiler."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

NAMES = (
    "AccessManager", "OrgRegistry", "AnchorRegistry", "WorkRegistry", "GrantLedger",
    "SettlementLedger", "StatementLedger", "DisputeRegister",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contract:
    """A compiled contract: ABI as JSON values, creation code as bytes."""

    name: str
    abi: tuple[dict[str, Any], ...]
    bytecode: bytes
    compiler: str


@cache
def load(name: str) -> Contract:
    """Return one of NAMES. Raises KeyError for another name."""
    if name not in NAMES:
        raise KeyError(name)
    found = json.loads(files("contracts").joinpath("artifacts", f"{name}.json").read_text(encoding="utf-8"))
    return Contract(name, tuple(found["abi"]), bytes.fromhex(found["bytecode"][2:]), found["compiler"])
