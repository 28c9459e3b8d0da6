"""Jobs of intake."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from asset_hub.core.db import WriteSession
from asset_hub.core.files import FileStore
from asset_hub.core.jobs import Job, JobRun
from ingest.pipeline import give_up_item, process_item


def jobs(files: FileStore) -> tuple[Job, ...]:
    """Return intake's jobs, bound to the file store."""

    def process(run: JobRun, *, item_id: UUID) -> None:
        process_item(run, item_id=item_id, files=files)

    def give_up(session: WriteSession, error: Mapping[str, Any], *, item_id: UUID) -> None:
        give_up_item(session, error, item_id=item_id, files=files)

    return (Job("ingest.process_item", process, give_up),)
