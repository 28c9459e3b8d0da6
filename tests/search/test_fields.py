"""Clauses like title: and kind: in both languages."""

from pathlib import Path

import pytest

from asset_hub.accounts import ANONYMOUS, Actor, Role, require_organisation
from asset_hub.app import Services, open_home
from asset_hub.catalogue import AssetKind, ElementValue, Secrecy, create_draft, publish_asset
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.settings import Settings
from search import SearchQuery, search_assets
from search.indexing import rebuild
from tests.builders import make_actor, make_organisation

NOW = clock.now()


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """A film and a picture of two houses: the words of one's title are in the other's description."""
    opened = open_home(Settings(home=tmp_path / "home"))
    with opened.database.write() as session:
        hill = make_organisation(session, name_zh="山城档案馆", name_en="Hill City Archive")
        river = make_organisation(session, name_zh="江岸电视台", name_en="Riverside TV")
        one, two = (make_actor(session, roles={Role.ARCHIVIST}, organisation=house) for house in (hill, river))
        _publish(session, one, AssetKind.FILM, "朝天门黄昏", "轮渡", "1983", "500103")
        _publish(session, two, AssetKind.PICTURE, "轮渡", "朝天门黄昏", "1995", "500108")
    rebuild(opened.database, opened.search)
    return opened


def _publish(
    session: WriteSession, by: Actor, kind: AssetKind, title: str, description: str, date: str, code: str
) -> None:
    values = [
        ElementValue("title", title, "person:1", "zh"),
        ElementValue("description", description, "person:1", "zh"),
        ElementValue("date", date, "person:1"),
        ElementValue("district", code, "person:1", code=code),
    ]
    asset_id = create_draft(
        session, kind=kind, owner_id=require_organisation(by), secrecy=Secrecy.OPEN, values=values, by=by, now=NOW
    )
    publish_asset(session, asset_id=asset_id, by=by, now=NOW)


FILM, PICTURE = ["朝天门黄昏"], ["轮渡"]


@pytest.mark.parametrize(
    ("typed", "titles"),
    [
        ("朝天门", [*FILM, *PICTURE]),
        ("题名:朝天门", FILM),
        ("title:朝天门", FILM),
        ("TITLE：“天门黄”", FILM),
        ("-title:朝天门", PICTURE),
        ("title:朝天门 OR 轮渡", [*FILM, *PICTURE]),
        ("类型:影片", FILM),
        ("kind:photo", PICTURE),
        ("-kind:film", PICTURE),
        ("kind:film OR picture", [*FILM, *PICTURE]),
        ("kind:telepathy", []),
        ("区县:渝中", FILM),
        ("district:Nan", PICTURE),
        ("持有方:山城", FILM),
        ("holder:riverside 轮渡", PICTURE),
        ("year:1983", FILM),
        ("年份:1990-1999", PICTURE),
        ("年代:1980年代", FILM),
        ("year:1980..1999", [*FILM, *PICTURE]),
        ("title:", []),
        ("kind: film", FILM),
    ],
)
def test_a_clause_means_its_field(services: Services, typed: str, titles: list[str]) -> None:
    with services.database.read() as session:
        page = search_assets(session, services.search, SearchQuery(text=typed), by=ANONYMOUS, now=NOW)

    assert sorted(hit.asset.title("zh") for hit in page.hits) == sorted(titles)
    assert page.total == len(titles)
