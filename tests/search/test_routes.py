"""Search over HTTP and on the command line: one shape, clear refusals, nothing that may not be known."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from typer.testing import CliRunner

from asset_hub.app import open_home
from asset_hub.catalogue import RestrictionKind, restrict
from asset_hub.cli import app
from asset_hub.core.settings import Settings
from ledger.codebook import GrantKind
from search.errors import UnknownUse
from search.indexing import rebuild
from tests.drill import grown
from tests.search.market import NOW, TODAY, Market, buy, make_terms, open_market, put_on_sale
from tests.web.pages import client_for

LAST = str(make_terms(days=365 * 5).window.last_day)
RIGHTS = {"use": "streaming", "territory": "world", "from": str(TODAY), "to": LAST}


@pytest.fixture
def market(tmp_path: Path) -> Market:
    """Four works about the river: free, licensed exclusively, not offered, taken down."""
    services = open_home(Settings(home=tmp_path / "home"))
    seller, buyer = open_market(services)
    with services.database.write() as session:
        free, taken, gone = (put_on_sale(session, seller, f"长江 {name}") for name in ("一", "二", "四"))
        quiet = put_on_sale(session, seller, "长江 三", uses=())
    buy(services, buyer, taken, make_terms(kind=GrantKind.EXCLUSIVE, days=30))
    with services.database.write() as session:
        restrict(session, asset_id=gone, kind=RestrictionKind.TAKE_DOWN, reason="", authority="", by=seller, now=NOW)
    rebuild(services.database, services.search)
    return Market(services, seller, buyer, (free, taken, quiet, gone))


@pytest.fixture
def client(market: Market) -> TestClient:
    return client_for(market.services)


def test_an_address_answers_with_total_hits_and_facets(client: TestClient, market: Market) -> None:
    answer = client.get("/api/v1/search", params={"q": "长江", "size": 2, "kind": "picture"}).json()

    assert (answer["total"], len(answer["hits"]), answer["facets"]["kind"]) == (3, 2, {"picture": 3})
    assert answer["hits"][0].keys() == {"asset", "number", "kind", "shot", "title", "start_ms", "score"}
    rest = client.get("/api/v1/search", params={"q": "长江", "size": 2, "after": answer["after"]}).json()
    found = {hit["asset"] for hit in answer["hits"] + rest["hits"]}
    assert found == {str(asset_id) for asset_id in market.assets[:3]}


def test_an_address_answers_only_what_is_free(client: TestClient, market: Market) -> None:
    answer = client.get("/api/v1/search", params={"q": "长江", **RIGHTS}).json()

    assert (answer["total"], [hit["asset"] for hit in answer["hits"]]) == (1, [str(market.assets[0])])


def test_the_query_document_gives_the_same_answer(client: TestClient) -> None:
    rights = {"use": "streaming", "territory": "world", "start": str(TODAY), "last_day": LAST}
    document = {"version": 1, "text": "长江", "availability": rights}

    assert (
        client.post("/api/v1/search", json=document).json()
        == client.get("/api/v1/search", params={"q": "长江", **RIGHTS}).json()
    )


@pytest.mark.parametrize(
    ("params", "slug"),
    [
        ({"use": "streaming"}, "bad-query"),
        ({**RIGHTS, "use": "telepathy"}, "unknown-use"),
        ({**RIGHTS, "territory": "atlantis"}, "unknown-territory"),
        ({**RIGHTS, "to": "soon"}, "bad-query"),
        ({**RIGHTS, "to": "2020-01-01"}, "empty-period"),
        ({"after": "nonsense"}, "bad-page-token"),
        ({"after": "Wy01XQ"}, "bad-page-token"),
        ({"size": "many"}, "bad-form"),
    ],
)
def test_what_cannot_be_understood_is_a_problem_document(client: TestClient, params: dict[str, str], slug: str) -> None:
    answer = client.get("/api/v1/search", params=params)

    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("document", [{"size": 9999}, {"version": 2}, {"filters": {"password": ["x"]}}, []])
def test_a_document_of_another_shape_is_a_problem_document(client: TestClient, document: object) -> None:
    assert client.post("/api/v1/search", json=document).status_code == 422


def run(market: Market, *arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["search", *arguments], env={"ASSET_HUB_HOME": str(market.services.settings.home)})
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.output


def test_the_command_gives_the_shape_of_the_api(market: Market) -> None:
    code, printed = run(market, "长江", "--json", "--size", "5")

    answer = json.loads(printed)
    assert (code, answer["total"], len(answer["hits"])) == (0, 4, 4)  # the local operator also sees what is held back
    assert {"asset", "kind", "shot", "title", "start_ms", "score"} <= answer["hits"][0].keys()
    assert answer["facets"]["kind"] == {"picture": 4}


def test_the_command_filters_by_availability(market: Market) -> None:
    options = ["--use", "streaming", "--territory", "world", "--from", str(TODAY), "--to", LAST, "--json"]
    code, printed = run(market, "", *options)

    assert (code, [hit["asset"] for hit in json.loads(printed)["hits"]]) == (0, [str(market.assets[0])])


@pytest.mark.parametrize(
    "options",
    [
        ["--use", "streaming"],
        ["--use", "streaming", "--territory", "world"],
        ["--from", "2026-12-01"],
        ["--use", "streaming", "--territory", "world", "--to", "soon"],
        ["--kind", "telepathy"],
        ["--size", "9999"],
    ],
)
def test_misuse_of_the_command_is_exit_two(market: Market, options: list[str]) -> None:
    assert run(market, "长江", *options)[0] == 2


def test_an_unknown_use_names_the_codes(market: Market) -> None:
    with pytest.raises(UnknownUse, match="streaming, social_media"):
        run(market, "长江", "--use", "telepathy", "--territory", "world", "--to", LAST)


@settings(max_examples=grown(60, 2000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            ["title:", "类型:", "kind:film", "year:", "年份:1980-", "-", '"', "“", "OR", "区县:渝中", "长江", ":"]
        ),
        max_size=6,
    ).map(" ".join)
)
def test_nothing_typed_is_an_error(client: TestClient, typed: str) -> None:
    assert client.get("/api/v1/search", params={"q": typed}).status_code == 200
