"""What the operator's key signs for a house waits for a second person: another of the house, or one of the operator."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor, Role, require_person
from asset_hub.accounts.models import PartyRow
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import Forbidden
from asset_hub.messages import list_notices
from ledger.addresses import show_address
from ledger.confirmations import Confirmation, confirm, list_confirmations, refuse
from ledger.consents import title_on_chain
from ledger.deeds import (
    agree,
    consent_to_licences,
    correct_title,
    decline,
    get_deed,
    propose_end,
    propose_pledge,
    propose_title,
    propose_transfer,
    title_of_rights,
)
from ledger.entries import admit_organisation, held_grants
from ledger.errors import DeedClosed
from ledger.handed import SPEAKER, signatures_of
from ledger.house_keys import add_key, cancel_recovery, list_keys, propose_recovery, recover, renew_custody
from ledger.key_errors import ConfirmationClosed, ConfirmationNotFound, RecoveryOpposed, SamePerson
from ledger.key_models import KeyRow
from ledger.models import EntryRow, GrantRow
from ledger.office_keys import rotate_key
from ledger.outcomes import refuse_entry
from ledger.pending import go_on_when_whole, lapse_unsigned, list_pending
from ledger.signing import Key, Office
from ledger.submit import submit_next
from ledger.types import DECLINED_REASON, UNCONFIRMED_REASON, CustodyKind, DeedState, EntryState, KeyState
from ledger.vault import speaking
from tests.builders import make_actor
from tests.ledger.houses import NOW, House, confirm_all, grant, make_house, make_terms
from tests.ledger.test_deeds import id_of
from tests.web.pages import client_for

EVERY = ("all",)
OWN = Key(b"\x07" * 32)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return make_house(tmp_path)


@pytest.fixture
def colleague(house: House) -> Actor:
    with house.services.database.write() as session:
        party = session.get_one(PartyRow, id_of(house.seller))
        return make_actor(session, roles={Role.RIGHTS_DESK}, organisation=party)


@pytest.fixture
def operator(house: House) -> Actor:
    with house.services.database.write() as session:
        return make_actor(session, roles={Role.OPERATOR})


def propose(house: House, session: WriteSession) -> EntryRow:
    """Have the seller's desk record the whole title as its own; return the entry that waits."""
    deed = propose_title(
        session, house.services.keys, asset_id=house.asset_id, rights={EVERY: {id_of(house.seller): 10_000}},
        instrument="合同", by=house.seller, now=NOW,
    )  # fmt: skip
    assert deed.entry_id is not None
    return session.get_one(EntryRow, deed.entry_id)


def waiting(session: WriteSession, by: Actor) -> Confirmation:
    (one,) = list_confirmations(session, by=by, now=NOW)
    return one


def carry(house: House, session: WriteSession) -> None:
    while submit_next(session, house.services.keys, now=NOW):
        pass
    session.expire_all()


@pytest.mark.parametrize("who", ["colleague", "operator"])
def test_an_act_waits_for_somebody_else_and_then_goes_its_way(
    house: House, who: str, request: pytest.FixtureRequest
) -> None:
    second: Actor = request.getfixturevalue(who)
    with house.services.database.write() as session:
        entry = propose(house, session)
        carry(house, session)
        assert entry.state == EntryState.UNSIGNED
        told = [list_notices(session, person_id=require_person(one)) for one in (second, house.seller)]
        assert [[one.link for one in notices] for notices in told] == [["/confirmations"], []]
        assert title_on_chain(session, asset_id=house.asset_id) is None

        mine, theirs = waiting(session, house.seller), waiting(session, second)
        assert (mine.is_mine, theirs.is_mine) == (True, False)
        assert theirs.said.zh.startswith("登记《朝天门的黄昏》")
        with pytest.raises(SamePerson):
            confirm(session, confirmation_id=mine.id, by=house.seller, now=NOW)
        with pytest.raises(SamePerson):  # a second hat is no second person
            confirm(session, confirmation_id=mine.id, by=replace(second, person_id=house.seller.person_id), now=NOW)
        with pytest.raises(ConfirmationNotFound):
            confirm(session, confirmation_id=mine.id, by=house.buyer, now=NOW)
        carry(house, session)
        assert entry.state == EntryState.UNSIGNED

        assert confirm(session, confirmation_id=theirs.id, by=second, now=NOW)
        with pytest.raises(ConfirmationClosed):
            confirm(session, confirmation_id=theirs.id, by=second, now=NOW)
        carry(house, session)
        assert entry.state == EntryState.CONFIRMED
        assert title_on_chain(session, asset_id=house.asset_id) is not None


