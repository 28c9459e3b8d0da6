"""Jobs of search."""

from uuid import UUID

from asset_hub.core.jobs import Job, JobRun
from search.engine import SearchEngine
from search.indexing import FLUSH, flush, note_change

INDEX_ASSET = "search.index_asset"


def jobs(engine: SearchEngine) -> tuple[Job, ...]:
    """Return search's jobs, bound to the engine."""

    def index_asset(run: JobRun, *, asset_id: UUID) -> None:
        with run.finish() as session:
            note_change(session, asset_id=asset_id)

    def flush_pending(run: JobRun) -> None:
        flush(run.database, engine)

    return (Job(INDEX_ASSET, index_asset), Job(FLUSH, flush_pending))
