"""A catalogue is picked, ordered and published; it stays as pinned, and never shows what may not be shown."""

import pytest

from asset_hub.accounts import ANONYMOUS, Actor, Role, require_organisation
from asset_hub.catalogue import (
    AssetId,
    AssetKind,
    ElementValue,
    RestrictionKind,
    Secrecy,
    create_draft,
    publish_asset,
    restrict,
)
from asset_hub.catalogue.errors import AssetNotFound
from asset_hub.core import clock
from asset_hub.core.db import Database, WriteSession
from asset_hub.core.errors import Forbidden
from asset_hub.curation import NewItem, create_catalogue, get_published, list_published, publish_catalogue, set_items
from asset_hub.curation.errors import BadSlug, CatalogueNotFound, EmptyCatalogue
from tests.builders import make_actor

NOW = clock.now()
TITLE = {"zh": "三峡记忆", "en": "Memories of the Three Gorges"}


def make_asset(session: WriteSession, by: Actor, title: str) -> AssetId:
    asset_id = create_draft(
        session, kind=AssetKind.PICTURE, owner_id=require_organisation(by), secrecy=Secrecy.OPEN,
        values=[ElementValue("title", title, "person:1", "zh")], by=by, now=NOW,
    )  # fmt: skip
    publish_asset(session, asset_id=asset_id, by=by, now=NOW)
    return asset_id


def test_a_catalogue_stays_as_it_was_published_and_loses_what_is_taken_down(any_database: Database) -> None:
    with any_database.write() as session:
        holder = make_actor(session, roles={Role.ARCHIVIST})
        curator = make_actor(session, roles={Role.CURATOR})
        first, second, third = (make_asset(session, holder, title) for title in ("夔门", "纤夫", "白帝城"))
        catalogue = create_catalogue(session, slug="three-gorges", title=TITLE, by=curator, now=NOW)
        items = [NewItem(second, words={"zh": "号子声声"}), NewItem(first)]
        set_items(session, catalogue_id=catalogue, items=items, by=curator, now=NOW)
        with pytest.raises(CatalogueNotFound):
            get_published(session, slug="three-gorges", by=ANONYMOUS, now=NOW)

        publish_catalogue(session, catalogue_id=catalogue, by=curator, now=NOW)
        set_items(session, catalogue_id=catalogue, items=[NewItem(third)], by=curator, now=NOW)

        shown = get_published(session, slug="three-gorges", by=ANONYMOUS, now=NOW)
        assert [item.asset.title("zh") for item in shown.items] == ["纤夫", "夔门"]
        assert (shown.title, shown.items[0].words) == (TITLE, {"zh": "号子声声"})
        restrict(session, asset_id=second, kind=RestrictionKind.TAKE_DOWN, reason="", authority="", by=holder, now=NOW)
        (listed,) = list_published(session, by=ANONYMOUS, now=NOW)
        assert [item.asset.id for item in listed.items] == [first]


@pytest.mark.parametrize("slug", ["", "Three", "三峡", "a--b", "../x", "a" * 61])
def test_addresses_are_plain(database: Database, slug: str) -> None:
    with database.write() as session:
        curator = make_actor(session, roles={Role.CURATOR})
        with pytest.raises(BadSlug):
            create_catalogue(session, slug=slug, title=TITLE, by=curator, now=NOW)


def test_strangers_change_nothing_and_curators_pick_only_what_they_may_see(database: Database) -> None:
    with database.write() as session:
        holder = make_actor(session, roles={Role.ARCHIVIST})
        curator, other = (make_actor(session, roles={Role.CURATOR}) for _ in range(2))
        hidden = create_draft(
            session, kind=AssetKind.PICTURE, owner_id=require_organisation(holder), secrecy=Secrecy.OPEN, by=holder,
            now=NOW,
        )  # fmt: skip
        catalogue = create_catalogue(session, slug="x", title=TITLE, by=curator, now=NOW)
        with pytest.raises(BadSlug):
            create_catalogue(session, slug="x", title=TITLE, by=other, now=NOW)
        with pytest.raises(CatalogueNotFound):
            set_items(session, catalogue_id=catalogue, items=[], by=other, now=NOW)
        with pytest.raises(Forbidden):
            set_items(session, catalogue_id=catalogue, items=[], by=holder, now=NOW)
        with pytest.raises(AssetNotFound):
            set_items(session, catalogue_id=catalogue, items=[NewItem(hidden)], by=curator, now=NOW)
        with pytest.raises(EmptyCatalogue):
            publish_catalogue(session, catalogue_id=catalogue, by=curator, now=NOW)
