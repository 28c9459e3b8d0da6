"""From draft to published: what people accepted stays, what a house wants reviewed is reviewed, nothing leaks."""

from datetime import timedelta

import pytest
from sqlmodel import select

from asset_hub.accounts import ANONYMOUS, Actor, Role
from asset_hub.catalogue import (
    AssetId,
    AssetKind,
    AssetState,
    ElementValue,
    FileRef,
    FileRole,
    PartLevel,
    PartSpec,
    RestrictionKind,
    Secrecy,
    accept_values,
    add_files,
    create_collection,
    create_draft,
    describe,
    find_by_digest,
    get_asset,
    lift_restriction,
    list_assets,
    may_show,
    parse_secrecy,
    publish_asset,
    replace_element,
    restrict,
    set_parts,
)
from asset_hub.catalogue.errors import AssetNotFound, NotPublishable, RefusedSecrecy
from asset_hub.catalogue.models import AssetRow
from asset_hub.core import clock
from asset_hub.core.db import Database, WriteSession
from asset_hub.core.errors import Forbidden
from asset_hub.core.jobs import JobRow
from asset_hub.core.rational import FrameRate, Span
from tests.builders import make_actor

NOW = clock.now()
FILM = FileRef("a" * 64, 10, FileRole.MASTER, b"\xe6\x9c\x9d\xff.mov", "video/quicktime")


def title(text: str, source: str = "file:name", lang: str = "zh") -> ElementValue:
    return ElementValue("title", text, source, lang=lang, confidence=0.6)


def make_draft(session: WriteSession, archivist: Actor, *, secrecy: Secrecy = Secrecy.OPEN) -> AssetId:
    assert archivist.organisation_id is not None
    return create_draft(
        session,
        kind=AssetKind.FILM,
        owner_id=archivist.organisation_id,
        secrecy=secrecy,
        files=[FILM],
        values=[title("朝天门")],
        by=archivist,
        now=NOW,
    )


def test_a_draft_is_published_and_then_seen_by_everybody(any_database: Database) -> None:
    any_database.subscriptions = {}
    with any_database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        asset_id = make_draft(session, archivist)
        assert not may_show(session, asset_id=asset_id, by=ANONYMOUS, now=NOW)

        progress = publish_asset(session, asset_id=asset_id, by=archivist, now=NOW)

        assert progress.is_complete
        shown = get_asset(session, asset_id=asset_id, by=ANONYMOUS, now=NOW)
        assert (shown.title("en"), shown.state, shown.number[:3]) == ("朝天门", AssetState.PUBLISHED, "CQ-")
        assert shown.files[0].shown_name == "朝\\xff.mov"
        assert shown.files[0].name == b"\xe6\x9c\x9d\xff.mov"


def test_three_reviewers_are_three_people(database: Database) -> None:
    with database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        asset_id = make_draft(session, archivist)
        assert archivist.organisation_id is not None
        strict = create_collection(
            session, owner_id=archivist.organisation_id, name_zh="三审库", reviewers=3, by=archivist, now=NOW
        )
        session.get_one(AssetRow, asset_id).collection_id = strict.id

        assert publish_asset(session, asset_id=asset_id, by=archivist, now=NOW).agreed == 1
        assert publish_asset(session, asset_id=asset_id, by=archivist, now=NOW).agreed == 1
        assert get_asset(session, asset_id=asset_id, by=archivist, now=NOW).state == AssetState.DRAFT


def test_machine_values_never_replace_what_a_person_accepted(database: Database) -> None:
    with database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        asset_id = make_draft(session, archivist)
        describe(session, asset_id=asset_id, values=[title("机器第二次", "rule:name/2")], by=archivist, now=NOW)
        replace_element(
            session, asset_id=asset_id, element="title", values=[title("朝天门码头", "person:1")],
            by=archivist, now=NOW,
        )  # fmt: skip

        describe(session, asset_id=asset_id, values=[title("机器又来", "rule:name/2")], by=archivist, now=NOW)

        shown = get_asset(session, asset_id=asset_id, by=archivist, now=NOW)
        assert shown.all_texts("title") == ("朝天门码头",)
        assert shown.values[0].accepted_by == str(archivist.person_id)


