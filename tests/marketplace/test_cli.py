"""The commands of the trade: from title to a certificate that holds, and what they refuse."""

from pathlib import Path

import pytest

from tests.commands import Shell, run_process, shell
from tests.media_files import make_picture

__all__ = ["shell"]
FOR_STREAMING = ("--use", "streaming", "--territory", "CN")


def offer(shell: Shell, folder: Path) -> str:
    """Bring in a picture, record its title, offer it; return its number."""
    taken = shell("ingest", make_picture(folder / "夔门.jpg"), "--secrecy", "公开", "--publish", "--json").json
    number = str(shell("asset", "show", taken["rows"][0]["asset"], "--json").json["number"])
    assert shell("title", number, "--instrument", "自有作品").code == 0
    assert shell("list", number, "--price", "streaming=1000", "--price", "press=300", "--floor", "200").code == 0
    return number


def test_from_title_to_a_certificate_that_holds(shell: Shell, tmp_path: Path) -> None:
    number = offer(shell, tmp_path)
    delivered, trust, status = tmp_path / "delivered", tmp_path / "trust.json", tmp_path / "status.json"

    free = shell("availability", number, *FOR_STREAMING, "--kind", "sole", "--json")
    quoted = shell("quote", number, *FOR_STREAMING, "--kind", "sole", "--json")
    licensed = shell("license", number, *FOR_STREAMING, "--kind", "sole", "--to", delivered, "--json")
    taken = shell("availability", number, *FOR_STREAMING, "--kind", "exclusive", "--json")
    for command in (("trust", trust), ("status", status)):
        assert shell("certificate", *command).code == 0
    files = licensed.json["files"]
    given = ("certificate", "verify", files["certificate"], "--file", files["media"], "--json")
    held = shell(*given, "--trust", trust, "--status", status)
    shell("certificate", "status", status, "--revoke", "1")
    revoked = shell(*given, "--trust", trust, "--status", status)

    assert (free.code, free.json["answer"], taken.code, taken.json["answer"]) == (0, "free", 1, "conflict")
    assert quoted.json["gross_fen"] == quoted.json["net_fen"] + quoted.json["tax_fen"]
    unchecked = {check["name"] for check in held.json["checks"] if check["ok"] is None}
    assert (held.code, unchecked) == (0, {"time stamp", "countersignatures"})
    assert [check["name"] for check in held.json["checks"] if check["ok"] is False] == []
    failed = [check["name"] for check in revoked.json["checks"] if check["ok"] is False]
    assert (revoked.code, failed) == (1, ["revocation"])


def test_a_certificate_is_verified_without_a_home(shell: Shell, tmp_path: Path) -> None:
    files = shell("license", offer(shell, tmp_path), *FOR_STREAMING, "--to", tmp_path / "delivered", "--json").json
    strangers = tmp_path / "stranger"
    given = ("certificate", "verify", files["files"]["certificate"], "--file", files["files"]["media"], "--json")

    ran = run_process(*given, ASSET_HUB_HOME=str(strangers / "var"))

    assert (ran.code, ran.json["valid"]) == (0, True)
    unchecked = [check["name"] for check in ran.json["checks"] if check["ok"] is None]
    assert set(unchecked) == {
        "issuer", "key history", "revocation", "time stamp", "countersignatures",
    }  # fmt: skip
    assert not strangers.exists()


def test_a_status_list_names_only_known_licences_and_replaces_no_other_file(shell: Shell, tmp_path: Path) -> None:
    other = tmp_path / "letter.json"
    other.write_text('{"dear": "reader"}')

    unknown = shell("certificate", "status", tmp_path / "status.json", "--revoke", "7", "--json")
    replaced = shell("certificate", "status", other)

    assert (unknown.code, unknown.json["error"]) == (1, "entry-not-found")
    assert replaced.code == 1
    assert other.read_text() == '{"dear": "reader"}'
    assert not (tmp_path / "status.json").exists()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--from", "2026-02-30"), 2),
        (("--from", "20260101"), 2),
        (("--from", "9990-01-01", "--years", "50"), 2),
        (("--from", "1066-10-14"), 2),
        (("--from", "morgen"), 2),
        (("--years", "0"), 2),
        (("--years", "51"), 2),
        (("--kind", "monopoly"), 2),
        (("--frames", "9-3"), 2),
        (("--frames", "x"), 2),
        (("--frames", "²-³"), 2),
        (("--use", "telepathy"), 1),
        (("--territory", "Atlantis"), 1),
        (("--by", "nobody"), 1),
    ],
)
def test_a_wrong_argument_ends_in_a_sentence(shell: Shell, more: tuple[str, ...], code: int) -> None:
    asked = shell("availability", "CQ-2026-000001", *FOR_STREAMING, *more)
    quoted = shell("quote", "CQ-2026-000001", *FOR_STREAMING, *more)

    assert (asked.code, quoted.code) == (code, code)
    assert "Traceback" not in asked.err + quoted.err


@pytest.mark.parametrize(
    "price", ["streaming", "streaming=", "=5", "streaming=-1", "streaming=1.5", "streaming=" + "9" * 40]
)
def test_a_price_is_a_use_and_whole_yuan(shell: Shell, price: str) -> None:
    ran = shell("list", "CQ-2026-000001", "--price", price)

    assert ran.code == 2
    assert "Traceback" not in ran.err


def test_what_is_away_is_told_by_the_exit_code(tmp_path: Path) -> None:
    home = {"ASSET_HUB_HOME": str(tmp_path / "home")}

    away = run_process("ledger", "status", "--json", ASSET_HUB_DATABASE_URL="postgresql://127.0.0.1:1/none", **home)
    wrong = run_process("ledger", "status", ASSET_HUB_DATABASE_URL="nonsense", **home)

    assert (away.code, away.json["error"]) == (3, "unavailable")
    assert wrong.code == 2
    assert "Traceback" not in away.err + wrong.err
