"""Pages and API of disputes and statements: what each reader is shown, and that strangers are shown nothing."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from asset_hub.accounts import Actor, Role, require_organisation
from ledger.cases import answer_case, freeze_case, offer_settlement
from ledger.royalties import publish_statement
from ledger.statement_proofs import verify_statement_proof
from tests.builders import make_actor, make_organisation
from tests.ledger.court import TEXT, TITLE, Court
from tests.web.pages import client_for

SECRET = "不可示人的名目"


class Desk:
    """A frozen dispute with an offer, a statement of two payees, and the doors of everybody."""

    def __init__(self, folder: Path) -> None:
        self.court = Court(folder)
        services = self.court.services
        self.case, self.other = self.court.open(), self.court.open()
        self.court.do(answer_case, self.case, self.court.respondent)
        self.court.do(freeze_case, self.case, self.court.regulator)
        self.court.do(offer_settlement, self.case, self.court.claimant, text="署名即可")
        with services.database.write() as session:
            paid = make_organisation(session, name_zh="两江乐团", name_en="Two Rivers Orchestra")
            self.payee = make_actor(session, roles={Role.RIGHTS_DESK}, organisation=paid)
            self.licensor = require_organisation(self.court.respondent)
            lines = [(self.licensor, SECRET, 777_00), (require_organisation(self.payee), "独唱", 345)]
            self.statement = publish_statement(
                session, self.court.keys, licensor_id=self.licensor, period="2026-10", lines=lines,
                by=self.court.operator, now=self.court.now,
            )  # fmt: skip
        self.court.carry()

    def door(self, actor: Actor | None, *, language: str = "en") -> TestClient:
        return client_for(self.court.services, actor, language=language)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


def test_a_dispute_is_shown_to_its_sides_with_who_may_act_next(desk: Desk) -> None:
    for actor in (desk.court.claimant, desk.court.clerk, desk.court.regulator, desk.court.operator):
        page = desk.door(actor).get(f"/disputes/{desk.case}").text
        for words in (TITLE, TEXT, "Waits for the decision", "work frozen", "平台托管", "offer no. 4", "Authority"):
            assert words in page
        assert TITLE in desk.door(actor).get("/disputes").text


def test_the_pages_of_disputes_are_chinese_first(desk: Desk) -> None:
    page = desk.door(desk.court.claimant, language="zh").get(f"/disputes/{desk.case}").text
    listed = desk.door(desk.court.claimant, language="zh").get("/disputes").text
    for words in ("待裁决", "作品已冻结", "申请人", "被申请人", "下一步由谁进行", "主管机关"):
        assert words in page
    assert "待裁决" in listed
    main = page.split("<main")[1].split("</main>")[0]
    assert [word for word in ("Waits", "frozen", "Claimant", "Respondent", "Opened", "until") if word in main] == []


def test_a_stranger_and_nobody_are_shown_nothing(desk: Desk) -> None:
    stranger, nobody = desk.door(desk.court.stranger), desk.door(None)
    for path in (f"/disputes/{desk.case}", f"/statements/{desk.statement}"):
        assert (stranger.get(path).status_code, stranger.get(f"/api/v1{path}").status_code) == (404, 404)
        assert nobody.get(path).headers["location"].startswith("/sign-in")
        assert nobody.get(f"/api/v1{path}").status_code == 401
    for path in ("/disputes", "/statements"):
        page = stranger.get(path).text
        assert 'class="empty"' in page
        assert TITLE not in page
        assert stranger.get(f"/api/v1{path}").json()[path.strip("/")] == []
    assert stranger.get(f"/api/v1/statements/{desk.statement}/proof").status_code == 404


def test_a_payee_sees_its_line_and_takes_its_proof_along(desk: Desk) -> None:
    payee, licensor = desk.door(desk.payee), desk.door(desk.court.respondent)
    own, whole = (door.get(f"/statements/{desk.statement}").text for door in (payee, licensor))
    assert ("独唱" in own, "¥3.45" in own, SECRET in own, "¥777.00" in own) == (True, True, False, False)
    assert ("独唱" in whole, SECRET in whole, "¥780.45" in whole, "¥780.45" in own) == (True, True, True, True)
    assert "your own lines" in payee.get("/statements").text
    assert "every line" in licensor.get("/statements").text

    proof = payee.get(f"/api/v1/statements/{desk.statement}/proof")

    assert proof.headers["content-disposition"].startswith('attachment; filename="statement-2026-10-r1-')
    proven = verify_statement_proof(proof.content)
    assert (proven.lines, proven.total_fen) == ((("独唱", 345),), 78_045)
    assert SECRET not in proof.text
    foreign = payee.get(f"/api/v1/statements/{desk.statement}/proof", params={"payee": str(desk.licensor)})
    assert foreign.status_code == 404


def test_a_dispute_goes_its_way_over_the_api(desk: Desk) -> None:
    claimant, respondent = desk.door(desk.court.claimant), desk.door(desk.court.respondent)
    regulator, operator = desk.door(desk.court.regulator), desk.door(desk.court.operator)
    said = {"text": TEXT}
    opened = respondent.post(
        "/api/v1/disputes",
        json={**said, "title": TITLE, "asset": str(desk.court.asset_id), "exhibits": [
            {"name": "合同", "sha256": "ab" * 32}
        ], "against": str(desk.court.claimant.organisation_id)},
    )  # fmt: skip
    assert (opened.status_code, opened.json()["next"][0]["act"]) == (201, "answer")
    path = f"/api/v1/disputes/{opened.json()['id']}"

    def post(door: TestClient, step: str, **body: object) -> dict[str, object]:
        desk.court.carry()
        answer = door.post(f"{path}/{step}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    busy = claimant.post(f"{path}/answer", json=said)
    assert (busy.status_code, busy.json()["type"]) == (409, "/problems/case-busy")
    post(claimant, "answer", text=TEXT)
    post(regulator, "freeze", text=TEXT)
    assert post(regulator, "lift", text=TEXT)["is_frozen"] is False
    assert post(regulator, "decide", text=TEXT, appeal_days=9)["state"] == "decided"
    post(claimant, "appeal", text=TEXT)
    assert post(regulator, "decide", text=TEXT)["state"] == "final"
    assert post(operator, "close", text=TEXT)["state"] == "closed"
    desk.court.carry()
    late = respondent.post(f"{path}/withdraw", json=said)
    assert (late.status_code, late.json()["rule"]) == (409, "NotInState")
    again = claimant.post("/api/v1/disputes", json={**said, "title": TITLE, "asset": "x", "licence": 1})
    assert (again.status_code, again.json()["type"]) == (422, "/problems/bad-case")
    assert claimant.post("/api/v1/disputes", json={**said, "title": TITLE, "licence": 99}).status_code == 404
    desk.court.carry()


def test_a_settlement_is_offered_and_accepted_over_the_api(desk: Desk) -> None:
    path = f"/api/v1/disputes/{desk.other}"
    claimant, respondent = desk.door(desk.court.claimant), desk.door(desk.court.respondent)
    offered = claimant.post(f"{path}/offers", json={"text": "各让一半"}).json()["steps"][-1]["number"]
    assert claimant.post(f"{path}/settle", json={"offer": offered}).status_code == 409
    settled = respondent.post(f"{path}/settle", json={"offer": offered})
    desk.court.carry()
    assert (settled.status_code, settled.json()["state"], settled.json()["next"]) == (200, "closed", [])
    assert "Nobody: the dispute is over." in claimant.get(f"/disputes/{desk.other}").text


def test_a_statement_is_published_revised_and_objected_to_over_the_api(desk: Desk) -> None:
    operator, licensor, payee = (desk.door(a) for a in (desk.court.operator, desk.court.respondent, desk.payee))
    lines = [{"payee": str(desk.payee.organisation_id), "label": "合唱", "fen": 5}]
    made = {"licensor": str(desk.licensor), "period": "2026-09", "lines": lines}
    assert licensor.post("/api/v1/statements", json=made).status_code == 403
    published = operator.post("/api/v1/statements", json=made)
    assert (published.status_code, published.json()["revisions"][0]["state"]) == (201, "recorded")
    path = f"/api/v1/statements/{UUID(published.json()['id'])}"
    assert payee.get(f"{path}/proof").status_code == 409
    desk.court.carry()
    revised = operator.post(f"{path}/revisions", json={"reason": "漏记", "lines": [{**lines[0], "fen": 6}]})
    desk.court.carry()
    late = payee.post(f"{path}/objections", json={"revision": 1, "text": "仍不符"})
    objected = payee.post(f"{path}/objections", json={"revision": 2, "text": "仍不符"})
    desk.court.carry()

    assert [one["total_fen"] for one in revised.json()["revisions"]] == [6, 5]
    assert (late.status_code, json.loads(late.text)["type"]) == (409, "/problems/other-revision")
    assert [one["text"] for one in objected.json()["objections"]] == ["仍不符"]
    page = payee.get(f"/statements/{published.json()['id']}").text
    assert ("仍不符" in page, "漏记" in page, "revision 2" in page) == (True, True, True)
