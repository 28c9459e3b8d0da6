"""JSON of accounts: who asks, members, applications, checks."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asset_hub.accounts.scans import MAX_SCAN_BYTES
from tests.accounts.desk import CODE, PDF, Desk, open_desk, parties_named
from tests.web.pages import client_for

SCAN = base64.b64encode(PDF).decode()
APPLICATION: dict[str, Any] = {
    "kind": "organisation", "name_zh": "山城影像", "credit_code": CODE,
    "papers": {"legal_representative": "陈", "agent_name": "周"},
    "scans": {"licence_scan_sha256": SCAN, "authorisation_sha256": SCAN},
}  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.services.database.dispose()


def test_me_says_who_asks(desk: Desk) -> None:
    known, stranger = client_for(desk.services, desk.regulator), client_for(desk.services)

    answer = known.get("/api/v1/me")

    assert answer.json() == {
        "person": str(desk.regulator.person_id), "name": "林", "organisation": str(desk.regulator.organisation_id),
        "roles": ["regulator"], "scopes": None,
    }  # fmt: skip
    assert (stranger.get("/api/v1/me").status_code, stranger.get("/api/v1/members").status_code) == (401, 401)


def test_an_application_is_made_and_admitted_by_two(desk: Desk) -> None:
    first, second = client_for(desk.services, desk.first), client_for(desk.services, desk.second)

    made = client_for(desk.services, desk.applicant).post("/api/v1/members", json=APPLICATION)
    url = f"/api/v1/members/{made.json()['id']}/checks"
    states = [client.post(url, json={"note": "seen"}).json()["state"] for client in (first, second)]
    late = first.post(url, json={})

    assert (made.status_code, made.json()["state"]) == (201, "applied")
    assert states == ["applied", "admitted"]
    assert (late.status_code, late.json()["type"]) == (409, "/problems/already-decided")
    listed = {row["name_zh"]: row for row in first.get("/api/v1/members").json()["members"]}
    assert listed["山城影像"] == {
        "id": made.json()["id"], "kind": "organisation", "state": "admitted", "name_zh": "山城影像", "name_en": "",
        "credit_code": CODE, "checks": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"credit_code": CODE[:-1] + "C"}, "bad-credit-code"),
        ({"scans": {"licence_scan_sha256": SCAN}}, "missing-paper"),
        ({"scans": {}, "papers": {**APPLICATION["papers"], "licence_scan_sha256": "ab" * 32}}, "missing-paper"),
        ({"scans": {**APPLICATION["scans"], "licence_scan_sha256": "TVqQAA=="}}, "bad-scan"),
        ({"scans": {**APPLICATION["scans"], "licence_scan_sha256": "no base64!"}}, "bad-scan"),
        ({"name_zh": ""}, "bad-form"),
        ({"kind": "robot"}, "bad-form"),
        ({"state": "admitted"}, "bad-form"),
    ],
)
def test_a_wrong_application_is_a_problem_and_nothing_is_recorded(
    desk: Desk, changes: dict[str, Any], problem: str
) -> None:
    answer = client_for(desk.services, desk.applicant).post("/api/v1/members", json=APPLICATION | changes)

    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{problem}")
    assert parties_named(desk.services, "山城影像") == []


def test_a_scan_that_is_too_large_is_refused(desk: Desk) -> None:
    large = base64.b64encode(b"%PDF-" + b"0" * MAX_SCAN_BYTES).decode()
    client = client_for(desk.services, desk.applicant)

    answer = client.post("/api/v1/members", json=APPLICATION | {"scans": {"licence_scan_sha256": large}})

    assert answer.status_code == 422
    assert list(desk.services.files.digests()) == []


def test_nobody_checks_their_own_application_and_members_check_none(desk: Desk) -> None:
    operator, archivist = client_for(desk.services, desk.first), client_for(desk.services, desk.archivist)
    made = operator.post("/api/v1/members", json=APPLICATION).json()["id"]

    answers = [client.post(f"/api/v1/members/{made}/checks", json={}) for client in (operator, archivist)]

    assert [answer.status_code for answer in answers] == [409, 403]
    assert [answer.json()["type"] for answer in answers] == ["/problems/same-checker", "/problems/forbidden"]
    assert parties_named(desk.services, "山城影像")[0].state == "applied"


def test_a_refusal_names_the_act_in_words(desk: Desk) -> None:
    english, chinese = client_for(desk.services, desk.archivist), client_for(desk.services, desk.archivist, language="")

    details = [client.get("/api/v1/members").json()["detail"] for client in (english, chinese)]

    assert details == [
        "Your role does not allow this: see members and applications.", "您的角色无权执行：查看成员与申请。",
    ]  # fmt: skip
