"""The public catalogues and the curator's desk: order without script, nothing hidden leaks, others see no draft."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from asset_hub.accounts import ANONYMOUS, Actor, Role, require_organisation
from asset_hub.app import Services, open_home
from asset_hub.catalogue import (
    AssetKind,
    AssetView,
    ElementValue,
    FileRef,
    FileRole,
    PartLevel,
    PartSpec,
    RestrictionKind,
    Secrecy,
    create_draft,
    get_asset,
    publish_asset,
    restrict,
    set_parts,
)
from asset_hub.core import clock
from asset_hub.core.rational import FrameRate, Span
from asset_hub.core.settings import Settings
from asset_hub.curation import get_own, list_published
from tests.builders import make_actor
from tests.web.pages import client_for

HOSTILE_SLUGS = ("%00", "..%2F..%2Fetc", "' OR 1=1 --", "A", "a--b", "a" * 500, "三峡", "<script>", "none-such")


@dataclass(frozen=True, slots=True)
class Gallery:
    """A home with a holder, a curator and another house's curator."""

    services: Services
    holder: Actor
    curator: Actor
    rival: Actor


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    services = open_home(Settings(home=tmp_path / "home"))
    with services.database.write() as session:
        made = Gallery(
            services,
            make_actor(session, roles={Role.ARCHIVIST}),
            make_actor(session, roles={Role.CURATOR}),
            make_actor(session, roles={Role.CURATOR}),
        )
    yield made
    services.database.dispose()


def make_work(gallery: Gallery, title: str, *, shots: int = 0) -> AssetView:
    now = clock.now()
    files = [FileRef("ab" * 32, 10, FileRole.PREVIEW, b"x.jpg", "image/jpeg", technical={"width": 800, "height": 600})]
    with gallery.services.database.write() as session:
        asset_id = create_draft(
            session, kind=AssetKind.FILM if shots else AssetKind.PICTURE, owner_id=require_organisation(gallery.holder),
            secrecy=Secrecy.OPEN, by=gallery.holder, now=now, files=files,
            values=[ElementValue("title", title, "person:1", "zh"), ElementValue("title", f"{title} (en)", "x", "en")],
        )  # fmt: skip
        if shots:
            parts = [
                PartSpec(PartLevel.SHOT, Span(50 * n, 50 * n + 50), FrameRate(25), source="test") for n in range(shots)
            ]
            set_parts(session, asset_id=asset_id, level=PartLevel.SHOT, parts=parts, by=gallery.holder, now=now)
        publish_asset(session, asset_id=asset_id, by=gallery.holder, now=now)
        return get_asset(session, asset_id=asset_id, by=gallery.holder, now=now)


def begin(desk: TestClient, *, slug: str = "three-gorges") -> str:
    answer = desk.post("/curate/new", data={"title_zh": "三峡记忆", "title_en": "Memories", "slug": slug})
    assert answer.status_code == 303
    return str(answer.headers["location"]).removeprefix("/curate/").removesuffix("/add")


def add(desk: TestClient, catalogue: str, *works: AssetView) -> None:
    for work in works:
        assert desk.post(f"/curate/{catalogue}/add", data={"ref": work.number}).status_code == 303


def form_of(gallery: Gallery, catalogue: str) -> dict[str, object]:
    """Return the editor's form as a browser would send it without touching anything."""
    with gallery.services.database.read() as session:
        draft = get_own(session, catalogue_id=UUID(catalogue), by=gallery.curator, now=clock.now())
    return {
        "title_zh": draft.title["zh"], "title_en": draft.title.get("en", ""), "slug": draft.slug,
        "intro_zh": draft.intro.get("zh", ""), "intro_en": draft.intro.get("en", ""),
        "order": [str(item.id) for item in draft.items],
        "words_zh": [item.words.get("zh", "") for item in draft.items],
        "words_en": [item.words.get("en", "") for item in draft.items],
    }  # fmt: skip


def titles(gallery: Gallery, catalogue: str) -> list[str]:
    with gallery.services.database.read() as session:
        draft = get_own(session, catalogue_id=UUID(catalogue), by=gallery.curator, now=clock.now())
    return [item.asset.title("zh") if item.asset else "?" for item in draft.items]


def test_a_catalogue_is_begun_filled_ordered_without_script_and_published(gallery: Gallery) -> None:
    first, second, third = (make_work(gallery, title) for title in ("夔门", "纤夫", "白帝城"))
    desk, public = client_for(gallery.services, gallery.curator), client_for(gallery.services)
    catalogue = begin(desk)
    add(desk, catalogue, first, second, third)
    form = form_of(gallery, catalogue)
    order = form["order"]
    assert isinstance(order, list)

    moved = desk.post(f"/curate/{catalogue}", data={**form, "words_zh": ["", "号子声声", ""], "up": order[1]})
    down = desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "down": order[0]})
    published = desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "then": "publish"})

    assert [moved.status_code, down.status_code, published.status_code] == [303, 303, 303]
    assert moved.headers["location"] == f"/curate/{catalogue}#item-{order[1]}"
    assert titles(gallery, catalogue) == ["纤夫", "白帝城", "夔门"]
    page = public.get("/catalogues/three-gorges", headers={"accept-language": "zh"}).text
    assert re.findall(r'<h2 id="work-\d"><a href="/assets/([^"]+)">', page) == [
        second.number, third.number, first.number,
    ]  # fmt: skip
    assert "号子声声" in page
    assert '<p lang="zh-CN">号子声声</p>' in public.get("/catalogues/three-gorges").text
    assert 'property="og:image" content="http://testserver/files/' in page


