"""Image requests: the whole, tiles, and clear refusals (IIIF Image API 3.0)."""

from io import BytesIO
from pathlib import Path

import pytest
import pyvips
from PIL import Image, ImageChops, ImageStat

from asset_hub.core.errors import BadInput
from asset_hub.media import ImageRequest, cut_image, image_info
from tests.media_files import make_picture


@pytest.fixture(scope="module")
def pyramid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pyramid")
    image = pyvips.Image.new_from_file(str(make_picture(folder / "p.png", size=(2000, 1200))))
    image.tiffsave(str(folder / "p.tif"), tile=True, tile_width=512, tile_height=512, pyramid=True, compression="jpeg")
    return folder / "p.tif"


@pytest.mark.parametrize(
    ("region", "size", "rotation", "expected"),
    [
        ("full", "max", "0", (2000, 1200)),
        ("full", "500,", "0", (500, 300)),
        ("full", "!300,300", "0", (300, 180)),
        ("0,0,512,512", "512,512", "0", (512, 512)),
        ("1536,1024,512,512", "116,44", "0", (116, 44)),
        ("square", "pct:50", "90", (600, 600)),
        ("pct:50,50,50,50", ",100", "0", (167, 100)),
    ],
)
def test_the_asked_part_has_the_asked_size(
    pyramid: Path, region: str, size: str, rotation: str, expected: tuple[int, int]
) -> None:
    content, mime = cut_image(pyramid, ImageRequest(region, size, rotation, "default", "jpg"))

    assert mime == "image/jpeg"
    assert Image.open(BytesIO(content)).size == expected


@pytest.mark.parametrize(
    ("region", "size", "rotation", "quality", "form"),
    [
        ("0,0,0,0", "max", "0", "default", "jpg"),
        ("9999,0,5,5", "max", "0", "default", "jpg"),
        ("full", "9999,", "0", "default", "jpg"),
        ("full", ",", "0", "default", "jpg"),
        ("full", "max", "45", "default", "jpg"),
        ("full", "max", "0", "bitonal", "jpg"),
        ("full", "max", "0", "default", "exe"),
        ("../../etc", "max", "0", "default", "jpg"),
    ],
)
def test_what_the_interface_does_not_define_is_refused(
    pyramid: Path, region: str, size: str, rotation: str, quality: str, form: str
) -> None:
    with pytest.raises(BadInput):
        cut_image(pyramid, ImageRequest(region, size, rotation, quality, form))


def test_a_bounded_picture_is_served_as_if_it_had_no_more_pixels(pyramid: Path) -> None:
    def cut(region: str, size: str) -> Image.Image:
        content, _mime = cut_image(pyramid, ImageRequest(region, size, "0", "default", "png"), longest=500)
        return Image.open(BytesIO(content)).convert("RGB")

    whole = cut("full", "max")
    corner = cut("400,200,100,100", "max")

    assert (whole.size, corner.size) == ((500, 300), (100, 100))
    assert ImageStat.Stat(ImageChops.difference(corner, whole.crop((400, 200, 500, 300)))).mean < [12.0] * 3
    with pytest.raises(BadInput):
        cut("0,0,100,100", "200,")
    with pytest.raises(BadInput):
        cut("500,0,100,100", "max")
    assert image_info("http://localhost/iiif/1", width=2000, height=1200, longest=500)["width"] == 500


def test_the_description_names_every_scale() -> None:
    info = image_info("http://localhost/iiif/1", width=2000, height=1200)
    assert info["tiles"] == [{"width": 512, "height": 512, "scaleFactors": [1, 2, 4]}]
