"""Durable jobs on the application's own database: one row per job in the caller's transaction (ADR 0003).

A job is claimed with a lease; its completion commits together with the domain rows and checks that the
lease is still ours, so that a worker which died or slept too long can never write twice.

Whether a job killed its worker or somebody else did cannot be seen, so deaths are counted apart from refusals and
forgiven within `_DEATH_WINDOW`: a machine that is killed many times in a short while loses no job. A job that kills
its worker itself holds nobody up meanwhile: from `_SUSPECT_DEATHS` on it runs after all others, from `_MAX_DEATHS` on
ever more rarely. With `_MAX_DEATHS` and the first of them `_DEATH_WINDOW` ago, after about twenty, it has failed.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from asset_hub.core import clock
from asset_hub.core.db import Database, JsonColumn, ReadSession, UtcDateTime, WriteSession, decode_ids, encode_ids
from asset_hub.core.errors import AssetHubError, NotFound, RuleRefused
from asset_hub.core.host import is_dead, process_mark, sweep_scratch
from asset_hub.core.ids import new_id
from asset_hub.core.log import get_logger
from asset_hub.core.text import N_

JobId = NewType("JobId", UUID)

LEASE = timedelta(seconds=60)
WORKER_DIED = "worker-died"
_BEAT_SECONDS = 10.0
_IDLE_SECONDS = 0.5
_MAX_REFUSALS = 8
_SUSPECT_DEATHS = 3
_MAX_DEATHS = 8
_DEATH_WINDOW = timedelta(hours=1)
_PROGRESS_GAP = timedelta(milliseconds=500)


class Queue(StrEnum):
    """What a job mainly uses; workers may serve some queues only."""

    DEFAULT = "default"
    MEDIA = "media"
    OCR = "ocr"
    INDEX = "index"
    CHAIN = "chain"
    MAIL = "mail"


class JobState(StrEnum):
    """A job waits, runs, is done, or has failed for good and waits for a person."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class LeaseLost(RuleRefused):
    """Another worker owns this job now; whatever this one did is rolled back."""

    slug, title = "lease-lost", N_("Another worker took this job over")


