"""What is rare about changes of the exchange's keys: long rows of them, papers and orders in between, refusals."""

from pathlib import Path

import pytest
from sqlmodel import select

from ledger.calls import GAS
from ledger.chain import GAS_PRICE
from ledger.embedded import _ENDOWMENT
from ledger.models import EntryRow, JournalRow
from ledger.office_keys import GIFT
from ledger.replay import verify_journal
from ledger.role_acts import ENDOW
from ledger.signing import Office
from ledger.submit import open_chain
from ledger.types import EntryKind
from ledger.vault import speaking
from tests.ledger.houses import NOW, House, make_house
from tests.ledger.rotated import rotate


@pytest.fixture
def house(tmp_path: Path) -> House:
    return make_house(tmp_path)


def test_who_carries_is_always_paid_for_however_often_administrator_and_carrier_change(house: House) -> None:
    keys, now = house.services.keys, NOW
    for office in (Office.ADMINISTRATOR, Office.ADMINISTRATOR, Office.RELAYER, Office.RELAYER):
        now = rotate(house.services, office, now=now)

    with house.services.database.read() as session:
        gifts = {
            entry.tx_hash for entry in session.exec(select(EntryRow).where(EntryRow.kind == EntryKind.ROLE))
            if entry.args["act"] == ENDOW
        }  # fmt: skip
        payers = [row.sender for row in session.exec(select(JournalRow)) if row.tx_hash in gifts]
        balance = open_chain(session, keys).balance_of
        left, speaks = balance(keys.first.admin.address), speaking(session, keys)
        for carrier in (speaks.admin, speaks.relayer):
            assert GIFT - 10**20 < balance(carrier.address) <= GIFT
        assert verify_journal(session, keys).problems == ()
    most_of_one_act = GAS * GAS_PRICE
    assert payers == [keys.first.admin.address] * 4
    assert _ENDOWMENT - 4 * GIFT - 10**20 < left < _ENDOWMENT - 4 * GIFT
    assert 50_000 * (GIFT + most_of_one_act) < left
    assert GIFT > 1_000_000 * most_of_one_act
