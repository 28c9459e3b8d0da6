"""Fixtures every test may use: a real database file, a real file store, the samples when they are there."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlmodel import SQLModel

from asset_hub.core.db import Database
from asset_hub.core.files import FileStore, FolderFiles
from asset_hub.core.ids import new_id
from tests.drill import load_profile
from tests.services import elasticsearch as elasticsearch_node
from tests.services.postgresql import find_binaries, running_cluster

PROJECT = Path(__file__).resolve().parent.parent
os.environ["ASSET_HUB_HOSTS"] = "testserver"  # what the test client of Starlette asks for
load_profile()


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


def _skip_or_fail(reason: str) -> None:
    """A missing service is a skip on a stranger's machine and a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[str]:
    binaries = find_binaries()
    if binaries is None:
        _skip_or_fail("PostgreSQL is not installed")
        return
    with running_cluster(binaries) as url:
        yield url


@pytest.fixture
def postgresql(postgresql_cluster: str) -> str:
    """The URL of a fresh, empty PostgreSQL database."""
    name = f"t{new_id().hex}"
    with psycopg.connect(postgresql_cluster, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return postgresql_cluster.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The same test on both databases, every table of the imported models made."""
    url = f"sqlite:///{tmp_path}/any.db" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    opened = Database(url)
    SQLModel.metadata.create_all(opened.engine)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """A real Elasticsearch 9 node; skipped where no Java 21 or no node is there, a failure in CI."""
    if elasticsearch_node.find_java() is None:
        _skip_or_fail("Elasticsearch needs Java 21 or newer")
        return
    if not elasticsearch_node.is_there():
        _skip_or_fail("the Elasticsearch node is not installed (make setup-tests)")
        return
    with elasticsearch_node.running_node() as url:
        yield url
