"""Files and the list of an intake from a plain form: for browsers without script, and for whoever prefers it."""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from asset_hub.accounts import Actor
from asset_hub.core.db import Database
from asset_hub.core.files import Blob, FileStore
from ingest.accessions import lock_accession
from ingest.captures import receiving_process
from ingest.errors import AccessionSealed, ListedRefused
from ingest.lists import read_list, receive_list, refuse_listed
from ingest.types import ItemId
from ingest.uploads import offer_named, require_receiver

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """How many files of a form were taken, and the refusals of the others."""

    taken: int
    refused: tuple[ListedRefused, ...]


def require_open(database: Database, *, accession_id: UUID, by: Actor) -> None:
    """Refuse a form before its files are read. Raises AccessionNotFound, AccessionSealed, Forbidden."""
    with database.read() as session:
        if require_receiver(session, accession_id=accession_id, by=by).sealed_at is not None:
            raise AccessionSealed


def receive_files(
    database: Database, folder: Path, files: FileStore, *, accession_id: UUID, named: list[tuple[bytes, BinaryIO]]
) -> Received:
    """Store the files of a form and write them down; one that the list refuses is not stored."""
    taken, refused = 0, []
    for key, file in named:
        try:
            with database.read() as session:
                refuse_listed(session, accession_id=accession_id, key=key)
        except ListedRefused as error:
            refused.append(error)
            continue
        _write_down(database, accession_id, key, _store(folder, files, file))
        taken += 1
    return Received(taken, tuple(refused))


def receive_list_file(
    database: Database, *, accession_id: UUID, name: str, file: BinaryIO, by: Actor, now: datetime
) -> int:
    """Read a list and apply it whole or not at all; return its rows. Raises UnknownHeading, UnreadableSheet, …"""
    sheet = read_list(file, name=name)
    with database.write() as session:
        require_receiver(session, accession_id=accession_id, by=by)
        accession = lock_accession(session, accession_id)
        if accession.sealed_at is not None:
            raise AccessionSealed
        return receive_list(session, accession=accession, sheet=sheet, by=by, now=now)


def _store(folder: Path, files: FileStore, file: BinaryIO) -> Blob:
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".plain") as copy:
        while chunk := file.read(_CHUNK):
            copy.write(chunk)
        copy.flush()
        return files.put_path(Path(copy.name))


def _write_down(database: Database, accession_id: UUID, key: bytes, blob: Blob) -> ItemId:
    received = receiving_process()
    with database.write() as session:
        lock_accession(session, accession_id)
        return offer_named(session, accession_id=accession_id, key=key, blob=blob, received=received)
