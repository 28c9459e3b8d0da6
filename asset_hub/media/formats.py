"""Format identification by PRONOM signatures, and whether the name agrees with the content.

Siegfried is memory-safe Go and only matches bytes, so it runs in this process; nothing is decoded.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from asset_hub.core.host import scratch_prefix
from asset_hub.core.text import N_
from asset_hub.media.errors import EmptyFile, MislabelledFile
from asset_hub.media.types import Format, MediaKind

_WHOLE = 8 << 20
_HEAD, _TAIL = 4 << 20, 1 << 20
_DOCUMENTS = (
    "application/pdf", "text/", "application/msword", "application/xml", "application/vnd", "application/rtf",
)  # fmt: skip
_FAMILIES = {
    "jpg": ("image/jpeg",), "jpeg": ("image/jpeg",), "png": ("image/png",), "gif": ("image/gif",),
    "tif": ("image/tiff", "image/x-"), "tiff": ("image/tiff", "image/x-"), "webp": ("image/webp",),
    "pdf": ("application/pdf",), "wav": ("audio/",), "mp3": ("audio/",), "flac": ("audio/",),
    "mp4": ("video/", "audio/", "application/mp4"), "mov": ("video/", "application/"), "mkv": ("video/",),
    "avi": ("video/",), "webm": ("video/", "audio/"), "mxf": ("application/mxf", "video/"),
}  # fmt: skip

_BY_NAME = {
    "md": "text/markdown", "txt": "text/plain", "csv": "text/csv", "xml": "application/xml", "mj2": "video/mj2",
    "heif": "image/heif", "heic": "image/heic", "avif": "image/avif", "mp4": "video/mp4", "mov": "video/quicktime",
    "mkv": "video/x-matroska", "avi": "video/x-msvideo", "mxf": "application/mxf", "wav": "audio/wav",
    "mp3": "audio/mpeg", "flac": "audio/flac", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png",
    "gif": "image/gif", "tif": "image/tiff", "tiff": "image/tiff", "webp": "image/webp", "pdf": "application/pdf",
}  # fmt: skip


def identify(path: Path, *, name: str = "") -> Format:
    """Return the format of a file by its bytes; head and tail stand for files above 8 MiB.

    `name` is what people called it. Raises EmptyFile, MislabelledFile when the two disagree about the family.
    """
    import pygfried  # its Go runtime starts threads, and a process that has them cannot be forked any more

    size = path.stat().st_size
    if size == 0:
        raise EmptyFile
    suffix = _suffix(name)
    with NamedTemporaryFile(prefix=scratch_prefix(), suffix=f".{suffix}" if suffix else "") as sample:
        _write_sample(path, size, sample)
        report = pygfried.identify(sample.name, detailed=True)
    tool = f"siegfried {pygfried.version()}"
    best = _best(report["files"][0]["matches"])
    if best is None:
        return Format(_guess_mime(suffix), None, "", tool)
    found = Format(best["mime"].split(",")[0].strip() or _guess_mime(suffix), best["id"], _title(best), tool)
    if "byte match" in best["basis"] or "container" in best["basis"]:
        _compare(found, suffix, name)
    return found


def kind_of(mime: str) -> MediaKind | None:
    """Return which stages a format goes through; None for a format that none can read."""
    if mime.startswith("image/"):
        return MediaKind.PICTURE
    if mime.startswith("video/") or mime in ("application/mp4", "application/mxf", "application/vnd.rn-realmedia"):
        return MediaKind.FILM
    if mime.startswith("audio/"):
        return MediaKind.SOUND
    return MediaKind.DOCUMENT if mime.startswith(_DOCUMENTS) else None


def _suffix(name: str) -> str:
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    return suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 8 else ""


def _write_sample(path: Path, size: int, sample: IO[bytes]) -> None:
    with path.open("rb") as source:
        sample.write(source.read(_WHOLE if size <= _WHOLE else _HEAD))
        if size > _WHOLE:
            source.seek(size - _TAIL)
            sample.write(source.read())
    sample.flush()


def _best(matches: Sequence[Any]) -> Any:
    known = [match for match in matches if match["id"] != "UNKNOWN"]
    known.sort(key=lambda match: "byte match" not in match["basis"] and "container" not in match["basis"])
    return known[0] if known else None


def _title(match: Any) -> str:
    return f"{match['format']} {match['version']}".strip()


def _compare(found: Format, suffix: str, name: str) -> None:
    expected = _FAMILIES.get(suffix)
    if expected is None or kind_of(found.mime) is None or found.mime.startswith(expected):
        return
    raise MislabelledFile(N_("“{name}” is {format}, not .{suffix}."), name=name, format=found.name, suffix=suffix)


def _guess_mime(suffix: str) -> str:
    """Return what the name promises, where the signatures know no MIME type."""
    return _BY_NAME.get(suffix, "application/octet-stream")
