"""What is rare about changes of the exchange's keys: long rows of them, papers and orders in between, refusals."""

import json
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from asset_hub.accounts import Role, require_organisation
from asset_hub.core.db import WriteSession
from asset_hub.core.jobs import JobRow
from ledger.calls import GAS
from ledger.cases import freeze_case
from ledger.certificates import issue_certificate, renew_certificate, signing_key, trust_file
from ledger.chain import GAS_PRICE
from ledger.deployment import ADMIN_DELAY_SECONDS, OPERATOR_ROLES
from ledger.embedded import _ENDOWMENT
from ledger.key_errors import KeyChanging
from ledger.key_models import OfficeKeyRow, RoleChangeRow, RoleKeeperRow
from ledger.models import EntryRow, JournalRow
from ledger.office_keys import (
    CARRY_OUT_CHANGE,
    GIFT,
    ChangeState,
    carry_out,
    give_role,
    hand_over_role,
    take_back_role,
    take_role,
    withdraw_change,
)
from ledger.pending import give_signature, list_pending
from ledger.replay import verify_journal
from ledger.role_acts import ENDOW
from ledger.roles import spans_of_roles
from ledger.signing import AUTHORITY, Office
from ledger.submit import open_chain, submit_next
from ledger.types import EntryKind, EntryState
from ledger.vault import speaking
from ledger.verdicts import own_status_list
from ledger.verifier import verify_certificate
from tests.builders import make_actor
from tests.ledger.houses import NOW, House, confirm_all, make_foreign_house, make_house
from tests.ledger.issued import Issued
from tests.ledger.rotated import READY, announce, finish, rotate, submit
from tests.ledger.test_authority_key import NEXT, OWN, Bench


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
    assert 1_000_000 * most_of_one_act < GIFT


def paper_of(issued: Issued, now: datetime) -> bytes:
    with issued.session() as session:
        return issue_certificate(
            session, issued.keys, licence_id=issued.licence_id, delivered_sha256=issued.blob.sha256,
            delivered_bytes=issued.blob.bytes_count, delivered_name="delivered.jpg", issuer_name="测试交易所", now=now,
        )  # fmt: skip


def test_no_paper_is_signed_while_the_key_is_on_its_way_nor_dated_before_the_new_one_speaks(tmp_path: Path) -> None:
    issued = Issued(tmp_path)
    services = issued.house.services
    change = announce(services, Office.OPERATOR)
    before = paper_of(issued, READY)
    with services.database.write() as writing:
        carry_out(writing, change_id=change, now=READY + timedelta(hours=1))
    for act in (
        lambda session: renew_certificate(session, issued.keys, before, now=READY),
        lambda session: signing_key(session, issued.keys),
    ):
        with issued.session() as session, pytest.raises(KeyChanging):
            act(session)
    with pytest.raises(KeyChanging):
        paper_of(issued, READY)
    assert KeyChanging.retryable

    assert finish(services, change, now=READY + timedelta(hours=1)) == ChangeState.DONE
    after = paper_of(issued, READY)  # by a clock that is behind the chain's
    with issued.session() as session:
        trust = trust_file(session, issued.keys, issuer_name="测试交易所")
        status = own_status_list(session, issued.keys, revoked=[], now=READY)
        papers = signing_key(session, issued.keys)
        again = renew_certificate(session, issued.keys, before, now=READY)
    for certificate in (before, after, again):
        report = verify_certificate(certificate, media=None, trust=trust, status=status, today=READY.date())
        assert [check.name for check in report.checks if check.ok is False] == []
        assert [check.ok for check in report.checks if check.name == "key history"] == [True]
    since = max(span.since for span in papers.history)
    assert papers.dated(READY).timestamp() == since
    assert papers.dated(READY + timedelta(days=1)) == READY + timedelta(days=1)
    assert datetime.fromisoformat(json.loads(status)["dated"]).timestamp() == since


@pytest.mark.postgresql
def test_what_another_decides_while_the_role_goes_is_asked_of_the_key_that_has_it(
    postgresql: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, make_foreign_house(tmp_path, database_url=postgresql))
    case = bench.open()
    with bench.services.database.write() as session:
        change = hand_over_role(
            session, bench.keys, role=AUTHORITY, address=OWN.address, reason="x", by=bench.operator, now=bench.now
        )
        confirm_all(session)
    bench.sign()
    bench.now += timedelta(seconds=ADMIN_DELAY_SECONDS + 7200)
    with bench.services.database.write() as session:
        carry_out(session, change_id=change, now=bench.now)

    def carry() -> None:
        with bench.services.database.write() as carrying:
            while submit_next(carrying, bench.keys, now=bench.now):
                pass

    with bench.services.database.write() as session:
        freeze_case(session, bench.keys, case_id=case, text="冻结", by=bench.regulator, now=bench.now)
        session.flush()
        carrier = threading.Thread(target=carry)
        carrier.start()
        carrier.join(10)
        assert not carrier.is_alive()
    bench.carry()

    assert not bench.row(case).is_frozen
    assert [bench.sign(), bench.sign()] == [1, 1]
    assert bench.row(case).is_frozen
    assert bench.reasons() == []


