"""Who may do what: every route is asked as everybody, and the table of tests/web/access.json says who is let in.

A new route must be added to the table on purpose: `python -m tests.web.test_access` prints what it found.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from asset_hub.app import ROUTERS
from asset_hub.core.log import configure_logging
from tests.web.pages import client_for
from tests.web.village import NOBODY, SECRET_WORDS, STRANGER, Village, make_village

TABLE = Path(__file__).parent / "access.json"
FORMS = Path(__file__).parent / "forms.json"
REFUSED = {401, 403, 404}
_UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Village:
    return make_village(tmp_path_factory.mktemp("village"))


@pytest.fixture(scope="module")
def clients(village: Village) -> dict[str, TestClient]:
    return {name: client_for(village.services, actor) for name, actor in village.people.items()}


def routes_of() -> list[tuple[str, str]]:
    """Return method and path of every route, reading ones first so that acts do not disturb them."""
    found = {(method, route.path) for route in _flat(ROUTERS) for method in route.methods or ()}
    return sorted(found, key=lambda pair: (pair[0] not in ("GET", "HEAD", "OPTIONS"), pair[1], pair[0]))


def _flat(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route
            elif isinstance(inner := getattr(route, "original_router", None), APIRouter):
                yield from _flat([inner])


def who_is_let_in(village: Village, clients: dict[str, TestClient], method: str, path: str) -> list[str]:
    """Ask a route as everybody, those first who should be refused; return who was not refused."""
    order = sorted(clients, key=lambda name: (name not in (NOBODY, STRANGER), name))
    return sorted(name for name in order if _is_let_in(clients[name], village, method, path))


def _is_let_in(client: TestClient, village: Village, method: str, path: str) -> bool:
    given: dict[str, Any] = json.loads(FORMS.read_text()).get(f"{method} {path}", {})
    url = path
    for name, value in {**village.ids, **given.get("path", {})}.items():
        url = url.replace("{" + name + "}", value.format(**village.ids))
    while "{" in url:
        start, end = url.index("{"), url.index("}")
        url = url[:start] + _UNKNOWN_ID + url[end + 1 :]
    form = {name: str(value).format(**village.ids) for name, value in given.get("form", {}).items()}
    headers = {name: value.format(**village.ids) for name, value in given.get("headers", {}).items()}
    answer = client.request(
        method, url, data=form or None, json=_with_ids(given.get("json"), village), headers=headers,
        files=dict.fromkeys(given.get("files", ()), ("a.jpg", b"\xff\xd8\xff")) or None,
    )  # fmt: skip
    sent_to_sign_in = answer.status_code in (302, 303) and answer.headers["location"].startswith("/sign-in")
    return answer.status_code not in REFUSED and not sent_to_sign_in


def _with_ids(document: Any, village: Village) -> Any:
    """Put the village's ids into a document where their names stand in braces."""
    text = json.dumps(document)
    for name, value in village.ids.items():
        text = text.replace("{" + name + "}", value)
    return json.loads(text)


def test_every_route_lets_in_whom_the_table_names(tmp_path: Path) -> None:
    village = make_village(tmp_path)
    clients = {name: client_for(village.services, actor) for name, actor in village.people.items()}
    expected = json.loads(TABLE.read_text())

    found = {f"{method} {path}": who_is_let_in(village, clients, method, path) for method, path in routes_of()}

    assert sorted(found) == sorted(expected)
    wrong = {route: (found[route], expected[route]) for route in found if found[route] != expected[route]}
    assert wrong == {}


OUTSIDERS = (NOBODY, STRANGER, "producer")
ADDRESSES = (
    "/assets/{n}", "/assets/{n}/offer", "/assets/{n}/ledger", "/assets/{n}/offer?use=streaming", "/review/{n}",
    "/rights/{n}",
    "/api/v1/assets/{n}/availability?use=streaming&territory=CN", "/api/v1/assets/{n}/provenance",
)  # fmt: skip
LISTS = ("/search", "/", "/catalogues", "/api/v1/search", "/api/v1/catalogues", "/catalogues/a-theme")


@pytest.mark.parametrize("name", OUTSIDERS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_hidden_asset_answers_like_one_that_is_not_there(
    village: Village, clients: dict[str, TestClient], name: str, address: str
) -> None:
    missing = village.hidden_number.replace("CQ-2", "CQ-1")

    hidden = clients[name].get(address.replace("{n}", village.hidden_number))
    absent = clients[name].get(address.replace("{n}", missing))

    assert hidden.status_code == absent.status_code
    assert hidden.text.replace(village.hidden_number, missing) == absent.text
    assert hidden.headers.get("location", "").replace(village.hidden_number, missing) == absent.headers.get(
        "location", ""
    )


@pytest.mark.parametrize("name", OUTSIDERS)
def test_files_and_tiles_of_a_hidden_asset_are_not_there(
    village: Village, clients: dict[str, TestClient], name: str
) -> None:
    paths = ("/files/{}", "/iiif/{}/info.json", "/iiif/{}/full/max/0/default.jpg")

    answers = [
        clients[name].get(path.format(file_id)).status_code for file_id in village.hidden_files for path in paths
    ]

    assert set(answers) == {404}


@pytest.mark.parametrize("name", OUTSIDERS)
@pytest.mark.parametrize("address", LISTS)
def test_lists_do_not_name_a_hidden_asset(
    village: Village, clients: dict[str, TestClient], name: str, address: str
) -> None:
    answer = clients[name].get(address)

    assert answer.status_code == 200
    assert SECRET_WORDS not in answer.text
    assert village.hidden_number not in answer.text
    assert str(village.hidden_id) not in answer.text


def test_search_does_not_count_what_may_not_be_shown(clients: dict[str, TestClient]) -> None:
    counts = {
        name: clients[name].get("/api/v1/search", params={"q": SECRET_WORDS}).json()["total"]
        for name in (NOBODY, STRANGER, "producer", "archivist", "regulator")
    }

    assert counts == {NOBODY: 0, STRANGER: 0, "producer": 0, "archivist": 1, "regulator": 1}


if __name__ == "__main__":
    os.environ["ASSET_HUB_HOSTS"] = "testserver"
    configure_logging()
    with tempfile.TemporaryDirectory() as folder:
        made = make_village(Path(folder))
        doors = {name: client_for(made.services, actor) for name, actor in made.people.items()}
        table = {f"{method} {path}": who_is_let_in(made, doors, method, path) for method, path in routes_of()}
    lines = [f"  {json.dumps(route)}: {json.dumps(people)}" for route, people in sorted(table.items())]
    sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")
