"""File stores: one contract for the folder and the bucket."""

from datetime import timedelta
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from asset_hub.core import clock
from asset_hub.core.errors import BadInput
from asset_hub.core.files import BlobMissing, BucketFiles, FileStore, FolderFiles, open_files, put_bytes, read_blob

ABSENT = "0" * 64


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    return FolderFiles(tmp_path / "files") if request.param == "folder" else BucketFiles(MemoryStore())


def test_what_is_stored_comes_back_whole_and_in_parts(store: FileStore) -> None:
    content = bytes(range(256)) * 9000

    blob = put_bytes(store, content)

    assert blob.bytes_count == store.size(blob.sha256) == len(content)
    assert read_blob(store, blob.sha256) == content
    assert read_blob(store, blob.sha256, 1000, 1010) == content[1000:1010]
    with store.as_path(blob.sha256) as path:
        assert path.read_bytes() == content


def test_storing_twice_keeps_one(store: FileStore) -> None:
    first = put_bytes(store, "朝天门".encode())
    second = put_bytes(store, "朝天门".encode())

    assert first == second
    assert list(store.digests()) == [first.sha256]


def test_a_deleted_or_unknown_file_is_missing(store: FileStore) -> None:
    blob = put_bytes(store, b"x")
    later = clock.now() + timedelta(seconds=1)

    assert [store.delete(blob.sha256, before=later) for _ in range(2)] == [True, False]

    with pytest.raises(BlobMissing):
        store.size(blob.sha256)
    with pytest.raises(BlobMissing):
        read_blob(store, ABSENT)


def test_what_was_stored_after_that_moment_is_not_deleted(store: FileStore) -> None:
    blob = put_bytes(store, b"x")

    assert not store.delete(blob.sha256, before=clock.now() - timedelta(minutes=1))
    assert read_blob(store, blob.sha256) == b"x"


def test_a_digest_that_is_a_path_is_refused(store: FileStore) -> None:
    with pytest.raises(BadInput):
        store.size("../" * 21 + "x")


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(BadInput):
        open_files("ftp://example/files")


def test_a_folder_in_a_path_with_spaces_opens(tmp_path: Path) -> None:
    store = open_files((tmp_path / "重庆 档案").as_uri())

    blob = put_bytes(store, b"x")

    assert (tmp_path / "重庆 档案" / blob.sha256[:2]).is_dir()
