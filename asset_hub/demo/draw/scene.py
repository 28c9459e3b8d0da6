"""A scene of Chongqing as layers from far to near, drawn for any moment t (seconds) at any size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Array = np.ndarray[Any, Any]


class Hour(StrEnum):
    """The light of a scene."""

    DAWN = "dawn"
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"
    FOG = "fog"
    INK = "ink"


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of an hour: sky from top to horizon, far and near land, water tint, lit windows."""

    top: Colour
    horizon: Colour
    far: Colour
    near: Colour
    water: Colour
    light: Colour
    glow: float


PALETTES: dict[Hour, Palette] = {
    hour: Palette(*(tuple(bytes.fromhex(colour)) for colour in colours.split()), glow)  # type: ignore[arg-type, call-arg]
    for hour, colours, glow in (
        (Hour.DAWN, "5c7696 f4ceaa 9696a8 3a4254 96a0ac ffe2a0", 0.3),
        (Hour.DAY, "6c9cc4 dee8e8 8ea8b0 3e5c54 7e9e9e ece8d6", 0.1),
        (Hour.DUSK, "343a68 f69456 765470 261e32 9c6660 ffd078", 0.6),
        (Hour.NIGHT, "0a0e22 342a58 1e203e 0a0c18 1a1c3a ffc468", 1.0),
        (Hour.FOG, "c4cacc e2e4e0 bcc4c6 748082 cad0d0 faecc8", 0.2),
        (Hour.INK, "eee8da f6f2e8 b4b6b2 343636 e4e0d4 963c28", 0.0),
    )
}
NEON: tuple[Colour, ...] = ((255, 72, 120), (72, 214, 255), (255, 186, 60), (160, 110, 255), (90, 255, 170))


@dataclass(frozen=True, slots=True)
class Scene:
    """What is seen: its hour, the things in it (see THINGS), a seed for its shapes, a pan in widths a second."""

    hour: Hour
    things: tuple[str, ...]
    seed: int = 1
    pan: float = 0.004
    horizon: float = 0.58


class Canvas:
    """A picture under way, with what every layer needs."""

    def __init__(self, scene: Scene, t: float, width: int, height: int) -> None:
        self.scene, self.t, self.width, self.height = scene, t, width, height
        self.palette = PALETTES[scene.hour]
        self.rng = np.random.default_rng(scene.seed)
        self.shift = t * scene.pan
        self.line = int(scene.horizon * height)
        self.image = Image.fromarray(self._sky())

    def _sky(self) -> Array:
        rows = np.linspace(0, 1, self.height)[:, None, None] ** 1.3
        top, horizon = np.array(self.palette.top), np.array(self.palette.horizon)
        column = top * (1 - rows) + horizon * rows
        return np.broadcast_to(column, (self.height, self.width, 3)).astype(np.uint8).copy()

    def pen(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.image)

    def x(self, share: float, depth: float = 1.0) -> float:
        """Return a column for a share of the width; near things (depth 1) pan more than far ones."""
        return (share - self.shift * depth) * self.width

    def mix(self, a: Colour, b: Colour, share: float) -> Colour:
        return tuple(round(p * (1 - share) + q * share) for p, q in zip(a, b, strict=True))  # type: ignore[return-value]

    def ridge(self, base: float, rough: float, seed: int, depth: float) -> Array:
        """Return the height of a mountain line for every column."""
        rng = np.random.default_rng(self.scene.seed * 97 + seed)
        columns = np.linspace(0, 1, self.width) + self.shift * depth
        line = np.zeros(self.width)
        for octave in range(1, 6):
            line += np.sin(columns * 6.3 * octave * rng.uniform(0.7, 1.3) + rng.uniform(0, 6.3)) / octave**1.15
        return (base - line * rough) * self.height

    def fill_below(self, line: Array, colour: Colour, bottom: int | None = None) -> None:
        """Paint everything from a line down to `bottom`."""
        points = [(float(x), float(y)) for x, y in zip(range(0, self.width, 2), line[::2], strict=True)]
        low = self.height if bottom is None else bottom
        self.pen().polygon([(0, low), *points, (self.width, float(line[-1])), (self.width, low)], fill=colour)


def draw_scene(scene: Scene, t: float, size: tuple[int, int]) -> Image.Image:
    """Return the scene at a moment; the same arguments give the same picture."""
    from asset_hub.demo.draw.things import THINGS

    canvas = Canvas(scene, t, *size)
    for name in scene.things:
        THINGS[name](canvas)
    if scene.hour == Hour.INK:
        return canvas.image
    return _grade(canvas)


def _grade(canvas: Canvas) -> Image.Image:
    """Let lights bloom and darken the corners a little."""
    image = canvas.image
    if canvas.palette.glow > 0.4:
        small = image.resize((max(1, canvas.width // 4), max(1, canvas.height // 4)))
        bloom = small.point(lambda v: max(0, v - 150) * 2).filter(ImageFilter.GaussianBlur(4)).resize(image.size)
        image = Image.fromarray(
            np.minimum(255, np.asarray(image, np.uint16) + np.asarray(bloom, np.uint16) // 2).astype(np.uint8)
        )
    rows = np.linspace(-1, 1, canvas.height)[:, None] ** 2
    columns = np.linspace(-1, 1, canvas.width)[None, :] ** 2
    shade = 1 - 0.16 * np.clip(rows + columns - 0.5, 0, 1)
    return Image.fromarray((np.asarray(image, np.float32) * shade[:, :, None]).astype(np.uint8))


def ease(t: float, start: float, end: float) -> float:
    """Return 0 before `start`, 1 after `end`, a soft step between."""
    share = min(1.0, max(0.0, (t - start) / max(1e-6, end - start)))
    return share * share * (3 - 2 * share)


def wave(t: float, seconds: float, phase: float = 0.0) -> float:
    return math.sin(2 * math.pi * (t / seconds + phase))


def spread(rng: np.random.Generator, count: int, low: float, high: float) -> Sequence[float]:
    return [float(v) for v in np.sort(rng.uniform(low, high, count))]
