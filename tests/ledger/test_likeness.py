"""The fingerprint of a picture: one value by any decoder, near after re-compression, far for others, no crash."""

import io
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ledger.jpeg_blocks import Unreadable, read_jpeg_blocks
from ledger.likeness import MOST_SIMILAR, distance_of, fingerprint_of, read_fingerprint
from ledger.pictured import fingerprint_file
from ledger.rasters import Raster, cut_rows
from tests.commands import Shell, shell
from tests.drill import grown
from tests.media_files import make_picture, paint

__all__ = ["shell"]


@pytest.fixture(scope="module")
def stated(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("stated") / "stated.png"
    paint(1).save(path)
    return fingerprint_file(path)


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("a.jpg", "RGB", {"quality": 90}),
        ("a.jpg", "RGB", {"quality": 40, "subsampling": 0}),
        ("a.jpg", "RGB", {"quality": 75, "progressive": True}),
        ("a.jpg", "RGB", {"quality": 75, "restart_marker_blocks": 7}),
        ("a.jpg", "L", {"quality": 80}),
        ("a.png", "RGB", {}),
        ("a.png", "RGBA", {}),
        ("a.png", "LA", {}),
        ("a.png", "L", {}),
        ("a.png", "P", {}),
    ],
)
def test_a_bare_python_reads_what_the_product_reads(
    stated: str, tmp_path: Path, name: str, mode: str, options: dict[str, object]
) -> None:
    path = tmp_path / name
    paint(1).convert(mode).save(path, **options)  # type: ignore[arg-type]

    bare, whole = read_fingerprint(path), fingerprint_file(path)

    assert distance_of(bare, whole) <= 12
    assert max(distance_of(bare, stated), distance_of(whole, stated)) <= 12


STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip


@pytest.mark.parametrize("orientation", sorted(STORED))
def test_a_camera_s_turn_is_undone(stated: str, tmp_path: Path, orientation: int) -> None:
    path, exif = tmp_path / "turned.jpg", Image.Exif()
    exif[274] = orientation
    stored = paint(1).transpose(STORED[orientation])
    stored.save(path, exif=exif, quality=90)

    assert distance_of(read_fingerprint(path), stated) <= 12
    assert distance_of(fingerprint_file(path), stated) <= 12


def test_the_same_picture_stays_near_and_other_pictures_far(stated: str, tmp_path: Path) -> None:
    near, far = [], []
    for number, (scale, quality) in enumerate([(1, 30), (0.7, 60), (0.8, 50), (2, 70)]):
        path = tmp_path / f"{number}.jpg"
        whole = paint(1)
        whole.resize((int(640 * scale), int(420 * scale))).save(path, quality=quality)
        near.append(distance_of(read_fingerprint(path), stated))
    for seed in range(2, 30):
        picture = paint(seed).convert("L").resize((256, 168))
        rows = cut_rows(picture.tobytes(), columns=256, count=168)
        far.append(distance_of(fingerprint_of(Raster(256, 168, rows)), stated))

    assert max(near) <= MOST_SIMILAR / 2
    assert min(far) > 2 * MOST_SIMILAR


def test_what_is_flat_or_no_picture_or_too_large_has_none(tmp_path: Path) -> None:
    flat, words, film = tmp_path / "flat.png", tmp_path / "words.txt", tmp_path / "film.mp4"
    Image.new("RGB", (300, 300), "grey").save(flat)
    words.write_text("no picture")
    film.write_bytes(b"\0\0\0 ftypisom" + bytes(100))
    huge = tmp_path / "huge.png"
    huge.write_bytes(flat.read_bytes()[:16] + b"\0\1\0\0" * 2 + flat.read_bytes()[24:])

    assert [read_fingerprint(path) for path in (flat, words, film, huge)] == [""] * 4
    assert [fingerprint_file(path) for path in (flat, words, film)] == [""] * 3


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    found = {}
    for name in ("JPEG", "PNG"):
        out = io.BytesIO()
        paint(3, size=(264, 258)).save(out, name, restart_marker_blocks=5)
        found[name] = out.getvalue()
    return found


