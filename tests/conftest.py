"""Fixtures every test may use: a real database file, a real file store, the samples when they are there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from asset_hub.core.db import Database
from asset_hub.core.files import FileStore, FolderFiles

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A SQLite file with every table of the imported models and no subscriptions."""
    opened = Database(f"sqlite:///{tmp_path}/test.db")
    SQLModel.metadata.create_all(opened.engine)
    yield opened
    opened.dispose()


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FolderFiles(tmp_path / "files")


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real media outside the project; absent on a stranger's machine."""
    folder = PROJECT.parent / "shared" / "samples"
    if not folder.is_dir():
        pytest.skip("the folder of sample files is not here")
    return folder
