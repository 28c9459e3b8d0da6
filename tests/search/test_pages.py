"""The first page and the search page as people get them."""

import re
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from asset_hub.app import Services, open_home
from asset_hub.catalogue import PartLevel, PartSpec, RestrictionKind, restrict, set_parts
from asset_hub.catalogue.types import ElementValue
from asset_hub.core.rational import FrameRate, Span
from asset_hub.core.settings import Settings
from ledger.codebook import GrantKind
from search.indexing import rebuild
from tests.search.market import NOW, TODAY, buy, make_terms, open_market, put_on_sale
from tests.web.pages import client_for


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """A film with shots, a licensed picture, one that is not offered, one that is taken down."""
    opened = open_home(Settings(home=tmp_path / "home"))
    seller, buyer = open_market(opened)
    with opened.database.write() as session:
        film = put_on_sale(session, seller, "朝天门的一天")
        taken, gone = (put_on_sale(session, seller, f"朝天门 {name}") for name in ("旧影", "撤下"))
        put_on_sale(session, seller, "解放碑", uses=())
        shots = [
            PartSpec(
                PartLevel.SHOT, Span(50 * n, 50 * n + 50), FrameRate(25), (ElementValue("title", t, "person:1", "zh"),)
            )
            for n, t in enumerate(("清晨薄雾", "黄昏渡轮"))
        ]
        set_parts(session, asset_id=film, level=PartLevel.SHOT, parts=shots, by=seller, now=NOW)
    buy(opened, buyer, taken, make_terms(kind=GrantKind.EXCLUSIVE, days=30))
    with opened.database.write() as session:
        restrict(session, asset_id=gone, kind=RestrictionKind.TAKE_DOWN, reason="", authority="", by=seller, now=NOW)
    rebuild(opened.database, opened.search)
    return opened


@pytest.fixture
def client(services: Services) -> TestClient:
    return client_for(services, language="zh")


def links(page: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]*)"', page)]


def found(page: str) -> int:
    count = re.search(r"找到(\d+)项", page)
    assert count is not None
    return int(count[1])


def test_a_query_lands_on_the_shot_that_says_it(client: TestClient) -> None:
    page = client.get("/search", params={"q": "朝天门 黄昏"}).text

    assert found(page) == 1
    assert any(re.fullmatch(r"/assets/CQ-\d+-\d+\?t=2\.0#t=2\.0", link) for link in links(page))
    assert "<mark>黄昏</mark>渡轮" in page


def test_every_link_keeps_what_was_asked(client: TestClient) -> None:
    asked = {"q": "朝天门", "kind": "picture", "use": "streaming", "territory": "CN", "from": str(TODAY), "years": "5"}
    page = client.get("/search", params=asked).text

    shots = next(link for link in links(page) if "scope=shots" in link)
    assert "kind=picture" in shots
    assert "use=streaming" in shots
    assert "years=5" in shots
    chip = next(link for link in links(page) if link.startswith("/search?") and "kind=" not in link and "use=" in link)
    assert "q=%E6%9C%9D" in chip
    assert '<input type="hidden" name="kind" value="picture">' in page


def test_asking_for_a_use_shows_the_answer_on_each_card(client: TestClient) -> None:
    asked = {"use": "streaming", "territory": "world", "from": str(TODAY), "years": "5"}

    everything = client.get("/search", params=asked).text
    only_free = client.get("/search", params={**asked, "only_free": "1"}).text

    assert 'class="status good">可用<' in everything
    assert 'class="status warn">未开放授权<' in everything
    assert re.search(r'class="status bad">\d+年\d+月\d+日起可用<', everything)
    assert found(everything) == 3
    assert found(only_free) == 1
    assert "朝天门的一天" in only_free
    assert "旧影" not in only_free


def test_a_wrong_sentence_is_explained_and_the_search_goes_on(client: TestClient) -> None:
    page = client.get("/search", params={"q": "解放碑", "use": "telepathy", "only_free": "1"})

    assert (page.status_code, found(page.text)) == (200, 1)
    assert "没有“telepathy”这种用途" in page.text


@pytest.mark.parametrize(
    "query",
    [
        "kind=telepathy&district=1&owner=nobody&theme=x&decade=x&language=xx",
        "year_from=abc&year_to=99999999999&sort=worst&scope=everything",
        "use=streaming&territory=CN&from=9999-12-31&years=99",
        "use=streaming&territory=CN&from=0000&years=-1&only_free=1",
        "q=%00%22%27%3Cscript%3E",
    ],
)
def test_no_address_is_an_error(client: TestClient, query: str) -> None:
    page = client.get(f"/search?{query}")

    assert page.status_code == 200
    assert "<script>" not in page.text


def test_what_is_taken_down_is_on_no_page_and_in_no_count(client: TestClient) -> None:
    home, everything = client.get("/").text, client.get("/search").text

    assert "撤下" not in home + everything
    assert found(everything) == 3
    assert "全部3件作品" in home


def test_the_first_page_leads_to_the_three_acts_and_the_story(client: TestClient) -> None:
    assert {"/search", "/intake", "/verify", "/story"} <= set(links(client.get("/").text))
