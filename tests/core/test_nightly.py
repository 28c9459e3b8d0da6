"""Nightly jobs come once a night, also after a night that failed, however many processes plan them."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from sqlmodel import col, select

from asset_hub.app import NIGHTLY, Services, all_jobs, open_home
from asset_hub.core import clock
from asset_hub.core.errors import Unavailable
from asset_hub.core.jobs import Job, JobRow, JobRun, JobState, Worker, enqueue, hasten_jobs
from asset_hub.core.nightly import next_night, plan_nights, repeat_nightly
from asset_hub.core.settings import Settings


def open_new(folder: Path) -> Services:
    return open_home(Settings(home=folder / "home"))


def rows_of(services: Services) -> Sequence[JobRow]:
    with services.database.read() as session:
        return session.exec(select(JobRow).order_by(col(JobRow.id))).all()


def run_now(services: Services, jobs: dict[str, Job]) -> None:
    with services.database.write() as session:
        waiting = [row.id for row in session.exec(select(JobRow).where(JobRow.state == JobState.QUEUED))]
        hasten_jobs(session, job_ids=waiting, now=clock.now())
    Worker(services.database, jobs).run_until_idle()


def test_three_in_the_morning_is_that_of_beijing() -> None:
    before, after = datetime(2026, 12, 1, 18, 59, tzinfo=UTC), datetime(2026, 12, 1, 19, 0, tzinfo=UTC)

    assert next_night(time(3), now=before) == after
    assert next_night(time(3), now=after) == after + timedelta(days=1)


def test_planned_twice_it_waits_once_and_runs_at_night_only(tmp_path: Path) -> None:
    services = open_new(tmp_path)

    plan_nights(services.database, NIGHTLY, now=clock.now())
    plan_nights(services.database, NIGHTLY, now=clock.now())
    services.run_jobs()

    assert sorted(row.name for row in rows_of(services)) == sorted(NIGHTLY)
    assert {row.state for row in rows_of(services)} == {JobState.QUEUED}


def test_each_run_queues_the_next_night(tmp_path: Path) -> None:
    services = open_new(tmp_path)
    plan_nights(services.database, NIGHTLY, now=clock.now())

    run_now(services, all_jobs(services))

    done = [row for row in rows_of(services) if row.state == JobState.DONE]
    waiting = [row for row in rows_of(services) if row.state == JobState.QUEUED]
    assert sorted(row.name for row in done) == sorted(row.name for row in waiting) == sorted(NIGHTLY)
    assert all(row.run_after > clock.now() for row in waiting)


def test_a_night_that_failed_is_not_the_last(tmp_path: Path) -> None:
    services, nights = open_new(tmp_path), {"tests.fails": time(3)}

    def fail(run: JobRun) -> None:
        raise ValueError(run.attempt)

    plan_nights(services.database, nights, now=clock.now())
    run_now(services, repeat_nightly({"tests.fails": Job("tests.fails", fail)}, nights))

    assert sorted(row.state for row in rows_of(services)) == [JobState.FAILED, JobState.QUEUED]


def test_a_night_whose_service_is_away_is_tried_again_beside_the_next_one(tmp_path: Path) -> None:
    services, tries = open_new(tmp_path), []

    def handle(run: JobRun) -> None:
        tries.append(run)
        raise Unavailable

    name = next(iter(NIGHTLY))
    with services.database.write() as session:
        enqueue(session, name, dedupe_key=f"nightly:{name}:2020-01-01")
    Worker(services.database, repeat_nightly({name: Job(name, handle)}, NIGHTLY)).run_until_idle()

    assert len(tries) == 1
    assert [row.state for row in rows_of(services)] == [JobState.QUEUED, JobState.QUEUED]
    assert min(row.run_after for row in rows_of(services)) < clock.now() + timedelta(hours=1)
