"""The operator's page of jobs and its JSON: counts, reasons in words, try again."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from asset_hub.accounts import Role
from asset_hub.app import Services, all_jobs, open_home
from asset_hub.core import clock
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import JobRow, JobState, enqueue
from asset_hub.core.settings import Settings
from asset_hub.operations.words import JOB_NAMES
from tests.builders import make_actor
from tests.web.pages import client_for


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = open_home(Settings(home=tmp_path / "home"))
    yield opened
    opened.database.dispose()


def operator_of(services: Services, *, language: str = "en") -> TestClient:
    with services.database.write() as session:
        operator = make_actor(session, roles={Role.OPERATOR})
    return client_for(services, operator, language=language)


def put_job(services: Services, name: str = "ingest.process_item", *, key: str | None = None, **values: Any) -> UUID:
    """Write a job as its worker left it."""
    with services.database.write() as session:
        row = session.get_one(JobRow, enqueue(session, name, dedupe_key=key))
        for field, value in values.items():
            setattr(row, field, value)
        return row.id


def fail(slug: str, message: str, **params: str) -> dict[str, Any]:
    return {"state": JobState.FAILED, "error": {"slug": slug, "message": message, "params": params}}


def state_of(services: Services, job_id: UUID) -> tuple[str, int]:
    with services.database.read() as session:
        row = session.get_one(JobRow, job_id)
        return row.state, row.attempts


def test_every_job_has_words(services: Services) -> None:
    assert sorted(JOB_NAMES) == sorted(all_jobs(services))


def test_the_page_counts_and_shows_progress(services: Services) -> None:
    put_job(services, state=JobState.DONE)
    put_job(services, state=JobState.RUNNING, done=3, total=8, note="<hash>")
    put_job(services)

    page = operator_of(services).get("/jobs").text

    assert '<progress max="8" value="3"' in page
    assert ("&lt;hash&gt;" in page, "<hash>" in page) == (True, False)
    assert page.count("Check and describe a file</th>") + page.count("Check and describe a file<br>") == 3
    assert 'hx-trigger="every 3s"' in page


def test_a_stage_is_said_in_the_readers_words_while_it_runs_and_not_after(services: Services) -> None:
    put_job(services, state=JobState.RUNNING, done=1, total=5, note="technical 40%")
    put_job(services, state=JobState.DONE, done=5, total=5, note="classify")

    page = operator_of(services, language="zh").get("/jobs").text

    assert ("技术" in page, "40%" in page) == (True, True)
    assert ("technical" in page, "classify" in page) == (False, False)


def test_the_page_is_still_when_nothing_runs_or_waits(services: Services) -> None:
    put_job(services, state=JobState.DONE)
    client = operator_of(services)

    assert "hx-trigger" not in client.get("/jobs").text
    assert "No job is in this state." in client.get("/jobs?state=failed").text
    assert client.get("/jobs?state=nonsense").status_code == 422


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (fail("bad-input", "“{text}” is not a date.", text="<1>"), "“&lt;1&gt;”不是日期。"),
        (fail("internal", "KeyError: '{foo}'"), "程序错误：KeyError: &#39;{foo}&#39;"),
        (fail("worker-died", ""), "执行进程多次中止，例如内存不足。此前完成的内容均已保留。"),
    ],
)
def test_why_a_job_failed_is_said_in_the_readers_words(services: Services, error: dict[str, Any], said: str) -> None:
    put_job(services, **error)

    page = operator_of(services, language="zh").get("/jobs?state=failed").text

    assert said in page


def test_a_failed_job_is_tried_again_once(services: Services) -> None:
    job_id = put_job(services, **fail("internal", "boom"), attempts=8)
    client = operator_of(services)

    first = client.post(f"/jobs/{job_id}/retry")
    second = client.post(f"/jobs/{job_id}/retry")

    assert (first.status_code, first.headers["location"], second.status_code) == (303, "/jobs", 409)
    assert state_of(services, job_id) == ("queued", 0)


def test_a_job_whose_work_waits_already_is_not_queued_twice(services: Services) -> None:
    failed = put_job(services, key="asset:1", **fail("internal", "boom"))
    put_job(services, key="asset:1")

    answer = operator_of(services).post(f"/api/v1/jobs/{failed}/retry")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/rule-refused")
    assert state_of(services, failed) == ("failed", 0)


def test_a_queue_that_nobody_works_on_is_said(services: Services) -> None:
    put_job(services, run_after=clock.now() - timedelta(minutes=12, seconds=30))

    assert "has waited 12 minutes" in operator_of(services).get("/jobs").text


def test_the_json_says_the_same(services: Services) -> None:
    client = operator_of(services)
    failed = put_job(services, **fail("bad-input", "“{text}” is not a date.", text="x"), attempts=1)
    waiting = put_job(services)

    everything, some = client.get("/api/v1/jobs").json(), client.get("/api/v1/jobs?state=failed&limit=1").json()
    retried = client.post(f"/api/v1/jobs/{failed}/retry")

    assert everything["counts"] == {"queued": 1, "running": 0, "done": 0, "failed": 1}
    assert [row["id"] for row in everything["jobs"]] == [str(waiting), str(failed)]
    assert [(row["id"], row["error"], row["attempts"]) for row in some["jobs"]] == [
        (str(failed), "“x” is not a date.", 1)
    ]
    assert retried.json() == {"retried": str(failed)}
    assert state_of(services, failed) == ("queued", 0)


@pytest.mark.parametrize("limit", ["0", "-1", "501", "many"])
def test_a_limit_is_a_limit(services: Services, limit: str) -> None:
    assert operator_of(services).get(f"/api/v1/jobs?limit={limit}").status_code == 422


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OPERATOR}))
def test_jobs_are_the_operators_business_only(services: Services, role: Role) -> None:
    job_id = put_job(services, **fail("internal", "boom"))
    with services.database.write() as session:
        actor = make_actor(session, roles={role})
    client = client_for(services, actor)

    answers = [
        client.get("/jobs"), client.post(f"/jobs/{job_id}/retry"), client.get("/api/v1/jobs"),
        client.post(f"/api/v1/jobs/{job_id}/retry"),
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [403] * 4
    assert state_of(services, job_id) == ("failed", 0)


def test_strangers_are_asked_to_sign_in_and_unknown_jobs_are_not_there(services: Services) -> None:
    stranger, operator = client_for(services), operator_of(services)

    assert stranger.get("/jobs").headers["location"] == "/sign-in?next=/jobs"
    assert stranger.get("/api/v1/jobs").status_code == 401
    assert operator.post(f"/jobs/{new_id()}/retry").status_code == 404
