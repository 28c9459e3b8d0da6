"""The nightly stamp: yesterday's end of the ledger goes to the time stamping authority that the settings name."""

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


def jobs(home: Path, *, stamp_url: str) -> tuple[Job, ...]:
    """Return the job that stamps yesterday; without an address it does nothing, one that is away is asked again."""

    def stamp(run: JobRun) -> None:
        if stamp_url:
            stamp_yesterday(run, home, StampAuthority(stamp_url))

    return (Job(STAMP, stamp),)


def stamp_yesterday(run: JobRun, home: Path, authority: StampAuthority) -> None:
    """Have yesterday stamped once, and tell those whose certificates can carry it. Raises AuthorityUnavailable."""
    now = clock.now()
    day = beijing_date(now) - timedelta(days=1)
    try:
        with run.database.read() as session:
            statement = state_day(session, day=day, now=now)
    except EntryNotFound:
        return
    kept = read_attestation(home, day)
    if kept is None or not kept["stamp"]:
        keep_attestation(home, statement, stamp=authority.stamp(statement))
    with run.finish() as session:
        emit(session, DayAttested(str(day)))
