"""The things in a scene: mountains, river, city, stilt houses, bridge, cableway, ferry, gorge, fog, steps."""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from asset_hub.demo.draw.scene import NEON, Canvas, Hour, wave


def sun(canvas: Canvas) -> None:
    radius = canvas.height * 0.055
    x, y = canvas.x(0.68, 0.1), canvas.line - canvas.height * (0.12 + 0.004 * canvas.t)
    colour = (255, 244, 214) if canvas.scene.hour != Hour.INK else (176, 58, 40)
    layer = Image.new("L", canvas.image.size, 0)
    ImageDraw.Draw(layer).ellipse((x - radius * 3, y - radius * 3, x + radius * 3, y + radius * 3), fill=70)
    layer = (
        layer.filter(ImageFilter.GaussianBlur(radius)) if canvas.scene.hour != Hour.INK else layer.point(lambda _: 0)
    )
    ImageDraw.Draw(layer).ellipse((x - radius, y - radius, x + radius, y + radius), fill=235)
    canvas.image.paste(Image.new("RGB", canvas.image.size, colour), mask=layer)


def moon(canvas: Canvas) -> None:
    radius = canvas.height * 0.035
    x, y = canvas.x(0.22, 0.05), canvas.height * 0.16
    canvas.pen().ellipse((x - radius, y - radius, x + radius, y + radius), fill=(232, 232, 214))
    for _ in range(60):
        sx, sy = canvas.rng.uniform(0, canvas.width), canvas.rng.uniform(0, canvas.line * 0.7)
        canvas.pen().point((sx, sy), fill=(180, 184, 210))


def mountains(canvas: Canvas) -> None:
    for number, (base, rough, depth) in enumerate(((0.40, 0.055, 0.1), (0.46, 0.05, 0.25), (0.52, 0.04, 0.45))):
        share = number / 2.6
        colour = canvas.mix(
            canvas.mix(canvas.palette.far, canvas.palette.horizon, 0.45 - 0.2 * number),
            canvas.palette.near,
            share * 0.5,
        )
        canvas.fill_below(canvas.ridge(base, rough, number, depth), colour)


def gorge(canvas: Canvas) -> None:
    """夔门: two walls of rock with the river between."""
    for side in (-1, 1):
        for layer in range(4):
            near = layer / 3
            colour = canvas.mix(
                canvas.mix(canvas.palette.far, canvas.palette.near, 0.25 + 0.75 * near), (90, 70, 60), 0.12
            )
            edge = 0.5 + side * (0.06 + 0.10 * near)
            points = []
            for step in range(25):
                y = step / 24
                jag = 0.018 * math.sin(step * 1.7 + layer * 2 + side) + 0.01 * math.sin(step * 4.1)
                points.append(
                    (
                        (canvas.x(edge + side * (0.10 * (1 - y) ** 2) + jag, near * 0.8)),
                        canvas.height * (0.06 + 0.10 * (1 - near) + 0.8 * y),
                    )
                )
            far_side = -0.2 if side < 0 else 1.2
            canvas.pen().polygon(
                [
                    (far_side * canvas.width, canvas.height * (0.02 + 0.1 * (1 - near))),
                    *points,
                    (far_side * canvas.width, canvas.height),
                ],
                fill=colour,
            )


def city(canvas: Canvas) -> None:
    """A skyline of towers on a slope; windows and signs are lit as the hour asks."""
    rng, pen = np.random.default_rng(canvas.scene.seed * 13), canvas.pen()
    for row, depth in enumerate((0.35, 0.6)):
        for _ in range(34 - 8 * row):
            width = rng.uniform(0.012, 0.034) * canvas.width
            tall = rng.uniform(0.08, 0.30 - 0.06 * row) * canvas.height
            x = canvas.x(rng.uniform(-0.05, 1.15), depth)
            foot = canvas.line - abs(x / canvas.width - 0.5) * 0.08 * canvas.height
            body = canvas.mix(canvas.palette.far, canvas.palette.near, 0.45 + 0.35 * row + rng.uniform(-0.1, 0.1))
            pen.rectangle((x, foot - tall, x + width, canvas.line), fill=body)
            _windows(canvas, pen, rng, (x, foot - tall, width, tall))
            if canvas.palette.glow > 0.5 and rng.uniform() < 0.4:
                sign = NEON[int(rng.integers(len(NEON)))]
                blink = 0.75 + 0.25 * wave(canvas.t, 2.4, float(rng.uniform()))
                pen.rectangle((x, foot - tall - 3, x + width, foot - tall), fill=canvas.mix((0, 0, 0), sign, blink))


