"""Jobs of the operator: the nightly sweep of stored files."""

from asset_hub.core import clock
from asset_hub.core.files import FileStore
from asset_hub.core.jobs import Job, JobRun
from asset_hub.core.log import get_logger
from asset_hub.operations.sweep import LEAST_AGE, FilesKept, sweep_files

SWEEP = "operations.sweep_files"


def jobs(files: FileStore, kept: FilesKept) -> tuple[Job, ...]:
    """Return the operator's jobs, bound to the stored files and what keeps them."""

    def sweep(run: JobRun) -> None:
        swept = sweep_files(run.database, files, kept, before=clock.now() - LEAST_AGE)
        get_logger().info("operations.files_swept", kept=swept.kept, removed=len(swept.removed))

    return (Job(SWEEP, sweep),)