def test_the_same_source_replaces_what_it_said_before(database: Database) -> None:
    with database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        asset_id = make_draft(session, archivist)

        describe(session, asset_id=asset_id, values=[title("朝天门二版")], by=archivist, now=NOW)

        assert get_asset(session, asset_id=asset_id, by=archivist, now=NOW).all_texts("title") == ("朝天门二版",)
        assert accept_values(session, asset_id=asset_id, by=archivist, now=NOW) == 1
        assert accept_values(session, asset_id=asset_id, by=archivist, now=NOW) == 0


def test_parts_keep_exact_frames_and_are_replaced_by_level(database: Database) -> None:
    rate = FrameRate(30000, 1001)
    with database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        asset_id = make_draft(session, archivist)
        first = [PartSpec(PartLevel.SHOT, Span(0, 100), rate), PartSpec(PartLevel.SHOT, Span(100, 301), rate)]
        set_parts(session, asset_id=asset_id, level=PartLevel.SHOT, parts=first, by=archivist, now=NOW)
        dusk = ElementValue("title", "黄昏", "person:1", lang="zh")

        again = [PartSpec(PartLevel.SHOT, Span(0, 301), rate, (dusk,))]
        set_parts(session, asset_id=asset_id, level=PartLevel.SHOT, parts=again, by=archivist, now=NOW)

        (shot,) = get_asset(session, asset_id=asset_id, by=archivist, now=NOW).parts
        assert (shot.span, shot.rate, shot.text("title", "en")) == (Span(0, 301), rate, "黄昏")


def test_an_unreviewed_draft_cannot_be_published(database: Database) -> None:
    with database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        asset_id = make_draft(session, archivist, secrecy=Secrecy.UNREVIEWED)

        with pytest.raises(NotPublishable):
            publish_asset(session, asset_id=asset_id, by=archivist, now=NOW)

        assert get_asset(session, asset_id=asset_id, by=archivist, now=NOW).state == AssetState.DRAFT


@pytest.mark.parametrize("text", ["秘密", "机密", "绝密级", " 秘密 ", "top secret", ""])
def test_state_secrets_and_unknown_levels_are_refused(text: str) -> None:
    with pytest.raises(RefusedSecrecy):
        parse_secrecy(text)


def test_another_house_changes_nothing(database: Database) -> None:
    with database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        stranger = make_actor(session, roles=set(Role))
        asset_id = make_draft(session, archivist)

        with pytest.raises(Forbidden):
            publish_asset(session, asset_id=asset_id, by=stranger, now=NOW)
        with pytest.raises(Forbidden):
            add_files(session, asset_id=asset_id, files=[FILM], by=stranger, now=NOW)

        assert session.get_one(AssetRow, asset_id).row_version == 1


def test_adding_the_same_file_again_changes_nothing(database: Database) -> None:
    with database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        asset_id = make_draft(session, archivist)

        assert add_files(session, asset_id=asset_id, files=[FILM], by=archivist, now=NOW) == ()

        assert archivist.organisation_id is not None
        assert find_by_digest(session, sha256="a" * 64, owner_id=archivist.organisation_id) == asset_id
        assert session.get_one(AssetRow, asset_id).row_version == 1


def test_a_restriction_hides_and_lifting_shows_again(database: Database) -> None:
    with database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        asset_id = make_draft(session, archivist)
        publish_asset(session, asset_id=asset_id, by=archivist, now=NOW)

        held = restrict(
            session, asset_id=asset_id, kind=RestrictionKind.TAKE_DOWN, reason="通知", authority="条例第14条",
            by=archivist, now=NOW,
        )  # fmt: skip

        with pytest.raises(AssetNotFound):
            get_asset(session, asset_id=asset_id, by=ANONYMOUS, now=NOW)
        assert get_asset(session, asset_id=asset_id, by=archivist, now=NOW).restrictions[0].reason == "通知"
        lift_restriction(session, restriction_id=held, by=archivist, now=NOW + timedelta(minutes=1))
        assert may_show(session, asset_id=asset_id, by=ANONYMOUS, now=NOW)


def test_pages_of_assets_show_only_what_the_reader_may_know(database: Database) -> None:
    with database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        ids = [make_draft(session, archivist) for _ in range(5)]
        for asset_id in ids[:3]:
            publish_asset(session, asset_id=asset_id, by=archivist, now=NOW)

        first = list_assets(session, size=2, by=ANONYMOUS, now=NOW)
        rest = list_assets(session, size=2, after=first.after, by=ANONYMOUS, now=NOW)

        assert [asset.id for asset in first.assets + rest.assets] == ids[2::-1]
        assert rest.after is None
        assert session.exec(select(JobRow)).all() == []
