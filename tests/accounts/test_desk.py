"""The operator's desk: applications with their papers, two checks, the people of each house."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from asset_hub.accounts import (
    Actor,
    PartyKind,
    Role,
    apply_for_admission,
    require_organisation,
    require_person,
    sign_in,
)
from asset_hub.accounts.models import MembershipRow, PartyCheckRow, PartyRow, PersonRow
from asset_hub.accounts.scans import MAX_SCAN_BYTES
from asset_hub.core import clock
from tests.accounts.desk import CODE, PDF, SCANS, WORDS, Desk, hand_in, open_desk, parties_named
from tests.builders import make_organisation
from tests.web.pages import client_for

DIGEST = hashlib.sha256(PDF).hexdigest()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.services.database.dispose()


def client_of(desk: Desk, actor: Actor | None) -> TestClient:
    return client_for(desk.services, actor)


def applied(desk: Desk, by: Actor | None = None, name_zh: str = "山城影像", code: str = CODE) -> str:
    """Hand in an application; return the address of its page."""
    assert (
        hand_in(client_of(desk, by or desk.applicant), words={"name_zh": name_zh, "credit_code": code}).status_code
        == 303
    )
    return f"/members/{parties_named(desk.services, name_zh)[0].id}"


def test_the_kind_comes_first_and_brings_its_papers(desk: Desk) -> None:
    client = client_of(desk, desk.applicant)

    first = client.get("/members/apply").text
    papers = {kind: client.get(f"/members/apply?kind={kind}").text for kind in PartyKind}

    assert 'type="file"' not in first
    assert [page.count('type="file"') for page in papers.values()] == [2, 1, 2]
    assert ["credit_code" in page for page in papers.values()] == [True, False, False]


def test_an_application_is_recorded_with_its_scans(desk: Desk) -> None:
    client = client_of(desk, desk.applicant)

    answer = hand_in(client, words={"name_zh": "<b>山城</b>"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    (row,) = parties_named(desk.services, "<b>山城</b>")
    assert (row.state, row.credit_code, row.applied_by) == ("applied", CODE, desk.applicant.person_id)
    assert row.facts == {
        "licence_scan_sha256": DIGEST, "authorisation_sha256": DIGEST, "legal_representative": "陈", "agent_name": "周",
    }  # fmt: skip
    assert list(desk.services.files.digests()) == [DIGEST]
    mine, listed = client.get("/account").text, client_of(desk, desk.first).get("/members").text
    assert [page.count("&lt;b&gt;山城&lt;/b&gt;") for page in (mine, listed)] == [1, 1]
    assert "<b>山城" not in mine + listed


FOREIGN_SCANS = {
    "a page with script": b"<html><script>alert(1)</script>",
    "a program": b"MZ\x90\x00",
    "a drawing with script": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "text before the PDF": b"x%PDF-1.4",
    "an archive": b"PK\x03\x04",
    "too large": b"%PDF-" + b"0" * MAX_SCAN_BYTES,
}


@pytest.mark.parametrize("content", FOREIGN_SCANS.values(), ids=FOREIGN_SCANS.keys())
def test_a_foreign_scan_is_refused_and_what_was_typed_stays(desk: Desk, content: bytes) -> None:
    scans = {**SCANS, "licence_scan_sha256": ("licence.pdf", content)}

    answer = hand_in(client_of(desk, desk.applicant), scans=scans)

    assert answer.status_code == 422
    assert "The scan must be a PDF, JPEG or PNG of at most 20 MB" in answer.text
    assert 'value="山城影像"' in answer.text
    assert parties_named(desk.services, "山城影像") == []
    assert list(desk.services.files.digests()) == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ({"credit_code": CODE[:-1] + "C"}, 422, f"The check character of “{CODE[:-1]}C” is wrong."),
        ({"credit_code": ""}, 422, "does not have the 18 characters"),
        ({"agent_name": " "}, 422, "“Agent” is missing."),
        ({"name_zh": " "}, 422, "“Name in Chinese” is missing."),
        ({"kind": "robot"}, 422, "Choose what applies."),
    ],
)
def test_what_is_missing_or_wrong_is_said_beside_the_form(
    desk: Desk, words: dict[str, str], status: int, said: str
) -> None:
    answer = hand_in(client_of(desk, desk.applicant), words=words)

    assert (answer.status_code, said in answer.text) == (status, True)
    assert parties_named(desk.services, "山城影像") == []


def test_a_scan_is_a_file_and_never_the_digest_of_another(desk: Desk) -> None:
    """Else an applicant who can also check would read any stored file as a paper of their own."""
    client = client_of(desk, desk.first)

    answer = client.post(
        "/members/apply", data={**WORDS, "licence_scan_sha256": DIGEST, "authorisation_sha256": DIGEST}
    )

    assert (answer.status_code, "“Scan of the business licence” is missing." in answer.text) == (422, True)


def test_strangers_do_not_apply(desk: Desk) -> None:
    client = client_of(desk, None)

    answers = [client.get("/members/apply"), hand_in(client)]

    assert [answer.status_code for answer in answers] == [303, 401]
    assert list(desk.services.files.digests()) == []


def test_only_checkers_open_a_scan(desk: Desk) -> None:
    url = applied(desk) + "/papers/licence_scan_sha256"

    answers = {
        name: client_of(desk, actor).get(url)
        for name, actor in {
            "checker": desk.first, "regulator": desk.regulator, "applicant": desk.applicant, "other": desk.archivist,
        }.items()
    }  # fmt: skip

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "checker": 200, "regulator": 403, "applicant": 403, "other": 403,
    }  # fmt: skip
    opened = answers["checker"]
    assert (opened.content, opened.headers["content-type"]) == (PDF, "application/pdf")
    assert opened.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["agent_name", "refusal", "identity_document_sha256", "applied_by"])
def test_only_scans_are_papers_to_open(desk: Desk, name: str) -> None:
    url = applied(desk)

    assert client_of(desk, desk.first).get(f"{url}/papers/{name}").status_code == 404


def test_members_are_no_business_of_other_houses(desk: Desk) -> None:
    url = applied(desk)
    person = f"{url}/people/{desk.applicant.person_id}"
    client = client_of(desk, desk.archivist)

    answers = [
        client.get("/members"), client.get(url), client.post(f"{url}/checks"),
        client.post(f"{url}/refusal", data={"reason": "x"}), client.post(person, data={"roles": "operator"}),
        client.post(f"{url}/people", data={"login": "xx", "name": "x", "password": "0123456789", "roles": "member"}),
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [403] * 6
    assert parties_named(desk.services, "山城影像")[0].state == "applied"


def test_two_checkers_admit_and_the_page_says_who(desk: Desk) -> None:
    url = applied(desk)
    first, second = client_of(desk, desk.first), client_of(desk, desk.second)

    once = first.post(f"{url}/checks", data={"note": "<i>seen</i>"})
    again = first.post(f"{url}/checks")
    between = first.get(url).text
    twice = second.post(f"{url}/checks")
    late = first.post(f"{url}/refusal", data={"reason": "late"})

    assert [answer.status_code for answer in (once, again, twice, late)] == [303, 409, 303, 409]
    assert ("&lt;i&gt;seen&lt;/i&gt;" in between, "1 / 2" in between) == (True, True)
    assert parties_named(desk.services, "山城影像")[0].state == "admitted"
    assert "Agree" not in second.get(url).text
    assert "2 / 2" in second.get("/members").text


def test_an_operator_neither_checks_nor_refuses_their_own_application(desk: Desk) -> None:
    url = applied(desk, by=desk.first)
    client = client_of(desk, desk.first)

    answers = [client.post(f"{url}/checks"), client.post(f"{url}/refusal", data={"reason": "x"})]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert "Another person must check this" in answers[0].text
    with desk.services.database.read() as session:
        assert session.exec(select(PartyCheckRow)).all() == []


def test_the_page_offers_to_agree_only_to_who_can_and_says_who_does(desk: Desk) -> None:
    own, theirs = applied(desk, by=desk.first), applied(desk, name_zh="江城影像", code="91110000600037341L")
    first, second = client_of(desk, desk.first), client_of(desk, desk.second)
    first.post(f"{theirs}/checks")

    offered = {
        (name, url): [f'action="{url}/{act}"' in client.get(url).text for act in ("checks", "refusal")]
        for name, client in {"first": first, "second": second}.items() for url in (own, theirs)
    }  # fmt: skip

    assert offered == {
        ("first", own): [False, False], ("first", theirs): [False, True],
        ("second", own): [True, True], ("second", theirs): [True, True],
    }  # fmt: skip
    assert "two other operators of the exchange check it" in first.get(own).text
    assert "another operator of the exchange gives the second check" in first.get(theirs).text


def test_a_refusal_has_a_reason_that_the_applicant_reads(desk: Desk) -> None:
    url = applied(desk)
    client = client_of(desk, desk.first)

    silent = client.post(f"{url}/refusal", data={"reason": " "})
    refused = client.post(f"{url}/refusal", data={"reason": "执照<过期>"})

    assert [answer.status_code for answer in (silent, refused)] == [422, 303]
    pages = [client_of(desk, desk.applicant).get("/account").text, client.get(url).text]
    assert ["执照&lt;过期&gt;" in page for page in pages] == [True, True]
    assert client_of(desk, desk.second).post(f"{url}/checks").status_code == 409


def people_url(desk: Desk, house: PartyRow | None = None) -> str:
    return f"/members/{house.id if house else require_organisation(desk.applicant)}/people"


def test_a_person_who_is_added_signs_in(desk: Desk) -> None:
    form = {"login": "wu", "name": "<u>吴</u>", "password": "long enough 1", "roles": ["cataloguer", "auditor"]}
    client = client_of(desk, desk.first)

    added = client.post(people_url(desk), data=form)
    taken = client.post(people_url(desk), data=form)
    short = client.post(people_url(desk), data={**form, "login": "wu2", "password": "short"})

    assert [answer.status_code for answer in (added, taken, short)] == [303, 409, 422]
    page = client.get(added.headers["location"]).text
    assert ("&lt;u&gt;吴&lt;/u&gt;" in page, "<u>吴" in page) == (True, False)
    with desk.services.database.write() as session:
        assert len(sign_in(session, login="wu", password="long enough 1", now=clock.now())) > 40
        assert session.exec(select(PersonRow.login).where(PersonRow.login == "wu2")).all() == []


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"roles": []}, 422, "Choose at least one role."),
        ({"roles": ["emperor"]}, 422, "Choose at least one role."),
        ({"login": "applicant"}, 409, "The sign-in name “applicant” is taken."),
        ({"login": " a "}, 422, "A sign-in name has 2 to 80 characters."),
        ({"name": " "}, 422, "Write a name of at most 80 characters."),
        ({"password": "short"}, 422, "A password has at least 10 characters"),
    ],
)
def test_what_is_wrong_with_a_new_person_is_said_beside_its_field_and_what_was_typed_stays(
    desk: Desk, changes: dict[str, object], status: int, said: str
) -> None:
    form: dict[str, object] = {"login": "wu", "name": "吴氏", "password": "long enough 1", "roles": ["cataloguer"]}

    answer = client_of(desk, desk.first).post(people_url(desk), data={**form, **changes})

    assert (answer.status_code, answer.text.count('class="error"')) == (status, 1)
    assert said in answer.text
    assert ('value="吴氏"' in answer.text) is ("name" not in changes)
    assert ('value="cataloguer" checked' in answer.text) is ("roles" not in changes)
    assert "long enough 1" not in answer.text
    with desk.services.database.read() as session:
        assert session.exec(select(PersonRow.login).where(PersonRow.login == "wu")).all() == []


def test_a_person_is_not_left_without_a_role_or_with_a_short_password(desk: Desk) -> None:
    theirs = f"{people_url(desk)}/{desk.archivist.person_id}"
    client = client_of(desk, desk.first)

    house = f"/members/{require_organisation(desk.archivist)}/people/{desk.archivist.person_id}"
    answers = [client.post(theirs), client.post(f"{house}/password", data={"password": "short"})]

    assert [(answer.status_code, answer.text.count('class="error"')) for answer in answers] == [(422, 1), (422, 1)]
    assert roles_of(desk, desk.archivist) == ["archivist"]


def test_roles_are_changed_by_another_person(desk: Desk) -> None:
    own = f"/members/{desk.first.organisation_id}/people/{desk.first.person_id}"
    theirs = f"{people_url(desk)}/{desk.archivist.person_id}"
    client = client_of(desk, desk.first)

    changed = client.post(theirs, data={"roles": ["curator", "rights_desk"]})
    refused = client.post(own, data={"roles": ["operator", "regulator"]})
    unknown = client.post(f"{people_url(desk)}/{desk.second.person_id}", data={"roles": "member"})

    assert [answer.status_code for answer in (changed, refused, unknown)] == [303, 409, 404]
    assert roles_of(desk, desk.archivist) == ["curator", "rights_desk"]
    assert roles_of(desk, desk.first) == ["operator"]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REGULATOR])
def test_no_checker_is_made_in_another_house(desk: Desk, role: Role) -> None:
    """Else one operator would give both checks, the second as a person of a member."""
    form = {"login": "shadow", "name": "影", "password": "long enough 1", "roles": role.value}
    client = client_of(desk, desk.first)

    added = client.post(people_url(desk), data=form)
    changed = client.post(f"{people_url(desk)}/{desk.archivist.person_id}", data={"roles": role.value})
    page = client.get(f"/members/{desk.applicant.organisation_id}").text

    assert [answer.status_code for answer in (added, changed)] == [409, 409]
    assert roles_of(desk, desk.archivist) == ["archivist"]
    assert f'value="{role}"' not in page


def roles_of(desk: Desk, actor: Actor) -> list[str]:
    with desk.services.database.read() as session:
        statement = select(MembershipRow.roles).where(MembershipRow.person_id == require_person(actor))
        return list(session.exec(statement).one())


def test_the_list_says_kind_state_and_checks_of_every_party(desk: Desk) -> None:
    with desk.services.database.write() as session:
        for number in range(20):
            make_organisation(session, name_zh=f"馆 {number}")
        papers = {"identity_document_sha256": DIGEST}
        apply_for_admission(
            session, kind=PartyKind.NATURAL_PERSON, name_zh="周某", papers=papers, by=desk.applicant, now=clock.now()
        )

    page = client_of(desk, desk.regulator).get("/members").text

    assert page.count('<th scope="row">') == 23
    assert [words in page for words in ("周某", "Natural person", "Waits for its checks", "0 / 2")] == [True] * 4