@pytest.mark.parametrize("is_taken_back", [True, False])
def test_what_a_key_signed_that_lost_the_role_meanwhile_is_signed_anew(tmp_path: Path, is_taken_back: bool) -> None:
    bench = Bench(tmp_path)
    bench.hand_over()
    case = bench.open()
    if is_taken_back:
        with bench.services.database.write() as session:
            change = take_back_role(
                session, bench.keys, role=AUTHORITY, reason="x", by=bench.operator, now=bench.now
            )  # fmt: skip
            confirm_all(session)
        bench.carry()
        assert bench.finish(change) == ChangeState.DONE
    else:
        bench.hand_over(NEXT)
    with bench.services.database.write() as session:  # as who does not see yet that the role is gone
        house = require_organisation(bench.regulator)
        session.merge(RoleKeeperRow(role=AUTHORITY, address=OWN.address, since=1, organisation_id=house))
        session.flush()
        freeze_case(session, bench.keys, case_id=case, text="冻结", by=bench.regulator, now=bench.now)
        [one] = list_pending(session, by=bench.regulator, now=bench.now)
        give_signature(
            session, pending_id=one.id, signature=OWN.sign(one.digest), by=bench.regulator, now=bench.now
        )  # fmt: skip
        kept = session.get_one(RoleKeeperRow, AUTHORITY)
        if is_taken_back:
            session.delete(kept)
        else:
            kept.address = NEXT.address
    bench.carry()

    if not is_taken_back:
        assert [bench.sign(NEXT), bench.sign(NEXT)] == [1, 1]
    assert bench.pending() == ()
    assert bench.row(case).is_frozen
    assert bench.reasons() == []


def test_a_change_that_is_refused_while_it_stands_on_the_chain_stays_announced_and_is_tried_again(house: House) -> None:
    services, old = house.services, house.services.keys.first.admin.address
    start = rotate(services, Office.ADMINISTRATOR)
    changes = [announce(services, office, now=start) for office in (Office.OPERATOR, Office.CASHIER)]
    ready = start + timedelta(seconds=ADMIN_DELAY_SECONDS + 7200)
    with services.database.write() as session:
        new = speaking(session, services.keys).admin.address
        queued = set(session.exec(select(JobRow.id).where(JobRow.name == CARRY_OUT_CHANGE)))
        let_speak(session, old, instead_of=new)
        withdraw_change(session, change_id=changes[1], by=make_actor(session, roles={Role.REGULATOR}), now=ready)
    finish(services, changes[0], now=ready)

    with services.database.write() as session:
        tried = select(JobRow).where(JobRow.name == CARRY_OUT_CHANGE, col(JobRow.id).not_in(queued))
        again = [row.run_after for row in session.exec(tried)]
        states = [session.get_one(RoleChangeRow, change).state for change in changes]
        reasons = session.exec(select(EntryRow.reason).where(EntryRow.state == EntryState.REFUSED)).all()
        let_speak(session, new, instead_of=old)
    assert states == [ChangeState.ANNOUNCED] * 2
    assert len(again) == len(reasons) == 2
    assert all(ready < at <= ready + timedelta(minutes=15) for at in again)
    with services.database.write() as session:
        withdraw_change(session, change_id=changes[0], by=make_actor(session, roles={Role.REGULATOR}), now=ready)
    later = ready + timedelta(minutes=15)
    assert [finish(services, change, now=later) for change in changes] == [ChangeState.WITHDRAWN, ChangeState.DONE]


def let_speak(session: WriteSession, address: bytes, *, instead_of: bytes) -> None:
    """Have transactions signed by a key that the chain does not take for the administrator's, or the other way."""
    session.get_one(OfficeKeyRow, instead_of).valid_until = 1
    session.get_one(OfficeKeyRow, address).valid_until = None
    session.flush()


def test_a_role_that_is_given_taken_and_given_again_has_both_times_in_the_history(house: House) -> None:
    services, now, turns = house.services, NOW, []
    for act in (give_role, take_role, give_role):
        with services.database.write() as session:
            operator = make_actor(session, roles={Role.OPERATOR})
            change = act(
                session, services.keys, role="NOTARY", address=OWN.address, reason="x", by=operator, now=now
            )  # fmt: skip
            confirm_all(session)
        submit(services, now=now)
        now += timedelta(seconds=ADMIN_DELAY_SECONDS + 7200)
        assert finish(services, change, now=now) == ChangeState.DONE
        turns.append(int(now.timestamp()))

    with services.database.read() as session:
        found = spans_of_roles(session, services.keys)[OPERATOR_ROLES["NOTARY"]]
        listed = json.loads(trust_file(session, services.keys, issuer_name="测试交易所"))["issuers"]
    spans = [(one.since, one.until) for one in found if one.address == OWN.address.hex()]
    assert spans == [(turns[0], turns[1]), (turns[2], 0)]
    assert OWN.address.hex() not in {one["address"] for one in listed}  # another's key is not this issuer's