class JobRow(SQLModel, table=True):
    """One job. `args` are keyword arguments, `error` keeps the refusal of the last attempt."""

    __tablename__ = "core_job"
    __table_args__ = (
        sa.Index("ix_core_job_claim", "state", "queue", "priority", "run_after"),
        sa.Index(
            "uq_core_job_waiting",
            "dedupe_key",
            unique=True,
            sqlite_where=sa.text("state = 'queued'"),
            postgresql_where=sa.text("state = 'queued'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    name: str
    queue: str
    priority: int = 0
    args: dict[str, Any] = Field(default_factory=dict, sa_type=JsonColumn)
    state: str = JobState.QUEUED
    dedupe_key: str | None = None
    attempts: int = 0
    deaths: int = 0
    first_death_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    run_after: datetime = Field(sa_type=UtcDateTime)
    owner: UUID | None = None
    process: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    done: int = 0
    total: int = 0
    note: str = ""
    error: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    queued_by: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def enqueue(
    session: WriteSession,
    name: str,
    *,
    queue: Queue = Queue.DEFAULT,
    priority: int = 0,
    dedupe_key: str | None = None,
    run_after: datetime | None = None,
    by: UUID | None = None,
    **args: UUID | str | int | None,
) -> JobId:
    """Write one job in the caller's transaction; higher `priority` runs first.

    While a job with the same `dedupe_key` still waits, no second one is written and its id is returned.
    """
    moment = clock.now()
    row = JobRow(
        id=new_id(),
        name=name,
        queue=queue,
        priority=priority,
        args=encode_ids(args),
        dedupe_key=dedupe_key,
        run_after=run_after or moment,
        queued_by=by,
        created_at=moment,
    )
    if dedupe_key is not None:
        return JobId(_insert_once(session, row, dedupe_key))
    session.add(row)
    session.flush()
    return JobId(row.id)


def _insert_once(session: WriteSession, row: JobRow, dedupe_key: str) -> UUID:
    """Insert unless one with this key waits; the partial unique index decides between concurrent writers."""
    dialect = session.connection().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(JobRow).values(**row.model_dump())
    statement = statement.on_conflict_do_nothing(index_elements=["dedupe_key"], index_where=sa.text("state = 'queued'"))
    if session.connection().execute(statement).rowcount == 1:
        return row.id
    waiting = select(JobRow.id).where(JobRow.dedupe_key == dedupe_key, JobRow.state == JobState.QUEUED)
    return session.exec(waiting).one()


@dataclass(frozen=True, slots=True)
class Job:
    """A name and the function that does it: called with the run and the arguments of `enqueue`; must be idempotent.

    `give_up` is called in the transaction in which a job fails for good, with the session, what the job failed of
    (as in `JobRow.error`) and the same arguments.
    """

    name: str
    handle: Callable[..., None]
    give_up: Callable[..., None] | None = None


def job_table(*groups: Sequence[Job]) -> dict[str, Job]:
    """Index jobs by name; a name given twice is a mistake in the composition root."""
    table: dict[str, Job] = {}
    for job in (job for group in groups for job in group):
        if job.name in table:
            raise ValueError(f"two jobs are called {job.name}")
        table[job.name] = job
    return table


@dataclass(slots=True)
class JobRun:
    """One attempt at a job, owned by one worker."""

    id: JobId
    by: UUID | None
    attempt: int
    database: Database
    owner: UUID
    _finished: bool = False
    _last_beat: datetime | None = field(default=None)

    @property
    def is_finished(self) -> bool:
        return self._finished

    def heartbeat(self, done: int, total: int, note: str = "") -> None:
        """Write progress (at most twice a second) and extend the lease. Raises LeaseLost."""
        moment = clock.now()
        if self._last_beat is not None and moment - self._last_beat < _PROGRESS_GAP and done < total:
            return
        self._last_beat = moment
        with self.database.write() as session:
            self._update_own(session, done=done, total=total, note=note, lease_until=moment + LEASE)

    @contextmanager
    def finish(self) -> Iterator[WriteSession]:
        """Open the transaction in which the domain rows and the completion commit together. Raises LeaseLost."""
        with self.database.write() as session:
            yield session
            session.flush()
            moment = clock.now()
            self._update_own(session, state=JobState.DONE, finished_at=moment, lease_until=None, error=None)
        self._finished = True

    def _update_own(self, session: WriteSession, **values: object) -> None:
        statement = (
            sa.update(JobRow)
            .where(col(JobRow.id) == self.id, col(JobRow.owner) == self.owner, col(JobRow.state) == JobState.RUNNING)
            .values(**values)
        )
        if session.connection().execute(statement).rowcount != 1:
            raise LeaseLost(N_("Job {job} is no longer ours."), job=self.id)


class Worker:
    """Claims and runs jobs; several may run at once, in threads, processes or on several hosts."""

    def __init__(self, database: Database, jobs: Mapping[str, Job], *, queues: Sequence[Queue] = ()) -> None:
        self.database = database
        self.jobs = jobs
        self.queues = tuple(queues)
        self.owner = new_id()

    def run_until_idle(self, *, threads: int = 1) -> int:
        """Run everything that can run now, then return how many attempts were made. Waits for no back-off."""
        self.release_orphans()
        counts = [0] * threads
        with _beating(self):
            if threads == 1:
                return self._drain()
            runners = [threading.Thread(target=self._drain_into, args=(counts, i)) for i in range(threads)]
            for runner in runners:
                runner.start()
            for runner in runners:
                runner.join()
        return sum(counts)

    def run_forever(self, stop: threading.Event) -> None:
        """Serve until `stop` is set; the job under way is finished first."""
        self.release_orphans()
        with _beating(self):
            while not stop.is_set():
                if not self._run_next():
                    stop.wait(_IDLE_SECONDS)

    def _drain_into(self, counts: list[int], index: int) -> None:
        counts[index] = self._drain()

    def _drain(self) -> int:
        count = 0
        while self._run_next() or self._others_run():
            count += 1
        return count

    def _others_run(self) -> bool:
        """Wait a moment while a sibling thread still runs a job, because it may queue more."""
        with self.database.read() as session:
            mine = select(JobRow.id).where(JobRow.owner == self.owner, JobRow.state == JobState.RUNNING)
            busy = session.exec(mine).first() is not None
        if busy:
            threading.Event().wait(0.02)
        return busy

    def _run_next(self) -> bool:
        row = self._claim()
        if row is None:
            return False
        run = JobRun(JobId(row.id), row.queued_by, row.attempts, self.database, self.owner)
        with structlog.contextvars.bound_contextvars(job_id=str(row.id), job=row.name):
            self._attempt(run, row)
        return True

    def _attempt(self, run: JobRun, row: JobRow) -> None:
        try:
            self.jobs[row.name].handle(run, **decode_ids(row.args))
            if not run.is_finished:
                with run.finish():
                    pass
        except LeaseLost:
            get_logger().warning("jobs.lease_lost")
        except Exception as error:  # noqa: BLE001 - the worker loop must outlive any job
            self._record_failure(run, row, error)

    def _record_failure(self, run: JobRun, row: JobRow, error: Exception) -> None:
        refusals = row.attempts - row.deaths
        retry = isinstance(error, AssetHubError) and error.retryable and refusals < _MAX_REFUSALS
        known = isinstance(error, AssetHubError)
        get_logger().warning("jobs.attempt_failed", retry=retry, error=str(error), exc_info=None if known else error)
        moment = clock.now()
        ended: dict[str, object] = {"error": _describe(error), "lease_until": None, "owner": None}
        try:
            with self.database.write() as session:
                run._update_own(session, **ended, state=JobState.FAILED, finished_at=moment)
                if retry:
                    _queue_again(session, row, run_after=moment + _back_off(refusals), now=moment)
                else:
                    self._give_up(session, row, _describe(error))
        except LeaseLost:
            get_logger().warning("jobs.lease_lost")

    def _claim(self) -> JobRow | None:
        moment = clock.now()
        with self.database.write() as session:
            for row in session.exec(_expired(moment)).all():
                self._note_death(session, row, moment)
            statement = (
                sa.update(JobRow)
                .where(col(JobRow.id).in_(_claimable(moment, self.queues)))
                .values(
                    state=JobState.RUNNING,
                    owner=self.owner,
                    process=process_mark(),
                    lease_until=moment + LEASE,
                    attempts=col(JobRow.attempts) + 1,
                )
                .returning(JobRow)
                .execution_options(populate_existing=True)
            )
            claimed = session.scalars(statement).first()
            if claimed is not None and claimed.deaths >= _MAX_DEATHS:
                claimed.run_after = moment + _back_off(claimed.deaths - _MAX_DEATHS)
            return claimed

    def _note_death(self, session: WriteSession, row: JobRow, moment: datetime) -> None:
        """Queue a job again whose worker died or slept; give it up when that goes on for long."""
        row.deaths, row.first_death_at = row.deaths + 1, row.first_death_at or moment
        row.state, row.owner, row.lease_until, row.finished_at = JobState.FAILED, None, None, moment
        session.flush()
        get_logger().warning("jobs.worker_died", job_id=str(row.id), job=row.name, deaths=row.deaths)
        if row.deaths >= _MAX_DEATHS and moment - row.first_death_at >= _DEATH_WINDOW:
            row.error = {"slug": WORKER_DIED, "message": "", "params": {}}
            self._give_up(session, row, row.error)
        else:
            _queue_again(session, row, run_after=row.run_after, now=moment)

    def _give_up(self, session: WriteSession, row: JobRow, error: Mapping[str, Any]) -> None:
        """Tell the package whose job failed for good; a mistake in its answer must not stop the worker."""
        job = self.jobs.get(row.name)
        if job is None or job.give_up is None:
            return
        try:
            with session.begin_nested():
                job.give_up(session, error, **decode_ids(row.args))
        except Exception as mistake:  # noqa: BLE001 - part of the worker loop, which must outlive any job
            get_logger().warning("jobs.give_up_failed", job_id=str(row.id), job=row.name, exc_info=mistake)

    def release_orphans(self) -> None:
        """Free at once what a process of this host left when it died; other hosts' jobs wait for their lease."""
        sweep_scratch()
        with self.database.write() as session:
            marks = session.exec(select(JobRow.process).where(JobRow.state == JobState.RUNNING).distinct()).all()
            dead = [mark for mark in marks if mark is not None and is_dead(mark)]
            statement = (
                sa.update(JobRow)
                .where(col(JobRow.process).in_(dead), col(JobRow.state) == JobState.RUNNING)
                .values(lease_until=clock.now() - LEASE)
            )
            session.connection().execute(statement)

    def extend_leases(self) -> None:
        """Push the lease of every job this worker runs; called by the beat while long work is under way."""
        statement = (
            sa.update(JobRow)
            .where(col(JobRow.owner) == self.owner, col(JobRow.state) == JobState.RUNNING)
            .values(lease_until=clock.now() + LEASE)
        )
        with self.database.write() as session:
            session.connection().execute(statement)


@contextmanager
def _beating(worker: Worker) -> Iterator[None]:
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(_BEAT_SECONDS):
            worker.extend_leases()

    thread = threading.Thread(target=beat, daemon=True, name="job-beat")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _claimable(moment: datetime, queues: Sequence[Queue]) -> sa.Select[UUID]:
    """Select the next job; those whose workers keep dying come last, the least suspect of them first."""
    statement = sa.select(col(JobRow.id)).where(col(JobRow.state) == JobState.QUEUED, col(JobRow.run_after) <= moment)
    if queues:
        statement = statement.where(col(JobRow.queue).in_([str(queue) for queue in queues]))
    suspicion = sa.case((col(JobRow.deaths) < _SUSPECT_DEATHS, 0), else_=col(JobRow.deaths))
    statement = statement.order_by(suspicion, col(JobRow.priority).desc(), col(JobRow.id)).limit(1)
    return statement.with_for_update(skip_locked=True)


def _expired(moment: datetime) -> SelectOfScalar[JobRow]:
    statement = select(JobRow).where(JobRow.state == JobState.RUNNING, col(JobRow.lease_until) < moment)
    return statement.with_for_update(skip_locked=True)


def _queue_again(session: WriteSession, row: JobRow, *, run_after: datetime, now: datetime) -> None:
    """Let a job wait once more; one whose twin waits already is done with, because the twin does the same."""
    again = sa.update(JobRow).where(col(JobRow.id) == row.id)
    try:
        with session.begin_nested():
            queued = again.values(state=JobState.QUEUED, run_after=run_after, finished_at=None)
            session.connection().execute(queued)
    except sa.exc.IntegrityError:
        session.connection().execute(again.values(state=JobState.DONE, finished_at=now))


def _is_waiting(session: ReadSession, dedupe_key: str) -> bool:
    statement = select(JobRow.id).where(JobRow.dedupe_key == dedupe_key, JobRow.state == JobState.QUEUED)
    return session.exec(statement).first() is not None


def _back_off(attempts: int) -> timedelta:
    return timedelta(seconds=min(600, 2**attempts))


def _describe(error: Exception) -> dict[str, Any]:
    if isinstance(error, AssetHubError):
        params = {key: str(value) for key, value in error.params.items()}
        return {"slug": error.slug, "message": error.message, "params": params}
    return {"slug": "internal", "message": f"{type(error).__name__}: {error}"[:500], "params": {}}


def list_jobs(session: ReadSession, *, states: Sequence[JobState] = (), limit: int = 100) -> Sequence[JobRow]:
    """Return the newest jobs first, of the given states or of all."""
    statement = select(JobRow).order_by(col(JobRow.id).desc()).limit(limit)
    if states:
        statement = statement.where(col(JobRow.state).in_([str(state) for state in states]))
    return session.exec(statement).all()


def states_of_jobs(session: ReadSession, *, job_ids: Sequence[UUID]) -> dict[UUID, JobState]:
    """Return the state of each job that exists."""
    found: dict[UUID, JobState] = {}
    for start in range(0, len(job_ids), 500):
        statement = sa.select(col(JobRow.id), col(JobRow.state)).where(col(JobRow.id).in_(job_ids[start : start + 500]))
        found |= {row[0]: JobState(row[1]) for row in session.connection().execute(statement)}
    return found


def count_jobs(session: ReadSession) -> dict[JobState, int]:
    """Return how many jobs are in each state."""
    statement = sa.select(col(JobRow.state), sa.func.count()).group_by(col(JobRow.state))
    found = {row[0]: row[1] for row in session.connection().execute(statement)}
    return {state: found.get(state, 0) for state in JobState}


def hasten_jobs(session: WriteSession, *, job_ids: Sequence[UUID], now: datetime) -> None:
    """Let jobs that wait for a later moment run now, also those that a dead worker left."""
    for start in range(0, len(job_ids), 500):
        statement = (
            sa.update(JobRow)
            .where(col(JobRow.id).in_(job_ids[start : start + 500]), col(JobRow.run_after) > now)
            .where(col(JobRow.state).in_([JobState.QUEUED, JobState.RUNNING]))
            .values(run_after=now)
        )
        session.connection().execute(statement)


def retry_job(session: WriteSession, *, job_id: UUID, now: datetime) -> None:
    """Queue a failed job again with fresh attempts.

    Raises NotFound, RuleRefused when it has not failed or when the same work waits in another job.
    """
    row = session.get(JobRow, job_id)
    if row is None:
        raise NotFound(N_("There is no job {job}."), job=job_id)
    if row.state != JobState.FAILED:
        raise RuleRefused(N_("Job {job} has not failed."), job=job_id)
    if row.dedupe_key is not None and _is_waiting(session, row.dedupe_key):
        raise RuleRefused(N_("The same work waits already in another job."))
    row.state, row.attempts, row.run_after, row.finished_at = JobState.QUEUED, 0, now, None
    row.deaths, row.first_death_at = 0, None
    session.add(row)


def oldest_waiting(session: ReadSession, *, now: datetime) -> datetime | None:
    """Return since when the oldest job that could run now waits; None when nothing waits."""
    statement = sa.select(sa.func.min(col(JobRow.run_after))).where(
        col(JobRow.state) == JobState.QUEUED, col(JobRow.run_after) <= now
    )
    found: datetime | None = session.connection().execute(statement).scalar_one()
    return found
