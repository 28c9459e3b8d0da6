"""Facts and derivatives of real files, and clear refusals of broken ones."""

import random
from pathlib import Path

import pytest
import pyvips
from PIL import Image

from asset_hub.core.rational import FrameRate, Span
from asset_hub.media import (
    MediaKind,
    MediaRefused,
    TooManyPixels,
    TruncatedFile,
    UnsupportedFormat,
    cut_film,
    derive,
    draw_stills,
    find_shots,
    probe,
)
from asset_hub.media.types import Probe
from tests.media_files import make_film, make_huge_png, make_picture


def picture_facts(path: Path) -> Probe:
    return probe(path, kind=MediaKind.PICTURE, mime="image/jpeg")


def test_a_turned_picture_is_shown_upright_and_loses_its_place(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (29.0, 33.0, 0.0)
    path = make_picture(tmp_path / "t.jpg", size=(1400, 800), exif=exif)
    out = tmp_path / "out"
    out.mkdir()

    facts = picture_facts(path)
    made = {d.role: d for d in derive(path, out, kind=facts.kind, mime="image/jpeg", facts=facts)}

    assert (facts.width, facts.height, facts.has_location) == (800, 1400, True)
    assert set(made) == {"preview", "thumbnail", "pyramid"}
    assert (made["preview"].width, made["preview"].height) == (800, 1400)
    assert max(Image.open(made["thumbnail"].path).size) == 480
    assert not Image.open(made["preview"].path).getexif()
    pyramid = pyvips.Image.new_from_file(str(made["pyramid"].path))
    assert (pyramid.width, pyramid.height, int(pyramid.get("n-pages"))) == (800, 1400, 3)


def test_a_header_of_fifty_thousand_pixels_a_side_is_refused_unread(tmp_path: Path) -> None:
    path = make_huge_png(tmp_path / "huge.png")
    with pytest.raises(TooManyPixels) as refused:
        probe(path, kind=MediaKind.PICTURE, mime="image/png")
    assert "50000" in str(refused.value)


def test_a_truncated_picture_is_refused_while_decoding(tmp_path: Path) -> None:
    whole = make_picture(tmp_path / "w.jpg", size=(1600, 1200)).read_bytes()
    path = tmp_path / "t.jpg"
    path.write_bytes(whole[: len(whole) // 2])
    facts = picture_facts(path)

    with pytest.raises(TruncatedFile):
        derive(path, tmp_path, kind=facts.kind, mime="image/jpeg", facts=facts)


def test_a_film_gives_facts_proxy_and_poster(tmp_path: Path) -> None:
    path = make_film(tmp_path / "f.mp4", rate="30000/1001")
    out = tmp_path / "out"
    out.mkdir()
    seen: list[float] = []

    facts = probe(path, kind=MediaKind.FILM, mime="video/mp4")
    made = {d.role: d for d in derive(path, out, kind=facts.kind, mime="", facts=facts, on_progress=seen.append)}

    assert (facts.width, facts.height, facts.rate, facts.has_sound) == (320, 180, FrameRate(30000, 1001), True)
    assert set(made) == {"proxy", "poster", "thumbnail"}
    again = probe(made["proxy"].path, kind=MediaKind.FILM, mime="video/mp4")
    assert (again.frames, again.width) == (facts.frames, 320)
    assert seen
    assert seen[-1] == 1.0


def test_a_truncated_film_is_refused(tmp_path: Path) -> None:
    whole = make_film(tmp_path / "f.mp4").read_bytes()
    path = tmp_path / "t.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TruncatedFile):
        probe(path, kind=MediaKind.FILM, mime="video/mp4")


def test_shots_cover_the_film_and_start_at_its_cuts(tmp_path: Path) -> None:
    found = find_shots(make_film(tmp_path / "f.mp4", cuts=5), rate=FrameRate(25))

    assert [(shot.start, shot.end) for shot in found.shots] == [(0, 25), (25, 50), (50, 75), (75, 100), (100, 125)]
    assert [shot.opened_by for shot in found.shots] == ["start", "cut", "cut", "cut", "cut"]


def test_stills_and_cuts_are_exact_to_the_frame(tmp_path: Path) -> None:
    path = make_film(tmp_path / "f.mp4", cuts=3)
    stills = draw_stills(path, tmp_path, frames=[5, 30, 70])
    assert [Image.open(still).size for still in stills] == [(320, 180)] * 3

    cut = cut_film(path, tmp_path, span=Span(25, 50), rate=FrameRate(25), height=90)

    facts = probe(cut, kind=MediaKind.FILM, mime="video/mp4")
    assert (facts.frames, facts.height) == (25, 90)
    assert len(find_shots(cut, rate=FrameRate(25)).shots) == 1


def test_noise_is_refused_as_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "noise"
    path.write_bytes(bytes(range(256)) * 64)
    for kind in (MediaKind.PICTURE, MediaKind.FILM, MediaKind.SOUND):
        with pytest.raises(MediaRefused):
            probe(path, kind=kind, mime="")
    with pytest.raises(UnsupportedFormat):
        probe(path, kind=MediaKind.PICTURE, mime="image/jpeg")


@pytest.mark.parametrize("mime", ["image/jpx", "image/jp2", "image/tiff", "image/png", "video/mp4", "audio/wav"])
def test_a_refusal_does_not_say_where_our_files_lie(tmp_path: Path, mime: str) -> None:
    folder = tmp_path / ("一个 很长的目录" * 3)
    folder.mkdir()
    path = folder / "ae749b2c27af"
    path.write_bytes(random.Random(7).randbytes(9_000))

    with pytest.raises(MediaRefused) as caught:
        probe(path, kind=MediaKind.FILM if mime[0] in "va" else MediaKind.PICTURE, mime=mime)

    said = str(caught.value)
    assert not any(part in said for part in (str(tmp_path), "很长的目录", path.name)), said


def test_sound_gives_a_proxy_and_a_drawn_wave(tmp_path: Path) -> None:
    film = make_film(tmp_path / "f.mp4")
    facts = Probe(MediaKind.SOUND, duration_ms=3000)
    made = derive(film, tmp_path, kind=MediaKind.SOUND, mime="audio/mp4", facts=facts)

    assert [d.role for d in made] == ["proxy", "thumbnail"]
    assert Image.open(made[1].path).size == (480, 270)
