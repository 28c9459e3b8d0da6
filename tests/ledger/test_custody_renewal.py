"""The key that the exchange keeps for a house is renewed, and any key of a house is ended by the registrar."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, select

from asset_hub.accounts import Actor, Role, require_person
from asset_hub.accounts.models import PersonRow
from asset_hub.catalogue import AssetKind, ElementValue, Secrecy, create_draft, publish_asset
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import BadInput, Forbidden
from asset_hub.core.ids import new_id
from asset_hub.messages import list_notices
from ledger.addresses import show_address
from ledger.confirmations import confirm, list_confirmations, refuse
from ledger.deeds import propose_title
from ledger.entries import admit_organisation
from ledger.errors import EntryNotFound
from ledger.house_keys import (
    add_key,
    cancel_recovery,
    end_key_of,
    is_in_custody,
    keeps_own_keys,
    list_keys,
    propose_recovery,
    recover,
    renew_custody,
    retire_key,
)
from ledger.key_errors import KeyActOpen, KeyMissing, KeyNotFound, NotInCustody, RecoveryOpposed, SamePerson
from ledger.key_models import KeyRow
from ledger.models import EntryRow, OrgRow
from ledger.pending import lapse_unsigned, list_pending
from ledger.replay import verify_journal
from ledger.submit import submit_next
from ledger.types import OVERTAKEN_REASON, UNCONFIRMED_REASON, UNSIGNED_REASON, EntryKind, EntryState, KeyState
from ledger.vault import speaking
from tests.builders import make_actor
from tests.commands import Shell, shell
from tests.ledger.houses import NOW, confirm_all, make_house, make_terms
from tests.ledger.test_deeds import Street, carry, id_of, license_to
from tests.ledger.test_house_keys import NEXT, OWN, SOON, sign_all, states, street, take_own_key
from tests.web.pages import client_for

__all__ = ["shell", "street"]
EVERY = ("all",)


def operator_of(session: WriteSession) -> Actor:
    return make_actor(session, roles={Role.OPERATOR})


def renew(street: Street, session: WriteSession, who: Actor, *, by: Actor | None = None) -> EntryRow:
    asked = renew_custody(
        session, street.house.services.keys, organisation_id=id_of(who), by=by or operator_of(session), now=NOW
    )
    return session.get_one(EntryRow, asked)


def kept(street: Street, session: WriteSession, who: Actor) -> bytes:
    return speaking(session, street.house.services.keys).custody(id_of(who)).address


def end(session: WriteSession, who: Actor, address: bytes, *, reason: str = "疑似泄露") -> None:
    by = operator_of(session)
    end_key_of(session, organisation_id=id_of(who), address=address, reason=reason, by=by, now=NOW)


def key_acts(session: WriteSession) -> list[tuple[str, str]]:
    rows = session.exec(select(EntryRow).where(EntryRow.kind == EntryKind.KEY).order_by(col(EntryRow.number)))
    return [(row.args["act"], row.state) for row in rows]


def make_first_key_speak(street: Street, session: WriteSession, who: Actor) -> bytes:
    """Make the house one of a home from before: its key is derived from the home's secret, not drawn."""
    row = session.exec(select(KeyRow).where(KeyRow.organisation_id == id_of(who))).one()
    session.delete(row)
    session.flush()
    first = street.house.services.keys.first.custody(id_of(who)).address
    session.add(KeyRow(**{**row.model_dump(), "address": first, "sealed": None}))
    session.get_one(OrgRow, id_of(who)).address = first
    session.flush()
    return first


