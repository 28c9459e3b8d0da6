"""The rules of licences in Vyper (contracts/oracle), asked beside the real contract in every step of a random walk.

`python -m tests.contracts.oracle --write` compiles it anew.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import encode

import contracts
from ledger.calls import created_address
from ledger.merkle import keccak
from tests.contracts.calls import RESERVATION, Grant, org_of
from tests.contracts.engine import DAY, KEYS, START, Engine
from tests.services.contract_tools import VYPER, require_tool

SOURCE = Path(contracts.__file__).parent / "oracle" / "GrantOracle.vy"
ARTEFACT = SOURCE.with_suffix(".json")
_MEMBERS = "(bytes32,bytes32,bytes32" + ",uint256" * 11 + ")"


def compile_oracle() -> str:
    """Return the artefact's text, compiled for the same networks as the registers."""
    command = [str(require_tool(VYPER)), "--evm-version", "paris", "-f", "abi,bytecode", str(SOURCE)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    abi, bytecode = done.stdout.splitlines()
    made = {"contract": SOURCE.stem, "compiler": VYPER.version, "evm": "paris", "abi": json.loads(abi)}
    return json.dumps(made | {"bytecode": bytecode}, indent=1) + "\n"


class Oracle:
    """The compiled oracle, deployed once beside the registers; whoever branches the engine branches it too."""

    def __init__(self, engine: Engine, works: dict[bytes, str]) -> None:
        self.address = created_address(KEYS.operator.address, engine.nonce_of(KEYS.operator))
        code = bytes.fromhex(str(_artefact()["bytecode"])[2:])
        assert engine.send_data(b"", code, sender=KEYS.operator).accepted
        for work, registrar in works.items():
            assert self.tell(engine, "enter_work", work, org_of(registrar))

    def tell(self, engine: Engine, function: str, *values: object) -> bool:
        """Return whether the oracle takes an act."""
        types = _types(function)
        data = keccak(f"{function}({','.join(types)})".encode())[:4] + encode(types, values)
        return engine.send_data(self.address, data, sender=KEYS.operator).accepted

    def takes(self, engine: Engine, grant: Grant, *, spares_others: bool, source: Grant | None) -> bool:
        """Return whether the oracle records a grant, whatever its kind; it keeps what it takes."""
        facts = _facts(grant)
        if source is None and grant.terms.flags & RESERVATION:
            return self.tell(engine, "hold", grant.number, facts)
        if source is None:
            return self.tell(engine, "grant", grant.number, facts, spares_others)
        function = "confirm" if source.terms.flags & RESERVATION else "sublicense"
        return self.tell(engine, function, grant.number, facts, source.number, spares_others)


def _facts(grant: Grant) -> tuple[Any, ...]:
    """A grant member by member, from its plain terms and not from its packed words."""
    terms, first = grant.terms, (START + 8 * 3600) // DAY
    window, part = (terms.window[0] + first, terms.window[1] + first), terms.segment or (0, 0)
    said = (terms.uses, terms.languages, terms.places, *window, *part, terms.kind, terms.flags, terms.lapses)
    return (grant.work, org_of(grant.licensor), org_of(grant.licensee), *said, terms.parent)


@cache
def _artefact() -> dict[str, Any]:
    return dict(json.loads(ARTEFACT.read_text(encoding="utf-8")))


@cache
def _types(function: str) -> list[str]:
    entry = next(entry for entry in _artefact()["abi"] if entry.get("name") == function)
    return [_MEMBERS if member["type"] == "tuple" else str(member["type"]) for member in entry["inputs"]]


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    ARTEFACT.write_text(compile_oracle(), encoding="utf-8")
