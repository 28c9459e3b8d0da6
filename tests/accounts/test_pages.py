"""Signing in and out, demo accounts, one's own account, and the notices."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from asset_hub.accounts import Actor, Role, actor_of_secret, join, people, require_person
from asset_hub.accounts.demo import DemoAccount, write_demo_accounts
from asset_hub.accounts.deps import SESSION_COOKIE
from asset_hub.accounts.models import PersonRow, SignInFailureRow, TokenRow
from asset_hub.accounts.pages import local_path
from asset_hub.accounts.throttle import TRIES, TRIES_PER_NAME, WINDOW, note_try, source_of
from asset_hub.app import Services, create_app, open_home
from asset_hub.core import clock
from asset_hub.core.settings import Settings
from asset_hub.core.text import N_, Text
from asset_hub.messages import notify
from tests.builders import make_actor, make_organisation
from tests.web.pages import client_for

PASSWORD = "慢慢来 2026"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = open_home(Settings(home=tmp_path / "home"))
    yield opened
    opened.database.dispose()


def settle(services: Services, *roles: Role, login: str = "lin") -> Actor:
    with services.database.write() as session:
        return make_actor(session, roles=roles or {Role.ARCHIVIST}, login=login, password=PASSWORD)


def try_password(client: TestClient, password: str = "wrong", *, login: str = "lin") -> int:
    answer = client.post("/sign-in", data={"login": login, "password": password})
    return int(answer.status_code)


def test_a_password_opens_a_session_in_a_cookie_that_scripts_cannot_read(services: Services) -> None:
    lin = settle(services)
    client = client_for(services)

    answer = client.post("/sign-in", data={"login": "lin", "password": PASSWORD, "next": "/account?x=1"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1")
    kept = answer.headers["set-cookie"].lower()
    assert [part in kept for part in ("httponly", "samesite=lax", "max-age=1209600", "path=/")] == [True] * 4
    assert "secure" not in kept
    with services.database.read() as session:
        assert actor_of_secret(session, secret=client.cookies[SESSION_COOKIE], now=clock.now()) == lin


def test_over_https_the_cookie_travels_only_there(services: Services) -> None:
    settle(services)
    client = TestClient(create_app(services, with_worker=False), base_url="https://testserver", follow_redirects=False)

    answer = client.post("/sign-in", data={"login": "lin", "password": PASSWORD})

    assert "; secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "evil.example", "",
        "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", "/ok\\@evil.example", "///evil.example",
    ],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(services: Services, address: str) -> None:
    settle(services)
    client = client_for(services)

    asked = client.get("/sign-in", params={"next": address})
    entered = client.post("/sign-in", data={"login": "lin", "password": PASSWORD, "next": address})

    assert 'name="next" value="/"' in asked.text
    assert (entered.status_code, entered.headers["location"]) == (303, "/")


def test_addresses_of_this_site_are_kept() -> None:
    addresses = ("/", "/account", "/search?q=朝天门", "/a//b", "/assets/CQ-1?t=3#t=3")

    assert [local_path(address) for address in addresses] == list(addresses)


def test_a_wrong_password_says_so_beside_the_name_that_was_typed(services: Services) -> None:
    settle(services)

    answer = client_for(services).post("/sign-in", data={"login": '"><script>', "password": "wrong"})

    assert answer.status_code == 422
    assert "The name or the password is wrong" in answer.text
    assert 'value="&#34;&gt;&lt;script&gt;"' in answer.text
    assert SESSION_COOKIE not in answer.headers.get("set-cookie", "")


def test_a_name_rests_after_wrong_passwords_from_one_address(services: Services) -> None:
    settle(services)
    settle(services, login="he")
    clients = [client_for(services), client_for(services)]

    wrong = [try_password(clients[n % 2]) for n in range(TRIES)]
    right = client_for(services).post("/sign-in", data={"login": "lin", "password": PASSWORD})

    assert wrong == [422] * TRIES
    assert right.status_code == 429
    assert "Too many wrong passwords. Try again in five minutes." in right.text
    assert try_password(clients[0], PASSWORD, login="he") == 303
    with services.database.read() as session:
        assert session.exec(select(TokenRow.kind)).all() == ["session"]


def test_nobody_shuts_another_address_out_with_a_few_guesses(services: Services) -> None:
    settle(services)
    stranger = client_for(services, address="198.51.100.7")

    guesses = [try_password(stranger) for _ in range(60)]

    assert guesses == [422] * TRIES + [429] * (60 - TRIES)
    assert try_password(client_for(services), PASSWORD) == 303
    assert try_password(stranger, PASSWORD) == 429


def test_a_name_rests_for_all_after_many_guesses_from_everywhere(services: Services) -> None:
    settle(services)
    with services.database.write() as session:
        for n in range(TRIES_PER_NAME - 1):
            note_try(session, login="lin", source=f"198.51.100.{n // TRIES}", now=clock.now())

    last = try_password(client_for(services, address="203.0.113.1"))

    assert last == 422
    assert try_password(client_for(services), PASSWORD) == 429


def test_addresses_of_one_network_count_as_one() -> None:
    written = ["2001:db8:1:2::7", "2001:db8:1:2:ffff::", "fe80::1%eth0", "::ffff:192.0.2.9", "192.0.2.9", "", None]

    counted = [source_of(address) for address in written]

    assert counted == ["2001:db8:1:2::", "2001:db8:1:2::", "fe80::", "192.0.2.9", "192.0.2.9", "", ""]


def test_who_finds_no_memory_for_a_password_hears_so_and_is_not_counted(services: Services) -> None:
    settle(services)
    client = client_for(services)
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(people._hashing())

        began = time.monotonic()
        busy = client.post("/sign-in", data={"login": "lin", "password": PASSWORD})
        waited = time.monotonic() - began

    assert (busy.status_code, "Too many people sign in" in busy.text) == (503, True)
    assert 2.9 < waited < 30
    with services.database.read() as session:
        assert session.exec(select(SignInFailureRow)).all() == []
    assert try_password(client, PASSWORD) == 303


def test_a_name_rests_for_five_minutes_only(services: Services) -> None:
    settle(services)
    client = client_for(services)
    assert [try_password(client) for _ in range(TRIES + 1)] == [422] * TRIES + [429]

    with services.database.write() as session:
        for row in session.exec(select(SignInFailureRow)):
            row.at -= WINDOW + timedelta(seconds=1)

    assert try_password(client, PASSWORD) == 303


def test_the_right_password_begins_the_count_anew(services: Services) -> None:
    settle(services)
    client = client_for(services)

    tries = [try_password(client, *given) for given in [()] * (TRIES - 1) + [(PASSWORD,)] + [()] * (TRIES - 1)]

    assert tries == [422] * (TRIES - 1) + [303] + [422] * (TRIES - 1)


def test_signing_out_ends_the_session_everywhere(services: Services) -> None:
    client = client_for(services, settle(services))
    secret = client.cookies[SESSION_COOKIE]

    answer = client.post("/sign-out")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    other = client_for(services)
    other.cookies[SESSION_COOKIE] = secret
    assert other.get("/account").headers["location"] == "/sign-in?next=/account"


def test_a_home_without_a_demo_has_no_doors_without_password(services: Services) -> None:
    settle(services, login="demo-producer")
    client = client_for(services)

    page = client.get("/sign-in")
    answer = client.post("/sign-in/demo", data={"login": "demo-producer"})

    assert "Demo accounts" not in page.text
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_an_empty_field_at_sign_in_is_said_beside_it(services: Services) -> None:
    client = client_for(services)

    answers = [client.post("/sign-in", data=given) for given in ({}, {"login": "lin"}, {"password": PASSWORD})]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert [answer.text.count('class="error"') for answer in answers] == [2, 1, 1]
    assert 'value="lin"' in answers[1].text


def test_only_listed_demo_accounts_are_entered(services: Services) -> None:
    settle(services, Role.PRODUCER, login="demo-producer")
    settle(services, Role.OPERATOR, login="boss")
    account = DemoAccount("demo-producer", N_("Producer"), "江声影业", "River Sound", "/licences", "Try <this>.")
    write_demo_accounts(services.settings.home, (account,))
    client = client_for(services)

    page = client.get("/sign-in")
    refused = client.post("/sign-in/demo", data={"login": "boss"})
    entered = client.post("/sign-in/demo", data={"login": "demo-producer"})

    assert [words in page.text for words in ("Producer", "River Sound", "Try &lt;this&gt;.")] == [True] * 3
    assert refused.status_code == 404
    assert (entered.status_code, entered.headers["location"]) == (303, "/licences")
    assert client.get("/api/v1/me").json()["roles"] == ["producer"]


def test_the_account_says_who_one_is_in_words(services: Services) -> None:
    with services.database.write() as session:
        house = make_organisation(session, name_zh="<b>馆</b>", name_en="")
        lin = make_actor(session, roles={Role.ARCHIVIST, Role.RIGHTS_DESK}, organisation=house)

    page = client_for(services, lin, language="zh").get("/account")

    assert page.status_code == 200
    assert "馆员、版权专员" in page.text
    assert "<b>馆</b>" not in page.text
    assert page.text.count("&lt;b&gt;馆&lt;/b&gt;") >= 1


def test_a_person_of_two_houses_acts_for_either_and_for_no_third(services: Services) -> None:
    lin = settle(services, Role.ARCHIVIST)
    with services.database.write() as session:
        second, third = make_organisation(session, name_zh="第二馆"), make_organisation(session, name_zh="第三馆")
        join(session, person_id=require_person(lin), organisation_id=second.id, roles={Role.CURATOR})
    client = client_for(services, lin)

    switched = client.post("/account/house", data={"organisation": str(second.id)})
    after = client.get("/api/v1/me").json()
    foreign = client.post("/account/house", data={"organisation": str(third.id)})

    assert (switched.status_code, foreign.status_code) == (303, 404)
    assert (after["organisation"], after["roles"]) == (str(second.id), ["curator"])
    assert client.get("/api/v1/me").json() == after


def test_a_language_is_kept_with_the_person(services: Services) -> None:
    lin = settle(services)
    client = client_for(services, lin, language="zh")

    changed = client.post("/account/language", data={"language": "en"})
    unknown = client.post("/account/language", data={"language": "xx"})

    assert (changed.status_code, unknown.status_code) == (303, 422)
    assert client.get("/account").headers["content-language"] == "en"
    with services.database.read() as session:
        assert session.get_one(PersonRow, lin.person_id).language == "en"


def make_token(client: TestClient, *scopes: str) -> str:
    answer = client.post("/account/tokens", data={"name": "feed", "scopes": list(scopes)})
    assert answer.status_code == 200
    found = re.search(r'data-text="([\w-]{40,})"', answer.text)
    assert found is not None
    return found.group(1)


def test_a_token_is_shown_once_does_what_it_names_and_is_revoked(services: Services) -> None:
    client = client_for(services, settle(services, Role.OPERATOR))

    secret = make_token(client, "accounts.list_parties")
    program = client_for(services)
    program.headers["authorization"] = f"Bearer {secret}"
    allowed, refused = program.get("/api/v1/members").status_code, program.get("/api/v1/jobs").status_code
    listed = client.get("/account").text
    with services.database.read() as session:
        token_id = session.exec(select(TokenRow.id).where(TokenRow.kind == "token")).one()
    client.post(f"/account/tokens/{token_id}/revoke")

    assert (allowed, refused) == (200, 403)
    assert ("see members and applications" in listed, secret in listed) == (True, False)
    assert program.get("/api/v1/members").status_code == 401


@pytest.mark.parametrize("scopes", [["catalogue.draft", "accounts.check"], ["no.such.act"], ["marketplace.ask"], []])
def test_a_token_gets_no_act_beyond_its_persons_roles(services: Services, scopes: list[str]) -> None:
    client = client_for(services, settle(services, Role.ARCHIVIST))

    answer = client.post("/account/tokens", data={"name": "feed", "scopes": scopes})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert 'value="feed"' in answer.text
    with services.database.read() as session:
        assert session.exec(select(TokenRow.kind)).all() == ["session"]


def test_a_token_makes_no_token_and_changes_no_account(services: Services) -> None:
    lin = settle(services, Role.OPERATOR)
    client = client_for(services, lin)
    program = client_for(services)
    program.headers["authorization"] = f"Bearer {make_token(client, 'accounts.check')}"
    with services.database.read() as session:
        token_id = session.exec(select(TokenRow.id).where(TokenRow.kind == "token")).one()

    answers = [
        program.post("/account/tokens", data={"name": "more", "scopes": "accounts.manage_members"}),
        program.post(f"/account/tokens/{token_id}/revoke"),
        program.post("/account/house", data={"organisation": str(lin.organisation_id)}),
        program.post("/account/language", data={"language": "en"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    with services.database.read() as session:
        assert sorted(session.exec(select(TokenRow.kind))) == ["session", "token"]


def test_nobody_revokes_another_persons_token(services: Services) -> None:
    make_token(client_for(services, settle(services, Role.OPERATOR)), "accounts.check")
    other = client_for(services, settle(services, Role.OPERATOR, login="he"))
    with services.database.read() as session:
        token_id = session.exec(select(TokenRow.id).where(TokenRow.kind == "token")).one()

    other.post(f"/account/tokens/{token_id}/revoke")

    with services.database.read() as session:
        assert session.exec(select(TokenRow.id).where(TokenRow.kind == "token")).all() == [token_id]


def test_notices_are_ones_own_and_are_read(services: Services) -> None:
    lin, he = settle(services), settle(services, login="he")
    with services.database.write() as session:
        text = Text("{x}", {"x": "<i>done</i>"})
        notify(session, person_id=require_person(lin), text=text, link="/intake", now=clock.now())
    mine, theirs = client_for(services, lin), client_for(services, he)

    before = mine.get("/notices").text
    theirs.post("/notices")
    still = mine.get("/notices").text
    mine.post("/notices")
    after = mine.get("/notices").text

    assert '<strong><a href="/intake">&lt;i&gt;done&lt;/i&gt;</a></strong>' in before
    assert '<span class="count">1</span>' in before
    assert '<span class="count">1</span>' in still
    assert '<span class="count">1</span>' not in after
    assert "<strong>" not in after.partition("<main")[2]
    assert "done" not in theirs.get("/notices").text
