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
from asset_hub.operations.words import JOB_NAMES, STATE_MARKS, STATE_NAMES, reason_of
from asset_hub.web.shell import redirect, render
from ingest.desk import stage_in_words

router = APIRouter(include_in_schema=False)
_INTAKE = "ingest.process_item"


@router.get("/jobs")
def jobs_page(request: Request, by: CurrentActor, state: JobState | None = None) -> Response:
    """Counts by state, then the newest jobs, of one state or of all."""
    require(by, permissions.SEE_JOBS)
    with request.app.state.services.database.read() as session:
        counts = count_jobs(session)
        rows = [_shown(row) for row in list_jobs(session, states=(state,) if state else (), limit=100)]
        oldest = oldest_waiting(session, now=clock.now())
    return render(
        request, "operations/jobs.html", title=N_("Jobs"), counts=counts, rows=rows, states=STATE_NAMES,
        marks=STATE_MARKS, state=state, waits=_minutes(oldest),
        is_live=bool(counts[JobState.RUNNING] or counts[JobState.QUEUED]),
    )  # fmt: skip


@router.post("/jobs/{job_id}/retry")
def retry(request: Request, by: CurrentActor, job_id: UUID) -> Response:
    """Queue a failed job again."""
    require(by, permissions.RETRY_JOBS)
    with request.app.state.services.database.write() as session:
        retry_job(session, job_id=job_id, now=clock.now())
    return redirect("/jobs", said=Text(N_("It is tried again.")))


def _shown(row: JobRow) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "words": JOB_NAMES.get(row.name, row.name), "state": JobState(row.state),
            "attempts": row.attempts, "done": row.done, "total": row.total, "note": _note(row),
            "reason": reason_of(row.error), "created_at": row.created_at}  # fmt: skip


def _note(row: JobRow) -> Text | None:
    """Return how far a running job is; what a finished one said on its way is over."""
    if row.state != JobState.RUNNING or not row.note:
        return None
    return stage_in_words(row.note) if row.name == _INTAKE else Text("{note}", {"note": row.note})


def _minutes(oldest: datetime | None) -> int:
    return 0 if oldest is None else int((clock.now() - oldest).total_seconds() // 60)
