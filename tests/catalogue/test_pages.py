"""The asset page, its files by range, pictures by IIIF."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from asset_hub.accounts import Actor
from asset_hub.catalogue import FileRole, get_asset, list_assets
from asset_hub.catalogue.types import AssetView
from asset_hub.core import clock
from asset_hub.media import PUBLIC_LONGEST
from tests.demo_intake import House, take_in
from tests.media_files import make_film, make_picture
from tests.web.pages import client_for


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house that took in one film and one picture and published both."""
    folder = tmp_path_factory.mktemp("pages")
    media = folder / "media"
    media.mkdir()
    make_film(media / "朝天门.mp4", cuts=2)
    make_picture(media / "夔门<b>.jpg", size=(2600, 1600))
    return take_in(folder / "home", media)


def asset_of(house: House, kind: str) -> AssetView:
    with house.services.database.read() as session:
        found = list_assets(session, by=house.archivist, now=clock.now()).assets
        number = next(one for one in found if one.kind == kind)
        return get_asset(session, asset_id=number.id, by=house.archivist, now=clock.now())


def client(house: House, by: Actor | None = None) -> TestClient:
    return client_for(house.services, by)


def test_a_film_shows_player_shots_and_why_it_says_so(house: House) -> None:
    film = asset_of(house, "film")

    page = client(house).get(f"/assets/{film.number}?t=1.0").text

    assert "<film-player" in page
    assert 'data-start="1.0"' in page
    assert page.count('data-start="') == 1 + len(film.parts)
    assert "the name of the file" in page


def test_a_name_with_markup_is_shown_as_text(house: House) -> None:
    picture = asset_of(house, "picture")

    page = client(house).get(f"/assets/{picture.number}").text

    assert "夔门&lt;b&gt;" in page
    assert "夔门<b>" not in page


def test_a_proxy_is_served_by_range(house: House) -> None:
    proxy = asset_of(house, "film").file(FileRole.PROXY)
    assert proxy is not None
    reader = client(house)

    whole = reader.get(f"/files/{proxy.id}")
    part = reader.get(f"/files/{proxy.id}", headers={"range": "bytes=10-19"})
    tail = reader.get(f"/files/{proxy.id}", headers={"range": "bytes=-5"})
    beyond = reader.get(f"/files/{proxy.id}", headers={"range": f"bytes={proxy.bytes_count}-"})
    known = reader.get(f"/files/{proxy.id}", headers={"if-none-match": whole.headers["etag"]})

    assert len(whole.content) == proxy.bytes_count
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{proxy.bytes_count}"
    assert tail.content == whole.content[-5:]
    assert (beyond.status_code, known.status_code) == (416, 304)


def test_a_master_is_never_served(house: House) -> None:
    masters = [asset_of(house, kind).file(FileRole.MASTER) for kind in ("film", "picture")]

    answers = [client(house, house.archivist).get(f"/files/{master.id}").status_code for master in masters if master]

    assert answers == [404, 404]


def test_a_picture_is_cut_on_demand(house: House) -> None:
    pyramid = asset_of(house, "picture").file(FileRole.PYRAMID)
    assert pyramid is not None
    reader = client(house)

    info = reader.get(f"/iiif/{pyramid.id}/info.json").json()
    tile = reader.get(f"/iiif/{pyramid.id}/0,0,512,512/256,/0/default.jpg")
    wrong = reader.get(f"/iiif/{pyramid.id}/nonsense/max/0/default.jpg")

    assert (info["width"], info["height"], info["profile"]) == (PUBLIC_LONGEST, 1260, "level2")
    assert (tile.status_code, tile.headers["content-type"]) == (200, "image/jpeg")
    assert (wrong.status_code, wrong.json()["status"]) == (422, 422)


def test_strangers_see_a_picture_in_as_many_pixels_as_the_public_may(house: House) -> None:
    pyramid = asset_of(house, "picture").file(FileRole.PYRAMID)
    assert pyramid is not None
    stranger, staff = client(house), client(house, house.archivist)

    infos = [reader.get(f"/iiif/{pyramid.id}/info.json").json() for reader in (stranger, staff)]
    wholes = [reader.get(f"/iiif/{pyramid.id}/full/max/0/default.png") for reader in (stranger, staff)]
    beyond = stranger.get(f"/iiif/{pyramid.id}/0,0,100,100/200,/0/default.jpg")

    assert [(info["width"], info["height"]) for info in infos] == [(PUBLIC_LONGEST, 1260), (2600, 1600)]
    assert [Image.open(BytesIO(whole.content)).size for whole in wholes] == [(PUBLIC_LONGEST, 1260), (2600, 1600)]
    assert beyond.status_code == 422


def test_an_unknown_asset_is_not_found_in_both_languages(house: House, tmp_path: Path) -> None:
    answers = [client_for(house.services, language=language).get("/assets/CQ-1999-000001") for language in ("zh", "en")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "There is no such asset" in answers[1].text
