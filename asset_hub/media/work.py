"""What others call: facts, derivatives, shots and cuts of a file, each made in a limited child."""

from pathlib import Path
from typing import Any

from asset_hub.core.rational import FrameRate, Span
from asset_hub.media.limited import OnProgress, encode_path, run_limited
from asset_hub.media.types import Derivative, GreyPicture, MediaKind, Probe, Shot, ShotList

_PROBE_SECONDS = 60
_DERIVE_SECONDS = 4 * 3600
_GREY_SIDE = 256


def probe(path: Path, *, kind: MediaKind, mime: str) -> Probe:
    """Return technical facts. Raises MediaRefused (see `errors`); nothing is decoded but headers."""
    args = {"path": encode_path(path), "kind": kind, "mime": mime}
    return _probe(run_limited("probe", args, readable=[path], seconds=_PROBE_SECONDS))


def derive(
    path: Path, out: Path, *, kind: MediaKind, mime: str, facts: Probe, on_progress: OnProgress | None = None
) -> tuple[Derivative, ...]:
    """Write what pages show of a file into the empty folder `out`. Raises MediaRefused."""
    args = {
        "path": encode_path(path), "out": str(out.absolute()), "kind": kind, "mime": mime,
        "facts": {"frames": facts.frames, "duration_ms": facts.duration_ms},
    }  # fmt: skip
    made = run_limited(
        "derive", args, readable=[path], writable=[out], seconds=_DERIVE_SECONDS, on_progress=on_progress
    )
    return tuple(
        Derivative(str(d["role"]), _inside(out, str(d["path"])), str(d["mime"]), int(d["width"]), int(d["height"]))
        for d in made
    )


def draw_grey(path: Path, *, mime: str) -> GreyPicture:
    """Return how bright a picture is, upright and small. Raises MediaRefused."""
    args = {"path": encode_path(path), "mime": mime, "side": _GREY_SIDE}
    found = run_limited("draw_grey", args, readable=[path], seconds=_DERIVE_SECONDS)
    return GreyPicture(int(found["width"]), int(found["height"]), bytes(found["samples"]))


def find_shots(path: Path, *, rate: FrameRate) -> ShotList:
    """Return the shots of a film; they cover it without gap or overlap. Raises MediaRefused."""
    found = run_limited("find_shots", {"path": encode_path(path)}, readable=[path], seconds=_DERIVE_SECONDS)
    shots = tuple(Shot(int(s), int(e), str(kind), float(sure)) for s, e, kind, sure in found["shots"])
    return ShotList(rate, int(found["frames"]), shots, str(found["tool"]))


def draw_stills(path: Path, out: Path, *, frames: list[int]) -> tuple[Path, ...]:
    """Write one small picture per frame number (ascending) into `out`. Raises MediaRefused."""
    args = {"path": encode_path(path), "out": str(out.absolute()), "frames": frames}
    drawn = run_limited("draw_stills", args, readable=[path], writable=[out], seconds=_DERIVE_SECONDS)
    return tuple(_inside(out, str(name)) for name in drawn)


def cut_film(path: Path, out: Path, *, span: Span, rate: FrameRate, height: int | None) -> Path:
    """Write exactly the frames of `span` as H.264 with sound, at most `height` lines. Raises MediaRefused."""
    target = out / "cut.mp4"
    args = {
        "path": encode_path(path), "target": str(target.absolute()), "start": span.start, "end": span.end,
        "rate": [rate.num, rate.den], "height": height,
    }  # fmt: skip
    run_limited("cut_film", args, readable=[path], writable=[out], seconds=_DERIVE_SECONDS)
    return target


def _inside(out: Path, name: str) -> Path:
    """Keep to the folder we gave, whatever the child says."""
    return out / Path(name).name


def _probe(found: dict[str, Any]) -> Probe:
    rate = found.get("rate")
    return Probe(
        kind=MediaKind(found["kind"]),
        width=int(found.get("width", 0)),
        height=int(found.get("height", 0)),
        duration_ms=int(found.get("duration_ms", 0)),
        frames=int(found.get("frames", 0)),
        rate=FrameRate(int(rate[0]), int(rate[1])) if rate else None,
        has_sound=bool(found.get("has_sound", False)),
        captured=str(found.get("captured", ""))[:40],
        has_location=bool(found.get("has_location", False)),
        technical=dict(found.get("technical", {})),
        tool=str(found.get("tool", "")),
    )
