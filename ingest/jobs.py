"""Jobs of intake."""

from uuid import UUID

from asset_hub.core.files import FileStore
from asset_hub.core.jobs import Job, JobRun
from ingest.pipeline import process_item


def jobs(files: FileStore) -> tuple[Job, ...]:
    """Return intake's jobs, bound to the file store."""

    def process(run: JobRun, *, item_id: UUID) -> None:
        process_item(run, item_id=item_id, files=files)

    return (Job("ingest.process_item", process),)
