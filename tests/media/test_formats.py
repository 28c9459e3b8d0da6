"""A file is what its bytes say; a name that says otherwise is refused."""

from pathlib import Path

import pytest

from asset_hub.media import EmptyFile, MediaKind, MislabelledFile, digest_file, identify, kind_of
from tests.media_files import make_film, make_picture


def test_bytes_decide_the_format(tmp_path: Path) -> None:
    found = identify(make_picture(tmp_path / "a.jpg"), name="a.jpg")

    assert (found.mime, found.puid) == ("image/jpeg", "fmt/43")
    assert kind_of(found.mime) == MediaKind.PICTURE


def test_a_name_without_suffix_is_no_obstacle(tmp_path: Path) -> None:
    assert kind_of(identify(make_film(tmp_path / "f.mp4"), name="一盘带子").mime) == MediaKind.FILM


def test_a_picture_called_a_film_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MislabelledFile) as refused:
        identify(make_picture(tmp_path / "a.png"), name="朝天门.mp4")

    assert "朝天门.mp4" in str(refused.value)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e.jpg").touch()
    with pytest.raises(EmptyFile):
        identify(tmp_path / "e.jpg", name="e.jpg")


def test_an_unknown_format_has_no_kind(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\x00\x01\x02" * 100)
    assert kind_of(identify(tmp_path / "x", name="x.xyz").mime) is None


def test_digests_are_those_of_the_standards(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    digests = digest_file(tmp_path / "abc", with_sm3=True)

    assert digests.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digests.sm3 in ("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", None)
    assert digests.bytes_count == 3
