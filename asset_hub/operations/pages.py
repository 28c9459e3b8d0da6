"""The operator's page of jobs: what runs, what failed and why, try again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import require
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.jobs import JobRow, JobState, count_jobs, list_jobs, oldest_waiting, retry_job
from asset_hub.core.text import N_, Text
from asset_hub.operations import permissions
from asset_hub.web.shell import redirect, render

router = APIRouter()
STATE_NAMES: dict[JobState, str] = {
    JobState.QUEUED: N_("Waiting"),
    JobState.RUNNING: N_("Running"),
    JobState.DONE: N_("Done"),
    JobState.FAILED: N_("Failed"),
}
_MARKS = {JobState.QUEUED: "", JobState.RUNNING: "busy", JobState.DONE: "good", JobState.FAILED: "bad"}


@router.get("/jobs", include_in_schema=False)
def jobs_page(request: Request, by: CurrentActor, state: JobState | None = None) -> Response:
    """Counts by state, then the newest jobs, of one state or of all."""
    require(by, permissions.SEE_JOBS)
    with request.app.state.services.database.read() as session:
        counts = count_jobs(session)
        rows = [_shown(row) for row in list_jobs(session, states=(state,) if state else (), limit=100)]
        oldest = oldest_waiting(session, now=clock.now())
    return render(
        request, "operations/jobs.html", title=N_("Jobs"), counts=counts, rows=rows, states=STATE_NAMES, marks=_MARKS,
        state=state, waits=_minutes(oldest), is_live=bool(counts[JobState.RUNNING] or counts[JobState.QUEUED]),
    )  # fmt: skip


@router.post("/jobs/{job_id}/retry", include_in_schema=False)
def retry_posted(request: Request, by: CurrentActor, job_id: UUID) -> Response:
    """Queue a failed job again."""
    _retry(request, by, job_id)
    return redirect("/jobs", said=Text(N_("It is tried again.")))


@router.get("/api/v1/jobs")
def jobs_listed(request: Request, by: CurrentActor, state: JobState | None = None, limit: int = 100) -> dict[str, Any]:
    """The newest jobs and how many are in each state."""
    require(by, permissions.SEE_JOBS)
    with request.app.state.services.database.read() as session:
        counts = {str(name): number for name, number in count_jobs(session).items()}
        rows = list_jobs(session, states=(state,) if state else (), limit=min(limit, 500))
        return {"counts": counts, "jobs": [_facts(row) for row in rows]}


@router.post("/api/v1/jobs/{job_id}/retry")
def retry_asked(request: Request, by: CurrentActor, job_id: UUID) -> dict[str, str]:
    """Queue a failed job again."""
    _retry(request, by, job_id)
    return {"retried": str(job_id)}


def _retry(request: Request, by: CurrentActor, job_id: UUID) -> None:
    require(by, permissions.RETRY_JOBS)
    with request.app.state.services.database.write() as session:
        retry_job(session, job_id=job_id, now=clock.now())


def _shown(row: JobRow) -> dict[str, Any]:
    error = Text(row.error["message"] or N_("Its worker died."), row.error["params"]) if row.error else None
    return {"id": row.id, "name": row.name, "state": JobState(row.state), "attempts": row.attempts, "done": row.done,
            "total": row.total, "note": row.note, "error": error, "created_at": row.created_at}  # fmt: skip


def _facts(row: JobRow) -> dict[str, Any]:
    error = str(Text(row.error["message"], row.error["params"])) if row.error else None
    return {"id": str(row.id), "name": row.name, "queue": row.queue, "state": row.state, "attempts": row.attempts,
            "done": row.done, "total": row.total, "note": row.note, "error": error}  # fmt: skip


def _minutes(oldest: datetime | None) -> int:
    return 0 if oldest is None else int((clock.now() - oldest).total_seconds() // 60)