@settings(deadline=None, max_examples=grown(60, 3000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_changed_picture_crashes_the_bare_reader(
    contents: dict[str, bytes], tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(contents[data.draw(st.sampled_from(["JPEG", "PNG"]))])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(2, min(len(content), 900) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed"
    path.write_bytes(content[: data.draw(st.integers(2, len(content)))])

    assert len(read_fingerprint(path)) in (0, 64)


def test_the_command_prints_a_picture_s_fingerprint_and_refuses_what_is_none(shell: Shell, tmp_path: Path) -> None:
    path, words = tmp_path / "one.tif", tmp_path / "words.txt"
    paint(1).save(path)
    words.write_text("no picture")

    printed, refused = (shell("certificate", "fingerprint", one) for one in (path, words))

    assert (printed.code, printed.out) == (0, fingerprint_file(path) + "\n")
    assert (refused.code, refused.out) == (1, "")


def test_a_bare_reading_is_bounded_by_the_declared_size(tmp_path: Path) -> None:
    path = make_picture(tmp_path / "small.jpg", size=(128, 128))

    assert read_fingerprint(path) == ""
    assert len(fingerprint_file(path)) == 64


def tall(path: Path, *, rows: int) -> Path:
    """Write a picture one sample wide, dark above and light below."""
    Image.linear_gradient("L").resize((1, rows)).save(path)
    return path


def test_a_long_thin_picture_takes_no_more_memory_than_its_rows(tmp_path: Path) -> None:
    path = tall(tmp_path / "tall.png", rows=8000)

    tracemalloc.start()
    found = read_fingerprint(path)
    _now, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(found) == 64
    assert peak_bytes < 4 << 20


def test_a_side_or_a_count_of_chunks_beyond_the_bound_is_not_read(tmp_path: Path) -> None:
    most, more = (tall(tmp_path / f"{rows}.png", rows=rows) for rows in (1 << 15, (1 << 15) + 1))
    chunked, many = tmp_path / "chunked.png", tmp_path / "many.png"
    content = tall(tmp_path / "short.png", rows=300).read_bytes()
    for path, count in ((chunked, 1 << 15), (many, 1 << 16)):
        path.write_bytes(content[:33] + b"\0\0\0\0none\0\0\0\0" * count + content[33:])

    assert [len(read_fingerprint(path)) for path in (most, more, chunked, many)] == [64, 0, 64, 0]


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    out = io.BytesIO()
    paint(1, size=(264, 258)).save(out, "JPEG", quality=90)
    return out.getvalue()


def test_tables_that_nobody_needs_are_refused_by_their_count_and_their_names(jpeg: bytes, tmp_path: Path) -> None:
    empty = bytes(16)
    heads = {
        "eight": segment(0xC4, b"".join(bytes([name]) + empty for name in (0, 1, 2, 3, 16, 17, 18, 19))),
        "nine": segment(0xC4, b"".join(bytes([name]) + empty for name in (0, 1, 2, 3, 16, 17, 18, 19, 0))),
        "a fifth": segment(0xC4, b"\x04" + empty), "beyond": segment(0xC4, b"\xf0" + empty),
        "quanta": segment(0xDB, b"".join(bytes([name]) + bytes(64) for name in range(4)) + bytes(65)),
        "a fifth quantum": segment(0xDB, b"\x04" + bytes(64)),
    }  # fmt: skip
    found = {}
    for name, head in heads.items():
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(jpeg[:2] + head + jpeg[2:])
        found[name] = len(read_fingerprint(path))

    assert found == {name: 64 if name == "eight" else 0 for name in heads}


def test_a_scan_names_each_component_of_the_frame_once() -> None:
    out = io.BytesIO()
    paint(1, size=(264, 258)).convert("L").save(out, "JPEG")
    content = out.getvalue()
    before = content[: content.index(b"\xff\xda")]
    held = {}
    for components in ((1,), (1, 1), (1,) * 255, (1, 9), ()):
        scan = bytes([len(components)]) + b"".join(bytes([one, 0]) for one in components) + b"\x00\x3f\x00"
        try:
            held[components] = len(read_jpeg_blocks(before + segment(0xDA, scan) + bytes(60_000)).means)
        except Unreadable:
            held[components] = 0

    assert list(held.values()) == [33 * 33, 0, 0, 0, 0]


def test_restarts_are_cut_only_as_far_as_the_picture_needs_them(jpeg: bytes, tmp_path: Path) -> None:
    path = tmp_path / "restarts.jpg"
    path.write_bytes(jpeg[:-2] + b"\xff\xd0" * 400_000 + jpeg[-2:])
    content = path.read_bytes()

    tracemalloc.start()
    means = read_jpeg_blocks(content).means
    _now, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert means == read_jpeg_blocks(jpeg).means
    assert peak_bytes < 5 << 20
