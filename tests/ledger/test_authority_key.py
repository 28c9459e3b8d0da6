"""The authority keeps a key of its own: the exchange then cannot freeze, decide, end or correct without it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor, Role, require_organisation, require_person
from asset_hub.accounts.models import PartyRow
from asset_hub.catalogue import RestrictionKind, restrict
from asset_hub.core.errors import BadInput, Forbidden
from asset_hub.messages import list_notices
from ledger.addresses import show_address
from ledger.cases import CaseId, answer_case, close_case, decide_case, freeze_case
from ledger.codebook import GrantKind
from ledger.confirmations import list_confirmations
from ledger.deeds import correct_title, propose_end, title_of_rights
from ledger.deployment import ADMIN_DELAY_SECONDS
from ledger.disputes import CaseState
from ledger.entries import record_licence, reserve_number
from ledger.key_errors import ChangeOpen, KeyTaken, SignatureNotFound
from ledger.key_models import KeyRow, RoleChangeRow, RoleKeeperRow, SignatureRow
from ledger.models import EntryRow, GrantRow
from ledger.office import follow_halt
from ledger.office_keys import (
    ChangeState,
    carry_out,
    give_role,
    hand_over_role,
    rotate_key,
    take_back_role,
    take_role,
)
from ledger.pending import Pending, give_signature, give_up, lapse_unsigned, list_given_up, list_pending
from ledger.replay import verify_journal
from ledger.roles import holders_of_roles
from ledger.signing import AUTHORITY, Key, Office
from ledger.submit import submit_next
from ledger.types import OVERTAKEN_REASON, UNCONFIRMED_REASON, UNSIGNED_REASON, EntryState
from ledger.vault import speaking
from tests.builders import make_actor
from tests.ledger.court import Court
from tests.ledger.houses import NOW, House, confirm_all, make_terms
from tests.web.pages import client_for

OWN, NEXT = Key(b"\x31" * 32), Key(b"\x32" * 32)
ROLE = 13


class Bench(Court):
    """A court whose operator and regulator are of one house, the exchange's."""

    def __init__(self, folder: Path, house: House | None = None) -> None:
        super().__init__(folder, house)
        with self.services.database.write() as session:
            exchange = session.get_one(PartyRow, self.operator.organisation_id)
            self.regulator = make_actor(session, roles={Role.REGULATOR}, organisation=exchange)
            self.desk = make_actor(session, roles={Role.RIGHTS_DESK}, organisation=exchange)

    def pending(self, by: Actor | None = None) -> tuple[Pending, ...]:
        with self.services.database.write() as session:
            return list_pending(session, by=by or self.regulator, now=self.now)

    def sign(self, key: Key = OWN) -> int:
        """Sign everything that waits for the authority, and carry it."""
        waiting = self.pending()
        with self.services.database.write() as session:
            for one in waiting:
                give_signature(
                    session, pending_id=one.id, signature=key.sign(one.digest), by=self.regulator, now=self.now
                )
        self.carry()
        return len(waiting)

    def finish(self, change: UUID) -> ChangeState:
        """Let the two days pass and carry a change out."""
        self.wait_until_ready()
        with self.services.database.write() as session:
            carry_out(session, change_id=change, now=self.now)
        self.carry()
        with self.services.database.read() as session:
            return ChangeState(session.get_one(RoleChangeRow, change).state)

    def hand_over(self, key: Key = OWN) -> None:
        with self.services.database.write() as session:
            change = hand_over_role(
                session, self.keys, role=AUTHORITY, address=key.address, reason="主管部门自管", by=self.operator,
                now=self.now,
            )  # fmt: skip
            confirm_all(session)
        self.carry()
        assert self.sign(key) == 1
        assert self.finish(change) == ChangeState.DONE

    def wait_until_ready(self) -> None:
        self.now += timedelta(seconds=ADMIN_DELAY_SECONDS + 7200)

    def take_back(self) -> UUID:
        """Have the role announced for the exchange's own key again."""
        with self.services.database.write() as session:
            change = take_back_role(
                session, self.keys, role=AUTHORITY, reason="x", by=self.operator, now=self.now
            )  # fmt: skip
            confirm_all(session)
        self.carry()
        return change

    def announce(self, key: Key) -> UUID:
        """Have the role announced for a key that accepts it."""
        with self.services.database.write() as session:
            change = hand_over_role(
                session, self.keys, role=AUTHORITY, address=key.address, reason="x", by=self.operator, now=self.now
            )
            confirm_all(session)
        assert self.sign(key) == 1
        return change

    def answered(self) -> CaseId:
        case = self.open()
        self.do(answer_case, case, self.respondent)
        return case

    def correct(self) -> None:
        """Decide what the title of the work is, without carrying it."""
        seller = require_organisation(self.respondent)
        with self.services.database.write() as session:
            correct_title(
                session, self.keys, asset_id=self.asset_id, after=title_of_rights({("all",): {seller: 10_000}}),
                decision="判决", by=self.regulator, now=self.now,
            )  # fmt: skip

    def sign_while_it_goes(self, change: UUID, *, then: Callable[[], None] = lambda: None) -> None:
        """Sign what waits just before a change takes the role from the key that signs; no second person speaks."""
        waiting = self.pending()
        with self.services.database.write() as session:
            carry_out(session, change_id=change, now=self.now)
            for one in waiting:
                give_signature(
                    session, pending_id=one.id, signature=OWN.sign(one.digest), by=self.regulator, now=self.now
                )
        then()
        self.submit()

    def submit(self) -> None:
        with self.services.database.write() as session:
            while submit_next(session, self.keys, now=self.now):
                pass

    def states(self) -> set[str]:
        with self.services.database.read() as session:
            return set(session.exec(select(EntryRow.state)))

    def reasons(self) -> list[str | None]:
        with self.services.database.read() as session:
            return list(session.exec(select(EntryRow.reason).where(EntryRow.state == EntryState.REFUSED)))

    def holders(self) -> set[bytes]:
        with self.services.database.read() as session:
            return {who for role, who in holders_of_roles(session, self.keys) if role == ROLE}

    def operator_key(self) -> bytes:
        with self.services.database.read() as session:
            return speaking(session, self.keys).operator.address


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_key_that_is_to_keep_the_role_accepts_first(bench: Bench) -> None:
    with bench.services.database.write() as session:
        hand_over_role(
            session, bench.keys, role=AUTHORITY, address=OWN.address, reason="x", by=bench.operator, now=bench.now
        )
        assert confirm_all(session) == 1
    bench.carry()
    [one] = bench.pending()
    assert ("“主管部门（AUTHORITY）”角色改由" in one.said.zh, one.is_new_key, one.address) == (True, False, OWN.address)
    assert bench.pending(bench.desk) == ()
    with bench.services.database.write() as session, pytest.raises(SignatureNotFound):
        give_signature(
            session, pending_id=one.id, signature=OWN.sign(one.digest), by=bench.desk, now=bench.now
        )  # fmt: skip
    token = replace(bench.regulator, scopes=frozenset({"ledger.sign_role"}))
    with bench.services.database.write() as session, pytest.raises(Forbidden):
        give_signature(session, pending_id=one.id, signature=OWN.sign(one.digest), by=token, now=bench.now)
    bench.now = one.deadline + timedelta(seconds=1)
    with bench.services.database.write() as session:
        lapse_unsigned(session, entry_id=one.entry_id, now=bench.now)
        assert [row.state for row in session.exec(select(RoleChangeRow))] == [ChangeState.REFUSED]
    bench.hand_over()
    assert bench.holders() == {OWN.address}


