"""Resumable uploads: bytes are kept as far as they came, and only whole files are written down."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor, Role
from asset_hub.catalogue import Secrecy
from asset_hub.core import clock
from asset_hub.core.db import Database
from asset_hub.core.files import FileStore, read_blob
from ingest.accessions import open_accession, seal_accession
from ingest.errors import AccessionNotFound, AccessionSealed, UploadBusy, UploadNotFound, UploadTooLarge, WrongOffset
from ingest.models import ItemRow
from ingest.types import AccessionId, Door
from ingest.uploads import Part, append_bytes, complete_upload, create_upload, get_upload, stored_length
from tests.builders import make_actor

NOW = clock.now()


@pytest.fixture
def archivist(database: Database) -> Actor:
    with database.write() as session:
        return make_actor(session, roles={Role.ARCHIVIST})


@pytest.fixture
def accession(database: Database, archivist: Actor) -> AccessionId:
    assert archivist.organisation_id is not None
    with database.write() as session:
        return open_accession(
            session, owner_id=archivist.organisation_id, door=Door.UPLOAD, secrecy=Secrecy.OPEN, by=archivist, now=NOW
        )


def begin(database: Database, accession: AccessionId, by: Actor, length: int = 10) -> UUID:
    with database.write() as session:
        return create_upload(session, accession_id=accession, key="卷一/门.jpg".encode(), length=length, by=by, now=NOW)


def test_an_upload_goes_on_where_it_stood(
    database: Database, files: FileStore, accession: AccessionId, archivist: Actor, tmp_path: Path
) -> None:
    upload_id = begin(database, accession, archivist)
    with database.read() as session:
        upload = get_upload(session, upload_id=upload_id, by=archivist)
    assert append_bytes(tmp_path, upload, offset=0, chunks=[b"abc", b"de"]) == 5

    with pytest.raises(WrongOffset):
        append_bytes(tmp_path, upload, offset=3, chunks=[b"xx"])
    assert stored_length(tmp_path, upload) == 5
    assert append_bytes(tmp_path, upload, offset=5, chunks=[b"fghij"]) == 10

    item_id = complete_upload(database, tmp_path, files, upload=upload)
    assert complete_upload(database, tmp_path, files, upload=upload) == item_id
    with database.read() as session:
        item = session.get_one(ItemRow, item_id)
    assert (item.key, item.name) == ("卷一/门.jpg".encode(), "门.jpg".encode())
    assert read_blob(files, str(item.sha256)) == b"abcdefghij"


def test_more_than_announced_is_refused_and_an_unfinished_one_is_no_item(
    database: Database, files: FileStore, accession: AccessionId, archivist: Actor, tmp_path: Path
) -> None:
    upload_id = begin(database, accession, archivist)
    with database.read() as session:
        upload = get_upload(session, upload_id=upload_id, by=archivist)
    with pytest.raises(UploadTooLarge):
        append_bytes(tmp_path, upload, offset=0, chunks=[b"0123456", b"7890123"])

    assert stored_length(tmp_path, upload) == 7
    with pytest.raises(WrongOffset):
        complete_upload(database, tmp_path, files, upload=upload)
    with database.read() as session:
        assert session.exec(select(ItemRow)).all() == []


def test_strangers_neither_begin_nor_see_uploads(database: Database, accession: AccessionId, archivist: Actor) -> None:
    upload_id = begin(database, accession, archivist)
    with database.write() as session:
        stranger = make_actor(session, roles=set(Role))
        with pytest.raises(UploadNotFound):
            get_upload(session, upload_id=upload_id, by=stranger)
        with pytest.raises(AccessionNotFound):
            create_upload(session, accession_id=accession, key=b"x", length=1, by=stranger, now=NOW)


def test_a_sealed_intake_takes_nothing_more(
    database: Database, files: FileStore, accession: AccessionId, archivist: Actor
) -> None:
    with database.write() as session:
        seal_accession(session, accession_id=accession, files=files, now=NOW)
        with pytest.raises(AccessionSealed):
            create_upload(session, accession_id=accession, key=b"x", length=1, by=archivist, now=NOW)


def test_an_upload_has_one_writer_at_a_time(
    database: Database, accession: AccessionId, archivist: Actor, tmp_path: Path
) -> None:
    upload_id = begin(database, accession, archivist)
    with database.read() as session:
        upload = get_upload(session, upload_id=upload_id, by=archivist)
    first = Part(tmp_path, upload, offset=0)

    with pytest.raises(UploadBusy):
        Part(tmp_path, upload, offset=0)

    first.write(b"abc")
    assert first.close() == 3
    assert append_bytes(tmp_path, upload, offset=3, chunks=[b"defghij"]) == 10
