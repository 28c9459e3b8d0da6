"""What a limited child can be asked to do: name → function of JSON arguments. Imported by the zygote only."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from asset_hub.media import documents, films, pictures, shots
from asset_hub.media.limited import decode_path

Args = dict[str, Any]
OnProgress = Callable[[float], None]


def _probe(args: Args, _on_progress: OnProgress) -> Any:
    path, kind = decode_path(args["path"]), args["kind"]
    if kind == "picture":
        return pictures.probe_picture(path, args["mime"])
    return documents.probe_document(path, args["mime"]) if kind == "document" else films.probe_film(path)


def _derive(args: Args, on_progress: OnProgress) -> Any:
    path, out, kind = decode_path(args["path"]), Path(args["out"]), args["kind"]
    if kind == "picture":
        return pictures.derive_picture(path, args["mime"], out)
    if kind == "film":
        return films.derive_film(path, out, args["facts"], on_progress)
    return films.derive_sound(path, out) if kind == "sound" else documents.derive_document(path, args["mime"], out)


def _draw_grey(args: Args, _on_progress: OnProgress) -> Any:
    return pictures.draw_grey(decode_path(args["path"]), args["mime"], side=args["side"])


def _find_shots(args: Args, _on_progress: OnProgress) -> Any:
    return shots.find_shots(decode_path(args["path"]))


def _draw_stills(args: Args, _on_progress: OnProgress) -> Any:
    return shots.draw_stills(decode_path(args["path"]), Path(args["out"]), args["frames"])


def _cut_film(args: Args, _on_progress: OnProgress) -> Any:
    films.cut_film(
        decode_path(args["path"]), Path(args["target"]), start=args["start"], end=args["end"],
        rate=Fraction(args["rate"][0], args["rate"][1]), height=args["height"],
    )  # fmt: skip


TASKS: dict[str, Callable[[Args, OnProgress], Any]] = {
    "probe": _probe,
    "derive": _derive,
    "draw_grey": _draw_grey,
    "find_shots": _find_shots,
    "draw_stills": _draw_stills,
    "cut_film": _cut_film,
}
