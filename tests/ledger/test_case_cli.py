"""The commands of disputes and statements, on one home with two houses."""

from pathlib import Path
from typing import Any

import pytest

from asset_hub.accounts import require_organisation
from tests.commands import Shell, shell
from tests.ledger.court import TEXT, TITLE, Court

__all__ = ["shell"]
FOR_STREAMING = ("--use", "streaming", "--territory", "CN")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Court:
    return Court(tmp_path_factory.mktemp("court"))


@pytest.fixture
def court(made: Court, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Court:
    """The same home for every test, in which the shell's commands work."""
    monkeypatch.setenv("ASSET_HUB_HOME", str(made.services.settings.home))
    return made


def dispute(shell: Shell, *arguments: object) -> Any:
    ran = shell("dispute", *arguments, "--json")
    assert ran.code == 0, ran.err
    return ran.json


def test_a_dispute_is_opened_frozen_and_settled_by_commands(shell: Shell, court: Court, tmp_path: Path) -> None:
    claimant, respondent = (require_organisation(actor) for actor in (court.claimant, court.respondent))
    exhibit = tmp_path / "合同.txt"
    exhibit.write_text("contract")
    said, earlier = ("--text", TEXT), len(court.statuses())

    opened = dispute(
        shell, "open", "--asset", court.asset_id, "--title", TITLE, *said, "--exhibit", exhibit, "--house", claimant
    )  # fmt: skip
    case = opened["id"]
    answered = dispute(shell, "answer", case, *said)
    frozen = dispute(shell, "freeze", case, *said)
    asked = shell("availability", court.asset_id, *FOR_STREAMING, "--json")
    offered = dispute(shell, "settle", case, "--house", claimant, "--text", "署名即可")
    number = offered["steps"][-1]["number"]
    own = shell("dispute", "settle", case, "--house", claimant, "--accept", number, "--json")
    settled = dispute(shell, "settle", case, "--house", respondent, "--accept", number)

    assert (opened["state"], opened["next"][0]["who"]) == ("open", "respondent")
    assert [one["name"] for one in opened["steps"][0]["exhibits"]] == ["合同.txt"]
    assert (answered["state"], frozen["is_frozen"], asked.code) == ("answered", True, 1)
    assert (own.code, own.json["error"]) == (1, "offer-gone")
    assert (settled["state"], settled["is_frozen"], settled["next"]) == ("closed", False, [])
    assert [(step["act"], step["state"]) for step in settled["steps"]] == [
        ("open", "confirmed"), ("answer", "confirmed"), ("freeze", "confirmed"), ("offer", None),
        ("settle", "confirmed"),
    ]  # fmt: skip
    assert court.statuses()[earlier:] == [2, 1]
    assert dispute(shell, "show", case)["state"] == "closed"
    assert dispute(shell, "list")["disputes"][0]["id"] == case
    assert TITLE in shell("dispute", "list").out
    assert "closed" in shell("dispute", "show", case).out
    assert court.services.files.size(settled["steps"][0]["exhibits"][0]["sha256"]) == len("contract")


def test_a_dispute_is_withdrawn_lifted_and_decided_by_commands(shell: Shell, court: Court) -> None:
    claimant = require_organisation(court.claimant)
    opening = ("open", "--asset", court.asset_id, "--title", TITLE, "--text", TEXT, "--house", claimant)
    first = dispute(shell, *opening)["id"]
    assert dispute(shell, "withdraw", first, "--text", TEXT)["state"] == "closed"
    second = dispute(shell, *opening)["id"]
    dispute(shell, "answer", second, "--text", TEXT)
    dispute(shell, "freeze", second, "--text", TEXT)
    assert dispute(shell, "lift", second, "--text", TEXT)["is_frozen"] is False
    dispute(shell, "decide", second, "--text", TEXT, "--days", 8)
    too_soon = shell("dispute", "close", second, "--text", TEXT, "--json")
    assert (too_soon.code, too_soon.json["error"], too_soon.json["rule"]) == (1, "case-step-refused", "TooSoon")
    dispute(shell, "appeal", second, "--text", TEXT, "--house", claimant)
    assert dispute(shell, "decide", second, "--text", TEXT)["state"] == "final"
    assert dispute(shell, "close", second, "--text", TEXT)["state"] == "closed"

    assert shell("dispute", "open", "--title", TITLE, "--text", TEXT).code == 2
    assert shell("dispute", "settle", second, "--house", claimant).code == 2
    assert shell("dispute", "show", "nonsense").code == 2
    assert shell("dispute", "show", court.asset_id, "--json").json["error"] == "case-not-found"
    assert shell("dispute", "answer", court.asset_id, "--text", TEXT, "--json").json["error"] == "case-not-found"


def test_a_statement_is_published_and_its_proof_verified_without_a_home(
    shell: Shell, court: Court, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    licensor = require_organisation(court.respondent)
    lines, trust = tmp_path / "lines.csv", tmp_path / "trust.json"
    lines.write_text(
        f"payee,label,fen\n{licensor},朝天门的黄昏,120000\n江畔影业,朝天门的黄昏,345\n", encoding="utf-8-sig"
    )
    given = ("--licensor", licensor, "--period", "2026-10", "--lines", lines)

    made = shell("statement", "publish", *given, "--json").json
    proof = shell("statement", "proof", made["id"], "--payee", "江畔影业", "--to", tmp_path, "--json").json["file"]
    shell("certificate", "trust", trust)
    again = shell("statement", "publish", *given, "--json")
    monkeypatch.setenv("ASSET_HUB_HOME", str(tmp_path / "stranger"))
    root = made["revisions"][0]["root"]
    verified = shell("statement", "verify", proof, "--trust", trust, "--root", root, "--json")

    assert (made["revision"], made["revisions"][0]["state"]) == (1, "confirmed")
    assert [line["fen"] for line in made["lines"]] == [120_000, 345]
    assert (verified.code, verified.json["lines"]) == (0, [{"label": "朝天门的黄昏", "fen": 345}])
    assert (verified.json["total_fen"], verified.json["is_pinned"]) == (120_345, True)
    told = shell("statement", "verify", proof)
    assert "¥3.45" in told.out
    assert "¥1,203.45  total of 2026-10" in told.out
    assert "not pinned" in told.out
    assert (again.code, again.json["error"]) == (1, "statement-taken")
    Path(proof).write_bytes(Path(proof).read_bytes().replace(b"345", b"346", 1))
    spoiled = shell("statement", "verify", proof, "--json")
    assert (spoiled.code, spoiled.json["error"]) == (1, "bad-proof")
    assert not (tmp_path / "stranger").exists()


def test_a_statement_is_revised_and_objected_to_by_commands(shell: Shell, court: Court, tmp_path: Path) -> None:
    licensor = require_organisation(court.respondent)
    lines = tmp_path / "lines.csv"
    lines.write_text(f"payee,label,fen\n{licensor},一,1\n")
    publish = ("statement", "publish", "--licensor", licensor, "--period", "2026-08", "--lines", lines, "--json")
    made = shell(*publish).json["id"]
    lines.write_text(f"payee,label,fen\n{licensor},一,2\n")

    revised = shell("statement", "revise", made, "--lines", lines, "--reason", "漏记", "--json").json
    objected = shell("statement", "object", made, "--house", licensor, "--text", "仍不符", "--json").json

    assert [(one["number"], one["total_fen"], one["reason"]) for one in revised["revisions"]] == [
        (2, 2, "漏记"), (1, 1, ""),
    ]  # fmt: skip
    assert [(one["revision"], one["text"], one["state"]) for one in objected["objections"]] == [
        (2, "仍不符", "confirmed")
    ]
    assert shell("statement", "list", "--json").json["statements"][0]["id"] == made
    assert "仍不符" in shell("statement", "show", made).out
    assert "revision 2" in shell("statement", "list").out
    for spoiled in ("payee,label\n", "", "payee,label,fen\n无此单位,一,1\n", "payee,label,fen\nx,y,1.5\n", 'a"b\n"'):
        lines.write_text(spoiled)
        ran = shell("statement", "publish", "--licensor", licensor, "--period", "2026-09", "--lines", lines, "--json")
        assert (ran.code, ran.json["error"] in ("bad-statement", "party-not-found")) == (1, True)
    assert shell("statement", "verify", lines, "--root", "xyz").code == 2
