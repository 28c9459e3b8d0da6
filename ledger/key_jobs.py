"""Jobs of keys and signatures."""

from uuid import UUID

from asset_hub.core import clock
from asset_hub.core.jobs import Job, JobRun
from ledger.waiting import LAPSE


def jobs() -> tuple[Job, ...]:
    """Return the jobs of signatures that are waited for."""

    def lapse(run: JobRun, *, entry_id: UUID) -> None:
        from ledger.pending import lapse_unsigned  # with what follows from an entry

        with run.finish() as session:
            lapse_unsigned(session, entry_id=entry_id, now=clock.now())

    return (Job(LAPSE, lapse),)
