"""The commands of intake, given what they must refuse; nothing is taken in then."""

from pathlib import Path

import pytest

from tests.commands import Shell, shell
from tests.media_files import make_picture

__all__ = ["shell"]


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        (("--secrecy", "绝密"), 1, "refused before its first byte"),
        (("--secrecy", "随便"), 1, "is no level we know"),
        (("--secrecy", "未审", "--publish"), 1, "--publish needs"),
        (("--secrecy", "未审", "--receipt", "/nowhere/receipt.json"), 2, "cannot be written"),
        (("--secrecy", "未审", "--collection", "没有"), 1, "There is no collection"),
        (("--secrecy", "未审", "--owner", "没有"), 1, "There is no organisation"),
        (("--secrecy", "未审", "--by", "nobody"), 1, "There is no person"),
    ],
)
def test_a_refused_intake_takes_nothing_in(
    shell: Shell, tmp_path: Path, more: tuple[str, ...], code: int, word: str
) -> None:
    picture = make_picture(tmp_path / "picture.jpg")

    ran = shell("ingest", picture, *more)

    assert ran.code == code
    assert word in ran.err
    assert shell("search", "", "--json").json["total"] == 0
    assert shell("jobs", "list", "--json").json["jobs"] == []


def test_an_unknown_heading_is_named_and_nothing_is_taken_in(shell: Shell, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("题名,没见过的栏\n夔门,1\n", encoding="utf-8")

    planned = shell("ingest", sheet, "--secrecy", "未审", "--plan", "--json")
    ran = shell("ingest", sheet, "--secrecy", "未审", "--json")

    assert (planned.code, ran.code) == (1, 1)
    assert ran.json["headings"] == ["没见过的栏"]


def test_what_is_no_receipt_is_refused(shell: Shell, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(b'\xff{"rows": 7}')

    missing, no_receipt = shell("receipt", "verify", tmp_path / "missing"), shell("receipt", "verify", other, "--json")

    assert missing.code == 2
    assert (no_receipt.code, no_receipt.json["error"]) == (1, "bad-input")
