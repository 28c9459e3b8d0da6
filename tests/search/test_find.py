"""From the catalogue to a hit: the right asset, the right shot, and nothing for those who may not know."""

from pathlib import Path

import pytest

from asset_hub.accounts import ANONYMOUS, Actor, Role, require_organisation
from asset_hub.app import Services, open_home
from asset_hub.catalogue import (
    AssetId,
    AssetKind,
    ElementValue,
    PartLevel,
    PartSpec,
    RestrictionKind,
    Secrecy,
    create_draft,
    may_show_many,
    publish_asset,
    restrict,
    set_parts,
    withdraw_asset,
)
from asset_hub.core import clock
from asset_hub.core.rational import FrameRate, Span
from asset_hub.core.settings import Settings
from search import SearchPage, SearchQuery, read_query, search_assets
from search.errors import BadQuery
from search.indexing import check, rebuild
from tests.builders import make_actor

NOW = clock.now()


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return open_home(Settings(home=tmp_path / "home"))


@pytest.fixture
def archivist(services: Services) -> Actor:
    with services.database.write() as session:
        return make_actor(session, roles={Role.ARCHIVIST})


def publish(services: Services, by: Actor, title: str, *shots: str, secrecy: Secrecy = Secrecy.OPEN) -> AssetId:
    assert by.organisation_id is not None
    with services.database.write() as session:
        asset_id = create_draft(
            session, kind=AssetKind.FILM if shots else AssetKind.PICTURE, owner_id=by.organisation_id, secrecy=secrecy,
            values=[ElementValue("title", title, "person:1", "zh"), ElementValue("date", "1983", "person:1")],
            by=by, now=NOW,
        )  # fmt: skip
        parts = [
            PartSpec(
                PartLevel.SHOT,
                Span(50 * n, 50 * n + 50),
                FrameRate(25),
                (ElementValue("title", text, "person:1", "zh"),),
            )
            for n, text in enumerate(shots)
        ]
        set_parts(session, asset_id=asset_id, level=PartLevel.SHOT, parts=parts, by=by, now=NOW)
        if secrecy != Secrecy.UNREVIEWED:
            publish_asset(session, asset_id=asset_id, by=by, now=NOW)
    return asset_id


def ask(services: Services, query: SearchQuery, by: Actor = ANONYMOUS) -> SearchPage:
    services.run_jobs(threads=1)
    with services.database.read() as session:
        return search_assets(session, services.search, query, by=by, now=NOW)


def test_a_query_lands_on_the_shot_that_says_it(services: Services, archivist: Actor) -> None:
    film = publish(services, archivist, "朝天门的一天", "清晨薄雾", "黄昏渡轮 dusk ferry", "夜景霓虹")
    publish(services, archivist, "朝天门码头旧影")

    page = ask(services, SearchQuery(text="朝天门 黄昏"))

    assert (page.total, page.hits[0].asset.id) == (1, film)
    assert page.hits[0].shot is not None
    assert page.hits[0].shot.start_ms == 2000
    dusk = ask(services, SearchQuery(text="Dusk Ferry"))
    assert dusk.hits[0].shot is not None
    assert dusk.hits[0].shot.start_ms == 2000
    shots = ask(services, read_query({"text": "霓虹", "scope": "shots"}))
    assert [hit.shot.span.start for hit in shots.hits if hit.shot] == [100]


def test_facets_years_and_pages(services: Services, archivist: Actor) -> None:
    for number in range(5):
        publish(services, archivist, f"长江 {number}")
    page = ask(services, read_query({"text": "长江", "size": 2, "years": [1980, 1990]}))

    assert page.total == 5
    assert page.facets["kind"] == {"picture": 5}
    assert page.facets["decade"] == {"1980": 5}
    rest = ask(services, read_query({"text": "长江", "size": 3, "after": page.after, "years": [1980, 1990]}))
    assert {h.asset.id for h in page.hits}.isdisjoint(h.asset.id for h in rest.hits)
    assert ask(services, read_query({"years": [1990, None]})).total == 0


def test_what_may_not_be_shown_is_neither_found_nor_counted(services: Services, archivist: Actor) -> None:
    internal = publish(services, archivist, "内部长江", secrecy=Secrecy.INTERNAL)
    draft = publish(services, archivist, "未审长江", secrecy=Secrecy.UNREVIEWED)
    held = publish(services, archivist, "冻结长江")
    gone = publish(services, archivist, "撤下长江")
    with services.database.write() as session:
        restrict(session, asset_id=held, kind=RestrictionKind.FREEZE, reason="", authority="", by=archivist, now=NOW)
        withdraw_asset(session, asset_id=gone, by=archivist)
        others = {role: make_actor(session, roles={role}) for role in (Role.PRODUCER, Role.OPERATOR, Role.REGULATOR)}
        member = make_actor(session, roles={Role.MEMBER})
    readers = [ANONYMOUS, archivist, member, *others.values()]
    everything = [internal, draft, held, gone]
    for reader in readers:
        page = ask(services, SearchQuery(text="长江"), by=reader)
        with services.database.read() as reading:
            allowed = may_show_many(reading, asset_ids=everything, by=reader, now=NOW)
        assert {hit.asset.id for hit in page.hits} == allowed, reader.roles
        assert page.total == len(allowed)
        assert sum(page.facets["kind"].values()) == len(allowed)


def test_index_and_database_agree_after_changes_and_a_rebuild(services: Services, archivist: Actor) -> None:
    publish(services, archivist, "桥", "一", "二")
    services.run_jobs(threads=1)
    assert check(services.database, services.search) == []

    with services.database.write() as session:
        late = create_draft(
            session, kind=AssetKind.PICTURE, owner_id=require_organisation(archivist), secrecy=Secrecy.OPEN,
            by=archivist, now=NOW,
        )  # fmt: skip
    assert check(services.database, services.search) == [f"assets: {late} is missing"]
    assert rebuild(services.database, services.search) == 2
    assert check(services.database, services.search) == []


@pytest.mark.parametrize(
    "document", [{"size": 9999}, {"version": 2}, {"script": "x"}, {"filters": {"password": ["x"]}}, []]
)
def test_a_query_document_is_closed(document: object) -> None:
    with pytest.raises(BadQuery):
        read_query(document)
