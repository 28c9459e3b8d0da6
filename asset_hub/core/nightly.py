"""Jobs that come every night: each run queues the next one first, so that a night that fails is not the last."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from asset_hub.core import clock
from asset_hub.core.clock import BEIJING
from asset_hub.core.db import Database, WriteSession
from asset_hub.core.jobs import Job, JobRun, Queue, enqueue

Nights = Mapping[str, time]


def plan_nights(database: Database, nights: Nights, *, now: datetime) -> None:
    """Queue each job's next night, unless it waits already; whoever serves or works calls this when it starts."""
    with database.write() as session:
        for name, at in nights.items():
            _plan(session, name, at, now)


def repeat_nightly(jobs: Mapping[str, Job], nights: Nights) -> dict[str, Job]:
    """Return the jobs again, those of `nights` (Beijing times by name) so that each run queues the next one."""
    return {name: _repeated(job, nights[name]) if name in nights else job for name, job in jobs.items()}


def next_night(at: time, *, now: datetime) -> datetime:
    """Return the next moment, later than `now`, at which it is `at` in Beijing."""
    today = datetime.combine(now.astimezone(BEIJING).date(), at, BEIJING)
    return today if today > now else today + timedelta(days=1)


def _repeated(job: Job, at: time) -> Job:
    def handle(run: JobRun, **args: object) -> None:
        with run.database.write() as session:
            _plan(session, job.name, at, clock.now())
        job.handle(run, **args)

    return Job(job.name, handle, job.give_up)


def _plan(session: WriteSession, name: str, at: time, now: datetime) -> None:
    """Queue one night; its day is in the key, so that a night that is tried again does not meet the next one."""
    night = next_night(at, now=now)
    enqueue(
        session, name, queue=Queue.DEFAULT, priority=-1, dedupe_key=f"nightly:{name}:{night.date()}", run_after=night
    )