def _windows(
    canvas: Canvas, pen: ImageDraw.ImageDraw, rng: np.random.Generator, box: tuple[float, float, float, float]
) -> None:
    x, y, width, tall = box
    glow = canvas.palette.glow
    lit = canvas.mix(canvas.palette.near, canvas.palette.light, 0.25 + 0.75 * glow)
    step = max(4.0, canvas.height / 70)
    for column in np.arange(x + 2, x + width - 2, step):
        for line in np.arange(y + 4, y + tall - 3, step * 1.2):
            if rng.uniform() < 0.25 + 0.4 * glow:
                pen.rectangle((column, line, column + step * 0.4, line + step * 0.5), fill=lit)


def hongyadong(canvas: Canvas) -> None:
    """吊脚楼: houses on stilts, storey over storey, up a cliff."""
    rng, pen = np.random.default_rng(canvas.scene.seed * 29), canvas.pen()
    near = canvas.palette.near
    cliff = canvas.mix(near, (70, 62, 52), 0.35)
    left, right, foot = canvas.x(0.06, 0.9), canvas.x(0.60, 0.9), canvas.line + canvas.height * 0.06
    pen.polygon(
        [(left - 60, foot), (left + 20, canvas.height * 0.30), (right - 40, canvas.height * 0.36), (right + 60, foot)],
        fill=cliff,
    )
    lamp = canvas.mix(near, canvas.palette.light, 0.2 + 0.8 * canvas.palette.glow)
    for storey in range(6):
        y = foot - canvas.height * (0.03 + 0.058 * storey)
        inset = storey * canvas.width * 0.016
        x = left + inset
        while x < right - inset:
            width, tall = rng.uniform(0.045, 0.075) * canvas.width, canvas.height * 0.046
            wall = canvas.mix((124, 78, 50), near, 0.35 + 0.3 * rng.uniform())
            pen.rectangle((x, y - tall, x + width * 0.94, y), fill=wall)
            for leg in (0.12, 0.5, 0.85):
                pen.line(
                    (x + width * leg, y, x + width * leg, y + canvas.height * 0.03),
                    fill=canvas.mix(near, (40, 26, 18), 0.5),
                    width=2,
                )
            pen.polygon(
                [(x - 5, y - tall), (x + width * 0.47, y - tall - canvas.height * 0.028), (x + width + 2, y - tall)],
                fill=canvas.mix((52, 48, 52), near, 0.4),
            )
            for window in (0.16, 0.42, 0.68):
                pen.rectangle(
                    (x + width * window, y - tall * 0.72, x + width * (window + 0.14), y - tall * 0.28), fill=lamp
                )
            x += width


def river(canvas: Canvas) -> None:
    """Mirror what stands above the water line, broken by ripples."""
    height, line = canvas.height, canvas.line
    picture = np.asarray(canvas.image)
    depth = height - line
    source = np.clip(line - 1 - (np.arange(depth) * 0.92).astype(int), 0, line - 1)
    mirrored = picture[source].astype(np.float32)
    rows = np.arange(depth)
    sway = (2.0 + rows * 0.03) * np.sin(rows * 0.55 - canvas.t * 3.0) + 1.4 * np.sin(rows * 0.21 + canvas.t * 1.7)
    columns = (np.arange(canvas.width)[None, :] + sway[:, None].astype(int)) % canvas.width
    mirrored = mirrored[np.arange(depth)[:, None], columns]
    share = 0.34 + 0.30 * (rows / max(1, depth))[:, None, None]
    water = mirrored * (1 - share) + np.array(canvas.palette.water, np.float32) * share
    sparkle = (
        np.sin(rows * 1.9 + canvas.t * 4)[:, None]
        * np.sin(np.arange(canvas.width) * 0.09 + rows[:, None] * 0.7 + canvas.t)
    ) > 0.93
    water[sparkle] = water[sparkle] * 0.6 + np.array(canvas.palette.horizon) * 0.4
    joined = picture.copy()
    joined[line:] = water.astype(np.uint8)
    canvas.image = Image.fromarray(joined)


