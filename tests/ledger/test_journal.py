"""The journal alone rebuilds the chain; a changed row is named; nothing private is on the chain."""

import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from ledger.merkle import keccak
from ledger.models import JournalRow, StateRow
from ledger.replay import verify_journal
from tests.ledger.houses import House, anchor_delivery, grant, make_house, make_terms


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = make_house(tmp_path)
    anchor_delivery(made, grant(made, make_terms()), hashlib.sha256(b"x").hexdigest())
    made.run()
    return made


def test_a_second_engine_re_executes_the_journal(house: House) -> None:
    with house.services.database.read() as session:
        replay = verify_journal(session, house.services.keys)
        rows = session.exec(select(JournalRow)).all()
    assert replay.problems == ()
    assert replay.transactions == len(rows) > 10
    assert replay.blocks == len({row.block_number for row in rows})


@pytest.mark.parametrize("column", ["gas_used", "status", "raw"])
def test_a_changed_row_is_named(house: House, column: str) -> None:
    with house.services.database.write() as session:
        row = session.exec(select(JournalRow).order_by(col(JournalRow.number).desc())).first()
        assert row is not None
        value = getattr(row, column)
        setattr(row, column, _changed(value))
        session.add(row)
        number = row.number
    with house.services.database.read() as session:
        replay = verify_journal(session, house.services.keys)
    assert f"journal row {number}" in replay.problems[0]


def test_a_removed_row_is_noticed(house: House) -> None:
    with house.services.database.write() as session:
        session.connection().execute(sa.delete(JournalRow).where(col(JournalRow.number) == 3))
    with house.services.database.read() as session:
        assert verify_journal(session, house.services.keys).problems


def test_nothing_private_is_on_the_chain(house: House) -> None:
    """Neither plaintexts nor their bare digests: every value of the state and every byte of calldata is searched."""
    secrets = ["朝天门的黄昏", "山城档案馆", "Hill City Archive", str(house.asset_id), "林"]
    needles = [text.encode() for text in secrets]
    needles += [hashlib.sha256(text.encode()).digest() for text in secrets]
    needles += [keccak(text.encode()) for text in secrets] + [house.asset_id.bytes, hashlib.sha256(b"x").digest()]
    with house.services.database.read() as session:
        haystack = [row.value for row in session.exec(select(StateRow))]
        haystack += [row.raw + row.receipt for row in session.exec(select(JournalRow))]
    for needle in needles:
        assert not any(needle in value for value in haystack), needle


def _changed(value: bytes | int) -> bytes | int:
    """Return another value, whatever this one is."""
    if isinstance(value, int):
        return value + 1
    return value[:-1] + bytes([value[-1] ^ 1]) if value else b"\0"
