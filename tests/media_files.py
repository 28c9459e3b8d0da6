"""Small media made by the tests themselves: no sample lies in the project."""

import random
import struct
import subprocess
import zlib
from pathlib import Path

from PIL import Image, ImageDraw


def make_picture(path: Path, *, size: tuple[int, int] = (640, 400), shade: int = 40, **options: object) -> Path:
    """Draw a picture with enough detail that its bytes depend on `shade`."""
    picture = Image.new("RGB", size, (shade, 90, 140))
    pen = ImageDraw.Draw(picture)
    for step in range(0, size[0], 16):
        pen.line((step, 0, size[0] - step, size[1]), fill=(200, (step + shade) % 255, 60), width=3)
    picture.save(path, **options)  # type: ignore[arg-type]
    return path


def paint(seed: int, *, size: tuple[int, int] = (640, 420)) -> Image.Image:
    """Paint thirty ellipses; another seed paints another picture."""
    rng, picture = random.Random(seed), Image.new("RGB", size, (120, 120, 110))
    pen = ImageDraw.Draw(picture)
    for _ in range(30):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        across, down = rng.randrange(20, 200), rng.randrange(20, 200)
        pen.ellipse((x, y, x + across, y + down), fill=tuple(rng.randrange(256) for _ in range(3)))
    return picture


def make_film(path: Path, *, cuts: int = 3, seconds: int = 1, size: str = "320x180", rate: str = "25") -> Path:
    """Write a film of `cuts` differently coloured shots of `seconds` each, with a tone."""
    colours = ("0x203040", "0xd8c8a0", "0x70a090", "0x902818", "0x3858a0", "0xf0f0e8")
    inputs: list[str] = []
    for index in range(cuts):
        inputs += ["-f", "lavfi", "-i", f"color={colours[index % 6]}:s={size}:r={rate}:d={seconds}"]
    joined = "".join(f"[{i}:v]" for i in range(cuts)) + f"concat=n={cuts}:v=1:a=0,noise=alls=6:allf=t[v]"
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-y", *inputs, "-f", "lavfi", "-i", f"sine=440:d={cuts * seconds}",
        "-filter_complex", joined, "-map", "[v]", "-map", f"{cuts}:a", "-c:v", "libx264", "-preset", "ultrafast",
        "-pix_fmt", "yuv420p", "-c:a", "aac", "-fflags", "+bitexact", str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    return path


def make_huge_png(path: Path, side: int = 50_000) -> Path:
    """Write a tiny PNG whose header declares side × side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )
    return path
