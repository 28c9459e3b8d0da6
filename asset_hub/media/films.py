"""Films and sounds, in the limited child: facts from ffprobe, a 540p proxy, poster and thumbnail from ffmpeg."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
from PIL import Image, ImageDraw

from asset_hub.core.text import N_
from asset_hub.media.errors import TooManyPixels, TruncatedFile, UnsupportedFormat
from asset_hub.media.programs import run_program
from asset_hub.media.types import MAX_SIDE

PROXY_HEIGHT = 540
_KEPT = 0.9
_QUIET = ("ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-y", "-protocol_whitelist", "file,pipe")


def probe_film(path: Path) -> dict[str, Any]:
    """Return stream facts. Raises TruncatedFile, UnsupportedFormat, TooManyPixels, MediaRefused."""
    printed = run_program(
        ["ffprobe", "-v", "error", "-protocol_whitelist", "file,pipe", "-show_streams", "-show_format",
         "-show_program_version", "-of", "json", str(path)]
    )  # fmt: skip
    facts = json.loads(printed)
    streams = facts.get("streams", [])
    moving = [s for s in streams if s.get("codec_type") == "video" and not s["disposition"].get("attached_pic")]
    sounds = [s for s in streams if s.get("codec_type") == "audio"]
    if not moving and not sounds:
        raise UnsupportedFormat(N_("It holds neither picture nor sound."))
    return _film(facts, moving[0], sounds) if moving else _sound(facts, sounds)


def _film(facts: dict[str, Any], video: dict[str, Any], sounds: list[dict[str, Any]]) -> dict[str, Any]:
    width, height = int(video.get("width", 0)), int(video.get("height", 0))
    if max(width, height) > MAX_SIDE:
        raise TooManyPixels(N_("{width} × {height} pixels a frame."), width=width, height=height)
    if "codec_name" not in video or not width:
        raise UnsupportedFormat(N_("No decoder for it: {reason}"), reason=str(video.get("codec_tag_string", "")))
    rate = _rate(video)
    seconds = Fraction(video.get("duration") or facts["format"].get("duration") or 0)
    frames = int(video.get("nb_frames") or round(seconds * rate))
    if _is_turned(video):
        width, height = height, width
    return {
        "kind": "film", "width": width, "height": height, "duration_ms": round(seconds * 1000), "frames": frames,
        "rate": [rate.numerator, rate.denominator], "has_sound": bool(sounds),
        "captured": facts["format"].get("tags", {}).get("creation_time", ""),
        "has_location": "location" in str(facts["format"].get("tags", {})).lower(),
        "technical": {
            "container": facts["format"].get("format_name", ""), "video": video.get("codec_name", ""),
            "profile": str(video.get("profile", "")), "pixels": video.get("pix_fmt", ""),
            "sound": ", ".join(s.get("codec_name", "?") for s in sounds),
            "bit_rate": facts["format"].get("bit_rate", ""),
            "aspect": video.get("display_aspect_ratio", ""), "field_order": video.get("field_order", ""),
        },
        "tool": f"ffprobe {facts.get('program_version', {}).get('version', '')}",
    }  # fmt: skip


def _sound(facts: dict[str, Any], sounds: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = Fraction(sounds[0].get("duration") or facts["format"].get("duration") or 0)
    return {
        "kind": "sound", "duration_ms": round(seconds * 1000), "has_sound": True,
        "technical": {
            "container": facts["format"].get("format_name", ""), "sound": sounds[0].get("codec_name", ""),
            "sample_rate": sounds[0].get("sample_rate", ""), "channels": sounds[0].get("channels", 0),
        },
        "tool": f"ffprobe {facts.get('program_version', {}).get('version', '')}",
    }  # fmt: skip


def _rate(video: dict[str, Any]) -> Fraction:
    for key in ("avg_frame_rate", "r_frame_rate"):
        numerator, _, denominator = video.get(key, "0/0").partition("/")
        if int(numerator) > 0 and int(denominator or 1) > 0:
            return Fraction(int(numerator), int(denominator or 1)).limit_denominator(1_000_000)
    return Fraction(25)


def _is_turned(video: dict[str, Any]) -> bool:
    turns = [int(side.get("rotation", 0)) for side in video.get("side_data_list", [])]
    return any(abs(turn) % 180 == 90 for turn in turns)


def derive_film(
    path: Path, out: Path, facts: dict[str, Any], on_progress: Callable[[float], None]
) -> list[dict[str, Any]]:
    """Write proxy.mp4 (≤ 540 lines, same frames), poster.jpg, thumbnail.jpg. Raises TruncatedFile when frames lack."""
    proxy = out / "proxy.mp4"
    frames = _encode_proxy(path, proxy, int(facts["frames"]), on_progress)
    if facts["frames"] and frames < _KEPT * facts["frames"]:
        raise TruncatedFile(N_("Only {got} of {declared} frames can be read."), got=frames, declared=facts["frames"])
    poster, thumbnail = out / "poster.jpg", out / "thumbnail.jpg"
    _draw_poster(proxy, poster, frames // 3)
    with Image.open(poster) as picture:
        size = picture.size
        picture.thumbnail((480, 480))
        picture.save(thumbnail, quality=82)
        small = picture.size
    return [
        {"role": "proxy", "path": str(proxy), "mime": "video/mp4", "width": size[0], "height": size[1]},
        {"role": "poster", "path": str(poster), "mime": "image/jpeg", "width": size[0], "height": size[1]},
        {"role": "thumbnail", "path": str(thumbnail), "mime": "image/jpeg", "width": small[0], "height": small[1]},
    ]


def _draw_poster(proxy: Path, poster: Path, frame: int) -> None:
    chosen = f"select='eq(n\\,{frame})'"
    run_program([*_QUIET, "-i", str(proxy), "-vf", chosen, "-frames:v", "1", "-q:v", "3", str(poster)])
    if not poster.exists():
        raise TruncatedFile(N_("It has no picture that can be shown."))


def _encode_proxy(path: Path, proxy: Path, declared: int, on_progress: Callable[[float], None]) -> int:
    seen = 0

    def watch(line: str) -> None:
        nonlocal seen
        if line.startswith("frame="):
            seen = int(line[6:])
            on_progress(min(1.0, seen / max(1, declared)))

    scale = f"scale=-2:'min({PROXY_HEIGHT},2*trunc(ih/2))'"
    run_program(
        [*_QUIET, "-i", str(path), "-map", "0:v:0", "-map", "0:a:0?", "-map_metadata", "-1", "-vf", scale,
         "-fps_mode", "passthrough", "-c:v", "libx264", "-preset", "veryfast", "-crf", "25", "-pix_fmt", "yuv420p",
         "-g", "50", "-c:a", "aac", "-b:a", "96k", "-ac", "2", "-movflags", "+faststart",
         "-progress", "pipe:1", str(proxy)],
        on_line=watch,
    )  # fmt: skip
    return seen


def derive_sound(path: Path, out: Path) -> list[dict[str, Any]]:
    """Write proxy.m4a and a picture of the waveform as thumbnail."""
    proxy, picture = out / "proxy.m4a", out / "thumbnail.jpg"
    run_program(
        [*_QUIET, "-i", str(path), "-map", "0:a:0", "-map_metadata", "-1", "-c:a", "aac", "-b:a", "128k",
         "-movflags", "+faststart", str(proxy)]
    )  # fmt: skip
    raw = run_program([*_QUIET, "-i", str(path), "-map", "0:a:0", "-ac", "1", "-ar", "1000", "-f", "s16le", "pipe:1"])
    _draw_waveform(numpy.frombuffer(raw[: len(raw) // 2 * 2], dtype="<i2"), picture)
    return [
        {"role": "proxy", "path": str(proxy), "mime": "audio/mp4", "width": 0, "height": 0},
        {"role": "thumbnail", "path": str(picture), "mime": "image/jpeg", "width": 480, "height": 270},
    ]


def _draw_waveform(samples: "numpy.ndarray[Any, Any]", target: Path) -> None:
    canvas = Image.new("RGB", (480, 270), (240, 239, 235))
    pen = ImageDraw.Draw(canvas)
    for x, column in enumerate(numpy.array_split(numpy.abs(samples.astype("i4")), 480)):
        half = int(120 * (column.max() if column.size else 0) / 32768) + 1
        pen.line((x, 135 - half, x, 135 + half), fill=(40, 60, 90))
    canvas.save(target, quality=82)


def cut_film(path: Path, target: Path, *, start: int, end: int, rate: Fraction, height: int | None) -> None:
    """Write exactly the frames [start, end) with their sound; `height` scales down, None keeps the lines there are."""
    scale = [] if height is None else ["-vf", f"scale=-2:'min({height},2*trunc(ih/2))'"]
    begin = max(Fraction(0), (Fraction(start) - Fraction(1, 2)) / rate)
    run_program(
        [*_QUIET, "-ss", f"{float(begin):.6f}", "-i", str(path), "-map", "0:v:0", "-map", "0:a:0?", "-frames:v",
         str(end - start), "-t", f"{float(Fraction(end - start) / rate + Fraction(1, 2) / rate):.6f}", *scale,
         "-fps_mode", "passthrough", "-c:v", "libx264", "-preset", "veryfast", "-crf", "17", "-pix_fmt", "yuv420p",
         "-c:a", "aac", "-b:a", "192k", "-map_metadata", "-1", "-fflags", "+bitexact", "-movflags", "+faststart",
         str(target)]
    )  # fmt: skip
