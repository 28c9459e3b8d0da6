"""Jobs: claimed once, finished with their rows or not at all, retried only when that can help."""

import multiprocessing
import os
import random
import signal
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import Field, SQLModel, col, select

from asset_hub.core import clock
from asset_hub.core.db import Database, WriteSession
from asset_hub.core.errors import RuleRefused, Unavailable
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import (
    WORKER_DIED,
    Job,
    JobId,
    JobRow,
    JobRun,
    JobState,
    LeaseLost,
    Worker,
    count_jobs,
    enqueue,
    hasten_jobs,
    job_table,
    retry_job,
)
from tests.drill import SEED, grown


class EffectRow(SQLModel, table=True):
    """One row per effect of a test job."""

    __tablename__ = "test_effect"
    id: int | None = Field(default=None, primary_key=True)
    subject: UUID


def _leave_effect(run: JobRun, *, subject_id: UUID) -> None:
    with run.finish() as session:
        session.add(EffectRow(subject=subject_id))


JOBS = job_table([Job("test.leave_effect", _leave_effect)])


def _effects(database: Database) -> list[UUID]:
    with database.read() as session:
        return list(session.exec(select(EffectRow.subject)))


def _states(database: Database) -> dict[JobState, int]:
    with database.read() as session:
        return {state: count for state, count in count_jobs(session).items() if count}


def test_a_job_is_queued_with_the_rows_it_belongs_to(any_database: Database) -> None:
    subject = new_id()

    with pytest.raises(RuntimeError), any_database.write() as session:
        enqueue(session, "test.leave_effect", subject_id=subject)
        raise RuntimeError

    assert _states(any_database) == {}


def test_every_job_has_its_effect_once(any_database: Database) -> None:
    subjects = [new_id() for _ in range(30)]
    with any_database.write() as session:
        for subject in subjects:
            enqueue(session, "test.leave_effect", subject_id=subject)

    attempts = Worker(any_database, JOBS).run_until_idle(threads=3)

    assert sorted(_effects(any_database)) == sorted(subjects)
    assert attempts >= 30
    assert _states(any_database) == {JobState.DONE: 30}


def test_higher_priority_runs_first(any_database: Database) -> None:
    low, high = new_id(), new_id()
    with any_database.write() as session:
        enqueue(session, "test.leave_effect", subject_id=low)
        enqueue(session, "test.leave_effect", priority=5, subject_id=high)

    Worker(any_database, JOBS).run_until_idle()

    assert _effects(any_database) == [high, low]


def test_a_waiting_twin_is_not_queued_again(any_database: Database) -> None:
    subject = new_id()
    with any_database.write() as session:
        first = enqueue(session, "test.leave_effect", dedupe_key="one", subject_id=subject)
    with any_database.write() as session:
        second = enqueue(session, "test.leave_effect", dedupe_key="one", subject_id=subject)

    assert second == first
    assert _states(any_database) == {JobState.QUEUED: 1}


def test_a_refusal_fails_the_job_and_keeps_its_reason(any_database: Database) -> None:
    def refuse(run: JobRun) -> None:
        with run.finish() as session:
            session.add(EffectRow(subject=new_id()))
            raise RuleRefused("No {what}.", what="more")

    with any_database.write() as session:
        job = enqueue(session, "test.refuse")

    Worker(any_database, job_table([Job("test.refuse", refuse)])).run_until_idle()

    with any_database.read() as reading:
        row = reading.get_one(JobRow, job)
    assert row.state == JobState.FAILED
    assert row.error == {"slug": "rule-refused", "message": "No {what}.", "params": {"what": "more"}}
    assert _effects(any_database) == []


def test_an_absent_service_is_retried_later(any_database: Database) -> None:
    def miss(run: JobRun) -> None:
        raise Unavailable

    with any_database.write() as session:
        job = enqueue(session, "test.miss")

    Worker(any_database, job_table([Job("test.miss", miss)])).run_until_idle()

    with any_database.read() as reading:
        row = reading.get_one(JobRow, job)
    assert (row.state, row.attempts) == (JobState.QUEUED, 1)
    assert row.run_after > clock.now()


