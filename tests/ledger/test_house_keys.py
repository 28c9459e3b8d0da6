"""Keys that houses keep themselves: what waits for them, what they sign, and what nobody signs in their place."""

from datetime import timedelta
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from asset_hub.accounts import Actor, Role
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import BadInput, Forbidden
from ledger.addresses import read_address, show_address
from ledger.codebook import GrantKind
from ledger.consents import title_on_chain
from ledger.deeds import agree, propose_title, propose_transfer
from ledger.entries import admit_organisation, held_grants
from ledger.house_keys import add_key, cancel_recovery, is_in_custody, list_keys, propose_recovery, recover, retire_key
from ledger.key_errors import (
    BadKeyAddress,
    BadSignature,
    KeyMissing,
    KeyNotFound,
    KeyTaken,
    SignatureClosed,
    SignatureNotFound,
    TooLateToSign,
    WordsChanged,
)
from ledger.pending import Pending, give_signature, lapse_unsigned, list_pending
from ledger.signing import Key
from ledger.types import KeyState
from ledger.vault import speaking
from tests.builders import make_actor
from tests.ledger.houses import NOW, make_house, make_terms
from tests.ledger.test_deeds import Street, agrees_with_chain, carry, hold_for, id_of, license_to

OWN, NEXT, STRANGER = (Key(bytes([digit]) * 32) for digit in (7, 8, 9))
SOON = NOW + timedelta(minutes=1)
HELD = (("streaming", 1), ("cinema", 2))
EVERY = ("all",)


@pytest.fixture
def street(tmp_path: Path) -> Street:
    house = make_house(tmp_path)
    with house.services.database.write() as session:
        desks = [make_actor(session, roles={Role.RIGHTS_DESK, Role.PRODUCER}) for _ in range(4)]
        court = make_actor(session, roles={Role.REGULATOR})
    owner, bank, buyer, other = desks
    return Street(house, house.seller, owner, bank, buyer, other, court)


def sign(key: Key, pending: Pending) -> bytes:
    """Sign what is shown, by another implementation than ours."""
    return bytes(Account.sign_message(encode_typed_data(full_message=pending.typed), key.secret).signature)


def sign_all(session: WriteSession, who: Actor, key: Key, *, new: Key | None = None) -> int:
    waiting = list_pending(session, by=who, now=SOON)
    for one in waiting:
        signer = new if one.is_new_key and new else key
        give_signature(session, pending_id=one.id, signature=sign(signer, one), by=who, now=SOON)
    return len(waiting)


def take_own_key(street: Street, session: WriteSession, who: Actor, key: Key = OWN) -> None:
    """Let a house keep its own key, and end the one that the operator kept."""
    admit_organisation(session, street.house.services.keys, organisation_id=id_of(who), now=NOW)
    assert carry(street, session) == []
    add_key(session, address=key.address, by=who, now=NOW)
    assert sign_all(session, who, key) == 1
    assert carry(street, session) == ["None"]
    assert sign_all(session, who, key) == 1
    assert carry(street, session) == []


def states(session: WriteSession, who: Actor) -> dict[bytes, KeyState]:
    return {one.address: one.state for one in list_keys(session, organisation_id=id_of(who))}


