"""Draws a film frame by frame into ffmpeg, with a sound that we play ourselves."""

import subprocess
import wave as wavefile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from asset_hub.demo.collection import FILM_SIZE, Film, Take
from asset_hub.demo.draw.scene import draw_scene

RATE = 25
_SAMPLES = 22_050
_FADE, _DISSOLVE = 12, 25
_SCALE = (0, 2, 4, 7, 9, 12, 14, 16)


def boundaries(film: Film) -> list[int]:
    """Return the frame at which each shot begins, and at the end the number of frames."""
    starts, total = [], 0
    for take in film.takes:
        starts.append(total)
        total += round(take.seconds * RATE)
    return [*starts, total]


def draw_film(film: Film, path: Path) -> None:
    """Write the film as H.264 with sound; the same film gives the same frames."""
    bounds = boundaries(film)
    with TemporaryDirectory(prefix="asset_hub-") as folder:
        sound = Path(folder) / "sound.wav"
        _play(sound, bounds[-1] / RATE, seed=len(film.name) + bounds[-1])
        command = [
            "ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
            "-s", f"{FILM_SIZE[0]}x{FILM_SIZE[1]}", "-r", str(RATE), "-i", "pipe:0", "-i", str(sound),
            "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-c:a", "aac",
            "-b:a", "96k", "-shortest", "-movflags", "+faststart", "-fflags", "+bitexact", str(path),
        ]  # fmt: skip
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            if process.stdin is not None:
                for frame in range(bounds[-1]):
                    process.stdin.write(draw_frame(film, bounds, frame).tobytes())
                process.stdin.close()
        if process.returncode:
            raise RuntimeError(f"ffmpeg ended with {process.returncode}")


def draw_frame(film: Film, bounds: list[int], frame: int) -> Image.Image:
    """Return one frame, transitions included."""
    index = max(number for number, start in enumerate(bounds[:-1]) if start <= frame)
    picture = _take(film.takes[index], frame - bounds[index])
    if index + 1 < len(film.takes):
        picture = _leave(film, bounds, index, frame, picture)
    if index > 0 and film.takes[index].opened_by == "fade" and frame - bounds[index] < _FADE:
        return Image.blend(Image.new("RGB", FILM_SIZE), picture, (frame - bounds[index]) / _FADE)
    return picture


def _leave(film: Film, bounds: list[int], index: int, frame: int, picture: Image.Image) -> Image.Image:
    """Blend the end of a shot into the next, as the next one asks."""
    left = bounds[index + 1] - frame
    following = film.takes[index + 1]
    if following.opened_by == "fade" and left <= _FADE:
        return Image.blend(Image.new("RGB", FILM_SIZE), picture, (left - 1) / _FADE)
    if following.opened_by == "dissolve" and left <= _DISSOLVE:
        return Image.blend(picture, _take(following, 0), 1 - left / (_DISSOLVE + 1))
    return picture


def _take(take: Take, frame: int) -> Image.Image:
    return draw_scene(take.scene, frame / RATE, FILM_SIZE)


def _play(path: Path, seconds: float, *, seed: int) -> None:
    """Play water and a plucked pentatonic tune."""
    rng = np.random.default_rng(seed)
    count = int(seconds * _SAMPLES)
    water = np.cumsum(rng.normal(0, 1, count))
    water = np.convolve(water - np.convolve(water, np.ones(400) / 400, "same"), np.ones(8) / 8, "same")
    tune = 0.10 * water / max(1.0, float(np.abs(water).max()))
    step = 0.0
    while step < seconds - 1:
        pitch = 220 * 2 ** (rng.choice(_SCALE) / 12)
        start, length = int(step * _SAMPLES), int(1.4 * _SAMPLES)
        times = np.arange(min(length, count - start)) / _SAMPLES
        note = np.sin(2 * np.pi * pitch * times) + 0.4 * np.sin(4 * np.pi * pitch * times)
        tune[start : start + len(times)] += 0.16 * note * np.exp(-3.2 * times)
        step += float(rng.choice((0.5, 0.5, 1.0, 1.5)))
    samples = (np.clip(tune, -1, 1) * 32_000).astype("<i2")
    with wavefile.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_SAMPLES)
        out.writeframes(samples.tobytes())
