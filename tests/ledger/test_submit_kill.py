"""`kill -9` while entries are carried to the embedded chain: nothing acknowledged is lost, nothing is there twice."""

from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import col, select

from asset_hub.accounts import require_organisation
from asset_hub.core import clock
from asset_hub.core.db import Database
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import JobRow, JobState, hasten_jobs
from ledger.entries import register_asset
from ledger.models import EntryRow, JournalRow
from ledger.types import EntryState
from tests.drill import grown
from tests.kill import kill_moments, opened, warm_parent
from tests.ledger.houses import House, grant, make_house, make_terms

KILLS = grown(10, 50)
WORKS = 40


def load(house: House) -> None:
    """Record works in batches and a licence that goes in a block of its own."""
    with house.services.database.write() as session:
        for number in range(WORKS):
            register_asset(
                session, house.services.keys, asset_id=new_id(), registrar_id=require_organisation(house.seller),
                statement={"n": number}, now=clock.now(),
            )  # fmt: skip
    grant(house, make_terms())


def acknowledged(database: Database) -> dict[bytes, tuple[object, ...]]:
    """Return every entry that is said to be recorded, with its block and transaction."""
    with database.read() as session:
        rows = session.exec(select(EntryRow).where(EntryRow.state == EntryState.CONFIRMED)).all()
    return {row.op_id: (row.tx_hash, row.block_number, row.confirmed_at) for row in rows}


def hasten(database: Database) -> None:
    """Let jobs whose workers died run now: this machine is killed on purpose."""
    with database.write() as session:
        ids = session.exec(select(JobRow.id).where(col(JobRow.state).in_([JobState.QUEUED, JobState.RUNNING]))).all()
        hasten_jobs(session, job_ids=ids, now=clock.now())


@pytest.mark.timeout(590)
def test_killed_submitters_lose_and_double_nothing(tmp_path: Path) -> None:
    house, home = make_house(tmp_path), tmp_path / "home"
    killed = 0
    with warm_parent(tmp_path / "parent") as killer, opened(home) as database:
        load(house)
        undisturbed = killer.run("work", "--until-idle", home=home)
        assert undisturbed.code == 0, undisturbed.output
        known = acknowledged(database)
        first = len(known)
        for moment in kill_moments("submitting", count=KILLS, most=undisturbed.seconds):
            load(house)
            hasten(database)
            killed += killer.run("work", "--until-idle", home=home, kill_after=moment).code == -9
            later = acknowledged(database)
            assert known.items() <= later.items()
            known = later
        hasten(database)
        killer.work(home)

        assert (checked := killer.run("ledger", "verify", home=home)).code == 0, checked.output
        with database.read() as session:
            entries = session.exec(select(EntryRow)).all()
            relayer = house.services.keys.first.relayer.address
            carried = Counter(session.exec(select(JournalRow.tx_hash).where(JournalRow.sender == relayer)).all())
    assert killed >= KILLS // 2
    assert {entry.state for entry in entries} == {EntryState.CONFIRMED}
    assert len(entries) == first + KILLS * (WORKS + 1)
    assert carried == Counter(entry.tx_hash for entry in entries)
