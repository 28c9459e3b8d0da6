"""The site answers only for names it knows, so that no other site can make its own name lead here."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from asset_hub.accounts import Role
from asset_hub.accounts.deps import SESSION_COOKIE
from asset_hub.app import create_app, open_home
from asset_hub.core.settings import Settings
from asset_hub.web.hosts import known_hosts
from tests.accounts.desk import open_desk
from tests.builders import make_actor
from tests.web.pages import client_for

SAME_SITE = {"sec-fetch-site": "same-origin", "origin": "http://evil.example"}


def ask(
    folder: Path, host: str, *, server: str = "http://127.0.0.1:8000", public_url: str = "", hosts: str = ""
) -> int:
    services = open_home(Settings(home=folder / "home", public_url=public_url, hosts=hosts))
    app = create_app(services, with_worker=False, listens=["archive.lan"])
    try:
        return int(TestClient(app, base_url=server).get("/verify", headers={"host": host}).status_code)
    finally:
        services.database.dispose()


@pytest.mark.parametrize(
    ("host", "settings", "status"),
    [
        ("localhost:8000", {}, 200),
        ("LOCALHOST.", {}, 200),
        ("[::1]:8000", {}, 200),
        ("archive.lan:8000", {}, 200),
        ("127.0.0.1", {}, 200),
        ("rights.example", {"public_url": "https://rights.example/"}, 200),
        ("b.example:80", {"hosts": "a.example, b.example"}, 200),
        ("evil.example", {"public_url": "https://rights.example", "hosts": "a.example"}, 421),
        ("evil.rights.example", {"public_url": "https://rights.example"}, 421),
        ("127.0.0.1.evil.example", {}, 421),
        ("192.168.1.7:8000", {}, 421),
        ("0.0.0.0", {}, 421),
        ("[", {}, 421),
        ("", {}, 421),
    ],
)
def test_only_known_names_are_answered_for(tmp_path: Path, host: str, settings: Mapping[str, str], status: int) -> None:
    assert ask(tmp_path, host, **settings) == status


def test_the_address_a_request_came_in_on_is_known(tmp_path: Path) -> None:
    assert ask(tmp_path, "192.168.1.7:8000", server="http://192.168.1.7:8000") == 200
    assert ask(tmp_path, "evil.example", server="http://192.168.1.7:8000") == 421


def test_a_name_that_was_made_to_lead_here_opens_no_session(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    with desk.services.database.write() as session:
        make_actor(session, roles={Role.MEMBER}, login="lin", password="long enough 1")
    form = {"login": "lin", "password": "long enough 1"}
    client = client_for(desk.services)

    refused = client.post("/sign-in", data=form, headers={**SAME_SITE, "host": "evil.example"})
    problem = client.get("/api/v1/jobs", headers={"host": "evil.example"})
    entered = client.post("/sign-in", data=form)

    assert (refused.status_code, refused.headers.get("set-cookie")) == (421, None)
    assert "ASSET_HUB_PUBLIC_URL" in refused.text
    assert "“evil.example”" in refused.text
    assert (problem.status_code, problem.json()["type"]) == (421, "/problems/unknown-host")
    assert SESSION_COOKIE in entered.headers["set-cookie"]


def test_what_is_listened_on_may_be_any_address(tmp_path: Path) -> None:
    known = known_hosts(Settings(home=tmp_path, hosts=" A.example ,,"), ["2001:db8::1", "0.0.0.0"])

    assert known == {"localhost", "127.0.0.1", "::1", "a.example", "2001:db8::1", "0.0.0.0"}