def test_every_side_needs_its_second_person(house: House, colleague: Actor, operator: Actor) -> None:
    keys = house.services.keys
    with house.services.database.write() as session:
        taker = make_actor(session, roles={Role.RIGHTS_DESK})
        propose(house, session)
        confirm(session, confirmation_id=waiting(session, colleague).id, by=colleague, now=NOW)
        carry(house, session)
        moved = propose_transfer(
            session, keys, asset_id=house.asset_id, rights=EVERY, giver=id_of(house.seller), taker=id_of(taker),
            bps=1, instrument="转让", by=house.seller, now=NOW,
        )  # fmt: skip
        agree(session, keys, deed_id=moved.id, by=taker, now=NOW)

        assert not confirm(session, confirmation_id=waiting(session, colleague).id, by=colleague, now=NOW)
        assert list_confirmations(session, by=colleague, now=NOW) == ()
        assert confirm(session, confirmation_id=waiting(session, operator).id, by=operator, now=NOW)


@pytest.mark.parametrize("how", ["refused", "lapsed"])
def test_what_is_refused_or_not_confirmed_in_time_leaves_nothing_behind(
    house: House, colleague: Actor, how: str
) -> None:
    late = NOW + timedelta(days=8)
    with house.services.database.write() as session:
        entry = propose(house, session)
        one = waiting(session, colleague)
        if how == "refused":
            refuse(session, confirmation_id=one.id, by=colleague, now=NOW)
        else:
            lapse_unsigned(session, entry_id=entry.id, now=NOW)
            assert entry.state == EntryState.UNSIGNED
            with pytest.raises(ConfirmationClosed):
                confirm(session, confirmation_id=one.id, by=colleague, now=late)
            lapse_unsigned(session, entry_id=entry.id, now=late)
            assert entry.reason == UNCONFIRMED_REASON
        assert entry.state == EntryState.REFUSED
        assert list_confirmations(session, by=colleague, now=NOW) == ()
        carry(house, session)
        assert title_on_chain(session, asset_id=house.asset_id) is None
        assert propose(house, session).state == EntryState.UNSIGNED


def test_a_consent_holds_only_once_it_is_confirmed(house: House, colleague: Actor, operator: Actor) -> None:
    keys = house.services.keys
    with house.services.database.write() as session:
        partner = make_actor(session, roles={Role.RIGHTS_DESK})
        shares = {id_of(house.seller): 6_000, id_of(partner): 4_000}
        deed = propose_title(
            session, keys, asset_id=house.asset_id, rights={EVERY: shares}, instrument="合同", by=house.seller, now=NOW
        )
        agree(session, keys, deed_id=deed.id, by=partner, now=NOW)
        for one in list_confirmations(session, by=operator, now=NOW):
            confirm(session, confirmation_id=one.id, by=operator, now=NOW)
        carry(house, session)
        given = [
            consent_to_licences(
                session, keys, asset_id=house.asset_id, licensor=id_of(house.seller), until=NOW + timedelta(days=9),
                by=partner, now=NOW,
            )
            for _ in range(2)
        ]  # fmt: skip
        assert [one.state for one in given] == [DeedState.OPEN, DeedState.OPEN]
        first, second = list_confirmations(session, by=operator, now=NOW)
        assert "同意" in first.said.zh

        assert confirm(session, confirmation_id=first.id, by=operator, now=NOW)
        refuse(session, confirmation_id=second.id, by=operator, now=NOW)

        states = [get_deed(session, deed_id=one.id, by=partner).state for one in given]
        assert states == [DeedState.AGREED, DeedState.DECLINED]
        assert held_grants(session, asset_id=house.asset_id, now=NOW) == []


def test_one_person_alone_cannot_take_over_a_house_by_a_key_of_its_own(house: House, colleague: Actor) -> None:
    with house.services.database.write() as session:
        add_key(session, address=OWN.address, by=house.seller, now=NOW)
        one = waiting(session, colleague)
        assert show_address(OWN.address) in one.said.zh
        refuse(session, confirmation_id=one.id, by=colleague, now=NOW)
        states = {key.address: key.state for key in list_keys(session, organisation_id=id_of(house.seller))}
        assert states[OWN.address] == KeyState.REFUSED