def test_a_dispute_is_decided_by_the_authoritys_own_key_alone(bench: Bench) -> None:
    bench.hand_over()
    case = bench.open()

    bench.do(freeze_case, case, bench.regulator)
    assert not bench.row(case).is_frozen
    assert [bench.sign(), bench.sign()] == [1, 1]
    assert bench.row(case).is_frozen
    bench.do(answer_case, case, bench.respondent)
    bench.do(decide_case, case, bench.regulator, appeal_days=15)
    assert bench.state(case) == CaseState.ANSWERED
    [one] = bench.pending()
    assert "主管部门裁决争议" in one.said.zh
    assert one.deadline < bench.now + timedelta(days=8)
    assert bench.sign() == 1
    assert bench.state(case) == CaseState.DECIDED
    bench.wait(20)
    bench.do(close_case, case, bench.operator)
    bench.sign()

    assert bench.state(case) == CaseState.CLOSED
    assert not bench.row(case).is_frozen
    assert bench.reasons() == []
    with bench.services.database.read() as session:
        assert verify_journal(session, bench.keys).problems == ()


def test_a_freeze_that_waits_is_not_given_up_for_the_next_step(bench: Bench) -> None:
    bench.hand_over()
    case = bench.open()
    bench.do(freeze_case, case, bench.regulator)
    assert bench.sign() == 1
    bench.do(answer_case, case, bench.respondent)

    [one] = bench.pending()
    assert one.typed["primaryType"] == "SetStatus"
    assert "冻结作品" in one.said.zh
    assert bench.sign() == 1
    assert bench.reasons() == []


