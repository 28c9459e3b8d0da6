"""Events go up: a lower package says what happened, `asset_hub.app.SUBSCRIPTIONS` says which jobs that queues."""

from dataclasses import dataclass, fields
from typing import ClassVar

from asset_hub.core.db import WriteSession, database_of
from asset_hub.core.jobs import enqueue


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events: a versioned name, and fields that are UUID, str, int or None."""

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1


def emit(session: WriteSession, event: Event) -> None:
    """Queue one job per subscriber in the caller's transaction: the outbox is the queue, nothing is lost between."""
    members = {field.name: getattr(event, field.name) for field in fields(event)}
    for job_name in database_of(session).subscriptions.get(type(event), ()):
        enqueue(session, job_name, **members)