def test_a_failed_job_can_be_retried_and_a_done_one_cannot(database: Database) -> None:
    with database.write() as session:
        job = enqueue(session, "test.absent")
    Worker(database, JOBS).run_until_idle()

    with database.write() as session:
        retry_job(session, job_id=job, now=clock.now())
    Worker(database, job_table([Job("test.absent", lambda run: None)])).run_until_idle()

    assert _states(database) == {JobState.DONE: 1}
    with pytest.raises(RuleRefused), database.write() as session:
        retry_job(session, job_id=job, now=clock.now())


def test_a_worker_that_lost_its_lease_leaves_nothing(any_database: Database) -> None:
    taken = threading.Event()

    def overtaken(run: JobRun, *, subject_id: UUID) -> None:
        _expire_lease(any_database)
        thief = Worker(any_database, JOBS)
        thief.run_until_idle()
        taken.set()
        with run.finish() as session:
            session.add(EffectRow(subject=subject_id))

    subject = new_id()
    with any_database.write() as session:
        enqueue(session, "test.leave_effect", subject_id=subject)

    Worker(any_database, job_table([Job("test.leave_effect", overtaken)])).run_until_idle()

    assert taken.is_set()
    assert _effects(any_database) == [subject]


def test_progress_of_a_lost_job_is_refused(database: Database) -> None:
    with database.write() as session:
        job = enqueue(session, "test.leave_effect", subject_id=new_id())
    run = JobRun(job, None, 1, database, new_id())

    with pytest.raises(LeaseLost):
        run.heartbeat(1, 2, "half")


class Killed(BaseException):
    """Ends a worker as a signal would: nothing catches it, the job stays claimed."""


def _kill(run: JobRun, *, subject_id: UUID) -> None:
    raise Killed


def _die(database: Database, job: JobId, *, times: int, first_ago: timedelta = timedelta()) -> None:
    """Let so many workers die of a job, the first of them so long ago."""
    for _ in range(times):
        with database.write() as session:
            hasten_jobs(session, job_ids=[job], now=clock.now())
        with pytest.raises(Killed):
            Worker(database, job_table([Job("test.leave_effect", _kill)])).run_until_idle()
        _expire_lease(database)
    with database.write() as session:
        session.connection().execute(sa.update(JobRow).values(first_death_at=clock.now() - first_ago))


def test_a_machine_that_is_killed_often_in_a_short_while_loses_no_job(any_database: Database) -> None:
    subject = new_id()
    with any_database.write() as session:
        job = enqueue(session, "test.leave_effect", subject_id=subject)
    _die(any_database, job, times=20)

    Worker(any_database, JOBS).run_until_idle()
    waiting = _states(any_database)

    with any_database.write() as session:
        hasten_jobs(session, job_ids=[job], now=clock.now())
    Worker(any_database, JOBS).run_until_idle()

    assert waiting == {JobState.QUEUED: 1}
    assert _effects(any_database) == [subject]
    assert _states(any_database) == {JobState.DONE: 1}


def test_a_job_whose_workers_die_for_an_hour_fails_and_its_package_is_told(any_database: Database) -> None:
    told: list[tuple[str, UUID]] = []
    subject = new_id()
    with any_database.write() as session:
        job = enqueue(session, "test.leave_effect", subject_id=subject)
    _die(any_database, job, times=7, first_ago=timedelta(hours=2))
    _die(any_database, job, times=1, first_ago=timedelta(hours=2))

    def give_up(_session: WriteSession, error: dict[str, Any], *, subject_id: UUID) -> None:
        told.append((error["slug"], subject_id))

    Worker(any_database, job_table([Job("test.leave_effect", _leave_effect, give_up)])).run_until_idle()

    with any_database.read() as reading:
        row = reading.get_one(JobRow, job)
    assert (row.state, row.deaths, row.error) == (
        JobState.FAILED,
        8,
        {"slug": WORKER_DIED, "message": "", "params": {}},
    )
    assert told == [(WORKER_DIED, subject)]
    assert _effects(any_database) == []


