"""Runs ffmpeg, ffprobe and pdftoppm as programs, inside the limited child; their errors become our refusals."""

import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import IO

from asset_hub.core.errors import Unavailable
from asset_hub.core.text import N_
from asset_hub.media.errors import MediaRefused, TruncatedFile, UnsupportedFormat

_TRUNCATED = (
    "moov atom not found",
    "partial file",
    "Truncat",
    "truncated",
    "End of file",
    "Premature",
    "Couldn't find trailer",
)
_MAX_REASON = 300
_MAX_COMPLAINT = 1 << 16


def run_program(command: Sequence[str], *, on_line: Callable[[str], None] | None = None) -> bytes:
    """Return what a program printed. Raises TruncatedFile, UnsupportedFormat, MediaRefused by what it complained of."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError as error:
        raise Unavailable(N_("The program {program} is not installed."), program=command[0]) from error
    complaint = bytearray()
    listener = threading.Thread(target=_keep_tail, args=(process.stderr, complaint))
    listener.start()
    output = _read_all(process.stdout, on_line)
    listener.join()
    if process.wait() != 0:
        raise _refusal(complaint.decode("utf-8", "replace").strip())
    return output


def _keep_tail(pipe: IO[bytes] | None, kept: bytearray) -> None:
    """Read complaints as they come: a damaged film makes megabytes of them, and a full pipe would stop the program."""
    while pipe is not None and (chunk := pipe.read(1 << 12)):
        kept += chunk
        del kept[:-_MAX_COMPLAINT]


def _read_all(pipe: IO[bytes] | None, on_line: Callable[[str], None] | None) -> bytes:
    if pipe is None:
        return b""
    if on_line is None:
        return pipe.read()
    lines = []
    for line in pipe:
        on_line(line.decode("utf-8", "replace"))
        lines.append(line)
    return b"".join(lines)


def _refusal(complaint: str) -> MediaRefused:
    reason = complaint.splitlines()[-1][-_MAX_REASON:] if complaint else ""
    if any(word in complaint for word in _TRUNCATED):
        return TruncatedFile(N_("It ends too early: {reason}"), reason=reason)
    if "Decoder" in complaint or "Unknown" in complaint or "codec" in complaint:
        return UnsupportedFormat(N_("No decoder for it: {reason}"), reason=reason)
    return MediaRefused(N_("It could not be read: {reason}"), reason=reason)