def test_what_is_saved_later_is_public_only_when_published_again(gallery: Gallery) -> None:
    desk, public = client_for(gallery.services, gallery.curator), client_for(gallery.services)
    catalogue = begin(desk)
    add(desk, catalogue, make_work(gallery, "夔门"))
    desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "then": "publish"})

    desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "title_en": "River of memory"})

    assert "<h1>Memories</h1>" in public.get("/catalogues/three-gorges").text
    assert "Published, changed since" in desk.get("/curate").text
    assert "<h1>River of memory</h1>" in desk.get(f"/curate/{catalogue}/preview").text
    desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "then": "publish"})
    assert "<h1>River of memory</h1>" in public.get("/catalogues/three-gorges").text
    assert desk.post(f"/curate/{catalogue}/withdraw").status_code == 303
    assert public.get("/catalogues/three-gorges").status_code == 404
    assert desk.post(f"/curate/{catalogue}/withdraw").status_code == 409


def test_a_hidden_work_drops_out_of_page_and_json_and_its_curator_is_warned(gallery: Gallery) -> None:
    hidden, shown = make_work(gallery, "夔门"), make_work(gallery, "纤夫")
    desk, public = client_for(gallery.services, gallery.curator), client_for(gallery.services)
    catalogue = begin(desk)
    add(desk, catalogue, hidden, shown)
    desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "then": "publish"})

    with gallery.services.database.write() as session:
        restrict(
            session, asset_id=hidden.id, kind=RestrictionKind.TAKE_DOWN, reason="", authority="", by=gallery.holder,
            now=clock.now(),
        )  # fmt: skip

    page = public.get("/catalogues/three-gorges").text
    assert shown.number in page
    assert hidden.number not in page
    assert "1 work ·" in page
    assert hidden.number not in public.get("/catalogues").text
    told = public.get("/api/v1/catalogues/three-gorges").json()
    assert [item["number"] for item in told["items"]] == [shown.number]
    assert public.get("/api/v1/catalogues").json()["catalogues"][0]["count"] == 1
    editor = desk.get(f"/curate/{catalogue}").text
    assert "1 of the works may not be shown to the public today." in editor
    assert hidden.number not in editor
    saved = desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "then": "save"})
    assert (saved.status_code, titles(gallery, catalogue)) == (303, ["?", "纤夫"])


def test_another_house_and_strangers_find_nothing_of_a_draft(gallery: Gallery) -> None:
    desk, rival, public = (client_for(gallery.services, actor) for actor in (gallery.curator, gallery.rival, ANONYMOUS))
    work = make_work(gallery, "夔门")
    catalogue = begin(desk)
    add(desk, catalogue, work)
    form = form_of(gallery, catalogue)

    for path in ("", "/preview", "/add"):
        assert rival.get(f"/curate/{catalogue}{path}").status_code == 404
        assert public.get(f"/curate/{catalogue}{path}").headers["location"].startswith("/sign-in")
    refused = [
        rival.post(f"/curate/{catalogue}", data={**form, "title_zh": "别的"}),
        rival.post(f"/curate/{catalogue}/add", data={"ref": work.number}),
        rival.post(f"/curate/{catalogue}/withdraw"),
    ]
    assert [answer.status_code for answer in refused] == [404, 404, 404]
    assert client_for(gallery.services, gallery.holder).get("/curate").status_code == 403
    assert form_of(gallery, catalogue) == form
    assert "three-gorges" not in rival.get("/curate").text + public.get("/catalogues").text


@pytest.mark.parametrize("slug", HOSTILE_SLUGS)
def test_hostile_addresses_are_simply_not_there(gallery: Gallery, slug: str) -> None:
    public = client_for(gallery.services)
    assert public.get(f"/catalogues/{slug}").status_code == 404
    assert public.get(f"/api/v1/catalogues/{slug}").status_code == 404


@pytest.mark.parametrize("slug", ["", "New", "三峡", "../x", "a b", "a" * 61, "x\x00y"])
def test_a_bad_address_comes_back_with_what_was_typed(gallery: Gallery, slug: str) -> None:
    desk = client_for(gallery.services, gallery.curator)
    answer = desk.post("/curate/new", data={"title_zh": "三峡记忆", "slug": slug})
    assert answer.status_code == 422
    assert "Use small letters, digits and hyphens." in answer.text
    assert 'value="三峡记忆"' in answer.text
    assert "three" not in desk.get("/curate").text


