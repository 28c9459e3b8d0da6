"""The capture record (固定记录): who took a file in, where, by which clock and tools, and what was refused meanwhile.

One line of canonical JSON per accepted thing, after a first line that they share and name by its digest. The ledger
anchors a salted commitment to each line, so that one file's record is proved without showing the others'.
Source: 人民法院在线诉讼规则 art. 18, 最高人民法院关于互联网法院审理案件若干问题的规定 art. 11.
"""

import ctypes
import hashlib
import platform
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from ingest.models import AccessionRow, ItemRow
from ingest.types import ItemStatus, show_bytes
from ledger.papers import spell

SESSION_TYPE, CAPTURE_TYPE = "asset_hub/capture-session/2", "asset_hub/capture/2"
UNKNOWN = "未提供"
_LIBRARIES = ("pillow", "pyvips", "pyvips-binary", "pygfried", "openpyxl")
_NO_CLOCK = {
    "read_by": UNKNOWN, "source": UNKNOWN, "synchronised": UNKNOWN, "offset_us": UNKNOWN, "max_error_us": UNKNOWN,
}  # fmt: skip
_UNSYNCHRONISED, _NANOSECONDS = 0x0040, 0x2000


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2), as far as it is read here; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_byte * 256),
    )  # fmt: skip


def capture_lines(accession: AccessionRow, items: Sequence[ItemRow], numbers: Mapping[UUID, str]) -> bytes:
    """Return the record of a closed intake: the shared line, then one line per accepted thing, in their order.

    `numbers` are those of the assets. Each line says by what process its file was received (未提供 for rows from
    before that was asked); the shared one on what device, by which clock the intake was closed. No program is asked.
    """
    session = spell(_session(accession, items))
    digest = hashlib.sha256(session).hexdigest()
    refused = _refusals(items)
    lines = [
        spell(_capture(accession, item, digest, refused.get(_name(item), []), numbers))
        for item in items
        if item.status == ItemStatus.ACCEPTED
    ]
    return b"\n".join([session, *lines])


def receiving_process() -> dict[str, Any]:
    """Return device, clock and tools of this process, as it receives a file.

    Asks programs for their versions the first time: never call it while anything is locked.
    """
    return {"device": device(), "clock": clock_state(), "tools": tools()}


def reception_of(session: Mapping[str, Any], record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return device, clock and tools of a capture record; in earlier records those that closed the intake."""
    received = record.get("received", session)
    return received if isinstance(received, Mapping) else dict.fromkeys(("device", "clock", "tools"), UNKNOWN)


def read_lines(content: bytes) -> list[bytes]:
    """Return the lines of a kept record, the shared one first."""
    return content.split(b"\n")


def _session(accession: AccessionRow, items: Sequence[ItemRow]) -> dict[str, Any]:
    counts = {str(status): sum(item.status == status for item in items) for status in ItemStatus}
    return {
        "type": SESSION_TYPE, "accession": accession.number, "organisation": str(accession.owner_id),
        "person": str(accession.person_id), "door": accession.door, "opened_at": accession.created_at.isoformat(),
        "sealed_at": accession.sealed_at.isoformat() if accession.sealed_at else UNKNOWN,
        "closed_at": accession.closed_at.isoformat() if accession.closed_at else UNKNOWN,
        "outcomes": counts, "closed_on": {"device": device(), "clock": clock_state()},
    }  # fmt: skip


def _refusals(items: Sequence[ItemRow]) -> dict[str, list[dict[str, str]]]:
    """Return by name what of that name was rejected or quarantined in the same intake, and why."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for item in items:
        if item.status in (ItemStatus.REJECTED, ItemStatus.QUARANTINED):
            reason = str((item.reason or {}).get("slug", UNKNOWN))
            found[_name(item)].append(
                {
                    "path": show_bytes(item.name),
                    "status": item.status,
                    "reason": reason,
                    "sha256": item.sha256 or UNKNOWN,
                }
            )
    return found


def _name(item: ItemRow) -> str:
    return PurePosixPath(show_bytes(item.name)).name


def _capture(
    accession: AccessionRow, item: ItemRow, session: str, refused: list[dict[str, str]], numbers: Mapping[UUID, str]
) -> dict[str, Any]:
    return {
        "type": CAPTURE_TYPE, "session": session, "accession": accession.number, "asset": str(item.asset_id),
        "number": numbers.get(item.asset_id, UNKNOWN) if item.asset_id else UNKNOWN,
        "organisation": str(accession.owner_id), "person": str(accession.person_id), "door": accession.door,
        "name": _name(item), "sha256": item.sha256 or UNKNOWN, "bytes": item.bytes_count,
        "finished_at": item.finished_at.isoformat() if item.finished_at else UNKNOWN,
        "received": item.received or UNKNOWN, "refused_under_this_name": refused,
    }  # fmt: skip


def device() -> dict[str, str]:
    """Return which machine did it, as it calls itself."""
    return {
        "name": platform.node() or UNKNOWN, "system": platform.system(), "release": platform.release(),
        "machine": platform.machine(),
    }  # fmt: skip


def clock_state() -> dict[str, Any]:
    """Return what the kernel knows of its clock: whether it follows a time source, offset and error in microseconds.

    The words 未提供 stand where the system does not say (adjtimex(2) is Linux's).
    """
    if not sys.platform.startswith("linux"):
        return _NO_CLOCK
    state = _Timex()
    answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    if answer < 0:
        return _NO_CLOCK
    offset = state.offset // 1000 if state.status & _NANOSECONDS else state.offset
    return {
        "read_by": "adjtimex(2)", "source": UNKNOWN, "synchronised": not state.status & _UNSYNCHRONISED,
        "offset_us": offset, "max_error_us": state.maxerror,
    }  # fmt: skip


@cache
def tools() -> dict[str, str]:
    """Return the programs that read files here, with their versions."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = UNKNOWN
    return {**found, **dict(_programs())}


def _programs() -> Iterator[tuple[str, str]]:
    for name, option in (("ffmpeg", "-version"), ("exiftool", "-ver"), ("pdftoppm", "-v")):
        path = shutil.which(name)
        if path is None:
            yield name, UNKNOWN
            continue
        try:
            ran = subprocess.run([path, option], capture_output=True, text=True, timeout=5, check=False)
        except (OSError, subprocess.TimeoutExpired):
            yield name, UNKNOWN
            continue
        first = (ran.stdout or ran.stderr).strip().splitlines()[:1]
        yield name, first[0][:80] if first else UNKNOWN
