"""The table of routes, asked as a stranger and from another site: nothing is changed, nothing breaks."""

import re
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from asset_hub.app import PERMISSIONS, ROUTERS, create_app, open_home
from asset_hub.core.settings import Settings

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
# Open to everybody: signing in and out, the demo's accounts, verification, and asking what a licence would cost.
FOR_STRANGERS = re.compile(r"^/(sign-in|sign-out|verify|language)")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    services = open_home(Settings(home=tmp_path_factory.mktemp("routes") / "home"))
    return TestClient(create_app(services, with_worker=False), follow_redirects=False)


def changing_routes() -> list[tuple[str, str]]:
    """Return method and path of every route that may change something, its parameters filled in."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return [
        (method, re.sub(r"{[^}]*}", str(UUID(int=7)), route.path))
        for route in routes
        for method in sorted((route.methods or set()) & CHANGING)
    ]


def test_no_changing_route_does_anything_from_another_site(client: TestClient) -> None:
    routes = changing_routes()

    answers = {
        (method, path): client.request(method, path, headers={"Sec-Fetch-Site": "cross-site"}).status_code
        for method, path in routes
    }

    assert len(answers) > 20
    assert {route: status for route, status in answers.items() if status != 403} == {}


def test_no_changing_route_does_anything_for_a_stranger(client: TestClient) -> None:
    served = {}
    for method, path in changing_routes():
        status = client.request(method, path, headers={"Sec-Fetch-Site": "same-origin"}).status_code
        if not FOR_STRANGERS.match(path) and status not in (401, 403, 404, 412, 422):
            served[method, path] = status

    assert served == {}


def test_every_act_is_named_once_and_after_its_package() -> None:
    actions = [permission.action for permission in PERMISSIONS]

    assert len(actions) == len(set(actions))
    packages = {"accounts", "catalogue", "ingest", "marketplace", "curation", "operations", "ledger", "search"}
    assert {action.partition(".")[0] for action in actions} <= packages
    assert [p.action for p in PERMISSIONS if not p.is_public and not p.roles] == []


def test_every_row_of_the_packages_is_in_the_joined_table() -> None:
    project = Path(__file__).resolve().parents[2]
    files = [*project.glob("*/permissions.py"), *project.glob("asset_hub/*/permissions.py")]

    written = {
        action for path in files for action in re.findall(r'Permission\(\s*"([a-z_.]+)"', path.read_text("utf-8"))
    }

    assert written == {permission.action for permission in PERMISSIONS}
