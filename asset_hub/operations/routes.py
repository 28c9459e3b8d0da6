"""JSON: the jobs of this home, for its operator."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from asset_hub.accounts import require
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.jobs import JobRow, JobState, count_jobs, list_jobs, oldest_waiting, retry_job
from asset_hub.operations import permissions
from asset_hub.operations.words import reason_of

router = APIRouter(prefix="/api/v1", tags=["operations"])
_MOST = 500


class JobFacts(BaseModel):
    """One job; `error` is why its last attempt failed, in English."""

    id: UUID
    name: str
    queue: str
    state: JobState
    attempts: int
    done: int
    total: int
    note: str
    error: str | None
    created_at: datetime


class JobList(BaseModel):
    """How many jobs are in each state, since when the oldest runnable one waits, and the newest jobs."""

    counts: dict[JobState, int]
    oldest_waiting: datetime | None
    jobs: list[JobFacts]


class Retried(BaseModel):
    """The job that is queued again."""

    retried: UUID


@router.get("/jobs")
def list_them(
    request: Request,
    by: CurrentActor,
    state: JobState | None = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> JobList:
    """The newest jobs, of one state or of all."""
    require(by, permissions.SEE_JOBS)
    with request.app.state.services.database.read() as session:
        return JobList(
            counts=count_jobs(session), oldest_waiting=oldest_waiting(session, now=clock.now()),
            jobs=[_facts(row) for row in list_jobs(session, states=(state,) if state else (), limit=limit)],
        )  # fmt: skip


@router.post("/jobs/{job_id}/retry")
def retry(request: Request, by: CurrentActor, job_id: UUID) -> Retried:
    """Queue a failed job again."""
    require(by, permissions.RETRY_JOBS)
    with request.app.state.services.database.write() as session:
        retry_job(session, job_id=job_id, now=clock.now())
    return Retried(retried=job_id)


def _facts(row: JobRow) -> JobFacts:
    reason = reason_of(row.error)
    return JobFacts(
        id=row.id, name=row.name, queue=row.queue, state=JobState(row.state), attempts=row.attempts, done=row.done,
        total=row.total, note=row.note, error=None if reason is None else str(reason), created_at=row.created_at,
    )  # fmt: skip
