"""Commands of accounts: an organisation is admitted by two others, a person signs in, a token is narrowed."""

from pathlib import Path

import pytest

from asset_hub.accounts import actor_of_secret, sign_in
from asset_hub.accounts.identifiers import credit_check_character
from asset_hub.app import open_home
from asset_hub.core import clock
from asset_hub.core.settings import Settings
from tests.commands import Ran, Shell, run_process, shell

__all__ = ["shell"]
CODE = "91500000000000001"
CODE += credit_check_character(CODE)


def apply(shell: Shell, folder: Path, *more: str) -> Ran:
    scan = folder / "scan.pdf"
    scan.write_bytes(b"%PDF-1.4 made for a test")
    return shell(
        "org", "apply", "山城影像馆", "--name-en", "Hill City Film House", "--code", CODE, "--licence-scan", scan,
        "--legal-representative", "周", "--agent", "吴", "--authorisation", scan, "--json", *more,
    )  # fmt: skip


def add_operators(shell: Shell) -> None:
    for login in ("first", "second"):
        assert shell("person", "add", login, "--name", login, "--role", "operator").code == 0


def test_two_checkers_admit_an_organisation_and_the_applicant_is_neither(shell: Shell, tmp_path: Path) -> None:
    add_operators(shell)
    party = apply(shell, tmp_path).json["id"]

    own = shell("org", "check", party, "--json")
    one = shell("org", "check", CODE, "--by", "first", "--json")
    again = shell("org", "check", party, "--by", "first", "--json")
    two = shell("org", "check", "山城影像馆", "--by", "second", "--json")

    assert (own.code, own.json["error"]) == (1, "same-checker")
    assert (one.code, one.json["state"]) == (0, "applied")
    assert (again.code, again.json["error"]) == (1, "same-checker")
    assert (two.code, two.json["state"]) == (0, "admitted")
    listed = {row["id"]: row for row in shell("org", "list", "--json").json["organisations"]}
    assert (listed[party]["state"], listed[party]["checks"], listed[party]["credit_code"]) == ("admitted", 2, CODE)


def test_an_application_without_its_papers_is_refused(shell: Shell, tmp_path: Path) -> None:
    no_code = shell("org", "apply", "无号", "--json")
    no_paper = shell("org", "apply", "无照", "--code", CODE, "--json")
    no_scan = tmp_path / "scan.pdf"
    no_scan.write_bytes(b"MZ this is a program")
    bad_scan = shell("org", "apply", "假照", "--code", CODE, "--licence-scan", no_scan, "--json")

    assert [ran.json["error"] for ran in (no_code, no_paper, bad_scan)] == [
        "bad-credit-code", "missing-paper", "bad-scan",
    ]  # fmt: skip
    assert [ran.code for ran in (no_code, no_paper, bad_scan)] == [1, 1, 1]
    assert [row["name_zh"] for row in shell("org", "list", "--json").json["organisations"]] == ["本馆"]


def test_a_natural_person_and_a_foreign_body_show_other_papers(shell: Shell, tmp_path: Path) -> None:
    scan = tmp_path / "scan.png"
    scan.write_bytes(b"\x89PNG made for a test")

    person = shell("org", "apply", "郑", "--kind", "natural_person", "--identity-document", scan, "--json")
    body = shell(
        "org", "apply", "莱茵影像", "--kind", "foreign_body", "--country", "DE", "--registration-number", "HRB 1",
        "--registration-scan", scan, "--authorisation", scan, "--json",
    )  # fmt: skip

    assert (person.code, body.code) == (0, 0)
    kinds = {row["name_zh"]: row["kind"] for row in shell("org", "list", "--json").json["organisations"]}
    assert kinds == {"本馆": "organisation", "郑": "natural_person", "莱茵影像": "foreign_body"}


def test_an_application_is_refused_with_its_reason(shell: Shell, tmp_path: Path) -> None:
    add_operators(shell)
    apply(shell, tmp_path)

    refused = shell("org", "refuse", CODE, "--reason", "执照过期", "--by", "first")
    late = shell("org", "check", CODE, "--by", "second", "--json")

    assert refused.code == 0
    assert (late.code, late.json["error"]) == (1, "already-decided")


def test_a_person_with_a_password_from_standard_input_can_sign_in(tmp_path: Path) -> None:
    home = tmp_path / "home"
    arguments = ("person", "add", "lin", "--name", "林", "--role", "archivist", "--password-stdin", "--json")

    short = run_process(*arguments, stdin="short\n", ASSET_HUB_HOME=str(home))
    added = run_process(*arguments, stdin="a long enough one\n", ASSET_HUB_HOME=str(home))
    taken = run_process(*arguments, stdin="a long enough one\n", ASSET_HUB_HOME=str(home))

    assert [ran.code for ran in (short, added, taken)] == [2, 0, 1]
    services = open_home(Settings(home=home))
    with services.database.write() as session:
        secret = sign_in(session, login="lin", password="a long enough one", now=clock.now())
        assert actor_of_secret(session, secret=secret, now=clock.now()).name == "林"


def test_a_token_is_narrowed_to_known_acts(shell: Shell, tmp_path: Path) -> None:
    unknown = shell("token", "issue", "--name", "feed", "--scope", "marketplace.everything")
    issued = shell("token", "issue", "--name", "feed", "--scope", "marketplace.quote", "--json")

    assert unknown.code == 2
    services = open_home(Settings(home=tmp_path / "home"))
    with services.database.read() as session:
        actor = actor_of_secret(session, secret=issued.json["token"], now=clock.now())
    assert actor.scopes == frozenset({"marketplace.quote"})


@pytest.mark.parametrize(
    "arguments",
    [
        ("org", "check", "nobody"), ("org", "refuse", "nobody", "--reason", "x"), ("org", "list", "--by", "nobody"),
        ("person", "add", "x", "--name", "x", "--role", "operator", "--org", "nobody"),
    ],
)  # fmt: skip
def test_a_name_that_nobody_has_is_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    ran = shell(*arguments)

    assert ran.code == 1
    assert ran.err.startswith("asset-hub: There is no ")
