"""The nightly stamp: the end of each day of the ledger goes to the time stamping authority that the settings name."""

from datetime import timedelta
from pathlib import Path

from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.events import emit
from asset_hub.core.jobs import Job, JobRun
from ledger.attest import StampAuthority, keep_attestation, read_attestation, state_day
from ledger.errors import EntryNotFound
from ledger.events import DayAttested

STAMP = "ledger.stamp_day"
_DAYS = 31


def jobs(home: Path, *, stamp_url: str) -> tuple[Job, ...]:
    """Return the job that stamps ended days; without an address it does nothing, one that is away is asked again."""

    def stamp(run: JobRun) -> None:
        if stamp_url:
            stamp_days(run, home, StampAuthority(stamp_url))

    return (Job(STAMP, stamp),)


def stamp_days(run: JobRun, home: Path, authority: StampAuthority) -> None:
    """Have every day of the last month that ended and has no stamp stamped, the oldest first; tell of each.

    Raises AuthorityUnavailable; what was stamped until then is kept.
    """
    now = clock.now()
    for back in range(_DAYS, 0, -1):
        day = beijing_date(now) - timedelta(days=back)
        kept = read_attestation(home, day)
        if kept is not None and kept["stamp"]:
            continue
        try:
            with run.database.read() as session:
                statement = state_day(session, day=day, now=now)
        except EntryNotFound:
            continue
        keep_attestation(home, statement, stamp=authority.stamp(statement))
        with run.database.write() as session:
            emit(session, DayAttested(str(day)))
