"""The folder door: every file under a path offered once, names as bytes, nothing followed, nothing forgotten."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from asset_hub.core.db import Database
from asset_hub.core.errors import AssetHubError
from asset_hub.core.files import Blob, FileStore
from asset_hub.core.text import N_
from ingest.accessions import offer_file, offer_refused
from ingest.captures import receiving_process
from ingest.errors import FileUnreadable, FileVanished, NotAFile, SystemFile
from ingest.sheets import Sheet, SheetRow

_LEFT_OVERS = {b".DS_Store", b"Thumbs.db", b"desktop.ini", b"._.DS_Store"}
_BATCH = 50


@dataclass(frozen=True, slots=True)
class Found:
    """A directory entry: its path relative to the root, as bytes, and why it cannot be taken, if so."""

    key: bytes
    path: bytes
    refusal: AssetHubError | None = None


def walk_folder(root: Path) -> Iterator[Found]:
    """Return every entry that is no folder, sorted by name; links are reported, never followed."""
    base = os.fsencode(root)
    if root.is_file():
        yield Found(os.fsencode(root.name), base)
        return
    folders = [b""]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(os.path.join(base, folder)), key=lambda entry: entry.name)
        except OSError as error:
            yield Found(folder, b"", FileUnreadable(N_("The system says: {reason}"), reason=error.strerror))
            continue
        for entry in entries:
            key = os.path.join(folder, entry.name) if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(key)
            else:
                yield Found(key, entry.path, _look(entry))


def _look(entry: "os.DirEntry[bytes]") -> AssetHubError | None:
    if entry.name in _LEFT_OVERS or entry.name.startswith(b"._"):
        return SystemFile()
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError:
        return FileVanished()
    return None if stat.S_ISREG(mode) else NotAFile(N_("Links and devices are not followed."))


def receive_folder(
    database: Database,
    files: FileStore,
    root: Path,
    *,
    accession_id: UUID,
    sheet: Sheet | None,
    on_progress: Callable[[int], None] = lambda _count: None,
    now: datetime,
) -> None:
    """Store every file, then write it down in batches; what is written down is on disk already."""
    batch: list[tuple[bytes, Blob | AssetHubError, SheetRow | None]] = []
    received, count = receiving_process(), 0
    for found in walk_folder(root):
        if sheet is not None and os.fsencode(sheet.path) == found.path:
            continue
        row = sheet.take(found.key) if sheet is not None else None
        batch.append((found.key, found.refusal or _refused_by(row) or _store(files, found), row))
        count += 1
        if len(batch) >= _BATCH:
            _write_down(database, accession_id, batch, received, now)
            batch.clear()
            on_progress(count)
    _write_down(database, accession_id, batch, received, now)
    if sheet is not None:
        receive_rows(database, sheet, accession_id=accession_id, now=now)
    on_progress(count)


def receive_rows(database: Database, sheet: Sheet, *, accession_id: UUID, now: datetime) -> None:
    """Offer the rows of a sheet that no file took: records without a file, and rows that are refused."""
    with database.write() as session:
        for row in sheet.left_over():
            refusal = row.refusal or row.missing_file()
            if refusal is not None:
                offer_refused(session, accession_id=accession_id, key=row.key, error=refusal, now=now)
            else:
                offer_file(
                    session, accession_id=accession_id, key=row.key, blob=None, values=row.values, kind="record",
                    secrecy=row.secrecy,
                )  # fmt: skip


def _refused_by(row: SheetRow | None) -> AssetHubError | None:
    return row.refusal if row is not None else None


def _store(files: FileStore, found: Found) -> Blob | AssetHubError:
    path = Path(os.fsdecode(found.path))
    try:
        return files.put_path(path)
    except FileNotFoundError:
        return FileVanished()
    except OSError as error:
        return FileUnreadable(N_("The system says: {reason}"), reason=error.strerror)


def _write_down(
    database: Database,
    accession_id: UUID,
    batch: list[tuple[bytes, Blob | AssetHubError, SheetRow | None]],
    received: Mapping[str, Any],
    now: datetime,
) -> None:
    with database.write() as session:
        for key, blob, row in batch:
            if isinstance(blob, AssetHubError):
                offer_refused(session, accession_id=accession_id, key=key, error=blob, now=now)
            else:
                offer_file(
                    session, accession_id=accession_id, key=key, blob=blob, values=row.values if row else (),
                    secrecy=row.secrecy if row else None, received=received,
                )  # fmt: skip