def test_it_is_read_and_confirmed_on_the_page_and_by_the_api(house: House, colleague: Actor) -> None:
    with house.services.database.write() as session:
        propose(house, session)
    mine, page = client_for(house.services, house.seller), client_for(house.services, colleague)
    buyer = client_for(house.services, house.buyer)

    own, shown = mine.get("/confirmations").text, page.get("/confirmations").text
    (one,) = page.get("/api/v1/confirmations").json()["confirmations"]
    myself = mine.post(f"/api/v1/confirmations/{one['id']}/confirmation")
    done = page.post(f"/confirmations/{one['id']}/confirm", follow_redirects=False)
    again = page.post(f"/api/v1/confirmations/{one['id']}/refusal")

    assert f"/confirmations/{one['id']}/confirm" in shown
    assert f"/confirmations/{one['id']}/confirm" not in own
    assert "朝天门的黄昏" in one["text"]["zh"]
    assert (myself.status_code, myself.json()["type"].rsplit("/", 1)[-1]) == (409, "same-person")
    assert (done.status_code, again.status_code) == (303, 409)
    assert buyer.get("/api/v1/confirmations").status_code == 403
    assert page.get("/api/v1/confirmations").json() == {"confirmations": []}


def test_a_decision_of_the_authority_needs_two_whoever_keeps_its_key(house: House, operator: Actor) -> None:
    keys = house.services.keys
    with house.services.database.write() as session:
        court = make_actor(session, roles={Role.REGULATOR, Role.RIGHTS_DESK})
        admit_organisation(session, keys, organisation_id=id_of(court), now=NOW)
        carry(house, session)
        add_key(session, address=OWN.address, by=court, now=NOW)
        session.get_one(KeyRow, (id_of(court), OWN.address)).state = KeyState.LIVE
        after = title_of_rights({EVERY: {id_of(house.seller): 10_000}})
        deed = correct_title(
            session, keys, asset_id=house.asset_id, after=after, decision="（2026）渝01民终1号", by=court, now=NOW
        )
        waits = [one for one in list_confirmations(session, by=operator, now=NOW) if "决定" in one.said.zh]
        carry(house, session)

        assert session.get_one(EntryRow, deed.entry_id).state == EntryState.UNSIGNED
        assert [("（2026）渝01民终1号" in one.said.zh, one.said.en[:13]) for one in waits] == [(True, "By decision: ")]


def test_keys_that_change_while_an_act_waits_never_leave_it_to_one_person(house: House, colleague: Actor) -> None:
    """The house's own key is asked to sign; once that key is retired, a second person is needed instead."""
    keys = house.services.keys
    with house.services.database.write() as session:
        own = KeyRow(
            organisation_id=id_of(house.seller), address=OWN.address, custody=CustodyKind.OWN, purpose=3,
            state=KeyState.LIVE, valid_from=1, created_at=NOW,
        )  # fmt: skip
        session.add(own)
        session.flush()
        entry = propose(house, session)
        assert list_confirmations(session, by=colleague, now=NOW) == ()
        assert [one.slot for one in signatures_of(session, entry.id)] == [SPEAKER]

        own.state = KeyState.RETIRED
        session.flush()
        assert list_pending(session, by=house.seller, now=NOW) == ()
        assert go_on_when_whole(session, entry, NOW) == EntryState.UNSIGNED
        one = waiting(session, colleague)

        own.state = KeyState.LIVE
        session.flush()
        assert not confirm(session, confirmation_id=one.id, by=colleague, now=NOW)
        assert entry.state == EntryState.UNSIGNED
        assert len(list_pending(session, by=house.seller, now=NOW)) == 1
        assert speaking(session, keys).custody(id_of(house.seller)).address != OWN.address


def test_a_decision_that_was_overtaken_by_another_act_is_given_up(house: House, operator: Actor) -> None:
    keys = house.services.keys
    with house.services.database.write() as session:
        court, bank = make_actor(session, roles={Role.REGULATOR}), make_actor(session, roles={Role.RIGHTS_DESK})
        propose(house, session)
        confirm_all(session)
        carry(house, session)
        after = title_of_rights({EVERY: {id_of(house.seller): 10_000}})
        decided = correct_title(session, keys, asset_id=house.asset_id, after=after, decision="判决", by=court, now=NOW)
        late = waiting(session, operator)
        pledge = propose_pledge(
            session, keys, asset_id=house.asset_id, rights=EVERY, pledgor=id_of(house.seller), pledgee=id_of(bank),
            instrument="质押", by=house.seller, now=NOW,
        )  # fmt: skip
        agree(session, keys, deed_id=pledge.id, by=bank, now=NOW)
        for one in list_confirmations(session, by=operator, now=NOW):
            if one.id != late.id:
                confirm(session, confirmation_id=one.id, by=operator, now=NOW)
        carry(house, session)

        assert not confirm(session, confirmation_id=late.id, by=operator, now=NOW)

        assert get_deed(session, deed_id=decided.id, by=court).state == DeedState.LAPSED
        title = title_on_chain(session, asset_id=house.asset_id)
        assert title is not None
        assert len(title.pledges) == 1


