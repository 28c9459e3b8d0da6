"""The shell: headers, cross-site refusals, languages, errors as pages and as problem documents."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from asset_hub.app import Services, open_home
from asset_hub.core.settings import Settings
from asset_hub.web.shell import HERE, static_url
from tests.web.pages import client_for


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    return open_home(Settings(home=tmp_path_factory.mktemp("shell") / "home"))


@pytest.fixture
def client(services: Services) -> TestClient:
    return client_for(services)


def test_every_answer_forbids_foreign_content(client: TestClient) -> None:
    answers = [client.get(path) for path in ("/", "/static/site.css", "/nothing", "/api/v1/nothing")]

    policies = {answer.headers["content-security-policy"] for answer in answers}
    assert len(policies) == 1
    assert "default-src 'self'" in policies.pop()
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"origin": "http://testserver"}, 303),
        ({}, 303),
    ],
)
def test_a_changing_request_of_another_site_is_refused(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/sign-out", headers=headers)

    assert answer.status_code == status


def test_chinese_comes_first_and_english_when_asked(services: Services) -> None:
    plain = client_for(services, language="")

    first = plain.get("/")
    asked = plain.get("/?lang=en")
    kept = plain.get("/")

    assert 'lang="zh-CN"' in first.text
    assert 'lang="en"' in asked.text
    assert kept.headers["content-language"] == "en"


def test_an_unknown_page_is_a_page_and_an_unknown_api_a_problem(client: TestClient) -> None:
    page, api = client.get("/nothing"), client.get("/api/v1/nothing")

    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert (api.status_code, api.headers["content-type"]) == (404, "application/problem+json")
    assert api.json() == {
        "type": "/problems/not-found", "title": "Not found", "status": 404, "detail": "Not found",
        "instance": "/api/v1/nothing",
    }  # fmt: skip


def test_a_wrong_method_says_so(client: TestClient) -> None:
    assert client.delete("/").status_code == 405


def test_a_problem_type_can_be_read(client: TestClient) -> None:
    assert client.get("/problems/window-taken").status_code == 200
    assert client.get("/problems/no-such-problem").status_code == 404


def test_strangers_are_sent_to_sign_in_and_back(client: TestClient) -> None:
    answer = client.get("/account")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/account")
    asked = client.get("/orders?asset=1&use=卫视").headers["location"]
    assert parse_qs(urlsplit(asked).query)["next"] == ["/orders?asset=1&use=%E5%8D%AB%E8%A7%86"]


@pytest.mark.parametrize(
    "value",
    [
        "%%%",
        base64.urlsafe_b64encode(b"[1]").decode(),
        base64.urlsafe_b64encode(b'["{a}", {}]').decode(),
        base64.urlsafe_b64encode(b'["{a:>400000000000}", {"a": 1}]').decode(),
        base64.urlsafe_b64encode(b"[" * 2500).decode(),
    ],
)
def test_a_broken_said_cookie_breaks_no_page(client: TestClient, value: str) -> None:
    client.cookies["said"] = value

    assert client.get("/").status_code == 200


def test_what_was_said_is_text_and_not_markup(client: TestClient) -> None:
    said = json.dumps(["“{name}” can sign in now.", {"name": "<script>alert(1)</script>"}]).encode()
    client.cookies["said"] = base64.urlsafe_b64encode(said).decode()

    answer = client.get("/verify")

    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script>alert(1)" not in answer.text


def test_static_files_may_be_kept_when_their_digest_is_named(client: TestClient) -> None:
    assert "immutable" in client.get("/static/site.css?v=1").headers["cache-control"]
    assert "immutable" not in client.get("/static/site.css").headers.get("cache-control", "")
    assert client.get("/static/../shell.py").status_code == 404


def test_static_addresses_name_files_that_exist() -> None:
    names = ["site.css", "icon.svg", "dist/app.js", "dist/htmx.js", "dist/icons.svg"]

    assert all((HERE / "static" / name).is_file() for name in names)
    assert [url for url in map(static_url, names) if "missing" in url] == []


def test_every_icon_of_the_templates_is_in_the_set() -> None:
    project = Path(__file__).resolve().parents[2]
    known = set(json.loads((project / "asset_hub/web/frontend/icons.json").read_text()))
    used = {
        name
        for path in project.glob("*/**/templates/**/*.html")
        for name in re.findall(r'icon\("([\w-]+)"\)', path.read_text())
    }

    assert used
    assert used - known == set()


@pytest.mark.parametrize("path", ["/api/v1/search", "/sign-in", "/verify"])
def test_a_body_beyond_the_limit_is_refused(client: TestClient, path: str) -> None:
    answer = client.post(path, content=b"x" * (9 << 20), headers={"content-type": "application/x-www-form-urlencoded"})

    assert answer.status_code == 413
    assert "content-security-policy" in answer.headers


def test_a_body_beyond_the_limit_is_refused_as_everything_else_is(services: Services) -> None:
    body, form = b"x" * (9 << 20), {"content-type": "application/x-www-form-urlencoded"}
    chinese = client_for(services, language="zh")

    page = chinese.post("/sign-in", content=body, headers=form)
    in_pieces = chinese.post("/sign-in", content=(body[: 1 << 20] for _ in range(9)), headers=form)
    problem = chinese.post("/api/v1/quotes", content=body, headers={"content-type": "application/json"})
    unread = chinese.post("/nothing", content=body, headers=form)

    assert [answer.status_code for answer in (page, in_pieces, problem, unread)] == [413] * 4
    assert 'lang="zh-CN"' in page.text
    assert "<h1" in page.text
    assert in_pieces.headers["content-type"] == unread.headers["content-type"] == "text/html; charset=utf-8"
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["type"] == "/problems/too-large"


@pytest.mark.parametrize(
    "path", ["/", "/verify", "/search", "/api/v1/search", "/account", "/nothing", "/api/v1/nothing", "/static/site.css"]
)
def test_head_says_what_get_would_without_its_body(client: TestClient, path: str) -> None:
    got, asked = client.get(path), client.head(path)

    kept = ("content-type", "content-length", "location", "content-security-policy", "content-language")
    assert asked.status_code == got.status_code
    assert asked.content == b""
    assert [asked.headers.get(name) for name in kept] == [got.headers.get(name) for name in kept]


def test_head_does_not_send_a_form(client: TestClient) -> None:
    assert client.head("/sign-out").status_code == 405
    assert client.head("/uploads/01890000-0000-7000-8000-000000000000").status_code == 412


@pytest.mark.parametrize(
    "path", ["/quotes/00000000", "/curate/xyz", "/orders/1", "/files/1", "/iiif/xyz/info.json", "/api/v1/licences/xyz"]
)
def test_what_is_no_id_is_the_id_of_nothing(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_wrong_field_is_still_pointed_at(client: TestClient) -> None:
    assert client.get("/api/v1/jobs?limit=none").status_code == 422


def test_hostile_addresses_break_nothing(client: TestClient) -> None:
    assert client.get("/search", params={"after": base64.urlsafe_b64encode(b"[" * 20_000).decode()}).status_code == 422
    assert client.post("/sign-out", headers={"origin": "http://["}).status_code == 403


@pytest.mark.postgresql
def test_what_postgresql_cannot_keep_is_refused_and_not_broken(tmp_path: Path, postgresql: str) -> None:
    services = open_home(Settings(home=tmp_path / "home", database_url=postgresql))
    client = client_for(services)

    signed_in = client.post("/sign-in", data={"login": "lin\0", "password": "x"})
    shown = client.get("/assets/CQ%00")

    assert signed_in.status_code == 422
    assert shown.status_code in {404, 422}
    services.database.dispose()
