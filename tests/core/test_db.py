"""The database keeps time zones, serialises writers and never commits what failed."""

import threading
from datetime import datetime

import pytest
from sqlalchemy.exc import StatementError
from sqlmodel import Field, SQLModel

from asset_hub.core import clock
from asset_hub.core.db import Database, UtcDateTime, after_commit
from tests.drill import grown

ROUNDS = grown(25, 500)


class CounterRow(SQLModel, table=True):
    """A number that many writers raise."""

    __tablename__ = "test_counter"
    id: int = Field(primary_key=True)
    value: int = 0
    changed_at: datetime = Field(sa_type=UtcDateTime)


def test_no_update_of_concurrent_writers_is_lost(database: Database) -> None:
    with database.write() as session:
        session.add(CounterRow(id=1, changed_at=clock.now()))

    def raise_it() -> None:
        for _ in range(ROUNDS):
            with database.write() as session:
                session.get_one(CounterRow, 1).value += 1

    threads = [threading.Thread(target=raise_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as reading:
        assert reading.get_one(CounterRow, 1).value == 8 * ROUNDS


def test_times_come_back_aware_and_equal(any_database: Database) -> None:
    moment = clock.now().astimezone(clock.BEIJING)

    with any_database.write() as session:
        session.add(CounterRow(id=1, changed_at=moment))

    with any_database.read() as reading:
        kept = reading.get_one(CounterRow, 1).changed_at
    assert kept == moment
    assert kept.utcoffset() is not None


def test_a_naive_time_is_refused(database: Database) -> None:
    with pytest.raises(StatementError), database.write() as session:
        session.add(CounterRow(id=1, changed_at=datetime(2026, 1, 1)))  # noqa: DTZ001

    with database.read() as reading:
        assert reading.get(CounterRow, 1) is None


def test_what_follows_a_commit_does_not_follow_a_rollback(database: Database) -> None:
    seen: list[str] = []

    with database.write() as session:
        after_commit(session, lambda: seen.append("kept"))
    with pytest.raises(RuntimeError), database.write() as session:
        after_commit(session, lambda: seen.append("lost"))
        raise RuntimeError

    assert seen == ["kept"]