def test_a_renewed_key_signs_what_comes_next_and_the_one_before_is_refused(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        before = kept(street, session, street.seller)
        renew(street, session, street.seller)
        assert kept(street, session, street.seller) == before
        assert carry(street, session) == []
        after = kept(street, session, street.seller)
        assert states(session, street.seller) == {before: KeyState.RETIRED, after: KeyState.LIVE}
        assert is_in_custody(session, organisation_id=id_of(street.seller))
        assert session.get_one(OrgRow, id_of(street.seller)).address == after != before
        license_to(street, session, make_terms())
        assert carry(street, session) == []
        assert verify_journal(session, keys).problems == ()

        session.get_one(KeyRow, (id_of(street.seller), after)).state = KeyState.RETIRED
        session.get_one(KeyRow, (id_of(street.seller), before)).state = KeyState.LIVE
        session.flush()
        license_to(street, session, make_terms(uses=("cinema",)))
        (reason,) = carry(street, session)
        assert reason.startswith("NotSignedByOrg")


def test_what_is_signed_while_both_keys_are_live_is_taken(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        renew(street, session, street.seller)
        confirm_all(session)
        license_to(street, session, make_terms())
        assert submit_next(session, keys, now=NOW) == 1
        assert sorted(states(session, street.seller).values()) == [KeyState.LIVE, KeyState.LIVE]
        license_to(street, session, make_terms(uses=("cinema",)))
        assert carry(street, session) == []
        assert [kind for kind, _state in key_acts(session)] == ["AddKey", "RetireKey"]
        assert sorted(states(session, street.seller).values()) == [KeyState.LIVE, KeyState.RETIRED]


def test_a_key_is_renewed_again_and_again(street: Street) -> None:
    with street.house.services.database.write() as session:
        seen = [kept(street, session, street.seller)]
        for _ in range(3):
            renew(street, session, street.seller)
            assert carry(street, session) == []
            seen.append(kept(street, session, street.seller))
        license_to(street, session, make_terms())
        assert carry(street, session) == []
        assert len(set(seen)) == 4
        assert states(session, street.seller) == dict.fromkeys(seen[:3], KeyState.RETIRED) | {seen[3]: KeyState.LIVE}


def test_a_home_from_before_renews_a_key_that_was_derived(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        old = make_actor(session, roles={Role.ARCHIVIST, Role.RIGHTS_DESK})
        asset_id = create_draft(
            session, kind=AssetKind.PICTURE, owner_id=id_of(old), secrecy=Secrecy.OPEN,
            values=[ElementValue("title", "旧照片", "person:1", "zh")], by=old, now=NOW,
        )  # fmt: skip
        publish_asset(session, asset_id=asset_id, by=old, now=NOW)
    with street.house.services.database.write() as session:
        admit_organisation(session, keys, organisation_id=id_of(old), now=NOW)
        first = make_first_key_speak(street, session, old)
    street.house.run()
    with street.house.services.database.write() as session:
        assert kept(street, session, old) == first
        renew(street, session, old)
        assert carry(street, session) == []
        after = kept(street, session, old)
        assert states(session, old) == {first: KeyState.RETIRED, after: KeyState.LIVE}
        propose_title(
            session, keys, asset_id=asset_id, rights={EVERY: {id_of(old): 10_000}}, instrument="合同", by=old, now=NOW
        )
        assert carry(street, session) == []
        assert verify_journal(session, keys).problems == ()


def test_nothing_is_renewed_without_a_second_person_of_the_exchange(street: Street) -> None:
    with street.house.services.database.write() as session:
        first, second = operator_of(session), operator_of(session)
        before = kept(street, session, street.seller)
        entry = renew(street, session, street.seller, by=first)
        (one,) = list_confirmations(session, by=second, now=NOW)
        drawn = show_address(bytes.fromhex(entry.args["address"]))
        assert one.said.zh.startswith("更换平台为“")
        assert drawn in one.said.zh
        assert one.said.en.startswith("The exchange renews the key that it keeps for ")
        assert drawn in one.said.en
        assert list_pending(session, by=street.seller, now=SOON) == ()
        with pytest.raises(SamePerson):
            confirm(session, confirmation_id=one.id, by=first, now=NOW)
        while submit_next(session, street.house.services.keys, now=NOW):
            pass
        assert kept(street, session, street.seller) == before


@pytest.mark.parametrize("how", ["refused", "lapsed", "the chain"])
def test_a_renewal_that_comes_to_nothing_leaves_no_key(street: Street, how: str) -> None:
    with street.house.services.database.write() as session:
        before, operator = kept(street, session, street.seller), operator_of(session)
        entry = renew(street, session, street.seller)
        if how == "refused":
            (one,) = list_confirmations(session, by=operator, now=NOW)
            refuse(session, confirmation_id=one.id, by=operator, now=NOW)
        elif how == "lapsed":
            lapse_unsigned(session, entry_id=entry.id, now=NOW + timedelta(days=8))
            assert entry.reason == UNCONFIRMED_REASON
        else:
            entry.args = {**entry.args, "purpose": 4}
            (reason,) = carry(street, session)
            assert reason.startswith("BadKey")
        assert entry.state == EntryState.REFUSED
        assert states(session, street.seller) == {before: KeyState.LIVE}
        renew(street, session, street.seller)
        carry(street, session)
        assert states(session, street.seller)[before] == KeyState.RETIRED


def test_what_cannot_be_renewed_is_refused_and_leaves_nothing(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        operator = operator_of(session)
        take_own_key(street, session, street.seller)
        newcomer = make_actor(session, roles={Role.RIGHTS_DESK})
    for error, organisation_id, by in (
        (NotInCustody, id_of(street.seller), operator), (EntryNotFound, id_of(newcomer), operator),
        (EntryNotFound, new_id(), operator), (Forbidden, id_of(street.seller), street.seller),
    ):  # fmt: skip
        with street.house.services.database.write() as session:
            held = session.exec(select(KeyRow)).all()
            with pytest.raises(error):
                renew_custody(session, keys, organisation_id=organisation_id, by=by, now=NOW)
            assert session.exec(select(KeyRow)).all() == held
            assert list_confirmations(session, by=operator, now=NOW) == ()


def test_of_two_renewals_one_is_asked_for(street: Street) -> None:
    with street.house.services.database.write() as session:
        renew(street, session, street.seller)
        with pytest.raises(KeyActOpen):
            renew(street, session, street.seller)
        assert [state for _act, state in key_acts(session)] == [EntryState.UNSIGNED]
        assert len(list_keys(session, organisation_id=id_of(street.seller))) == 2
        confirm_all(session)
        with pytest.raises(KeyActOpen):
            renew(street, session, street.seller)
        assert carry(street, session) == []


def test_the_last_key_of_a_house_is_not_ended_while_the_renewed_one_comes(street: Street) -> None:
    with street.house.services.database.write() as session:
        renew(street, session, street.seller)
        confirm_all(session)
        assert submit_next(session, street.house.services.keys, now=NOW) == 1
        with pytest.raises(BadInput):
            retire_key(session, address=kept(street, session, street.seller), by=street.seller, now=NOW)
        assert carry(street, session) == []
        assert is_in_custody(session, organisation_id=id_of(street.seller))


def test_a_house_that_takes_its_own_key_overtakes_a_renewal_that_waits(street: Street) -> None:
    with street.house.services.database.write() as session:
        add_key(session, address=OWN.address, by=street.seller, now=NOW)
        sign_all(session, street.seller, OWN)
        confirm_all(session)
        entry = renew(street, session, street.seller)
        while submit_next(session, street.house.services.keys, now=NOW):
            pass
        assert (entry.state, entry.reason) == (EntryState.REFUSED, OVERTAKEN_REASON)
        assert sign_all(session, street.seller, OWN) == 1
        assert carry(street, session) == [OVERTAKEN_REASON]
        assert keeps_own_keys(session, organisation_id=id_of(street.seller))
        assert len(states(session, street.seller)) == 2


@pytest.mark.parametrize("order", ["renewal first", "own key first"])
def test_a_renewed_key_never_ends_the_key_of_a_house(street: Street, order: str) -> None:
    with street.house.services.database.write() as session:
        first = kept(street, session, street.seller)
        if order == "renewal first":
            entry = renew(street, session, street.seller)
            confirm_all(session)
        add_key(session, address=OWN.address, by=street.seller, now=NOW)
        sign_all(session, street.seller, OWN)
        if order == "own key first":
            entry = renew(street, session, street.seller)
        carry(street, session)
        assert entry.state == EntryState.CONFIRMED
        while sign_all(session, street.seller, OWN):
            assert [one for one in carry(street, session) if one != "None" and "UnknownKey" not in one] == []

        drawn = bytes.fromhex(entry.args["address"])
        assert states(session, street.seller) == {
            first: KeyState.RETIRED, drawn: KeyState.RETIRED, OWN.address: KeyState.LIVE
        }  # fmt: skip
        assert keeps_own_keys(session, organisation_id=id_of(street.seller))
        license_to(street, session, make_terms())
        assert sign_all(session, street.seller, OWN) == 1


def test_a_key_that_only_countersigns_stays_when_the_kept_one_is_renewed(street: Street) -> None:
    with street.house.services.database.write() as session:
        add_key(session, address=OWN.address, purpose=2, by=street.seller, now=NOW)
        assert sign_all(session, street.seller, OWN) == 1
        assert carry(street, session) == []
        before = kept(street, session, street.seller)
        renew(street, session, street.seller)
        assert carry(street, session) == []
        after = kept(street, session, street.seller)
        assert states(session, street.seller) == {
            before: KeyState.RETIRED, after: KeyState.LIVE, OWN.address: KeyState.LIVE
        }  # fmt: skip


def test_the_secret_of_a_renewed_key_is_nowhere_in_the_open(street: Street) -> None:
    services = street.house.services
    with services.database.write() as session:
        renew(street, session, street.seller)
        assert carry(street, session) == []
    with services.database.read() as session:
        secret = speaking(session, services.keys).custody(id_of(street.seller)).secret
        address = speaking(session, services.keys).custody(id_of(street.seller)).address
    stored = b"".join(path.read_bytes() for path in services.settings.home.glob("*.db*"))
    assert address in stored
    assert secret not in stored
    assert secret.hex().encode() not in stored


def test_the_registrar_ends_a_houses_own_key_and_tells_its_desk(street: Street) -> None:
    with street.house.services.database.write() as session:
        take_own_key(street, session, street.seller)
        until = NOW + timedelta(days=30)
        add_key(session, address=NEXT.address, valid_until=until, by=street.seller, now=NOW)
        assert sign_all(session, street.seller, OWN, new=NEXT) == 2
        assert carry(street, session) == []
        end(session, street.seller, OWN.address)
        (one,) = list_confirmations(session, by=operator_of(session), now=NOW)
        assert one.said.zh == f"交易所作为登记人停用“山城档案馆”的密钥 {show_address(OWN.address)}。理由：疑似泄露"
        assert one.said.en.endswith("Why: 疑似泄露")
        assert "recovery" not in one.said.en
        with pytest.raises(KeyActOpen):
            end(session, street.seller, OWN.address)
        assert list_pending(session, by=street.seller, now=SOON) == ()
        assert carry(street, session) == []
        assert states(session, street.seller)[OWN.address] == KeyState.RETIRED
        (told,) = list_notices(session, person_id=require_person(street.seller))
        assert (told.link, told.text.params["reason"]) == ("/keys", "疑似泄露")
        assert show_address(OWN.address) in str(told.text)
        assert "no other" not in str(told.text)
        license_to(street, session, make_terms())
        assert sign_all(session, street.seller, NEXT) == 1
        assert carry(street, session) == []
        assert verify_journal(session, street.house.services.keys).problems == ()


def end_last_key(street: Street, keeper: str) -> tuple[Actor, UUID]:
    """End a house's only key while a title of it waits; return a person of the exchange and the title's entry."""
    keys, house = street.house.services.keys, id_of(street.seller)
    with street.house.services.database.write() as session:
        operator, last = operator_of(session), kept(street, session, street.seller)
        if keeper == "house":
            take_own_key(street, session, street.seller)
            last = OWN.address
        deed = propose_title(
            session, keys, asset_id=street.asset, rights={EVERY: {house: 10_000}}, instrument="合同", by=street.seller,
            now=NOW,
        )  # fmt: skip
        assert deed.entry_id is not None
        end(session, street.seller, last)
        ending = list_confirmations(session, by=operator, now=NOW)[-1]
        assert "须经恢复才能签署" in ending.said.zh
        assert "it then needs a recovery" in ending.said.en
        assert confirm(session, confirmation_id=ending.id, by=operator, now=NOW)
        submit(street, session)
        assert states(session, street.seller)[last] == KeyState.RETIRED
        return operator, deed.entry_id


def submit(street: Street, session: WriteSession, *, later: timedelta = timedelta()) -> None:
    """Carry what goes, and confirm nothing."""
    while submit_next(session, street.house.services.keys, now=NOW + later):
        pass
    session.expire_all()


KEEPERS = pytest.mark.parametrize("keeper", ["house", "exchange"])


@KEEPERS
def test_a_house_whose_only_key_was_ended_is_told_and_can_do_nothing(street: Street, keeper: str) -> None:
    services, house = street.house.services, id_of(street.seller)
    operator, waiting = end_last_key(street, keeper)
    with services.database.write() as session:
        (told, *_earlier) = list_notices(session, person_id=require_person(street.seller))
        assert "until the exchange recovers it" in str(told.text)
        assert not keeps_own_keys(session, organisation_id=house)
        assert not is_in_custody(session, organisation_id=house)
        assert list_pending(session, by=street.seller, now=SOON) == ()
        confirmations = list_confirmations(session, by=operator, now=NOW)
    assert "No key speaks for this house now" in client_for(services, street.seller).get("/keys").text
    for one in confirmations:
        with pytest.raises(KeyMissing), services.database.write() as session:
            confirm(session, confirmation_id=one.id, by=operator, now=NOW)
    with pytest.raises(KeyMissing), services.database.write() as session:
        license_to(street, session, make_terms())
    with pytest.raises(KeyMissing), services.database.write() as session:
        renew_custody(session, services.keys, organisation_id=house, by=operator, now=NOW)

    with services.database.write() as session:
        lapse_unsigned(session, entry_id=waiting, now=NOW + timedelta(days=8))
        lapsed = session.get_one(EntryRow, waiting)
        reason = UNSIGNED_REASON if keeper == "house" else UNCONFIRMED_REASON
        assert (lapsed.state, lapsed.reason) == (EntryState.REFUSED, reason)


@KEEPERS
def test_a_house_whose_only_key_was_ended_is_recovered_and_signs_what_waited(street: Street, keeper: str) -> None:
    services, house, later = street.house.services, id_of(street.seller), timedelta(days=3, hours=1)
    operator, waiting = end_last_key(street, keeper)
    with services.database.write() as session:
        propose_recovery(session, organisation_id=house, address=NEXT.address, by=operator, now=NOW)
        second = operator_of(session)
        confirm(session, confirmation_id=list_confirmations(session, by=second, now=NOW)[-1].id, by=second, now=NOW)
        submit(street, session)
        recover(session, organisation_id=house, address=NEXT.address, by=operator, now=NOW + later)
        submit(street, session, later=later)
        assert states(session, street.seller)[NEXT.address] == KeyState.LIVE
        for one in list_confirmations(session, by=second, now=NOW + later):
            assert not confirm(session, confirmation_id=one.id, by=second, now=NOW + later)
        assert sign_all(session, street.seller, NEXT) == 1
        submit(street, session, later=later)

        assert session.get_one(EntryRow, waiting).state == EntryState.CONFIRMED
        assert keeps_own_keys(session, organisation_id=house)
        assert verify_journal(session, services.keys).problems == ()


def test_a_house_whose_only_key_was_ended_objects_to_a_key_that_is_not_its_own(street: Street) -> None:
    services, house = street.house.services, id_of(street.seller)
    operator, _ = end_last_key(street, "house")
    with services.database.write() as session:
        propose_recovery(session, organisation_id=house, address=NEXT.address, by=operator, now=NOW)
        second = operator_of(session)
        confirm(session, confirmation_id=list_confirmations(session, by=second, now=NOW)[-1].id, by=second, now=NOW)
        submit(street, session)
        (told, *_earlier) = list_notices(session, person_id=require_person(street.seller))
        assert show_address(NEXT.address) in str(told.text)
        with pytest.raises(Forbidden):
            cancel_recovery(session, address=NEXT.address, by=street.court, now=NOW)
        cancel_recovery(session, address=NEXT.address, by=street.seller, now=NOW)
        with pytest.raises(RecoveryOpposed):
            recover(session, organisation_id=house, address=NEXT.address, by=operator, now=NOW + timedelta(days=4))
        submit(street, session)
        assert states(session, street.seller)[NEXT.address] == KeyState.REFUSED
        with pytest.raises(KeyNotFound):
            recover(session, organisation_id=house, address=NEXT.address, by=operator, now=NOW + timedelta(days=4))
        assert verify_journal(session, services.keys).problems == ()


def test_what_the_registrar_cannot_end_is_refused_and_leaves_nothing(street: Street) -> None:
    with street.house.services.database.write() as session:
        operator, house = operator_of(session), id_of(street.seller)
        last = kept(street, session, street.seller)
        for error, organisation_id, address, reason, by in (
            (Forbidden, house, last, "x", street.seller), (BadInput, house, last, " ", operator),
            (KeyNotFound, house, OWN.address, "x", operator), (KeyNotFound, id_of(street.buyer), last, "x", operator),
        ):  # fmt: skip
            with pytest.raises(error):
                end_key_of(session, organisation_id=organisation_id, address=address, reason=reason, by=by, now=NOW)
        assert key_acts(session) == []


def test_a_key_is_renewed_and_ended_by_the_api(street: Street) -> None:
    services, house = street.house.services, str(id_of(street.seller))
    with services.database.write() as session:
        operator = operator_of(session)
    desk, home = client_for(services, operator), client_for(services, street.seller)

    assert home.post("/api/v1/renewals", json={"organisation": house}).status_code == 403
    renewed = desk.post("/api/v1/renewals", json={"organisation": house})
    assert renewed.status_code == 201
    again = desk.post("/api/v1/renewals", json={"organisation": house})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/key-act-open")
    with services.database.write() as session:
        assert carry(street, session) == []
    keys = {one["state"]: one["address"] for one in home.get("/api/v1/keys").json()["keys"]}
    assert sorted(keys) == ["live", "retired"]
    wanted = {"organisation": house, "address": keys["live"], "reason": "审计"}
    assert home.post("/api/v1/key-ends", json=wanted).status_code == 403
    assert desk.post("/api/v1/key-ends", json={**wanted, "reason": ""}).status_code == 422
    assert desk.post("/api/v1/key-ends", json={**wanted, "address": keys["retired"]}).status_code == 404
    assert desk.post("/api/v1/key-ends", json=wanted).status_code == 201
    with services.database.write() as session:
        assert carry(street, session) == []
    facts = home.get("/api/v1/keys").json()
    assert (facts["operator_can_sign"], {one["state"] for one in facts["keys"]}) == (False, {"retired"})


def keys_of(shell: Shell) -> list[tuple[str, str]]:
    facts = shell("key", "list", "山城档案馆", "--json").json
    return [(one["state"], one["address"]) for one in facts["keys"]]


def confirm_last(shell: Shell) -> bool:
    """Confirm, as another person of the exchange, what was asked for last."""
    *_, asked = shell("confirm", "list", "--by", "second", "--json").json["confirmations"]
    return bool(shell("confirm", "give", asked["id"], "--by", "second", "--json").json["goes_on"])


def test_a_key_is_renewed_and_ended_by_commands(shell: Shell, tmp_path: Path) -> None:
    opened = make_house(tmp_path)
    with opened.services.database.write() as session:
        session.get_one(PersonRow, require_person(operator_of(session))).login = "second"
    opened.services.database.dispose()
    ((_live, before),) = keys_of(shell)

    codes = [shell("key", "renew", "山城档案馆").code, shell("key", "renew", "山城档案馆").code]
    assert confirm_last(shell)
    renewed = keys_of(shell)
    codes += [shell("key", "end", "山城档案馆", renewed[1][1], *why).code for why in ((), ("--reason", "审计"))]
    assert confirm_last(shell)

    assert codes == [0, 1, 2, 0]
    assert [state for state, _address in renewed] == ["retired", "live"]
    assert renewed[0][1] == before
    assert [state for state, _address in keys_of(shell)] == ["retired", "retired"]
