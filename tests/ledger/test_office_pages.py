"""The exchange's own keys and roles by command, API and page: asked for, confirmed, announced, withdrawn, done."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import func, select
from starlette.testclient import TestClient

from asset_hub.accounts import Actor, Role
from asset_hub.accounts.models import MembershipRow
from asset_hub.accounts.people import issue_token
from asset_hub.app import Services, open_home
from asset_hub.core import clock
from asset_hub.core.settings import Settings
from asset_hub.messages import list_notices
from ledger.addresses import show_address
from ledger.confirmations import list_confirmations
from ledger.key_models import OfficeKeyRow, RoleChangeRow
from ledger.models import EntryRow
from ledger.office_keys import carry_out
from ledger.office_notices import tell_outcome
from ledger.submit import submit_next
from ledger.types import EntryKind
from tests.builders import make_actor
from tests.commands import Shell, shell
from tests.ledger.houses import House, make_house
from tests.web.pages import client_for

__all__ = ["shell"]
COURT = "0x4242424242424242424242424242424242424242"
TWO_DAYS = timedelta(days=2, minutes=10)
API = "/api/v1/ledger"


class Exchange:
    """A home with its two operators and a regulator, each before a browser."""

    def __init__(self, folder: Path) -> None:
        self.house: House = make_house(folder)
        self.services: Services = self.house.services
        with self.services.database.write() as session:
            self.first = make_actor(session, roles={Role.OPERATOR}, login="first")
            self.second = make_actor(session, roles={Role.OPERATOR}, login="second")
            self.court = make_actor(session, roles={Role.REGULATOR}, login="court")
            self.member = make_actor(session, roles={Role.MEMBER}, login="member")

    def page(self, actor: Actor, *, language: str = "en") -> TestClient:
        return client_for(self.services, actor, language=language)

    def confirm(self) -> None:
        """Have the second operator confirm on the page, and the jobs run."""
        page = self.page(self.second)
        with self.services.database.read() as session:
            waiting = list_confirmations(session, by=self.second, now=clock.now())
        for one in waiting:
            assert page.post(f"/confirmations/{one.id}/confirm").status_code == 303
        self.services.run_jobs(threads=1)

    def carry_out(self, change: str) -> None:
        """Let two days pass."""
        later = clock.now() + TWO_DAYS
        with self.services.database.write() as session:
            carry_out(session, change_id=UUID(change), now=later)
        with self.services.database.write() as session:
            while submit_next(session, self.services.keys, now=later):
                pass

    def counts(self) -> tuple[int, ...]:
        """Return how many changes, their entries, and keys that were drawn there are."""
        with self.services.database.read() as session:
            return (
                session.exec(select(func.count()).select_from(RoleChangeRow)).one(),
                session.exec(select(func.count()).where(EntryRow.kind == EntryKind.ROLE)).one(),
                session.exec(select(func.count()).where(OfficeKeyRow.sealed != None)).one(),  # noqa: E711
            )


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


def test_a_rotation_is_asked_for_confirmed_announced_and_withdrawn_on_the_pages(exchange: Exchange) -> None:
    first, second, court = (exchange.page(one) for one in (exchange.first, exchange.second, exchange.court))

    asked = first.post("/ledger/keys/rotation", data={"office": "operator", "reason": "年度更换"})
    waiting = first.get("/ledger").text
    sentences = [exchange.page(exchange.second, language=one).get("/confirmations").text for one in ("en", "zh")]
    exchange.confirm()
    pages = [one.get("/ledger").text for one in (first, court, exchange.page(exchange.member))]
    notices = [exchange.page(exchange.court, language=one).get("/notices").text for one in ("en", "zh")]
    (change,) = second.get(f"{API}/role-changes").json()["changes"]
    new = change["steps"][0]["address"]
    withdrawn = court.post(f"/ledger/role-changes/{change['id']}/withdrawal")
    on_the_way = court.get("/ledger").text
    exchange.services.run_jobs(threads=1)
    after = first.get("/ledger").text

    assert (asked.status_code, asked.headers["location"], withdrawn.status_code) == (303, "/ledger", 303)
    assert "waits for a second person" in waiting
    assert "Acts that wait for a second person: 1." in waiting
    assert "wait for the signature of a house" not in waiting
    assert "changes on" not in waiting
    assert f"the key of its registrar, notary and authority: the new one is {new}, and speaks two days" in sentences[0]
    assert f"更换交易所的登记、公证与裁决密钥：新密钥为 {new}，公告两日后生效。理由：年度更换" in sentences[1]
    assert all("Who has which role on the ledger changes on 20" in page for page in pages)
    assert ["Withdraw this change" in page for page in pages] == [True, True, False]
    assert ["/ledger/keys/rotation" in page for page in pages] == [True, False, False]
    assert ["年度更换" in page for page in pages] == [True, True, False]
    assert "+08:00. Withdraw it if it should not." in notices[0]
    assert "+08:00 变更。如有不妥，请撤回。" in notices[1]
    assert (change["state"], change["office"], change["is_on_its_way"]) == ("announced", "operator", False)
    assert "Withdraw this change" not in on_the_way
    assert "announced; the next act is on its way" in on_the_way
    assert "changes on 20" not in after
    assert "withdrawn" in after
    assert exchange.counts() == (1, 2, 0)


def test_two_days_later_the_page_and_the_command_name_the_new_key(exchange: Exchange, shell: Shell) -> None:
    page = exchange.page(exchange.first)
    old = show_address(exchange.services.keys.first.operator.address)
    change = page.post(f"{API}/keys/operator/rotation", json={"reason": "离职"}).json()["id"]
    exchange.confirm()
    told = shell("ledger", "status").out
    exchange.carry_out(change)

    keys = [one for one in page.get(f"{API}/keys").json()["keys"] if one["office"] == "operator"]
    roles = page.get(f"{API}/roles").json()["roles"]
    shown = page.get("/ledger").text
    listed = shell("ledger", "key", "list")
    as_json = shell("ledger", "key", "list", "--json").json
    past, present = keys

    assert "Who has which role on the ledger changes on 20" in told
    assert shell("ledger", "status", "--json").json["role_changes"] == []
    assert (past["address"], past["until"], present["until"]) == (old, present["since"], None)
    assert present["address"] != old
    assert shown.index(present["address"]) < shown.index("Past keys") < shown.index(f">{old}<")
    assert f"operator  {present['address']}" in listed.out
    assert "Registrar, notary and authority" in listed.out
    assert [one for one in as_json["keys"] if one["office"] == "operator"] == keys
    notaries = [(one["address"], one["office"], one["until"] is None) for one in roles if one["role"] == "NOTARY"]
    assert notaries == [(present["address"], "operator", True), (old, "operator", False)]


def test_a_role_is_given_taken_and_listed_by_commands(exchange: Exchange, shell: Shell) -> None:
    given = shell("ledger", "role", "give", "AUTHORITY", COURT, "--reason", "法院", "--by", "first")
    waiting = shell("ledger", "role", "changes").out
    exchange.confirm()
    (change,) = shell("ledger", "role", "changes", "--json").json["changes"]
    exchange.carry_out(change["id"])
    listed = shell("ledger", "role", "list").out
    taken = shell("ledger", "role", "take", "AUTHORITY", COURT, "--reason", "期满", "--by", "first")
    exchange.confirm()
    withdrawn = shell("ledger", "role", "withdraw", taken.out.split()[0], "--by", "court")
    states = [one["state"] for one in shell("ledger", "role", "changes", "--json").json["changes"]]
    roles = shell("ledger", "role", "list", "--json").json["roles"]

    assert (given.code, taken.code, withdrawn.code) == (0, 0, 0)
    assert given.out.startswith(change["id"])
    assert "a second person must confirm it: asset-hub confirm list" in given.out
    assert f"waits for a second person\n  The role AUTHORITY is given to {COURT}\n  法院" in waiting
    assert change["steps"] == [{"act": "give", "role": "AUTHORITY", "address": COURT}]
    assert any(line.startswith("AUTHORITY") and line.endswith("another key") for line in listed.splitlines())
    assert states == ["withdrawn", "done"]
    assert [(one["office"], one["until"]) for one in roles if one["address"] == COURT] == [(None, None)]


def test_a_key_is_rotated_by_command_and_refused_by_the_second_person(exchange: Exchange, shell: Shell) -> None:
    rotated = shell("ledger", "key", "rotate", "cashier", "--reason", "更换", "--by", "first")
    (waiting,) = shell("confirm", "list", "--by", "second", "--json").json["confirmations"]
    shell("confirm", "refuse", waiting["id"], "--by", "second")
    changes = shell("ledger", "role", "changes", "--by", "court").out
    shown = exchange.page(exchange.court, language="zh").get("/ledger").text

    assert rotated.code == 0
    assert changes.startswith(f"{rotated.out.split()[0]}  came to nothing  A second person refused it.")
    assert "复核人未予同意。" in shown
    assert exchange.counts() == (1, 1, 0)


def test_roles_and_keys_are_changed_by_the_operator_alone_and_never_by_a_token(exchange: Exchange) -> None:
    new = {"role": "AUTHORITY", "address": COURT, "act": "give", "reason": "x"}
    with exchange.services.database.write() as session:
        membership = session.exec(
            select(MembershipRow).where(MembershipRow.person_id == exchange.first.person_id)
        ).one()
        scopes = ("ledger.change_roles", "ledger.withdraw_role", "ledger.oversee")
        secret = issue_token(session, membership_id=membership.id, scopes=scopes, name="desk", now=clock.now())
    token = client_for(exchange.services)
    token.headers["authorization"] = f"Bearer {secret}"
    member, court, nobody = exchange.page(exchange.member), exchange.page(exchange.court), client_for(exchange.services)

    for page, status in ((member, 403), (court, 403), (token, 403), (nobody, 401)):
        assert page.post(f"{API}/keys/relayer/rotation", json={"reason": "x"}).status_code == status
        assert page.post(f"{API}/role-changes", json=new).status_code == status
    assert member.post("/ledger/keys/rotation", data={"office": "relayer", "reason": "x"}).status_code == 403
    assert [one.get(f"{API}/role-changes").status_code for one in (member, nobody, token)] == [403, 401, 200]
    assert [one.get(f"{API}/{name}").status_code for one in (member, nobody) for name in ("keys", "roles")] == [
        200, 200, 401, 401,
    ]  # fmt: skip
    assert exchange.counts() == (0, 0, 0)

    change = exchange.page(exchange.first).post(f"{API}/keys/relayer/rotation", json={"reason": "x"}).json()["id"]
    early = court.post(f"{API}/role-changes/{change}/withdrawal")
    exchange.confirm()
    by_member = [member.post(f"{path}/role-changes/{change}/withdrawal") for path in (API, "/ledger")]
    by_token = token.post(f"{API}/role-changes/{change}/withdrawal")

    assert (early.status_code, early.json()["type"]) == (409, "/problems/role-change-closed")
    assert [one.status_code for one in by_member] == [403, 403]
    assert by_token.status_code == 204


def test_what_is_no_change_is_refused_by_name_and_leaves_nothing(exchange: Exchange, shell: Shell) -> None:
    page, long, unknown = exchange.page(exchange.first), "长" * 10_000, "01890000-0000-7000-8000-000000000000"
    new: dict[str, str | int] = {"role": "AUTHORITY", "address": COURT, "act": "give", "reason": "x"}
    ours = show_address(exchange.services.keys.first.operator.address)
    changed = "0x" + ours[2:].swapcase()
    cases: list[tuple[str, dict[str, str | int], int, str]] = [
        ("keys/king/rotation", {"reason": "x"}, 404, "not-found"),
        ("keys/relayer/rotation", {"reason": " "}, 422, "bad-form"),
        ("keys/relayer/rotation", {"reason": long}, 422, "bad-form"),
        ("keys/relayer/rotation", {"reason": "x", "more": 1}, 422, "bad-form"),
        ("role-changes", new | {"role": "ADMIN"}, 422, "bad-input"),
        ("role-changes", new | {"role": "KING"}, 422, "bad-input"),
        ("role-changes", new | {"address": "0x12"}, 422, "bad-key-address"),
        ("role-changes", new | {"address": changed}, 422, "bad-key-address"),
        ("role-changes", new | {"address": "0x" + "00" * 20}, 422, "bad-key-address"),
        ("role-changes", new | {"address": ours}, 409, "key-taken"),
        ("role-changes", new | {"act": "take", "address": ours}, 422, "bad-input"),
        ("role-changes", new | {"act": "take"}, 422, "bad-input"),
        ("role-changes", new | {"act": "keep"}, 422, "bad-form"),
        ("role-changes", new | {"reason": long}, 422, "bad-form"),
        (f"role-changes/{unknown}/withdrawal", {}, 404, "role-change-not-found"),
        ("role-changes/none/withdrawal", {}, 404, "not-found"),
    ]

    for path, body, status, slug in cases:
        answer = page.post(f"{API}/{path}", json=body)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}"), path
    for form in ({"office": "king", "reason": "x"}, {"office": "relayer", "reason": long}, {"office": "relayer"}):
        assert page.post("/ledger/keys/rotation", data=form).status_code == 422
    assert page.post(f"/ledger/role-changes/{unknown}/withdrawal").status_code == 404
    for arguments, code in (
        (("key", "rotate", "king", "--reason", "x"), 2), (("key", "rotate", "relayer", "--reason", " "), 1),
        (("key", "rotate", "relayer", "--reason", long), 1), (("key", "rotate", "relayer"), 2),
        (("role", "give", "KING", COURT, "--reason", "x"), 1), (("role", "give", "NOTARY", "x", "--reason", "x"), 1),
        (("role", "take", "NOTARY", COURT, "--reason", "x"), 1), (("role", "withdraw", unknown), 1),
        (("role", "withdraw", "none"), 2), (("key", "rotate", "relayer", "--reason", "x", "--by", "member"), 1),
    ):  # fmt: skip
        ran = shell("ledger", *arguments)
        assert (ran.code, "Traceback" in ran.err) == (code, False), arguments
    assert exchange.counts() == (0, 0, 0)


def test_before_anything_is_on_the_ledger_there_are_keys_and_nothing_to_change(tmp_path: Path) -> None:
    services = open_home(Settings(home=tmp_path / "home"))
    with services.database.write() as session:
        operator = make_actor(session, roles={Role.OPERATOR})
    page = client_for(services, operator)

    keys = page.get(f"{API}/keys").json()["keys"]
    refused = page.post(f"{API}/keys/relayer/rotation", json={"reason": "x"})

    assert [(one["office"], one["since"]) for one in keys] == [
        ("relayer", None), ("operator", None), ("cashier", None), ("admin", None),
    ]  # fmt: skip
    assert page.get(f"{API}/roles").json() == {"roles": []}
    assert page.get("/ledger").status_code == 200
    assert refused.status_code == 404


def test_a_change_that_nobody_carries_out_is_called_overdue_and_its_end_is_told(
    exchange: Exchange, shell: Shell
) -> None:
    page = exchange.page(exchange.first)
    change = page.post(f"{API}/keys/operator/rotation", json={"reason": "离职"}).json()["id"]
    exchange.confirm()
    with exchange.services.database.write() as session:
        row = session.get_one(RoleChangeRow, UUID(change))
        ready, row.ready_at = row.ready_at, int(clock.now().timestamp()) - 3600
    late = [shell("ledger", "status").out, shell("ledger", "role", "changes").out, page.get("/ledger").text]
    with exchange.services.database.write() as session:
        session.get_one(RoleChangeRow, UUID(change)).ready_at = ready
    coming = shell("ledger", "role", "changes").out
    exchange.carry_out(change)
    told = [exchange.page(one).get("/notices").text for one in (exchange.first, exchange.court, exchange.member)]

    assert all("is overdue since 20" in one and "It lapses on 20" in one for one in late)
    assert "overdue" not in coming
    assert ["Publish the new trust file, /ledger/trust.json" in one for one in told] == [True, True, False]


def test_a_change_in_the_way_is_named_with_how_to_end_it(exchange: Exchange, shell: Shell) -> None:
    page = exchange.page(exchange.first)
    change = page.post(f"{API}/keys/relayer/rotation", json={"reason": "x"}).json()["id"]
    asked = page.post(f"{API}/keys/relayer/rotation", json={"reason": "x"})
    (waiting,) = shell("confirm", "list", "--by", "second", "--json").json["confirmations"]
    listed = shell("confirm", "list", "--by", "second").out
    exchange.confirm()
    announced = page.post(f"{API}/keys/relayer/rotation", json={"reason": "x"})
    shell("ledger", "role", "withdraw", change, "--by", "first")
    withdrawn = shell("ledger", "role", "changes").out

    assert (asked.status_code, asked.json()["type"], asked.json()["change"]) == (
        409, "/problems/role-change-open", change,
    )  # fmt: skip
    assert asked.json()["detail"].startswith("Another change is open: New key for “Carrier of transactions”: 0x")
    assert asked.json()["detail"].endswith(f"or take it back: asset-hub confirm refuse {waiting['id']}")
    assert announced.json()["detail"].endswith(f"or withdraw it: asset-hub ledger role withdraw {change}")
    assert f"  asked by {waiting['agreed_by']}  until 20" in listed
    assert "+08:00" in listed
    assert withdrawn.startswith(f"{change}  withdrawn\n")
    assert exchange.counts()[0] == 1


def test_who_takes_a_role_back_names_no_address(exchange: Exchange) -> None:
    new = {"role": "AUTHORITY", "address": COURT, "act": "take-back", "reason": "x"}

    answer = exchange.page(exchange.first).post(f"{API}/role-changes", json=new)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-input")
    assert "name no address" in answer.json()["detail"]
    assert exchange.counts() == (0, 0, 0)


def test_the_end_of_a_change_is_told_to_those_who_can_act_and_to_nobody_while_it_goes_on(exchange: Exchange) -> None:
    change = exchange.page(exchange.first).post(f"{API}/keys/cashier/rotation", json={"reason": "x"}).json()["id"]
    ends = (
        ("asked", None, 0), ("announced", None, 0), ("done", None, 1), ("withdrawn", None, 1), ("refused", "x", 1),
        ("refused", "AccessManagerExpired(0x12)", 1),
    )  # fmt: skip
    said = []
    for state, refusal, more in ends:
        with exchange.services.database.write() as session:
            row = session.get_one(RoleChangeRow, UUID(change))
            row.state, row.refusal = state, refusal
            assert exchange.court.person_id is not None
            before = len(list_notices(session, person_id=exchange.court.person_id))
            tell_outcome(session, row, clock.now())
            session.flush()
            notices = list_notices(session, person_id=exchange.court.person_id)
        assert len(notices) == before + more, state
        said += [str(one.text) for one in notices[:more]]

    assert [text.split("0x")[0] for text in said] == ["The change of keys or roles for "] * 4
    assert [text.split(" ", 8)[8] for text in said] == [
        "is carried out.", "is withdrawn.", "came to nothing. Why is on this page.",
        "has lapsed: nobody carried it out within a week after its day.",
    ]  # fmt: skip
