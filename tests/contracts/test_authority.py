"""Whose signature an act needs; the relayer alone changes nothing. Engine: py-evm on the committed bytecode."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import contracts
from ledger.deployment import REGISTERS, carried_functions
from tests.contracts.calls import Signer
from tests.contracts.engine import DAY, KEYS, Engine, Outcome
from tests.contracts.typical import prepare, typical_acts

GAS_REPORT = Path(contracts.__file__).parent / "gas.json"
# The bare register operation of the design (`target`), without identifier, signatures, keys and roles.
BARE_TARGET = {
    "WorkRegistry.register": 60_000, "WorkRegistry.registerMany of 100": 100 * 28_000, "AnchorRegistry.anchor": 56_000,
    "GrantLedger.grantNonExclusive": 40_000, "GrantLedger.grantExclusive over 0": 60_000,
    "GrantLedger.grantExclusive over 10": 60_000,
    "SettlementLedger.open": 48_000, "SettlementLedger.attestPaid": 83_000,
    "DisputeRegister.open": 90_000, "DisputeRegister.decide": 60_000, "DisputeRegister.close": 40_000,
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Every typical act, first with the relayer's own signature, which must change nothing, then as it should be."""
    engine, signer = Engine(), Signer()
    prepare(engine, signer)
    found = {}
    for name, build in typical_acts():
        if name.startswith("wait"):
            engine.time += int(name.split()[1]) * DAY
            continue
        before, count = engine.state_root(), signer.count
        signer.forger = KEYS.relayer
        forged = build(signer).send(engine)
        assert not forged.accepted, f"the relayer alone could call {name}"
        assert engine.state_root() == before, name
        signer.forger, signer.count = None, count
        outcome = build(signer).send(engine)
        assert outcome.accepted, (name, outcome.refusal)
        assert outcome.events, name
        assert engine.state_root() != before, name
        if "." in name:
            found[name] = outcome
    return found


def test_relayer_alone_changes_nothing(outcomes: dict[str, Outcome]) -> None:
    carried = {f"{name}.{function}" for name in REGISTERS for function in carried_functions(name)}
    assert carried == {name.split(" ")[0] for name in outcomes}


def test_invariant_27_the_relayer_alone_can_change_nothing(outcomes: dict[str, Outcome]) -> None:
    """Also what needs no signature at all: every other function that changes state, called by the relayer."""
    engine = Engine()
    before = engine.state_root()
    tried = 0
    for name in ("AccessManager", *REGISTERS):
        for entry in _uncarried(name):
            engine.send(name, entry["name"], [_some(member["type"]) for member in entry["inputs"]])
            tried += 1
    assert tried > 20
    assert engine.state_root() == before
    assert len(outcomes) > 30


def _uncarried(name: str) -> list[dict[str, Any]]:
    """What may change state and is not an act; but for renounceRole, with which anybody gives up a role of its own."""
    left_out = {"renounceRole", *(carried_functions(name) if name in REGISTERS else ())}
    functions = [e for e in contracts.load(name).abi if e["type"] == "function"]
    return [e for e in functions if e["stateMutability"] in {"nonpayable", "payable"} and e["name"] not in left_out]


def _some(kind: str) -> object:
    samples: dict[str, object] = {"address": "0x" + KEYS.relayer.address.hex(), "bool": True, "string": "x"}
    if kind.endswith("[]"):
        return [_some(kind[:-2])]
    if kind in samples:
        return samples[kind]
    if kind.startswith("bytes"):
        return b"\1" * int(kind[5:] or 4)
    return 1


def test_gas_stays_within_the_report(outcomes: dict[str, Outcome]) -> None:
    """Two per cent; the report is rewritten with ASSET_HUB_WRITE_GAS=1."""
    measured = {name: outcome.gas for name, outcome in sorted(outcomes.items())}
    if os.environ.get("ASSET_HUB_WRITE_GAS"):
        GAS_REPORT.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    written = json.loads(GAS_REPORT.read_text(encoding="utf-8"))
    for name, gas in measured.items():
        bare = BARE_TARGET.get(name)
        print(f"{name:40} {gas:>10,}" + (f"   bare target {bare:>9,}   ×{gas / bare:.2f}" if bare else ""))
    assert written.keys() == measured.keys()
    assert {name: gas for name, gas in measured.items() if abs(gas - written[name]) > written[name] * 0.02} == {}
