"""Pictures, in the limited child: facts from the header, then one decode into pyramid, preview and thumbnail.

The declared size is checked before anything is decoded; public derivatives carry no metadata (a camera's GPS stays
with the master).
"""

from pathlib import Path
from typing import Any

import numpy
import PIL
import pyvips
from PIL import Image, UnidentifiedImageError

from asset_hub.core.text import N_
from asset_hub.media.errors import MediaRefused, TooManyPixels, TruncatedFile, UnsupportedFormat
from asset_hub.media.types import MAX_PIXELS, MAX_SIDE

TILE = 512
_SIZES = (("preview", 1600), ("thumbnail", 480))
PYRAMID_FROM = 1024
_FOR_PILLOW = {"image/jp2", "image/jpx", "image/j2c", "image/x-bmp", "image/bmp", "image/x-tga"}
_LUMA = [0.299, 0.587, 0.114]
_PAPER = [255.0, 255.0, 255.0]
Image.MAX_IMAGE_PIXELS = None


def probe_picture(path: Path, mime: str) -> dict[str, Any]:
    """Return header facts; raises TooManyPixels, UnsupportedFormat, MediaRefused."""
    image = _open(path, mime)
    turned = int(_field(image, "orientation", "1") or 1) >= 5
    width, height = (image.height, image.width) if turned else (image.width, image.height)
    return {
        "kind": "picture",
        "width": width,
        "height": height,
        "captured": _field(image, "exif-ifd2-DateTimeOriginal", "").partition(" (")[0],
        "has_location": any("GPSLatitude" in name for name in image.get_fields()),
        "technical": {
            "bands": image.bands,
            "sample": image.format,
            "interpretation": str(image.interpretation),
            "has_profile": "icc-profile-data" in image.get_fields(),
            "pages": int(_field(image, "n-pages", "1") or 1),
            "camera": _field(image, "exif-ifd0-Model", "").partition(" (")[0],
        },
        "tool": _tool(mime),
    }


def derive_picture(path: Path, mime: str, out: Path) -> list[dict[str, Any]]:
    """Write pyramid.tif (above 1024 px), preview.jpg, thumbnail.jpg. Raises TruncatedFile and what `probe` raises."""
    image = _upright(_open(path, mime))
    try:
        if max(image.width, image.height) <= PYRAMID_FROM:
            small = image.copy_memory()
            return [_shrink(small, out, role, side) for role, side in _SIZES]
        source = out / "pyramid.tif"
        image.tiffsave(
            str(source),
            tile=True,
            tile_width=TILE,
            tile_height=TILE,
            pyramid=True,
            compression="jpeg",
            Q=85,
            keep="icc",
        )
        made = [_shrink(source, out, role, side) for role, side in _SIZES]
    except pyvips.Error as error:
        raise _refusal(error) from error
    return [*made, _made("pyramid", source, "image/tiff", image)]


def draw_grey(path: Path, mime: str, *, side: int) -> dict[str, Any]:
    """Return the upright picture's brightness in at most `side` pixels a side, transparent parts on white."""
    try:
        small = _upright(_open(path, mime)).thumbnail_image(side, height=side, size="down")
        grey = small.recomb([_LUMA]).cast("uchar") if small.bands >= 3 else small.extract_band(0)
        samples = grey.write_to_memory()
    except pyvips.Error as error:
        raise _refusal(error) from error
    return {"width": grey.width, "height": grey.height, "samples": list(bytes(samples))}


def _shrink(source: Any, out: Path, role: str, side: int) -> dict[str, Any]:
    shrink = pyvips.Image.thumbnail if isinstance(source, Path) else pyvips.Image.thumbnail_image
    small = shrink(str(source) if isinstance(source, Path) else source, side, height=side, size="down")
    target = out / f"{role}.jpg"
    small.jpegsave(str(target), Q=82, strip=True, interlace=True, optimize_coding=True)
    return _made(role, target, "image/jpeg", small)


def _made(role: str, path: Path, mime: str, image: Any) -> dict[str, Any]:
    return {"role": role, "path": str(path), "mime": mime, "width": image.width, "height": image.height}


def _open(path: Path, mime: str) -> Any:
    if mime in _FOR_PILLOW:
        return _open_with_pillow(path)
    try:
        image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
    except pyvips.Error as error:
        raise _refusal(error) from error
    _check_size(image.width, image.height)
    if _field(image, "orientation", "1") in ("0", "1"):
        return image
    return pyvips.Image.new_from_file(str(path), fail_on="truncated")


def _open_with_pillow(path: Path) -> Any:
    try:
        with Image.open(path) as opened:
            _check_size(*opened.size)
            pixels = numpy.asarray(opened.convert("L" if opened.mode in ("L", "1") else "RGB"))
    except (UnidentifiedImageError, RuntimeError) as error:
        raise UnsupportedFormat(N_("No decoder for it: {reason}"), reason=str(error)) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise TruncatedFile(N_("It ends too early: {reason}"), reason=str(error)) from error
    bands = 1 if pixels.ndim == 2 else pixels.shape[2]
    return pyvips.Image.new_from_memory(
        numpy.ascontiguousarray(pixels).data, pixels.shape[1], pixels.shape[0], bands, "uchar"
    )


def _check_size(width: int, height: int) -> None:
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise TooManyPixels(
            N_("{width} × {height} pixels; the limit is {side} a side and {pixels} million in all."),
            width=width, height=height, side=MAX_SIDE, pixels=MAX_PIXELS // 1_000_000,
        )  # fmt: skip


def _upright(image: Any) -> Any:
    upright = image.autorot() if "orientation" in image.get_fields() else image
    if upright.hasalpha():
        upright = upright.flatten(background=_PAPER[: upright.bands - 1] if upright.bands <= 4 else _PAPER)
    space = "b-w" if upright.bands == 1 else "srgb"
    try:
        if upright.interpretation not in (space, "srgb", "b-w") or upright.format != "uchar":
            upright = upright.colourspace(space)
        return upright.cast("uchar")
    except pyvips.Error as error:
        raise _refusal(error) from error


def _field(image: Any, name: str, otherwise: str) -> str:
    return str(image.get(name)) if name in image.get_fields() else otherwise


def _tool(mime: str) -> str:
    if mime in _FOR_PILLOW:
        return f"Pillow {PIL.__version__}"
    return f"libvips {pyvips.version(0)}.{pyvips.version(1)}.{pyvips.version(2)}"


def _refusal(error: pyvips.Error) -> MediaRefused:
    reason = " ".join(str(error).split())[-300:]
    if "exceeds the maximum image size" in reason:
        return TooManyPixels(N_("The decoder's limit: {reason}"), reason=reason)
    if (
        "not a known file format" in reason
        or "not in a known format" in reason
        or "not configured" in reason
        or "Support for this" in reason
    ):
        return UnsupportedFormat(N_("No decoder for it: {reason}"), reason=reason)
    if any(word in reason.lower() for word in ("trunc", "premature", "end of", "read error", "not enough", "corrupt")):
        return TruncatedFile(N_("It ends too early: {reason}"), reason=reason)
    return MediaRefused(N_("It could not be read: {reason}"), reason=reason)
