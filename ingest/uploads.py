"""Resumable uploads (tus 1.0.0): bytes are appended to a file and synced before they are acknowledged.

The path of a file on the uploader's machine is data, kept as bytes; it never becomes part of a path here.
"""

import fcntl
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, may, require, require_person
from asset_hub.core.db import Database, ReadSession, WriteSession, after_commit
from asset_hub.core.files import Blob, FileStore
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from ingest import permissions
from ingest.accessions import lock_accession, offer_file
from ingest.captures import receiving_process
from ingest.errors import (
    AccessionNotFound,
    AccessionSealed,
    UploadBusy,
    UploadNotFound,
    UploadTooLarge,
    WrongOffset,
)
from ingest.lists import refuse_listed, take_listed
from ingest.models import AccessionRow, ItemRow, UploadRow
from ingest.types import ItemId, UploadId

MAX_UPLOAD = 1 << 40
_MAX_NAME = 4096


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload: its length as announced; `item_id` once it is complete and written down."""

    id: UploadId
    accession_id: UUID
    key: bytes
    length: int
    item_id: ItemId | None


class Part:
    """The file of one upload, held by one writer at a time; closing it syncs what was written."""

    def __init__(self, folder: Path, upload: Upload, *, offset: int) -> None:
        """Open it at `offset`. Raises UploadBusy while another writer holds it, WrongOffset."""
        folder.mkdir(parents=True, exist_ok=True)
        self._limit = upload.length
        self._file = _part(folder, upload.id).open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stands = os.fstat(self._file.fileno()).st_size
            if stands != offset:
                raise WrongOffset(N_("It stands at {stands}, not at {offset}."), stands=stands, offset=offset)
        except BlockingIOError as error:
            self._file.close()
            raise UploadBusy from error
        except WrongOffset:
            self._file.close()
            raise

    def write(self, chunk: bytes) -> None:
        """Append. Raises UploadTooLarge past the announced length; nothing of that chunk is kept."""
        if self._file.tell() + len(chunk) > self._limit:
            raise UploadTooLarge(N_("More than the announced {limit} bytes."), limit=self._limit)
        self._file.write(chunk)

    def close(self) -> int:
        """Sync, let go, and return the length that is safe now."""
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()


def create_upload(
    session: WriteSession, *, accession_id: UUID, key: bytes, length: int, by: Actor, now: datetime
) -> UploadId:
    """Announce a file. `key` is its path as the browser knows it.

    Raises AccessionNotFound (also for other houses), AccessionSealed, UploadTooLarge, and ListedRefused when the
    list of this intake refuses the file: before its first byte.
    """
    require_receiver(session, accession_id=accession_id, by=by)
    if lock_accession(session, accession_id).sealed_at is not None:
        raise AccessionSealed
    if not 0 <= length <= MAX_UPLOAD or len(key) > _MAX_NAME:
        raise UploadTooLarge(N_("At most {limit} bytes."), limit=MAX_UPLOAD)
    refuse_listed(session, accession_id=accession_id, key=key)
    row = UploadRow(
        id=new_id(), accession_id=accession_id, person_id=require_person(by), key=key, name=key.rpartition(b"/")[2],
        length=length, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return UploadId(row.id)


def require_receiver(session: ReadSession, *, accession_id: UUID, by: Actor) -> AccessionRow:
    """Return the intake of somebody who may bring things into it. Raises AccessionNotFound, also for other houses."""
    require_person(by)
    accession = session.get(AccessionRow, accession_id)
    if accession is None or accession.owner_id != by.organisation_id:
        raise AccessionNotFound
    require(by, permissions.RECEIVE, organisation_id=accession.owner_id)
    return accession


def get_upload(session: ReadSession, *, upload_id: UUID, by: Actor) -> Upload:
    """Return an upload of this person. Raises NotSignedIn, UploadNotFound."""
    require_person(by)
    row = session.get(UploadRow, upload_id)
    if row is None or row.person_id != by.person_id:
        raise UploadNotFound
    accession = session.get_one(AccessionRow, row.accession_id)
    if not may(by, permissions.RECEIVE, organisation_id=accession.owner_id):
        raise UploadNotFound
    return Upload(UploadId(row.id), row.accession_id, row.key, row.length, ItemId(row.item_id) if row.item_id else None)


def stored_length(folder: Path, upload: Upload) -> int:
    """Return how many bytes are safely here; they are synced before that is said."""
    if upload.item_id is not None:
        return upload.length
    try:
        handle = os.open(_part(folder, upload.id), os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        os.fsync(handle)
        return os.fstat(handle).st_size
    finally:
        os.close(handle)


def append_bytes(folder: Path, upload: Upload, *, offset: int, chunks: Iterable[bytes]) -> int:
    """Append from `offset` and sync; return the new length. Raises as Part does; keeps what is whole."""
    part = Part(folder, upload, offset=offset)
    try:
        for chunk in chunks:
            part.write(chunk)
    finally:
        stands = part.close()
    return stands


def complete_upload(database: Database, folder: Path, files: FileStore, *, upload: Upload) -> ItemId:
    """Store a finished upload under its digest, then write it down for examination. Idempotent.

    The bytes are stored before the transaction begins, so that a long file holds no lock.
    Raises WrongOffset, UploadNotFound, AccessionSealed.
    """
    part = _part(folder, upload.id)
    if upload.length == 0:
        folder.mkdir(parents=True, exist_ok=True)
        part.touch()
    received = receiving_process()
    blob = files.put_path(part) if part.exists() and part.stat().st_size == upload.length else None
    with database.write() as session:
        row = session.get(UploadRow, upload.id, with_for_update=True)
        if row is None:
            raise UploadNotFound
        if row.item_id is None:
            if blob is None:
                raise WrongOffset(N_("It is not complete yet."))
            row.item_id = offer_named(session, accession_id=row.accession_id, key=row.key, blob=blob, received=received)
        item_id = ItemId(row.item_id)
    forget_part(folder, upload.id)
    return item_id


def offer_named(
    session: WriteSession, *, accession_id: UUID, key: bytes, blob: Blob, received: Mapping[str, Any]
) -> ItemId:
    """Write down a stored file with what the list of this intake says about it.

    The same path with the same bytes is the same item; with other bytes it is another item, " [2]" in its row of the
    receipt, its name unchanged.
    """
    free = _free_key(session, accession_id, key, blob.sha256)
    listed = take_listed(session, accession_id=accession_id, key=key)
    item_id = offer_file(
        session,
        accession_id=accession_id,
        key=free,
        blob=blob,
        values=listed.values,
        secrecy=listed.secrecy,
        received=received,
    )
    session.get_one(ItemRow, item_id).name = key.rpartition(b"/")[2]
    return item_id


def unfinished_uploads(session: ReadSession, *, accession_id: UUID) -> Sequence[Upload]:
    """Return what was announced and is not written down yet, oldest first."""
    statement = (
        select(UploadRow)
        .where(UploadRow.accession_id == accession_id, col(UploadRow.item_id).is_(None))
        .order_by(col(UploadRow.id))
    )
    return [Upload(UploadId(row.id), row.accession_id, row.key, row.length, None) for row in session.exec(statement)]


def forget_part(folder: Path, upload_id: UUID) -> None:
    """Remove the uploaded bytes after they are stored elsewhere, or were given up. Idempotent."""
    _part(folder, UploadId(upload_id)).unlink(missing_ok=True)


def abandon_upload(session: WriteSession, folder: Path, *, upload_id: UUID, by: Actor) -> None:
    """Forget an unfinished upload and its bytes (tus termination). Raises UploadNotFound."""
    get_upload(session, upload_id=upload_id, by=by)
    row = session.get_one(UploadRow, upload_id)
    if row.item_id is None:
        session.delete(row)
        after_commit(session, lambda: forget_part(folder, upload_id))


def _free_key(session: ReadSession, accession_id: UUID, key: bytes, sha256: str) -> bytes:
    free, count = key, 1
    while True:
        statement = select(ItemRow.sha256).where(ItemRow.accession_id == accession_id, ItemRow.key == free)
        found = session.exec(statement).all()
        if not found or found[0] == sha256:
            return free
        count += 1
        free = key + b" [%d]" % count


def _part(folder: Path, upload_id: UploadId) -> Path:
    return folder / f"{upload_id}.part"