def test_an_editor_that_comes_back_keeps_every_word(gallery: Gallery) -> None:
    desk = client_for(gallery.services, gallery.curator)
    catalogue = begin(desk)
    add(desk, catalogue, make_work(gallery, "夔门"))
    before = form_of(gallery, catalogue)

    answer = desk.post(f"/curate/{catalogue}", data={**before, "title_zh": " ", "words_zh": ["一句话"]})

    assert answer.status_code == 422
    assert "A catalogue needs a Chinese title." in answer.text
    assert "一句话</textarea>" in answer.text
    assert form_of(gallery, catalogue) == before
    assert desk.post(f"/curate/{catalogue}", data={**before, "words_zh": []}).status_code == 422
    too_long = desk.post(f"/curate/{catalogue}", data={**before, "words_en": ["x" * 2001]})
    assert (too_long.status_code, "At most 2000 characters, please." in too_long.text) == (422, True)


def test_the_public_address_stays_while_it_is_public(gallery: Gallery) -> None:
    desk = client_for(gallery.services, gallery.curator)
    catalogue = begin(desk)
    empty = desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "then": "publish"})
    add(desk, catalogue, make_work(gallery, "夔门"))
    desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "then": "publish"})

    answer = desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "slug": "elsewhere"})

    assert (empty.status_code, answer.status_code) == (409, 409)
    assert "take the catalogue back before you change it" in answer.text
    assert form_of(gallery, catalogue)["slug"] == "three-gorges"


def test_a_pasted_address_takes_the_shot_on_screen(gallery: Gallery) -> None:
    film = make_work(gallery, "朝天门", shots=4)
    desk = client_for(gallery.services, gallery.curator)
    catalogue = begin(desk)

    url = f"http://testserver/assets/{film.number}?t=4.5#t=4.5"
    added = desk.post(f"/curate/{catalogue}/add", data={"ref": url, "q": "朝天"})
    again = desk.post(f"/curate/{catalogue}/add", data={"ref": url})
    beyond = desk.post(f"/curate/{catalogue}/add", data={"ref": f"/assets/{film.number}#t=99"})
    unknown = desk.post(f"/curate/{catalogue}/add", data={"ref": "CQ-9999-999999"})
    foreign = desk.post(f"/curate/{catalogue}/add", data={"ref": film.number, "part": str(film.id)})

    assert added.status_code == 303
    assert [answer.status_code for answer in (again, beyond, unknown, foreign)] == [409, 404, 404, 404]
    assert "It is in the catalogue already" in again.text
    desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "then": "publish"})
    page = client_for(gallery.services).get("/catalogues/three-gorges").text
    assert f'href="/assets/{film.number}?t=4.0#t=4.0"' in page
    assert "00:00:04:00" in page


def test_the_picker_finds_by_word_and_says_what_is_in(gallery: Gallery) -> None:
    gate, _other = make_work(gallery, "夔门"), make_work(gallery, "纤夫")
    desk = client_for(gallery.services, gallery.curator)
    catalogue = begin(desk)
    add(desk, catalogue, gate)

    found = desk.get(f"/curate/{catalogue}/add", params={"q": "夔 (EN)"}).text

    assert found.count('class="card"') == 1
    assert "In the catalogue" in found
    assert "No published work has these words." in desk.get(f"/curate/{catalogue}/add", params={"q": "无"}).text
    assert desk.get(f"/curate/{catalogue}/add", params={"after": "rubbish"}).status_code == 422


def test_taking_out_leaves_the_rest_in_order(gallery: Gallery) -> None:
    works = [make_work(gallery, title) for title in ("夔门", "纤夫", "白帝城")]
    desk = client_for(gallery.services, gallery.curator)
    catalogue = begin(desk)
    add(desk, catalogue, *works)
    form = form_of(gallery, catalogue)
    order = form["order"]
    assert isinstance(order, list)

    taken = desk.post(f"/curate/{catalogue}", data={**form, "remove": order[1]})
    twice = desk.post(f"/curate/{catalogue}", data={**form, "remove": order[1]})

    assert (taken.status_code, twice.status_code) == (303, 404)
    assert titles(gallery, catalogue) == ["夔门", "白帝城"]


def queries_of_the_list(gallery: Gallery) -> tuple[int, int]:
    """Return how many catalogues are listed and how many statements that took."""
    asked: list[str] = []
    engine = gallery.services.database.engine

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    with gallery.services.database.read() as session:
        sa.event.listen(engine, "before_cursor_execute", note)
        listed = len(list_published(session, by=ANONYMOUS, now=clock.now()))
        sa.event.remove(engine, "before_cursor_execute", note)
    return listed, len(asked)


def test_the_list_asks_as_often_for_two_catalogues_as_for_one(gallery: Gallery) -> None:
    desk = client_for(gallery.services, gallery.curator)
    counted = []
    for number in range(2):
        catalogue = begin(desk, slug=f"number-{number}")
        add(desk, catalogue, make_work(gallery, f"第{number}"))
        desk.post(f"/curate/{catalogue}", data={**form_of(gallery, catalogue), "then": "publish"})
        counted.append(queries_of_the_list(gallery))

    assert [listed for listed, _ in counted] == [1, 2]
    assert counted[0][1] == counted[1][1]
