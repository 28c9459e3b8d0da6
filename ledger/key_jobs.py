"""Jobs of keys and signatures."""

from uuid import UUID

from asset_hub.core import clock
from asset_hub.core.jobs import Job, JobRun
from ledger.office_keys import CARRY_OUT_CHANGE, carry_out
from ledger.waiting import LAPSE


def jobs() -> tuple[Job, ...]:
    """Return the jobs of signatures that are waited for, and of changes of roles that were announced."""

    def lapse(run: JobRun, *, entry_id: UUID) -> None:
        from ledger.pending import lapse_unsigned  # with what follows from an entry

        with run.finish() as session:
            lapse_unsigned(session, entry_id=entry_id, now=clock.now())

    def carry_out_change(run: JobRun, *, change_id: UUID) -> None:
        with run.finish() as session:
            carry_out(session, change_id=change_id, now=clock.now())

    return Job(LAPSE, lapse), Job(CARRY_OUT_CHANGE, carry_out_change)