def test_a_house_takes_its_own_key_and_ends_the_one_that_the_operator_kept(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        custody = speaking(session, keys).custody(id_of(street.seller)).address
        assert is_in_custody(session, organisation_id=id_of(street.seller))
        add_key(session, address=OWN.address, by=street.seller, now=NOW)
        assert states(session, street.seller) == {custody: KeyState.LIVE, OWN.address: KeyState.ASKED}
        assert carry(street, session) == ["None"]
        with pytest.raises(KeyTaken):
            add_key(session, address=OWN.address, by=street.seller, now=NOW)

        (proof,) = list_pending(session, by=street.seller, now=NOW)
        assert (proof.is_new_key, proof.address) == (True, OWN.address)
        assert show_address(OWN.address) in proof.said.zh
        with pytest.raises(BadSignature):
            give_signature(session, pending_id=proof.id, signature=sign(STRANGER, proof), by=street.seller, now=NOW)
        assert sign_all(session, street.seller, OWN) == 1
        assert carry(street, session) == ["None"]

        (ending,) = list_pending(session, by=street.seller, now=SOON)
        assert ending.typed["primaryType"] == "RetireKey"
        assert ending.typed["message"]["key"] == "0x" + custody.hex()
        assert sign_all(session, street.seller, OWN) == 1
        assert carry(street, session) == []
        assert states(session, street.seller) == {custody: KeyState.RETIRED, OWN.address: KeyState.LIVE}
        assert not is_in_custody(session, organisation_id=id_of(street.seller))


def test_a_deed_waits_for_the_house_and_is_carried_when_its_key_signed(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        take_own_key(street, session, street.seller)
        propose_title(
            session, keys, asset_id=street.asset, rights={EVERY: {id_of(street.seller): 10_000}}, instrument="合同",
            by=street.seller, now=NOW,
        )  # fmt: skip
        assert carry(street, session) == ["None"]
        assert title_on_chain(session, asset_id=street.asset) is None
        (one,) = list_pending(session, by=street.seller, now=SOON)
        assert one.said.zh.startswith("登记《朝天门的黄昏》")
        assert "100%" in one.said.zh
        assert one.typed["primaryType"] == "RecordTitle"
        for wrong in (sign(STRANGER, one), sign(OWN, one)[:-1], b"\0" * 65, bytes(one.digest)):
            with pytest.raises(BadSignature):
                give_signature(session, pending_id=one.id, signature=wrong, by=street.seller, now=SOON)
        with pytest.raises(SignatureNotFound):
            give_signature(session, pending_id=one.id, signature=sign(OWN, one), by=street.owner, now=SOON)
        with pytest.raises(SignatureClosed):
            give_signature(
                session, pending_id=one.id, signature=sign(OWN, one), by=street.seller, now=NOW + timedelta(days=7)
            )
        assert carry(street, session) == ["None"]

        assert sign_all(session, street.seller, OWN) == 1
        with pytest.raises(SignatureClosed):
            give_signature(session, pending_id=one.id, signature=sign(OWN, one), by=street.seller, now=SOON)
        assert carry(street, session) == []
        assert agrees_with_chain(street, session)

        moved = propose_transfer(
            session, keys, asset_id=street.asset, rights=EVERY, giver=id_of(street.seller), taker=id_of(street.buyer),
            bps=2_500, instrument="转让", by=street.seller, now=NOW,
        )  # fmt: skip
        agree(session, keys, deed_id=moved.id, by=street.buyer, now=NOW)
        (one,) = list_pending(session, by=street.seller, now=SOON)
        assert "25%" in one.said.en
        assert "25%" in one.said.zh
        assert list_pending(session, by=street.buyer, now=SOON) == ()
        assert sign_all(session, street.seller, OWN) == 1
        assert carry(street, session) == []
        assert agrees_with_chain(street, session)


def test_both_sides_of_a_hold_and_a_licence_sign_by_keys_of_their_own(street: Street) -> None:
    other = Key(b"\5" * 32)
    with street.house.services.database.write() as session:
        take_own_key(street, session, street.seller)
        hold_for(street, session, make_terms(uses=("cinema",)))
        sign_all(session, street.seller, OWN)
        assert carry(street, session) == []
        take_own_key(street, session, street.buyer, other)

        hold_for(street, session, make_terms(uses=("streaming",)))
        license_to(street, session, make_terms(uses=("satellite_tv",)))
        assert len(held_grants(session, asset_id=street.asset, now=NOW)) == 3
        assert sign_all(session, street.seller, OWN) == 2
        assert carry(street, session) == ["None", "None"]
        assert sign_all(session, street.buyer, other) == 2
        assert carry(street, session) == []
        assert agrees_with_chain(street, session)


def test_a_hold_is_signed_before_it_lapses_or_not_at_all(street: Street) -> None:
    with street.house.services.database.write() as session:
        take_own_key(street, session, street.seller)
        hold_for(street, session, make_terms(), days=1)
        (one,) = list_pending(session, by=street.seller, now=SOON)
    assert one.deadline.timestamp() == int((NOW + timedelta(days=1)).timestamp()) - 1
    with pytest.raises(TooLateToSign), street.house.services.database.write() as session:
        hold_for(street, session, make_terms(uses=("cinema",)), days=1 / 24 / 120)
    with street.house.services.database.write() as session:
        assert [waiting.id for waiting in list_pending(session, by=street.seller, now=SOON)] == [one.id]


def test_a_licence_out_of_a_hold_is_signed_before_the_hold_lapses_or_bought_without_it(street: Street) -> None:
    """In the hold's last minute nobody could sign; once it is over the same licence needs none and has seven days."""
    with street.house.services.database.write() as session:
        take_own_key(street, session, street.seller)
        holds = [hold_for(street, session, make_terms(uses=(use,)), days=days) for use, days in HELD]
        sign_all(session, street.seller, OWN)
        assert carry(street, session) == []
        license_to(street, session, make_terms(), hold=holds[0])
        (one,) = list_pending(session, by=street.seller, now=SOON)
        assert one.deadline.timestamp() == int((NOW + timedelta(days=1)).timestamp()) - 1
        assert sign_all(session, street.seller, OWN) == 1
        assert carry(street, session, later=timedelta(hours=23)) == []
    late = NOW + timedelta(days=2, seconds=-30)
    with pytest.raises(TooLateToSign), street.house.services.database.write() as session:
        license_to(street, session, make_terms(uses=("cinema",)), hold=holds[1], now=late)
    with street.house.services.database.write() as session:
        over = late + timedelta(minutes=1)
        license_to(street, session, make_terms(uses=("cinema",)), now=over)
        (one,) = list_pending(session, by=street.seller, now=over)
        assert one.deadline.timestamp() == int((over + timedelta(days=7)).timestamp())
        give_signature(session, pending_id=one.id, signature=sign(OWN, one), by=street.seller, now=over)
        assert carry(street, session, later=over - NOW) == []
        assert agrees_with_chain(street, session)


def test_what_is_not_signed_in_time_is_refused_and_blocks_nobody(street: Street) -> None:
    with street.house.services.database.write() as session:
        take_own_key(street, session, street.seller)
        license_to(street, session, make_terms())
        (one,) = list_pending(session, by=street.seller, now=SOON)
        lapse_unsigned(session, entry_id=one.entry_id, now=SOON)
        assert carry(street, session) == ["None"]

        lapse_unsigned(session, entry_id=one.entry_id, now=NOW + timedelta(days=7, seconds=1))

        assert carry(street, session) == ["SignatureMissing"]
        assert held_grants(session, asset_id=street.asset, now=NOW) == []
        assert list_pending(session, by=street.seller, now=SOON) == ()


def test_words_that_changed_meanwhile_are_read_and_signed_again(street: Street) -> None:
    with street.house.services.database.write() as session:
        take_own_key(street, session, street.buyer)
        license_to(street, session, make_terms(kind=GrantKind.SOLE, uses=("satellite_tv",)))
        (one,) = list_pending(session, by=street.buyer, now=SOON)
        license_to(street, session, make_terms(uses=("streaming",)), buyer=street.other)
        assert carry(street, session) == ["None"]
        with pytest.raises(WordsChanged):
            give_signature(session, pending_id=one.id, signature=sign(OWN, one), by=street.buyer, now=SOON)
        (again,) = list_pending(session, by=street.buyer, now=SOON)
        assert again.digest != one.digest
        sign_all(session, street.buyer, OWN)
        assert carry(street, session) == []
        assert agrees_with_chain(street, session)


def test_nobody_signs_in_the_place_of_a_house(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        take_own_key(street, session, street.seller)
    with street.house.services.database.write() as session:
        assert carry(street, session) == []
        until = NOW + timedelta(days=30)
        add_key(session, address=NEXT.address, valid_until=until, by=street.seller, now=NOW)
        assert sign_all(session, street.seller, OWN, new=NEXT) == 2
        assert carry(street, session) == []
        retire_key(session, address=OWN.address, by=street.seller, now=NOW)
        assert sign_all(session, street.seller, NEXT) == 1
        assert carry(street, session) == []
        with pytest.raises(BadInput):
            retire_key(session, address=NEXT.address, by=street.seller, now=NOW)
        with pytest.raises(KeyNotFound):
            retire_key(session, address=OWN.address, by=street.seller, now=NOW)
        propose_title(
            session, keys, asset_id=street.asset, rights={EVERY: {id_of(street.seller): 10_000}}, instrument="合同",
            by=street.seller, now=NOW,
        )  # fmt: skip
        (one,) = list_pending(session, by=street.seller, now=SOON)
        with pytest.raises(BadSignature):
            give_signature(session, pending_id=one.id, signature=sign(OWN, one), by=street.seller, now=SOON)
        with pytest.raises(KeyMissing):
            propose_title(
                session, keys, asset_id=street.asset, rights={EVERY: {id_of(street.seller): 10_000}}, instrument="合同",
                by=street.seller, now=until,
            )  # fmt: skip


def test_a_house_that_lost_its_key_is_helped_after_three_days_unless_it_objects(street: Street) -> None:
    with street.house.services.database.write() as session:
        operator = make_actor(session, roles={Role.OPERATOR})
        take_own_key(street, session, street.seller)
        house = id_of(street.seller)
        with pytest.raises(Forbidden):
            propose_recovery(session, organisation_id=house, address=NEXT.address, by=street.seller, now=NOW)
        propose_recovery(session, organisation_id=house, address=NEXT.address, by=operator, now=NOW)
        assert carry(street, session) == []
        cancel_recovery(session, address=NEXT.address, by=street.seller, now=NOW)
        assert sign_all(session, street.seller, OWN) == 1
        assert carry(street, session) == []
        assert states(session, street.seller)[NEXT.address] == KeyState.REFUSED

        propose_recovery(session, organisation_id=house, address=NEXT.address, by=operator, now=NOW)
        assert carry(street, session) == []
        recover(session, organisation_id=house, address=NEXT.address, by=operator, now=NOW)
        (reason,) = carry(street, session)
        assert reason.startswith("NotReady")
        recover(session, organisation_id=house, address=NEXT.address, by=operator, now=NOW)
        assert carry(street, session, later=timedelta(days=3, hours=1)) == [reason]
        assert states(session, street.seller)[NEXT.address] == KeyState.LIVE


def test_a_key_that_only_countersigns_leaves_the_acts_to_the_custodian(street: Street) -> None:
    with street.house.services.database.write() as session:
        add_key(session, address=OWN.address, purpose=2, by=street.seller, now=NOW)
        assert sign_all(session, street.seller, OWN) == 1
        assert carry(street, session) == []
        assert is_in_custody(session, organisation_id=id_of(street.seller))
        license_to(street, session, make_terms())
        assert carry(street, session) == []


@pytest.mark.parametrize("text", ["", "0x", "zz" * 20, "ab" * 19, "0x" + "00" * 20, "ab" * 21])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadKeyAddress):
        read_address(text)


def test_an_address_with_a_changed_letter_is_refused() -> None:
    shown = show_address(OWN.address)
    assert read_address(shown) == read_address(shown.lower()) == OWN.address
    index = next(i for i, letter in enumerate(shown) if letter.isalpha() and i > 1)
    with pytest.raises(BadKeyAddress):
        read_address(shown[:index] + shown[index].swapcase() + shown[index + 1 :])


def test_licences_signed_in_another_order_than_decided_leave_the_lists_whole(street: Street) -> None:
    with street.house.services.database.write() as session:
        take_own_key(street, session, street.seller)
        license_to(street, session, make_terms())
        license_to(street, session, make_terms(uses=("cinema",)), buyer=street.other)
        first, second = list_pending(session, by=street.seller, now=SOON)
        for one in (second, first):
            give_signature(session, pending_id=one.id, signature=sign(OWN, one), by=street.seller, now=SOON)
        assert carry(street, session) == []

        assert agrees_with_chain(street, session)
        license_to(street, session, make_terms(uses=("satellite_tv",), kind=GrantKind.EXCLUSIVE))
        assert sign_all(session, street.seller, OWN) == 1
        assert carry(street, session) == []
        assert agrees_with_chain(street, session)