def test_a_freeze_that_is_not_signed_in_time_is_asked_for_again(bench: Bench) -> None:
    bench.hand_over()
    case = bench.open()
    bench.do(freeze_case, case, bench.regulator)
    assert bench.sign() == 1
    [one] = bench.pending()
    bench.now = one.deadline + timedelta(seconds=1)
    with bench.services.database.write() as session:
        lapse_unsigned(session, entry_id=one.entry_id, now=bench.now)
        given_up = [list_given_up(session, by=by, now=bench.now) for by in (bench.regulator, bench.desk)]
    assert [len(found) for found in given_up] == [1, 0]
    assert bench.pending() == ()
    bench.services.run_jobs(threads=1)
    bench.now = NOW

    [again] = bench.pending()
    assert (again.typed["primaryType"], again.id != one.id) == ("SetStatus", True)


def test_the_authoritys_people_read_on_their_page_what_waits(bench: Bench) -> None:
    client, desk = (client_for(bench.services, who) for who in (bench.regulator, bench.desk))
    assert "hand-over" in client.get("/keys").text
    bench.hand_over()
    case = bench.open()
    bench.do(freeze_case, case, bench.regulator)

    page = client.get("/keys").text
    assert show_address(OWN.address) in page
    assert "freezes the work" in page
    assert 'data-act="make"' not in page
    assert "freezes the work" not in desk.get("/keys").text
    assert client_for(bench.services, bench.operator).get("/keys").status_code == 403


def test_titles_licences_and_halts_wait_for_the_authoritys_key(bench: Bench) -> None:
    bench.hand_over()
    seller = require_organisation(bench.respondent)
    with bench.services.database.write() as session:
        number = reserve_number(session)
        record_licence(
            session, bench.keys, number=number, licence_id=bench.asset_id, asset_id=bench.asset_id, licensor_id=seller,
            licensee_id=require_organisation(bench.claimant), terms=make_terms(kind=GrantKind.SOLE), document={},
            now=bench.now,
        )  # fmt: skip
    bench.carry()
    with bench.services.database.write() as session:
        propose_end(session, bench.keys, number=number, reason="生效判决", by=bench.regulator, now=bench.now)
        correct_title(
            session, bench.keys, asset_id=bench.asset_id, after=title_of_rights({("all",): {seller: 10_000}}),
            decision="(2026)渝01民终1号", by=bench.regulator, now=bench.now,
        )  # fmt: skip
        restrict(
            session, asset_id=bench.asset_id, kind=RestrictionKind.FREEZE, reason="协查", by=bench.regulator,
            now=bench.now,
        )  # fmt: skip
        follow_halt(session, asset_id=bench.asset_id, now=bench.now)
    bench.carry()
    said = sorted(one.said.zh for one in bench.pending())
    assert len(said) == 3
    assert any(text.startswith("主管部门冻结") for text in said)
    with bench.services.database.read() as session:
        assert session.get_one(GrantRow, number).ended_at is None

    assert bench.sign() == 3

    with bench.services.database.read() as session:
        assert session.get_one(GrantRow, number).ended_at is not None
        assert verify_journal(session, bench.keys).problems == ()
    assert bench.reasons() == []