def test_a_recovery_needs_two_of_the_operator_and_stops_where_the_house_objects(house: House, operator: Actor) -> None:
    with house.services.database.write() as session:
        other = make_actor(session, roles={Role.OPERATOR})
        propose_recovery(session, organisation_id=id_of(house.seller), address=OWN.address, by=operator, now=NOW)
        one = waiting(session, operator)
        with pytest.raises(SamePerson):
            confirm(session, confirmation_id=one.id, by=operator, now=NOW)
        confirm(session, confirmation_id=one.id, by=other, now=NOW)
        carry(house, session)

        cancel_recovery(session, address=OWN.address, by=house.seller, now=NOW)
        with pytest.raises(RecoveryOpposed):
            recover(session, organisation_id=id_of(house.seller), address=OWN.address, by=operator, now=NOW)
        carry(house, session)

        states = {key.address: key.state for key in list_keys(session, organisation_id=id_of(house.seller))}
        assert states[OWN.address] == KeyState.REFUSED
        assert list_confirmations(session, by=other, now=NOW) == ()


def test_no_desk_is_second_person_of_what_the_exchange_does_with_keys(house: House, operator: Actor) -> None:
    """An operator alone makes accounts of the exchange's own desk, and would be both people."""
    keys, seller = house.services.keys, id_of(house.seller)
    with house.services.database.write() as session:
        exchange = session.get_one(PartyRow, operator.organisation_id)
        desk = make_actor(session, roles={Role.RIGHTS_DESK}, organisation=exchange)
        court, other = make_actor(session, roles={Role.REGULATOR}), make_actor(session, roles={Role.OPERATOR})
        token = replace(other, scopes=frozenset({"ledger.confirm", "ledger.confirm_office"}))
        rotate_key(session, keys, office=Office.RELAYER, reason="年度更换", by=operator, now=NOW)
        renew_custody(session, keys, organisation_id=seller, by=operator, now=NOW)
        propose_recovery(session, organisation_id=seller, address=OWN.address, by=operator, now=NOW)

        asked = list_confirmations(session, by=other, now=NOW)
        assert [list_confirmations(session, by=one, now=NOW) for one in (court, desk, house.seller)] == [asked, (), ()]
        told = [list_notices(session, person_id=require_person(one)) for one in (other, court, desk, operator)]
        assert [len(notices) for notices in told] == [3, 3, 0, 0]
        for one in asked:
            for act in (confirm, refuse):
                with pytest.raises(ConfirmationNotFound):
                    act(session, confirmation_id=one.id, by=desk, now=NOW)
            with pytest.raises(Forbidden):
                confirm(session, confirmation_id=one.id, by=token, now=NOW)
        assert list_confirmations(session, by=other, now=NOW) == asked

        first, second, third = (one.id for one in asked)
        assert confirm(session, confirmation_id=first, by=court, now=NOW)
        assert confirm(session, confirmation_id=second, by=other, now=NOW)
        refuse(session, confirmation_id=third, by=court, now=NOW)
        carry(house, session)

        reasons = session.exec(select(EntryRow.reason).where(EntryRow.state == EntryState.REFUSED)).all()
        assert reasons == [DECLINED_REASON]


def test_the_end_of_a_licence_that_the_ledger_refused_is_closed(house: House) -> None:
    keys = house.services.keys
    grant(house, make_terms())
    house.run()
    with house.services.database.write() as session:
        row = session.exec(select(GrantRow)).one()
        deed = propose_end(session, keys, number=row.number, reason="协议", by=house.seller, now=NOW)
        refuse_entry(session, session.get_one(EntryRow, row.entry_id), "Paused()")

    with house.services.database.write() as session:
        with pytest.raises(DeedClosed):
            agree(session, keys, deed_id=deed.id, by=house.buyer, now=NOW)
        with pytest.raises(DeedClosed):
            decline(session, deed_id=deed.id, by=house.buyer)
