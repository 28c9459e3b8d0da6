"""A year's volume on the embedded chain: how large its database gets, how long it takes to open again.

In the drill 100,000 transactions with 1,000,000 anchored leaves, in ten parts on one home; ASSET_HUB_VOLUME is the
number of transactions of a part, ASSET_HUB_VOLUME_HOME the home that the parts share.
"""

import os
from pathlib import Path
from time import perf_counter

import pytest
from sqlmodel import func, select

from asset_hub.app import Services, open_home
from asset_hub.core import clock
from asset_hub.core.ids import new_id
from asset_hub.core.settings import Settings
from ledger.entries import anchor_digests
from ledger.merkle import keccak
from ledger.models import EntryRow, JournalRow, StateRow
from ledger.submit import open_chain, submit_next
from ledger.types import AnchorKind, EntryState
from tests.drill import grown

LEAVES, AT_ONCE = 10, 50
TRANSACTIONS = int(os.environ.get("ASSET_HUB_VOLUME", grown(100, 10_000)))

pytestmark = pytest.mark.timeout(3600)


def test_a_years_volume_is_kept_and_opened_again(tmp_path: Path) -> None:
    home = Path(os.environ.get("ASSET_HUB_VOLUME_HOME", tmp_path / "home"))
    services = open_home(Settings(home=home))
    earlier, started = _count(services), perf_counter()
    for _ in range(TRANSACTIONS // AT_ONCE):
        _anchor(services, AT_ONCE)
    took = perf_counter() - started
    head = _head(services)
    services.database.dispose()

    opened = perf_counter()
    again = open_home(Settings(home=home))
    found = _head(again)
    read = perf_counter()
    _anchor(again, 1)
    acted = perf_counter()

    assert found == head
    count = _count(again)
    assert count - earlier >= TRANSACTIONS + 1
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    print(
        f"\nengine: py-evm on {again.database.engine.dialect.name}: {count:,} transactions, {_leaves(again):,} leaves, "
        f"{_rows(again):,} trie nodes: {size / 2**20:,.1f} MiB ({size / count:,.0f} bytes a transaction); "
        f"{TRANSACTIONS / took:.0f} a second; open and read the head {read - opened:.3f} s, "
        f"the next act {acted - read:.3f} s"
    )
    again.database.dispose()


def _anchor(services: Services, count: int) -> None:
    """Record and carry anchors of ten leaves each; all must be on the chain afterwards."""
    with services.database.write() as session:
        for _ in range(count):
            subject = new_id()
            leaves = [keccak(subject.bytes + bytes([n])) for n in range(LEAVES)]
            anchor_digests(
                session, kind=AnchorKind.DELIVERY, subject_id=subject, commitments=leaves, now=clock.now()
            )  # fmt: skip
    while True:
        with services.database.write() as session:
            if not submit_next(session, services.keys, now=clock.now()):
                return


def _head(services: Services) -> str:
    with services.database.read() as session:
        return bytes(open_chain(session, services.keys).head.hash).hex()


def _count(services: Services) -> int:
    with services.database.read() as session:
        refused = session.exec(select(func.count()).where(EntryRow.state == EntryState.REFUSED)).one()
        assert refused == 0
        return session.exec(select(func.count()).select_from(JournalRow)).one()


def _leaves(services: Services) -> int:
    with services.database.read() as session:
        return LEAVES * session.exec(select(func.count()).where(EntryRow.state == EntryState.CONFIRMED)).one()


def _rows(services: Services) -> int:
    with services.database.read() as session:
        return session.exec(select(func.count()).select_from(StateRow)).one()
