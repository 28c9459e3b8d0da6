"""Every key that the exchange keeps for houses is renewed by two words, house by house on the ledger."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.accounts import Role, require_person
from asset_hub.accounts.models import PersonRow
from asset_hub.accounts.suspension import suspend_party
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import Forbidden
from ledger.confirmations import confirm, list_confirmations
from ledger.entries import admit_organisation
from ledger.house_keys import list_keys, renew_custody
from ledger.key_errors import HouseSuspended
from ledger.models import EntryRow
from ledger.renewals import confirm_renewals, renew_every_custody
from ledger.replay import verify_journal
from ledger.types import OVERTAKEN_REASON, CustodyKind, EntryKind, EntryState, KeyState
from tests.builders import make_actor
from tests.commands import Shell, shell
from tests.ledger.houses import NOW, make_house, make_terms
from tests.ledger.test_carry import anvil_shop, entries_of, failed_jobs, verified, work_until
from tests.ledger.test_custody_renewal import end, kept, keys_of, operator_of, renew, submit
from tests.ledger.test_deeds import Street, carry, id_of, license_to
from tests.ledger.test_house_keys import OWN, states, street, take_own_key
from tests.marketplace.shop import Shop
from tests.marketplace.shop import make_terms as make_shop_terms

__all__ = ["anvil_shop", "shell", "street"]


def admit(street: Street, session: WriteSession) -> None:
    for one in (street.owner, street.bank, street.buyer, street.other):
        admit_organisation(session, street.house.services.keys, organisation_id=id_of(one), now=NOW)
    assert carry(street, session) == []


def test_every_kept_key_is_renewed_by_two_words(street: Street) -> None:
    keys, houses = street.house.services.keys, (street.seller, street.owner, street.buyer)
    with street.house.services.database.write() as session:
        first, second = operator_of(session), operator_of(session)
        admit(street, session)
        take_own_key(street, session, street.bank)
        renew(street, session, street.other, by=second)
        before = [kept(street, session, one) for one in houses]

        asked = renew_every_custody(session, keys, by=first, now=NOW)
        assert sorted(asked) == sorted(id_of(one) for one in houses)
        assert renew_every_custody(session, keys, by=second, now=NOW) == ()
        assert confirm_renewals(session, by=first, now=NOW) == 1  # the one that the other had asked for
        assert confirm_renewals(session, by=second, now=NOW) == len(houses)
        assert confirm_renewals(session, by=second, now=NOW) == 0
        submit(street, session)

        for one, old in zip(houses, before, strict=True):
            assert states(session, one) == {old: KeyState.RETIRED, kept(street, session, one): KeyState.LIVE}
        own = [one for one in list_keys(session, organisation_id=id_of(street.bank)) if one.state == KeyState.LIVE]
        assert [(one.address, one.custody) for one in own] == [(OWN.address, CustodyKind.OWN)]
        license_to(street, session, make_terms())
        assert carry(street, session) == []
        assert verify_journal(session, keys).problems == ()


def test_the_word_for_all_renewals_confirms_nothing_else(street: Street) -> None:
    with street.house.services.database.write() as session:
        second = operator_of(session)
        admit(street, session)
        end(session, street.buyer, kept(street, session, street.buyer))
        renew(street, session, street.seller)

        assert confirm_renewals(session, by=second, now=NOW) == 1
        (left,) = list_confirmations(session, by=second, now=NOW)
        assert "作为登记人停用" in left.said.zh


def test_a_renewal_of_a_house_whose_only_key_is_ended_holds_up_no_other(street: Street) -> None:
    with street.house.services.database.write() as session:
        second = operator_of(session)
        admit(street, session)
        last = kept(street, session, street.buyer)
        overtaken, renewed = renew(street, session, street.buyer), renew(street, session, street.seller)
        end(session, street.buyer, last)
        ending = list_confirmations(session, by=second, now=NOW)[-1]
        confirm(session, confirmation_id=ending.id, by=second, now=NOW)
        submit(street, session)

        assert (overtaken.state, overtaken.reason) == (EntryState.REFUSED, OVERTAKEN_REASON)
        assert states(session, street.buyer) == {last: KeyState.RETIRED}
        assert confirm_renewals(session, by=second, now=NOW) == 1
        submit(street, session)
        assert renewed.state == EntryState.CONFIRMED


def test_a_suspended_house_is_left_out(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        operator = operator_of(session)
        admit(street, session)
        suspend_party(session, organisation_id=id_of(street.buyer), reason="查", by=operator, now=NOW)
        assert carry(street, session) == []
        with pytest.raises(HouseSuspended):
            renew_custody(session, keys, organisation_id=id_of(street.buyer), by=operator, now=NOW)
        assert len(list_keys(session, organisation_id=id_of(street.buyer))) == 1

        asked = renew_every_custody(session, keys, by=operator, now=NOW)
        assert id_of(street.buyer) not in asked
        assert len(asked) == 4


def test_only_the_exchange_renews_and_no_house_or_token_confirms(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        for by in (street.seller, make_actor(session, roles={Role.REGULATOR})):
            with pytest.raises(Forbidden):
                renew_every_custody(session, keys, by=by, now=NOW)
        for by in (street.seller, replace(operator_of(session), scopes=frozenset({"ledger.confirm_office"}))):
            with pytest.raises(Forbidden):
                confirm_renewals(session, by=by, now=NOW)
        assert session.exec(select(EntryRow).where(EntryRow.kind == EntryKind.KEY)).first() is None


def test_all_keys_are_renewed_by_commands(shell: Shell, tmp_path: Path) -> None:
    opened = make_house(tmp_path)
    with opened.services.database.write() as session:
        session.get_one(PersonRow, require_person(operator_of(session))).login = "second"
    opened.services.database.dispose()

    codes = [shell("key", "renew", *what).code for what in ((), ("山城档案馆", "--all"), ("--all",))]
    own_word = shell("key", "confirm-renewals")
    other_word = shell("key", "confirm-renewals", "--by", "second")

    assert codes == [2, 2, 0]
    assert (own_word.out.strip(), other_word.out.strip()) == ("confirmed: 0", "confirmed: 1")
    assert [state for state, _address in keys_of(shell)] == ["retired", "live"]


def test_a_kept_key_is_renewed_on_another_engine(anvil_shop: Shop) -> None:
    services, seller = anvil_shop.services, anvil_shop.seller
    with services.database.write() as session:
        renew_custody(session, services.keys, organisation_id=id_of(seller), by=operator_of(session), now=clock.now())
        assert confirm_renewals(session, by=operator_of(session), now=clock.now()) == 1
    work_until(services, lambda: EntryState.RECORDED not in entries_of(services))
    licence = anvil_shop.buy(anvil_shop.make_buyer(), make_shop_terms())

    assert failed_jobs(services) == []
    assert set(entries_of(services)) == {EntryState.CONFIRMED}
    assert verified(services, licence.id).is_valid
    with services.database.read() as session:
        assert [one.state for one in list_keys(session, organisation_id=id_of(seller))] == ["retired", "live"]
        assert verify_journal(session, services.keys).problems == ()