def test_the_exchange_changes_its_own_key_and_leaves_the_authority_its_role(bench: Bench) -> None:
    bench.hand_over()
    with bench.services.database.write() as session:
        change = rotate_key(
            session, bench.keys, office=Office.OPERATOR, reason="x", by=bench.operator, now=bench.now
        )  # fmt: skip
        confirm_all(session)
    bench.carry()
    assert bench.finish(change) == ChangeState.DONE

    assert bench.holders() == {OWN.address}
    case = bench.open()
    bench.do(freeze_case, case, bench.regulator)
    assert [bench.sign(), bench.sign(), bench.reasons()] == [1, 1, []]


def test_the_authority_changes_its_key_and_the_exchange_takes_the_role_back(bench: Bench) -> None:
    bench.hand_over()
    bench.hand_over(NEXT)
    assert bench.holders() == {NEXT.address}
    case = bench.open()
    bench.record(freeze_case, case, bench.regulator)
    with bench.services.database.write() as session:
        change = take_back_role(
            session, bench.keys, role=AUTHORITY, reason="x", by=bench.operator, now=bench.now
        )  # fmt: skip
        confirm_all(session)
    bench.carry()
    assert len(bench.pending()) == 1
    assert bench.finish(change) == ChangeState.DONE

    bench.carry()
    assert bench.holders() == {bench.operator_key()}
    assert bench.pending() == ()
    assert bench.row(case).is_frozen
    assert bench.reasons() == []


def test_what_was_decided_before_the_role_went_is_asked_of_the_key_that_has_it(bench: Bench) -> None:
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
        freeze_case(session, bench.keys, case_id=case, text="冻结", by=bench.regulator, now=bench.now)
    bench.carry()

    assert bench.holders() == {OWN.address}
    assert bench.reasons() == []
    assert [bench.sign(), bench.sign()] == [1, 1]
    assert bench.row(case).is_frozen
    assert bench.reasons() == []


def test_roles_that_the_exchange_needs_are_not_handed_over_and_nothing_is_mixed(bench: Bench) -> None:
    keys, by, now = bench.keys, bench.operator, bench.now
    with bench.services.database.write() as session:
        for role in ("NOTARY", "ADMIN", "nobody"):
            with pytest.raises(BadInput):
                hand_over_role(session, keys, role=role, address=OWN.address, reason="x", by=by, now=now)
        with pytest.raises(BadInput):
            take_back_role(session, keys, role=AUTHORITY, reason="x", by=by, now=now)
        with pytest.raises(Forbidden):
            hand_over_role(session, keys, role=AUTHORITY, address=OWN.address, reason="x", by=bench.desk, now=now)
        with pytest.raises(KeyTaken):
            hand_over_role(
                session, keys, role=AUTHORITY, address=keys.first.operator.address, reason="x", by=by, now=now
            )
    bench.hand_over()
    with bench.services.database.write() as session:
        with pytest.raises(BadInput):
            take_role(session, keys, role=AUTHORITY, address=OWN.address, reason="x", by=by, now=bench.now)
        kept = session.exec(
            select(KeyRow).where(KeyRow.organisation_id == require_organisation(bench.respondent))
        ).one()
        kept.sealed = None  # a key of a home from before, derived from its secret
        with pytest.raises(KeyTaken):
            give_role(session, keys, role="NOTARY", address=kept.address, reason="x", by=by, now=bench.now)
        with pytest.raises(KeyTaken):
            give_role(session, keys, role=AUTHORITY, address=OWN.address, reason="x", by=by, now=bench.now)
        with pytest.raises(BadInput):
            give_role(session, keys, role=AUTHORITY, address=NEXT.address, reason="x", by=by, now=bench.now)
        hand_over_role(session, keys, role=AUTHORITY, address=NEXT.address, reason="x", by=by, now=bench.now)
        with pytest.raises(ChangeOpen):
            take_back_role(session, keys, role=AUTHORITY, reason="x", by=by, now=bench.now)
        with pytest.raises(ChangeOpen):
            rotate_key(session, keys, office=Office.OPERATOR, reason="x", by=by, now=bench.now)
        assert session.get_one(RoleKeeperRow, AUTHORITY).address == OWN.address


def test_what_the_authoritys_key_has_signed_goes_on_when_the_role_is_taken_back(bench: Bench) -> None:
    bench.hand_over()
    case, change = bench.open(), bench.take_back()
    bench.wait_until_ready()
    bench.record(freeze_case, case, bench.regulator)
    bench.correct()
    bench.sign_while_it_goes(change)

    assert bench.holders() == {bench.operator_key()}
    assert (bench.pending(), bench.states(), bench.row(case).is_frozen) == ((), {EntryState.CONFIRMED}, True)
    assert bench.statuses() == [2]


