"""The scan for plaintexts finds what is planted on a chain: bare, as digest, in calldata, in logs and in slots."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from asset_hub.core.ids import new_id
from ledger.acts import org_key
from ledger.carried import OPERATOR, UNSIGNED, write_act
from ledger.entries import record_entry
from ledger.merkle import keccak
from ledger.office_keys import ChangeState, carry_out
from ledger.signing import Office
from ledger.sm import sm3
from ledger.statements import Publish
from ledger.types import EntryKind
from tests.ledger.changes import DELAY, REASON, address_of, announce, carry_at, state_of
from tests.ledger.houses import NOW, House, make_house
from tests.plaintext import Known, find_leaks, read_known, read_material

TITLE, FEN = "朝天门的黄昏", 1_785_000
PLANTED = {
    "bare": TITLE.encode().ljust(32, b"\0"),
    "in UTF-16": b"\0" * 4 + TITLE.encode("utf-16-be") + b"\0" * 16,
    "in GB 18030": TITLE.encode("gb18030").rjust(32, b"\0"),
    "SHA-256": hashlib.sha256(TITLE.encode()).digest(),
    "Keccak-256": keccak(TITLE.encode()),
    "SM3": sm3(TITLE.encode()),
    "cut to 20 bytes": hashlib.sha256(TITLE.encode()).digest()[12:].rjust(32, b"\0"),
    "an amount": FEN.to_bytes(32, "big"),
    "an amount, packed": (7 << 64 | FEN).to_bytes(32, "big"),
    "an amount's digest": keccak(b"asset_hub/amount:" + FEN.to_bytes(16, "big")),
    "a small amount's digest": hashlib.sha256(b"300.00").digest(),
}


KNOWN = Known(frozenset({TITLE}), frozenset({FEN, 30_000}))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return make_house(tmp_path_factory.mktemp("plain"))


def leaks_of(house: House, known: Known = KNOWN) -> set[str]:
    with house.services.database.read() as session:
        return set(find_leaks(known, read_material(session)))


def test_a_registered_work_tells_nothing(tmp_path: Path) -> None:
    house = make_house(tmp_path)
    with house.services.database.read() as session:
        known = read_known(session)

    assert TITLE in known.texts
    assert leaks_of(house, known) == set()


def test_a_change_of_the_exchanges_keys_tells_nothing(tmp_path: Path) -> None:
    services, due = (house := make_house(tmp_path)).services, NOW + DELAY + timedelta(hours=1)
    changes = announce(services, Office.OPERATOR, Office.RELAYER, now=NOW)
    with services.database.write() as session:
        for change in changes:
            carry_out(session, change_id=change, now=due)
    carry_at(services, due)
    with services.database.read() as session:
        known = read_known(session)

    assert [state_of(services, change) for change in changes] == [ChangeState.DONE] * 2
    assert known.texts >= {REASON, address_of(services, Office.OPERATOR).hex()}
    assert leaks_of(house, known) == set()


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted_is_found(house: House, kind: str) -> None:
    before = leaks_of(house)
    act = Publish(UNSIGNED, org_key(new_id()), 202611, PLANTED[kind], b"\1" * 32)

    with house.services.database.write() as session:
        record_entry(session, EntryKind.STATEMENT, new_id(), write_act(act, [OPERATOR]), NOW)
    house.run()

    places = {leak.split()[0] for leak in leaks_of(house) - before}
    assert places == ({"slot"} if kind == "an amount, packed" else {"calldata", "log", "slot"})
