"""The exchange's own keys and roles: announced, carried out after two days by the administrator, or withdrawn."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor, PersonId, Role, require_organisation
from asset_hub.app import open_home
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import BadInput, Forbidden
from asset_hub.core.ids import new_id
from asset_hub.core.settings import Settings
from ledger.certificates import renew_certificate, status_list, trust_file
from ledger.confirmations import confirm, list_confirmations, refuse
from ledger.deployment import ADMIN_DELAY_SECONDS
from ledger.errors import EntryNotFound
from ledger.key_errors import ChangeClosed, ChangeOpen, KeyTaken, SamePerson
from ledger.key_models import OfficeKeyRow, RoleChangeRow
from ledger.models import EntryRow, JournalRow
from ledger.office import pause_registers
from ledger.office_keys import (
    ChangeState,
    give_role,
    list_changes,
    list_office_keys,
    rotate_key,
    take_role,
    withdraw_change,
)
from ledger.replay import verify_journal
from ledger.roles import holders_of_roles
from ledger.signing import Office
from ledger.types import EntryKind, EntryState
from ledger.vault import speaking
from ledger.verdicts import judge, own_status_list
from ledger.verifier import verify_certificate
from tests.builders import make_actor
from tests.ledger.houses import NOW, House, confirm_all, grant, make_house, make_terms
from tests.ledger.issued import Issued
from tests.ledger.rotated import READY, announce, finish, rotate, submit

AUTHORITY = 13
STRANGER = b"\x42" * 20


@pytest.fixture
def house(tmp_path: Path) -> House:
    return make_house(tmp_path)


def operator_of(session: WriteSession) -> Actor:
    return make_actor(session, roles={Role.OPERATOR})


def address(house: House, office: Office) -> bytes:
    with house.services.database.read() as session:
        return speaking(session, house.services.keys).office(office).address


def refused(house: House) -> list[str | None]:
    with house.services.database.read() as session:
        return list(session.exec(select(EntryRow.reason).where(EntryRow.state == EntryState.REFUSED)))


@pytest.mark.parametrize("office", list(Office))
def test_a_key_of_the_exchange_is_changed_two_days_after_it_was_announced(house: House, office: Office) -> None:
    before = address(house, office)
    change = announce(house.services, office)
    assert finish(house.services, change, now=NOW + timedelta(days=1)) == ChangeState.ANNOUNCED
    assert address(house, office) == before

    assert finish(house.services, change) == ChangeState.DONE
    after = address(house, office)
    grant(house, make_terms())
    submit(house.services, now=READY + timedelta(seconds=5))

    assert after != before
    assert refused(house) == []
    with house.services.database.read() as session:
        held = {who for _role, who in holders_of_roles(session, house.services.keys)}
        replay = verify_journal(session, house.services.keys)
        spans = [one for one in list_office_keys(session, house.services.keys) if one.office == office]
    assert after in held
    assert before not in held
    assert replay.problems == ()
    assert [(one.address, one.until is None) for one in spans] == [(before, False), (after, True)]
    assert spans[0].until == spans[1].since


def test_every_key_of_the_exchange_is_changed_and_changed_again(house: House) -> None:
    seen = {address(house, office) for office in Office}
    now = NOW
    for office in [*Office, Office.ADMINISTRATOR, Office.RELAYER, Office.OPERATOR]:
        now = rotate(house.services, office, now=now)
        seen.add(address(house, office))
    grant(house, make_terms())
    submit(house.services, now=now + timedelta(seconds=5))

    assert len(seen) == 4 + 7
    assert refused(house) == []
    with house.services.database.read() as session:
        senders = list(session.exec(select(JournalRow.sender).order_by(JournalRow.number)))  # type: ignore[arg-type]
        assert senders[-1] == address(house, Office.RELAYER)
        assert verify_journal(session, house.services.keys).problems == ()


def test_the_old_key_can_do_nothing_any_more(house: House) -> None:
    first = house.services.keys.first
    assert finish(house.services, announce(house.services, Office.OPERATOR)) == ChangeState.DONE
    with house.services.database.write() as session:
        session.get_one(OfficeKeyRow, address(house, Office.OPERATOR)).valid_until = 1
        session.get_one(OfficeKeyRow, first.operator.address).valid_until = None
    grant(house, make_terms())
    with house.services.database.write() as session:
        operator = operator_of(session)
        pause_registers(session, hours=1, reason="查", by=operator, now=READY)
    submit(house.services, now=READY + timedelta(seconds=5))

    assert any(reason and reason.startswith("NotSignedByRole") for reason in refused(house))


def test_a_certificate_from_before_holds_after_the_key_was_changed_and_a_new_one_names_both(tmp_path: Path) -> None:
    issued = Issued(tmp_path)
    old = issued.keys.first.operator.address
    later = rotate(issued.house.services, Office.OPERATOR) + timedelta(hours=1)
    with issued.session() as session:
        trust = trust_file(session, issued.keys, issuer_name="测试交易所")
        status = own_status_list(session, issued.keys, revoked=[], now=later)
        fresh = renew_certificate(session, issued.keys, issued.certificate, now=later)
        shown = judge(session, issued.keys, fields={"certificate": issued.certificate}, now=later)
        revoked = judge(
            session, issued.keys, fields={"certificate": issued.certificate}, revoked=[issued.number], now=later
        )
        own = speaking(session, issued.keys)
        told = judge(
            session, issued.keys, revoked=[issued.number], now=later,
            fields={"certificate": issued.certificate, "status": status_list(own, revoked=[], now=later)},
        )  # fmt: skip
        assert told.failed == ("revocation",)
    today = (later + timedelta(days=1)).date()

    for certificate in (issued.certificate, fresh):
        report = verify_certificate(certificate, media=None, trust=trust, status=status, today=today)
        assert [check.name for check in report.checks if check.ok is False] == []
    told = json.loads(fresh)["issuer"]
    assert told["address"] == address(issued.house, Office.OPERATOR).hex() != old.hex()
    assert [one["address"] for one in told["keys"]] == [old.hex(), told["address"]]
    assert not verify_certificate(fresh, media=None, trust=issued.trust, status=None, today=today).is_valid
    assert (shown.failed, revoked.failed) == ((), ("revocation",))


def test_a_change_is_withdrawn_and_its_key_is_gone(house: House) -> None:
    change = announce(house.services, Office.OPERATOR)
    with house.services.database.write() as session:
        regulator = make_actor(session, roles={Role.REGULATOR})
        withdraw_change(session, change_id=change, by=regulator, now=NOW)
        with pytest.raises(ChangeClosed):
            withdraw_change(session, change_id=change, by=regulator, now=NOW)
    submit(house.services)

    assert finish(house.services, change) == ChangeState.WITHDRAWN
    assert address(house, Office.OPERATOR) == house.services.keys.first.operator.address
    with house.services.database.read() as session:
        assert len(list_office_keys(session, house.services.keys)) == len(Office)
    assert finish(house.services, announce(house.services, Office.OPERATOR)) == ChangeState.DONE


def test_nothing_is_announced_without_a_second_person(house: House) -> None:
    with house.services.database.write() as session:
        first, second = operator_of(session), operator_of(session)
        change = rotate_key(session, house.services.keys, office=Office.CASHIER, reason="x", by=first, now=NOW)
        [waiting] = list_confirmations(session, by=first, now=NOW)
        assert "收款复核" in waiting.said.zh
        assert "年" not in waiting.said.en
        with pytest.raises(SamePerson):
            confirm(session, confirmation_id=waiting.id, by=first, now=NOW)
    submit(house.services)
    with house.services.database.write() as session:
        assert session.get_one(RoleChangeRow, change).state == ChangeState.ASKED
        refuse(session, confirmation_id=waiting.id, by=second, now=NOW)
        [told] = list_changes(session, by=second)
        assert (told.state, told.refusal) == (ChangeState.REFUSED, "ConfirmationRefused")
        assert len(list_office_keys(session, house.services.keys)) == len(Office)


def test_changes_that_touch_each_other_go_one_after_the_other(house: House) -> None:
    keys = house.services.keys
    announce(house.services, Office.CASHIER)
    with house.services.database.write() as session:
        operator = operator_of(session)
        for office in (Office.CASHIER, Office.ADMINISTRATOR):
            with pytest.raises(ChangeOpen):
                rotate_key(session, keys, office=office, reason="x", by=operator, now=NOW)
        rotate_key(session, keys, office=Office.RELAYER, reason="x", by=operator, now=NOW)


def test_a_role_is_given_to_another_key_and_taken_back(house: House) -> None:
    keys = house.services.keys
    now = NOW
    for act, expected in ((give_role, True), (take_role, False)):
        with house.services.database.write() as session:
            operator = operator_of(session)
            change = act(session, keys, role="AUTHORITY", address=STRANGER, reason="法院", by=operator, now=now)
            confirm_all(session)
        submit(house.services, now=now)
        now += timedelta(seconds=ADMIN_DELAY_SECONDS + 7200)
        assert finish(house.services, change, now=now) == ChangeState.DONE
        with house.services.database.read() as session:
            assert ((AUTHORITY, STRANGER) in holders_of_roles(session, keys)) is expected
    assert refused(house) == []


def test_bad_changes_are_refused_and_leave_nothing(house: House) -> None:
    keys, first = house.services.keys, house.services.keys.first
    with house.services.database.write() as session:
        operator, desk = operator_of(session), make_actor(session, roles={Role.RIGHTS_DESK})
        token = Actor(
            PersonId(new_id()), "token", organisation_id=require_organisation(operator),
            roles=frozenset({Role.OPERATOR}), scopes=frozenset({"ledger"}),
        )  # fmt: skip
        for error, by, role, who, reason in (
            (Forbidden, desk, "AUTHORITY", STRANGER, "x"), (Forbidden, token, "AUTHORITY", STRANGER, "x"),
            (BadInput, operator, "ADMIN", STRANGER, "x"), (BadInput, operator, "AUTHORITY", STRANGER, " "),
            (KeyTaken, operator, "AUTHORITY", first.operator.address, "x"),
        ):  # fmt: skip
            with pytest.raises(error):
                give_role(session, keys, role=role, address=who, reason=reason, by=by, now=NOW)
        for who in (STRANGER, first.operator.address):
            with pytest.raises(BadInput):
                take_role(session, keys, role="AUTHORITY", address=who, reason="x", by=operator, now=NOW)
        assert list_changes(session, by=operator) == ()
        assert session.exec(select(EntryRow).where(EntryRow.kind == EntryKind.ROLE)).first() is None


def test_a_home_without_a_ledger_has_no_keys_to_change(tmp_path: Path) -> None:
    services = open_home(Settings(home=tmp_path / "home"))
    with services.database.write() as session, pytest.raises(EntryNotFound):
        rotate_key(session, services.keys, office=Office.RELAYER, reason="x", by=operator_of(session), now=NOW)
    with services.database.read() as session:
        assert {one.office for one in list_office_keys(session, services.keys)} == set(Office)


def test_a_change_that_waited_too_long_says_so_and_can_be_announced_again(house: House) -> None:
    late = READY + timedelta(days=8)
    change = announce(house.services, Office.OPERATOR)

    assert finish(house.services, change, now=late) == ChangeState.REFUSED
    with house.services.database.read() as session:
        assert (session.get_one(RoleChangeRow, change).refusal or "").startswith("AccessManagerExpired")
    assert address(house, Office.OPERATOR) == house.services.keys.first.operator.address


def test_the_secret_of_a_new_key_is_nowhere_in_the_open(house: House) -> None:
    assert finish(house.services, announce(house.services, Office.OPERATOR)) == ChangeState.DONE
    with house.services.database.read() as session:
        secret = speaking(session, house.services.keys).operator.secret
    stored = b"".join(path.read_bytes() for path in (house.services.settings.home).glob("*.db*"))
    assert len(stored) > 0
    assert secret not in stored
    assert secret.hex().encode() not in stored
