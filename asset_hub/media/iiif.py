"""IIIF Image API 3.0, level 2, cut on demand from the pyramids that we wrote ourselves (so in this process)."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_

TILE = 512
PUBLIC_LONGEST = 2048
_MIMES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
_MAX_OUT = 4096


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """The five parts of an image request as they stand in the URL."""

    region: str
    size: str
    rotation: str
    quality: str
    form: str


def shown_size(width: int, height: int, longest: int | None) -> tuple[int, int]:
    """Return the pixels a picture is shown with; `longest` bounds its longer side, None shows all (ADR 0015)."""
    if longest is None or max(width, height) <= longest:
        return width, height
    scale = longest / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def image_info(base: str, *, width: int, height: int, longest: int | None = None) -> dict[str, Any]:
    """Return info.json (IIIF Image API 3.0, section 5) of a picture under `base`, shown as `shown_size` says."""
    width, height = shown_size(width, height, longest)
    factors = [1]
    while TILE * factors[-1] < max(width, height):
        factors.append(factors[-1] * 2)
    return {
        "@context": "http://iiif.io/api/image/3/context.json", "id": base, "type": "ImageService3",
        "protocol": "http://iiif.io/api/image", "profile": "level2", "width": width, "height": height,
        "maxWidth": _MAX_OUT, "maxHeight": _MAX_OUT,
        "tiles": [{"width": TILE, "height": TILE, "scaleFactors": factors}],
    }  # fmt: skip


def cut_image(path: Path, request: ImageRequest, *, longest: int | None = None) -> tuple[bytes, str]:
    """Return the asked part of a pyramid, shown as `shown_size` says, and its MIME type.

    Raises BadInput for what the API does not define.
    """
    import pyvips

    if request.form not in _MIMES or request.quality not in ("default", "color", "gray"):
        raise _bad(f"{request.quality}.{request.form}")
    if request.rotation not in ("0", "90", "180", "270"):
        raise _bad(request.rotation)
    whole = pyvips.Image.new_from_file(str(path))
    shown = shown_size(whole.width, whole.height, longest)
    left, top, width, height = read_region(request.region, *shown)
    out_width, out_height = read_size(request.size, width, height)
    left, top, width, height = _on_whole((left, top, width, height), whole.width / shown[0], whole.height / shown[1])
    level = 0
    while width >> (level + 1) >= out_width and height >> (level + 1) >= out_height and level + 1 < _levels(whole):
        level += 1
    image = pyvips.Image.new_from_file(str(path), page=level) if level else whole
    part = _crop(image, left >> level, top >> level, max(1, width >> level), max(1, height >> level))
    scaled = part.resize(out_width / part.width, vscale=out_height / part.height)
    if request.rotation != "0":
        scaled = scaled.rot(f"d{request.rotation}")
    if request.quality == "gray":
        scaled = scaled.colourspace("b-w")
    return bytes(scaled.write_to_buffer(f".{request.form}", **({"Q": 82} if request.form != "png" else {}))), _MIMES[
        request.form
    ]


def read_region(text: str, width: int, height: int) -> tuple[int, int, int, int]:
    """Read full, square, x,y,w,h or pct:x,y,w,h into pixels inside the picture. Raises BadInput."""
    if text == "full":
        return 0, 0, width, height
    if text == "square":
        side = min(width, height)
        return (width - side) // 2, (height - side) // 2, side, side
    found = re.fullmatch(r"(pct:)?([\d.]{1,12}),([\d.]{1,12}),([\d.]{1,12}),([\d.]{1,12})", text)
    if found is None:
        raise _bad(text)
    try:
        x, y, w, h = (float(part) for part in found.groups()[1:])
    except ValueError as error:
        raise _bad(text) from error
    if found.group(1):
        x, y, w, h = x * width / 100, y * height / 100, w * width / 100, h * height / 100
    left, top = int(x), int(y)
    right, bottom = min(width, int(x + w)), min(height, int(y + h))
    if left >= right or top >= bottom:
        raise _bad(text)
    return left, top, right - left, bottom - top


def read_size(text: str, width: int, height: int) -> tuple[int, int]:
    """Read max, w, / ,h / w,h / !w,h / pct:n into pixels, never upscaling. Raises BadInput."""
    if text == "max":
        scale = min(1.0, _MAX_OUT / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))
    if found := re.fullmatch(r"pct:(\d{1,3})", text):
        wanted = width * int(found[1]) / 100, height * int(found[1]) / 100
    elif found := re.fullmatch(r"(!?)(\d{0,6}),(\d{0,6})", text):
        wanted = _wanted(found[1] == "!", found[2], found[3], width, height, text)
    else:
        raise _bad(text)
    out = max(1, round(wanted[0])), max(1, round(wanted[1]))
    if out[0] > width or out[1] > height or max(out) > _MAX_OUT:
        raise _bad(text)
    return out


def _wanted(best_fit: bool, w: str, h: str, width: int, height: int, text: str) -> tuple[float, float]:
    if not w and not h:
        raise _bad(text)
    across, down = int(w or 0), int(h or 0)
    if best_fit:
        scale = min(across / width, down / height, 1.0)
        return width * scale, height * scale
    return across or width * down / height, down or height * across / width


def _on_whole(part: tuple[int, int, int, int], across: float, down: float) -> tuple[int, int, int, int]:
    left, top = int(part[0] * across), int(part[1] * down)
    return left, top, max(1, round(part[2] * across)), max(1, round(part[3] * down))


def _levels(image: Any) -> int:
    return int(image.get("n-pages")) if "n-pages" in image.get_fields() else 1


def _crop(image: Any, left: int, top: int, width: int, height: int) -> Any:
    left, top = min(left, image.width - 1), min(top, image.height - 1)
    return image.crop(left, top, min(width, image.width - left), min(height, image.height - top))


def _bad(text: str) -> BadInput:
    return BadInput(N_("“{text}” is no part of an image request (IIIF Image API 3.0)."), text=text[:60])
