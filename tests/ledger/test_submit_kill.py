"""`kill -9` while entries are carried to the embedded chain: nothing acknowledged is lost, nothing is there twice."""

import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from asset_hub.accounts import require_organisation
from asset_hub.app import open_home
from asset_hub.core import clock
from asset_hub.core.db import Database
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import JobRow, JobState, hasten_jobs
from asset_hub.core.settings import Settings
from ledger.entries import register_asset
from ledger.models import EntryRow, JournalRow
from ledger.office_keys import ChangeState
from ledger.replay import verify_journal
from ledger.signing import Office
from ledger.types import EntryState
from tests.drill import grown
from tests.kill import kill_moments, opened, warm_parent
from tests.ledger.changes import announce, begin, do_keys_and_chain_agree, state_of
from tests.ledger.houses import House, grant, make_house, make_terms

KILLS = grown(10, 50)
CHANGES_KILLED = grown(2, 20)
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


@pytest.mark.timeout(590)
def test_a_change_of_keys_that_is_killed_leaves_keys_and_chain_agreeing_and_is_done_once(tmp_path: Path) -> None:
    home, before = tmp_path / "home", clock.now() - timedelta(days=4)
    services = open_home(Settings(home=home))
    begin(services, before)
    changes = announce(services, Office.RELAYER, Office.OPERATOR, Office.CASHIER, now=before + timedelta(hours=1))
    services.database.dispose()
    killed, met = 0, set[int]()
    with warm_parent(tmp_path / "parent") as killer:
        undisturbed = killer.run("work", "--until-idle", home=shutil.copytree(home, tmp_path / "undisturbed"))
        for number, moment in enumerate(kill_moments("changing", count=CHANGES_KILLED, most=undisturbed.seconds)):
            copy = shutil.copytree(home, tmp_path / f"home{number}")
            killed += killer.run("work", "--until-idle", home=copy, kill_after=moment).code == -9
            again = open_home(Settings(home=copy))
            assert do_keys_and_chain_agree(again)
            met.add(sum(state_of(again, change) == ChangeState.DONE for change in changes))
            hasten(again.database)
            killer.work(copy)
            assert [state_of(again, change) for change in changes] == [ChangeState.DONE] * len(changes)
            assert do_keys_and_chain_agree(again)
            with again.database.read() as session:
                assert verify_journal(session, again.keys).problems == ()
            again.database.dispose()
    print(f"changes done when the process was killed: {sorted(met)}")
    assert killed >= CHANGES_KILLED // 2