def bridge(canvas: Canvas) -> None:
    pen, y = canvas.pen(), canvas.line - canvas.height * 0.075
    iron = canvas.mix(canvas.palette.near, (170, 70, 50), 0.35)
    towers = [canvas.x(share, 0.7) for share in (0.22, 0.74)]
    pen.line((-20, y, canvas.width + 20, y), fill=iron, width=max(2, canvas.height // 90))
    for x in towers:
        pen.line((x, canvas.height * 0.26, x, canvas.line + 6), fill=iron, width=max(3, canvas.height // 55))
    for start, end in ((-0.1 * canvas.width, towers[0]), (towers[0], towers[1]), (towers[1], 1.1 * canvas.width)):
        for step in range(41):
            share = step / 40
            x = start + (end - start) * share
            sag = (2 * share - 1) ** 2 if start == towers[0] else share**2 if start < towers[0] else (1 - share) ** 2
            top = y - 4 - (y - 4 - canvas.height * 0.26) * sag
            pen.line((x, top, x, y), fill=iron, width=1)
    if canvas.palette.glow > 0.5:
        for x in range(0, canvas.width, max(8, canvas.width // 60)):
            pen.ellipse((x, y - 5, x + 3, y - 2), fill=canvas.palette.light)


def cableway(canvas: Canvas) -> None:
    pen = canvas.pen()
    start, end = (-0.05, 0.18), (1.05, 0.40)
    dark = canvas.mix(canvas.palette.near, (10, 10, 10), 0.4)
    pen.line(
        (start[0] * canvas.width, start[1] * canvas.height, end[0] * canvas.width, end[1] * canvas.height),
        fill=dark,
        width=2,
    )
    share = (0.28 + 0.045 * canvas.t) % 1.0
    x = (start[0] + (end[0] - start[0]) * share) * canvas.width
    y = (start[1] + (end[1] - start[1]) * share) * canvas.height
    size = canvas.height * 0.065
    pen.line((x, y, x, y + size * 0.5), fill=dark, width=2)
    pen.rounded_rectangle((x - size, y + size * 0.5, x + size, y + size * 1.5), radius=size * 0.18, fill=(178, 44, 40))
    pane = canvas.mix((200, 220, 226), canvas.palette.light, canvas.palette.glow)
    for number in range(4):
        left = x - size * 0.88 + number * size * 0.45
        pen.rectangle((left, y + size * 0.66, left + size * 0.38, y + size * 1.04), fill=pane)


def ferry(canvas: Canvas) -> None:
    pen = canvas.pen()
    length = canvas.width * 0.17
    x = ((0.12 + 0.03 * canvas.t) % 1.25 - 0.15) * canvas.width
    y = canvas.line + canvas.height * 0.17 + 1.5 * wave(canvas.t, 3)
    hull = canvas.mix(canvas.palette.near, (60, 70, 90), 0.4)
    white = canvas.mix((236, 234, 226), canvas.palette.near, 0.35 if canvas.palette.glow < 0.5 else 0.6)
    pen.polygon(
        [(x, y), (x + length, y), (x + length * 0.93, y + length * 0.10), (x + length * 0.06, y + length * 0.10)],
        fill=hull,
    )
    for deck, (inset, top) in enumerate(((0.08, 0.09), (0.16, 0.16))):
        pen.rectangle(
            (
                x + length * inset,
                y - length * top,
                x + length * (0.94 - inset * 0.6),
                y - length * (0.01 + 0.07 * deck),
            ),
            fill=white,
        )
        for number in range(9):
            left = x + length * (inset + 0.04 + number * 0.078)
            pen.rectangle(
                (left, y - length * (0.065 + 0.07 * deck), left + length * 0.04, y - length * (0.03 + 0.07 * deck)),
                fill=canvas.palette.light,
            )
    pen.rectangle((x + length * 0.62, y - length * 0.23, x + length * 0.69, y - length * 0.15), fill=(166, 50, 44))


def sampan(canvas: Canvas) -> None:
    pen, x, y = canvas.pen(), canvas.x(0.34 + 0.01 * canvas.t, 0.5), canvas.line + canvas.height * 0.20
    size = canvas.width * 0.07
    ink = canvas.mix(canvas.palette.near, (20, 16, 14), 0.5)
    pen.polygon(
        [(x, y), (x + size, y - 3), (x + size * 0.85, y + size * 0.14), (x + size * 0.12, y + size * 0.14)], fill=ink
    )
    pen.pieslice(
        (x + size * 0.3, y - size * 0.26, x + size * 0.75, y + size * 0.26),
        180,
        360,
        fill=canvas.mix(ink, (120, 96, 60), 0.5),
    )
    pen.line((x + size * 0.15, y - size * 0.42, x + size * 0.15, y), fill=ink, width=3)
    pen.ellipse((x + size * 0.10, y - size * 0.50, x + size * 0.20, y - size * 0.40), fill=ink)
    pen.line((x + size * 0.15, y - size * 0.30, x - size * 0.2, y + size * 0.25), fill=ink, width=2)


def steps(canvas: Canvas) -> None:
    """梯坎: stone stairs down to the river, and a porter with his pole (棒棒)."""
    pen = canvas.pen()
    stone = canvas.mix(canvas.palette.near, (150, 142, 130), 0.45)
    for number in range(14):
        y = canvas.height * (0.60 + 0.03 * number)
        spread = 0.10 + 0.022 * number
        tone = canvas.mix(stone, canvas.palette.near, 0.5 if number % 2 else 0.2)
        pen.rectangle(
            (canvas.x(0.70 - spread, 0.9), y, canvas.x(0.70 + spread, 0.9), y + canvas.height * 0.032), fill=tone
        )
    x, y, tall = canvas.x(0.70, 0.9), canvas.height * (0.70 - 0.006 * canvas.t), canvas.height * 0.15
    dark = canvas.mix(canvas.palette.near, (14, 12, 14), 0.7)
    pen.ellipse((x - tall * 0.09, y - tall, x + tall * 0.09, y - tall * 0.82), fill=dark)
    pen.polygon(
        [
            (x - tall * 0.15, y - tall * 0.8),
            (x + tall * 0.15, y - tall * 0.8),
            (x + tall * 0.10, y - tall * 0.3),
            (x - tall * 0.10, y - tall * 0.3),
        ],
        fill=dark,
    )
    stride = tall * 0.1 * wave(canvas.t, 1.2)
    pen.line((x, y - tall * 0.32, x - stride, y), fill=dark, width=max(2, int(tall * 0.08)))
    pen.line((x, y - tall * 0.32, x + stride, y), fill=dark, width=max(2, int(tall * 0.08)))
    pen.line(
        (x - tall * 0.7, y - tall * 0.70, x + tall * 0.7, y - tall * 0.82),
        fill=(120, 92, 58),
        width=max(2, int(tall * 0.05)),
    )
    for side in (-0.68, 0.68):
        hang = x + tall * side
        pen.rectangle((hang - tall * 0.14, y - tall * 0.52, hang + tall * 0.14, y - tall * 0.24), fill=(126, 100, 66))


def fog(canvas: Canvas) -> None:
    """Bands of mist drifting before the land."""
    height, width = canvas.height, canvas.width
    rows, columns = np.arange(height)[:, None] / height, np.arange(width)[None, :] / width
    veil = np.zeros((height, width))
    for number in range(4):
        centre = 0.36 + 0.09 * number
        drift = np.sin(columns * (5 + 2 * number) + canvas.t * (0.12 + 0.05 * number) + number * 1.7) * 0.03
        veil += np.exp(-(((rows - centre - drift) / 0.055) ** 2)) * (
            0.55 + 0.35 * np.sin(columns * 3 + number + canvas.t * 0.1)
        )
    mask = Image.fromarray((np.clip(veil, 0, 0.92) * 225).astype(np.uint8))
    canvas.image.paste(
        Image.new("RGB", (width, height), canvas.mix(canvas.palette.horizon, (236, 238, 236), 0.5)), mask=mask
    )


def lanterns(canvas: Canvas) -> None:
    pen = canvas.pen()
    for number in range(9):
        x = canvas.x(0.04 + number * 0.12, 1.0)
        y = canvas.height * (0.07 + 0.02 * math.sin(number)) + 3 * wave(canvas.t, 4, number / 9)
        size = canvas.height * 0.034
        pen.line((x, 0, x, y - size), fill=(60, 30, 26), width=1)
        pen.ellipse((x - size, y - size * 0.8, x + size, y + size * 0.8), fill=(214, 52, 40))
        pen.rectangle((x - size * 0.4, y - size * 0.95, x + size * 0.4, y - size * 0.75), fill=(226, 178, 84))
        pen.line((x, y + size * 0.8, x, y + size * 1.5), fill=(226, 178, 84), width=2)


def pagoda(canvas: Canvas) -> None:
    pen, x, foot = canvas.pen(), canvas.x(0.80, 0.4), canvas.line - canvas.height * 0.05
    for storey in range(7):
        width = canvas.width * (0.042 - 0.004 * storey)
        y = foot - storey * canvas.height * 0.045
        wall = canvas.mix(canvas.palette.near, (150, 110, 80), 0.4)
        pen.rectangle((x - width * 0.7, y - canvas.height * 0.045, x + width * 0.7, y), fill=wall)
        pen.polygon(
            [
                (x - width * 1.15, y - canvas.height * 0.036),
                (x, y - canvas.height * 0.058),
                (x + width * 1.15, y - canvas.height * 0.036),
            ],
            fill=canvas.mix(canvas.palette.near, (40, 40, 44), 0.6),
        )


def relief(canvas: Canvas) -> None:
    """A cliff with carved niches: stone figures as on Baodingshan."""
    pen, rng = canvas.pen(), np.random.default_rng(canvas.scene.seed)
    stone = canvas.mix(canvas.palette.near, (176, 156, 128), 0.6)
    pen.rectangle((0, canvas.height * 0.14, canvas.width, canvas.height * 0.92), fill=stone)
    for number in range(7):
        x = canvas.x(0.02 + number * 0.145, 0.6)
        width, top = canvas.width * 0.115, canvas.height * 0.24
        pen.rounded_rectangle(
            (x, top, x + width, canvas.height * 0.82), radius=width * 0.5, fill=canvas.mix(stone, (70, 60, 50), 0.35)
        )
        centre, head = x + width / 2, canvas.height * (0.35 + 0.02 * rng.uniform())
        body = canvas.mix(stone, (214, 196, 168), 0.35)
        pen.ellipse((centre - width * 0.14, head - width * 0.17, centre + width * 0.14, head + width * 0.17), fill=body)
        pen.polygon(
            [
                (centre - width * 0.30, canvas.height * 0.80),
                (centre - width * 0.20, head + width * 0.2),
                (centre + width * 0.20, head + width * 0.2),
                (centre + width * 0.30, canvas.height * 0.80),
            ],
            fill=body,
        )
        pen.arc(
            (centre - width * 0.28, head - width * 0.32, centre + width * 0.28, head + width * 0.24),
            180,
            360,
            fill=canvas.mix(body, (150, 110, 60), 0.5),
            width=3,
        )


def sword(canvas: Canvas) -> None:
    """A bronze willow-leaf sword of the Ba on a plain ground."""
    pen = canvas.pen()
    pen.rectangle((0, 0, canvas.width, canvas.height), fill=(214, 210, 200))
    cx, top, bottom = canvas.width / 2, canvas.height * 0.08, canvas.height * 0.92
    half = canvas.width * 0.035
    pen.polygon(
        [
            (cx, top),
            (cx + half, canvas.height * 0.45),
            (cx + half * 0.7, canvas.height * 0.74),
            (cx - half * 0.7, canvas.height * 0.74),
            (cx - half, canvas.height * 0.45),
        ],
        fill=(84, 112, 92),
    )
    pen.polygon(
        [
            (cx, top),
            (cx + half * 0.18, canvas.height * 0.45),
            (cx, canvas.height * 0.74),
            (cx - half * 0.18, canvas.height * 0.45),
        ],
        fill=(126, 150, 118),
    )
    pen.rectangle((cx - half * 0.45, canvas.height * 0.74, cx + half * 0.45, bottom), fill=(70, 88, 74))
    for number in range(5):
        y = canvas.height * (0.40 + 0.05 * number)
        pen.arc((cx - half * 0.6, y, cx + half * 0.6, y + half), 20, 160, fill=(52, 70, 58), width=2)


THINGS: dict[str, Callable[[Canvas], None]] = {
    "sun": sun, "moon": moon, "mountains": mountains, "gorge": gorge, "city": city, "stilts": hongyadong,
    "river": river, "bridge": bridge, "cableway": cableway, "ferry": ferry, "sampan": sampan, "steps": steps,
    "fog": fog, "lanterns": lanterns, "pagoda": pagoda, "relief": relief, "sword": sword,
}  # fmt: skip