def test_what_it_has_not_signed_waits_for_a_second_person_then_or_is_given_up_when_late(bench: Bench) -> None:
    bench.hand_over()
    case, change = bench.answered(), bench.take_back()
    bench.record(decide_case, case, bench.regulator, appeal_days=8)
    bench.wait_until_ready()
    bench.correct()
    with bench.services.database.write() as session:
        carry_out(session, change_id=change, now=bench.now)
    bench.submit()

    assert (bench.reasons(), bench.pending(), bench.state(case)) == ([UNSIGNED_REASON], (), CaseState.ANSWERED)
    with bench.services.database.read() as session:
        [one] = list_confirmations(session, by=bench.operator, now=bench.now)
        told = list_notices(session, person_id=require_person(bench.desk))
    assert ("判决" in one.said.zh, [notice.link for notice in told]) == (True, ["/confirmations"])
    bench.do(decide_case, case, bench.regulator, appeal_days=8)
    assert (bench.state(case), len(bench.reasons())) == (CaseState.DECIDED, 1)
    assert EntryState.UNSIGNED not in bench.states()


def test_a_key_that_gets_the_role_has_no_longer_to_sign_than_the_act_is_of_use(bench: Bench) -> None:
    case, change = bench.answered(), bench.announce(OWN)
    bench.wait_until_ready()
    with bench.services.database.write() as session:
        carry_out(session, change_id=change, now=bench.now)
    bench.record(decide_case, case, bench.regulator, appeal_days=8)
    bench.carry()

    [one] = bench.pending()
    assert one.deadline <= bench.now + timedelta(days=1)
    assert bench.sign() == 1
    assert bench.state(case) == CaseState.DECIDED


def test_a_step_that_the_ledger_would_refuse_when_it_is_signed_is_given_up(bench: Bench) -> None:
    bench.hand_over()
    case = bench.answered()
    bench.do(decide_case, case, bench.regulator, appeal_days=8)
    [asked] = bench.pending()
    with bench.services.database.write() as session:
        session.get_one(SignatureRow, asked.id).deadline += 7 * 86_400
    bench.wait(3)
    [one] = bench.pending()
    with bench.services.database.write() as session:
        state = give_signature(
            session, pending_id=one.id, signature=OWN.sign(one.digest), by=bench.regulator, now=bench.now
        )

    assert (state, bench.reasons()) == (EntryState.REFUSED, [OVERTAKEN_REASON])
    assert (bench.pending(), bench.state(case)) == ((), CaseState.ANSWERED)
    bench.do(decide_case, case, bench.regulator, appeal_days=8)
    assert bench.sign() == 1
    assert bench.state(case) == CaseState.DECIDED


def test_what_one_key_of_the_authority_was_asked_is_asked_of_the_next(bench: Bench) -> None:
    bench.hand_over()
    case, change = bench.open(), bench.announce(NEXT)
    bench.wait_until_ready()
    bench.record(freeze_case, case, bench.regulator)
    bench.sign_while_it_goes(change, then=bench.correct)

    assert [one.address for one in bench.pending()] == [NEXT.address, NEXT.address]
    assert [bench.sign(NEXT), bench.sign(NEXT)] == [2, 1]
    assert (bench.row(case).is_frozen, bench.reasons(), bench.states()) == (True, [], {EntryState.CONFIRMED})


def test_a_halt_that_was_not_confirmed_is_asked_for_again(bench: Bench) -> None:
    bench.hand_over()
    case = bench.open()
    bench.do(freeze_case, case, bench.regulator)
    assert bench.sign() == 1
    for _ in ("the dispute's", "the exchange's"):
        [one] = bench.pending()
        with bench.services.database.write() as session:
            give_up(session, session.get_one(EntryRow, one.entry_id), UNCONFIRMED_REASON, now=bench.now)
        assert bench.pending() == ()
        bench.services.run_jobs(threads=1)

        [again] = bench.pending()
        assert (again.typed["primaryType"], again.id != one.id) == ("SetStatus", True)
