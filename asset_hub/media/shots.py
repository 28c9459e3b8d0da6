"""Shot boundaries (镜头切分) of a film, in the limited child: cuts by a jump against its surroundings, fades by
darkness, dissolves by a slow change that ends somewhere else. Works on 48×27 grey frames."""

from pathlib import Path
from typing import Any

import numpy

from asset_hub.media.films import _QUIET
from asset_hub.media.programs import run_program

WIDTH, HEIGHT = 48, 27
TOOL = "shots 1"
_CUT = 14.0
_RATIO = 3.0
_NEAR = 6
_DARK = 12.0
_SLOW_LOW, _SLOW_SUM = 1.2, 22.0
_MIN_SHOT = 6

Frames = "numpy.ndarray[Any, numpy.dtype[numpy.uint8]]"


def find_shots(path: Path) -> dict[str, Any]:
    """Return frames counted and [start, end, opened_by, confidence] per shot; they cover the film without a gap."""
    raw = run_program(
        [*_QUIET, "-i", str(path), "-map", "0:v:0", "-vf", f"scale={WIDTH}:{HEIGHT}:flags=area", "-pix_fmt", "gray",
         "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
    )  # fmt: skip
    frames = numpy.frombuffer(raw, dtype=numpy.uint8).reshape(-1, HEIGHT, WIDTH)
    return {"frames": len(frames), "shots": split_frames(frames), "tool": TOOL}


def split_frames(frames: "numpy.ndarray[Any, Any]") -> list[list[Any]]:
    """Split n×27×48 grey frames into shots."""
    if len(frames) == 0:
        return []
    bounds = [(0, "start", 1.0)]
    for frame, kind, confidence in sorted([*_cuts(frames), *_fades(frames), *_dissolves(frames)]):
        if frame - bounds[-1][0] >= _MIN_SHOT and len(frames) - frame >= _MIN_SHOT:
            bounds.append((frame, kind, confidence))
    ends = [start for start, _, _ in bounds[1:]] + [len(frames)]
    return [[start, end, kind, round(sure, 2)] for (start, kind, sure), end in zip(bounds, ends, strict=True)]


def _steps(frames: "numpy.ndarray[Any, Any]", gap: int = 1) -> "numpy.ndarray[Any, Any]":
    wide = frames.astype(numpy.int16)
    return numpy.asarray(numpy.abs(wide[gap:] - wide[:-gap]).mean(axis=(1, 2)))


def _cuts(frames: "numpy.ndarray[Any, Any]") -> list[tuple[int, str, float]]:
    steps = _steps(frames)
    found = []
    for index in numpy.nonzero(steps > _CUT)[0]:
        around = numpy.concatenate([steps[max(0, index - _NEAR) : index], steps[index + 1 : index + 1 + _NEAR]])
        usual = float(around.max()) if around.size else 0.0
        if steps[index] > _RATIO * max(usual, 1.0):
            found.append((int(index) + 1, "cut", min(1.0, 0.6 + float(steps[index]) / 100)))
    return found


def _fades(frames: "numpy.ndarray[Any, Any]") -> list[tuple[int, str, float]]:
    dark = frames.reshape(len(frames), -1).mean(axis=1) < _DARK
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[False], dark, [False]]).astype(numpy.int8)))
    runs = zip(edges[::2], edges[1::2], strict=True)
    return [(int((start + end) // 2), "fade", 0.8) for start, end in runs if start > 0 and end < len(frames)]


def _dissolves(frames: "numpy.ndarray[Any, Any]") -> list[tuple[int, str, float]]:
    """Find runs of small steps that lead far away: the two ends differ as much as across a cut, no step does."""
    steps = _steps(frames)
    slow = (steps > _SLOW_LOW) & (steps < _CUT)
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[False], slow, [False]]).astype(numpy.int8)))
    found = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if not 8 <= end - start <= 60:
            continue
        first, last = frames[start].astype(numpy.int16), frames[end].astype(numpy.int16)
        middle = frames[(start + end) // 2].astype(numpy.int16)
        blended = float(numpy.abs(middle - (first + last) / 2).mean())
        apart = float(numpy.abs(first - last).mean())
        lit = min(frames[start].mean(), frames[end].mean()) > _DARK
        if lit and apart > _SLOW_SUM and blended < 0.25 * apart:
            found.append((int((start + end) // 2), "dissolve", 0.7))
    return found


def draw_stills(path: Path, out: Path, frames: list[int]) -> list[str]:
    """Write one small JPEG per frame number, in order; numbers ascend."""
    if not frames:
        return []
    chosen = "+".join(f"eq(n\\,{frame})" for frame in frames)
    run_program(
        [*_QUIET, "-i", str(path), "-map", "0:v:0", "-vf", f"select='{chosen}',scale=320:-2",
         "-fps_mode", "passthrough", "-q:v", "4", str(out / "shot-%05d.jpg")]
    )  # fmt: skip
    return [str(path) for path in sorted(out.glob("shot-*.jpg"))]