def test_few_deaths_are_forgiven_however_long_they_took(database: Database) -> None:
    subject = new_id()
    with database.write() as session:
        job = enqueue(session, "test.leave_effect", subject_id=subject)
    _die(database, job, times=7, first_ago=timedelta(days=9))

    Worker(database, JOBS).run_until_idle()

    assert _effects(database) == [subject]


def test_a_job_whose_workers_keep_dying_runs_after_all_others(any_database: Database) -> None:
    suspect, other = new_id(), new_id()
    with any_database.write() as session:
        job = enqueue(session, "test.leave_effect", priority=9, subject_id=suspect)
    _die(any_database, job, times=3)
    with any_database.write() as session:
        enqueue(session, "test.leave_effect", subject_id=other)

    Worker(any_database, JOBS).run_until_idle()

    assert _effects(any_database) == [other, suspect]


def test_of_a_job_left_by_a_dead_worker_and_its_waiting_twin_one_runs(any_database: Database) -> None:
    subject = new_id()
    with any_database.write() as session:
        job = enqueue(session, "test.leave_effect", dedupe_key="one", subject_id=subject)
    with pytest.raises(Killed):
        Worker(any_database, job_table([Job("test.leave_effect", _kill)])).run_until_idle()
    with any_database.write() as session:
        twin = enqueue(session, "test.leave_effect", dedupe_key="one", subject_id=subject)
    _expire_lease(any_database)

    Worker(any_database, JOBS).run_until_idle()

    assert twin != job
    assert _effects(any_database) == [subject]
    assert _states(any_database) == {JobState.DONE: 2}


def test_a_mistake_while_giving_up_does_not_stop_the_worker(database: Database) -> None:
    def refuse(run: JobRun, *, subject_id: UUID) -> None:
        raise RuleRefused

    def mistake(session: WriteSession, _error: dict[str, Any], *, subject_id: UUID) -> None:
        session.add(EffectRow(subject=subject_id))
        raise KeyError

    subject = new_id()
    with database.write() as session:
        enqueue(session, "test.refuse", priority=1, subject_id=new_id())
        enqueue(session, "test.leave_effect", subject_id=subject)

    Worker(database, {**JOBS, "test.refuse": Job("test.refuse", refuse, mistake)}).run_until_idle()

    assert _effects(database) == [subject]
    assert _states(database) == {JobState.FAILED: 1, JobState.DONE: 1}


def _expire_lease(database: Database) -> None:
    with database.write() as session:
        past = clock.now() - timedelta(seconds=1)
        statement = sa.update(JobRow).where(col(JobRow.state) == JobState.RUNNING).values(lease_until=past)
        session.connection().execute(statement)


def _slow_effect(run: JobRun, *, subject_id: UUID) -> None:
    time.sleep(0.01)
    _leave_effect(run, subject_id=subject_id)


def _work_in_child(url: str) -> None:
    Worker(Database(url), job_table([Job("test.leave_effect", _slow_effect)])).run_until_idle()


def _queue(session: WriteSession, subjects: list[UUID]) -> None:
    for subject in subjects:
        enqueue(session, "test.leave_effect", subject_id=subject)


def test_killed_workers_lose_and_double_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kill.db"
    database = Database(url)
    SQLModel.metadata.create_all(database.engine)
    kills = grown(2, 20)
    subjects = [new_id() for _ in range(30 * kills)]
    with database.write() as session:
        _queue(session, subjects)
    database.dispose()
    context: Any = multiprocessing.get_context("spawn")

    rng = random.Random(SEED)
    for pause in [rng.uniform(0, 0.2) for _ in range(kills)]:
        child = context.Process(target=_work_in_child, args=(url,))
        child.start()
        _wait_for_an_effect(database, at_least=len(_effects(database)) + 1)
        time.sleep(pause)
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        _expire_lease(database)
    Worker(database, JOBS).run_until_idle()

    assert sorted(_effects(database)) == sorted(subjects)
    assert _states(database) == {JobState.DONE: 30 * kills}


def _wait_for_an_effect(database: Database, *, at_least: int) -> None:
    for _ in range(3000):
        if len(_effects(database)) >= at_least:
            return
        time.sleep(0.01)
    raise AssertionError("the child never worked")
