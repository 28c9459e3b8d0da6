"""Resumable uploads (tus 1.0.0): bytes are appended to a file and synced before they are acknowledged."""

import fcntl
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from asset_hub.accounts import Actor, require, require_person
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.files import FileStore
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from ingest import permissions
from ingest.accessions import lock_accession, offer_file
from ingest.errors import AccessionSealed, UploadNotFound, UploadTooLarge, WrongOffset
from ingest.models import UploadRow
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


def create_upload(
    session: WriteSession, *, accession_id: UUID, key: bytes, length: int, by: Actor, now: datetime
) -> UploadId:
    """Announce a file. Raises UploadTooLarge, AccessionSealed. `key` is its path as the browser knows it."""
    accession = lock_accession(session, accession_id)
    require(by, permissions.RECEIVE, organisation_id=accession.owner_id)
    if accession.sealed_at is not None:
        raise AccessionSealed
    if not 0 <= length <= MAX_UPLOAD or len(key) > _MAX_NAME:
        raise UploadTooLarge(N_("At most {limit} bytes."), limit=MAX_UPLOAD)
    row = UploadRow(
        id=new_id(), accession_id=accession_id, person_id=require_person(by), key=key, name=key.rpartition(b"/")[2],
        length=length, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return UploadId(row.id)


def get_upload(session: ReadSession, *, upload_id: UUID, by: Actor) -> Upload:
    """Return an upload of this person. Raises UploadNotFound."""
    row = session.get(UploadRow, upload_id)
    if row is None or row.person_id != by.person_id:
        raise UploadNotFound
    return Upload(UploadId(row.id), row.accession_id, row.key, row.length, ItemId(row.item_id) if row.item_id else None)


def stored_length(folder: Path, upload: Upload) -> int:
    """Return how many bytes are safely here."""
    if upload.item_id is not None:
        return upload.length
    path = _part(folder, upload.id)
    return path.stat().st_size if path.exists() else 0


def append_bytes(folder: Path, upload: Upload, *, offset: int, chunks: Iterable[bytes]) -> int:
    """Append from `offset` and sync; return the new length. Raises WrongOffset, UploadTooLarge; keeps what is whole."""
    with _part(folder, upload.id).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        stands = os.fstat(file.fileno()).st_size
        if stands != offset:
            raise WrongOffset(N_("It stands at {stands}, not at {offset}."), stands=stands, offset=offset)
        try:
            for chunk in chunks:
                if file.tell() + len(chunk) > upload.length:
                    raise UploadTooLarge(N_("More than the announced {limit} bytes."), limit=upload.length)
                file.write(chunk)
        finally:
            file.flush()
            os.fsync(file.fileno())
        return file.tell()


def complete_upload(session: WriteSession, folder: Path, files: FileStore, *, upload_id: UUID) -> ItemId:
    """Store a finished upload under its digest and write it down for examination. Idempotent. Raises WrongOffset."""
    row = session.get(UploadRow, upload_id, with_for_update=True)
    if row is None:
        raise UploadNotFound
    if row.item_id is not None:
        return ItemId(row.item_id)
    part = _part(folder, UploadId(row.id))
    if row.length == 0:
        part.touch()
    if not part.exists() or part.stat().st_size != row.length:
        raise WrongOffset(N_("It is not complete yet."))
    item_id = offer_file(session, accession_id=row.accession_id, key=row.key, blob=files.put_path(part))
    row.item_id = item_id
    return item_id


def forget_part(folder: Path, upload_id: UUID) -> None:
    """Remove the uploaded bytes after they are stored elsewhere, or were given up. Idempotent."""
    _part(folder, UploadId(upload_id)).unlink(missing_ok=True)


def abandon_upload(session: WriteSession, *, upload_id: UUID, by: Actor) -> None:
    """Forget an unfinished upload (tus termination). Raises UploadNotFound."""
    get_upload(session, upload_id=upload_id, by=by)
    row = session.get_one(UploadRow, upload_id)
    if row.item_id is None:
        session.delete(row)


def _part(folder: Path, upload_id: UploadId) -> Path:
    return folder / f"{upload_id}.part"
