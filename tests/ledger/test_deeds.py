"""Titles, pledges, consents, holds, licences under licences and ends: agreed by every side, recorded, and enforced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from eth_abi.abi import decode
from sqlmodel import select

from asset_hub.accounts import Actor, Role, require_organisation
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import BadInput, Forbidden
from asset_hub.core.ids import new_id
from ledger.acts import heads, rolling_head, work_key
from ledger.calls import encode_call
from ledger.codebook import GrantKind
from ledger.consents import title_on_chain
from ledger.deeds import (
    agree,
    consent_to_licences,
    correct_title,
    decline,
    get_deed,
    list_deeds,
    propose_end,
    propose_pledge,
    propose_title,
    propose_transfer,
    release_pledge,
)
from ledger.entries import covering_hold, held_grants, hold_rights, record_licence, reserve_number
from ledger.errors import (
    BadTitle,
    ConsentMissing,
    DeedClosed,
    DeedNotFound,
    EntryNotFound,
    GrantOverlaps,
    HoldLapsed,
    NotHeld,
    NotSublicensable,
    TitleTaken,
)
from ledger.grants import GrantTerms
from ledger.merkle import keccak
from ledger.models import EntryRow, GrantRow
from ledger.replay import verify_journal
from ledger.sites import find_site
from ledger.submit import open_chain, submit_next
from ledger.titles import make_title
from ledger.types import DeedState, EntryState
from tests.builders import make_actor
from tests.ledger.houses import NOW, House, confirm_all, make_house, make_terms

EVERY = ("all",)


@dataclass(frozen=True, slots=True)
class Street:
    """A house with a registered work, and its neighbours: a co-owner, a bank, a broadcaster, a court."""

    house: House
    seller: Actor
    owner: Actor
    bank: Actor
    buyer: Actor
    other: Actor
    court: Actor

    @property
    def asset(self) -> UUID:
        return self.house.asset_id


@pytest.fixture
def street(tmp_path: Path) -> Street:
    house = make_house(tmp_path)
    with house.services.database.write() as session:
        desks = [make_actor(session, roles={Role.RIGHTS_DESK, Role.PRODUCER}) for _ in range(4)]
        court = make_actor(session, roles={Role.REGULATOR})
    owner, bank, buyer, other = desks
    return Street(house, house.seller, owner, bank, buyer, other, court)


def id_of(actor: Actor) -> UUID:
    return require_organisation(actor)


def own(street: Street, session: WriteSession, shares: Mapping[Actor, int], rights: Sequence[str] = EVERY) -> UUID:
    """Record a title that every holder agrees to; return the deed's id."""
    deed = propose_title(
        session, street.house.services.keys, asset_id=street.asset,
        rights={tuple(rights): {id_of(holder): bps for holder, bps in shares.items()}}, instrument="合同 1 号",
        by=street.seller, now=NOW,
    )  # fmt: skip
    for holder in shares:
        if holder is not street.seller:
            agree(session, street.house.services.keys, deed_id=deed.id, by=holder, now=NOW)
    return deed.id


def license_to(
    street: Street, session: WriteSession, terms: GrantTerms, *, buyer: Actor | None = None,
    licensor: Actor | None = None, hold: int | None = None, parent: int | None = None, subject_to: bool = False,
    now: datetime = NOW,
) -> int:  # fmt: skip
    number = reserve_number(session)
    record_licence(
        session, street.house.services.keys, number=number, licence_id=new_id(), asset_id=street.asset,
        licensor_id=id_of(licensor or street.seller), licensee_id=id_of(buyer or street.buyer), terms=terms,
        document={"number": number}, hold=hold, parent=parent, subject_to=subject_to, now=now,
    )  # fmt: skip
    return number


def hold_for(street: Street, session: WriteSession, terms: GrantTerms, *, days: float = 7) -> int:
    number = reserve_number(session)
    hold_rights(
        session, street.house.services.keys, number=number, hold_id=new_id(), asset_id=street.asset,
        licensor_id=id_of(street.seller), licensee_id=id_of(street.buyer), terms=terms,
        lapses_at=NOW + timedelta(days=days), document={"number": number}, now=NOW,
    )  # fmt: skip
    return number


def carry(street: Street, session: WriteSession, *, later: timedelta = timedelta(0)) -> list[str]:
    """Confirm and carry everything that waits; return the reasons of what the chain refused."""
    confirm_all(session)
    while submit_next(session, street.house.services.keys, now=NOW + later):
        pass
    session.expire_all()
    rows = session.exec(select(EntryRow).where(EntryRow.state != EntryState.CONFIRMED))
    return [str(row.reason) for row in rows]


def on_chain(street: Street, session: WriteSession, contract: str, function: str, values: list[object]) -> bytes:
    keys, site = street.house.services.keys, find_site(session)
    assert site is not None
    chain = open_chain(session, keys)
    data = encode_call(contract, function, values)
    sender, time = keys.first.relayer.address, int(chain.head.timestamp) + 1
    done, output = chain.call(sender, site.addresses[contract], data, time=time)
    assert done
    return output


def agrees_with_chain(street: Street, session: WriteSession) -> bool:
    """Whether title head and both grant heads are the same here and there."""
    work = work_key(street.asset)
    title = title_on_chain(session, asset_id=street.asset)
    exclusives, others = heads(session, asset_id=street.asset)
    flat = b"".join(word.to_bytes(32, "big") for words in exclusives for word in words)
    nothing = b"\0" * 32
    return (
        on_chain(street, session, "TitleLedger", "titleHead", [work]) == (title.head if title else nothing)
        and on_chain(street, session, "GrantLedger", "exclusiveHead", [work]) == (keccak(flat) if flat else nothing)
        and on_chain(street, session, "GrantLedger", "nonExclusiveHead", [work]) == rolling_head(others)
    )


def state_of(street: Street, session: WriteSession, number: int) -> int:
    return int(decode(["uint8"], on_chain(street, session, "GrantLedger", "stateOf", [number]))[0])


def test_a_title_is_recorded_when_the_last_holder_agrees(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        deed = propose_title(
            session, keys, asset_id=street.asset,
            rights={
                ("12", "11"): {id_of(street.seller): 6_000, id_of(street.owner): 4_000},
                ("recording",): {id_of(street.seller): 10_000},
                ("13",): {},
            },
            instrument="合作协议", by=street.seller, now=NOW,
        )  # fmt: skip
        assert deed.waits_for == (id_of(street.owner),)
        assert carry(street, session) == []
        assert title_on_chain(session, asset_id=street.asset) is None
        with pytest.raises(DeedNotFound):
            agree(session, keys, deed_id=deed.id, by=street.bank, now=NOW)

        for _ in range(2):
            done = agree(session, keys, deed_id=deed.id, by=street.owner, now=NOW)

        assert (done.state, done.waits_for) == (DeedState.AGREED, ())
        assert carry(street, session) == []
        assert agrees_with_chain(street, session)
        with pytest.raises(TitleTaken):
            own(street, session, {street.seller: 10_000})
        assert license_to(street, session, make_terms(uses=("streaming",)))
        with pytest.raises(NotHeld):
            license_to(street, session, make_terms(uses=("production",)))
        assert carry(street, session) == []


@pytest.mark.parametrize(
    "shares", [{0: 9_999}, {0: 10_001}, {0: 6_000, 1: 3_000}, {0: 10_000, 1: 0}, {0: 11_000, 1: -1_000}]
)
def test_shares_that_do_not_add_up_are_refused(street: Street, shares: Mapping[int, int]) -> None:
    people = (street.seller, street.owner)
    with street.house.services.database.write() as session, pytest.raises(BadTitle):
        own(street, session, {people[i]: bps for i, bps in shares.items()})


def test_a_right_named_twice_is_refused(street: Street) -> None:
    one = {id_of(street.seller): 10_000}
    with street.house.services.database.write() as session, pytest.raises(BadTitle):
        propose_title(
            session, street.house.services.keys, asset_id=street.asset, rights={("12",): one, ("11", "12"): one},
            instrument="x", by=street.seller, now=NOW,
        )  # fmt: skip


def test_a_transfer_needs_both_sides_and_the_co_owner(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        own(street, session, {street.seller: 6_000, street.owner: 4_000})
        carry(street, session)
        moved = propose_transfer(
            session, keys, asset_id=street.asset, rights=("12",), giver=id_of(street.seller),
            taker=id_of(street.buyer), bps=2_500, instrument="转让合同", by=street.seller, now=NOW,
        )  # fmt: skip
        assert set(moved.waits_for) == {id_of(street.buyer), id_of(street.owner)}
        agree(session, keys, deed_id=moved.id, by=street.buyer, now=NOW)
        agree(session, keys, deed_id=moved.id, by=street.owner, now=NOW)

        assert carry(street, session) == []
        assert agrees_with_chain(street, session)
        title = title_on_chain(session, asset_id=street.asset)
        assert title is not None
        parts = {(s.holder, s.bps) for s in title.shares if s.rights >> 71 & 1}
        assert parts == {(id_of(street.seller), 3_500), (id_of(street.owner), 4_000), (id_of(street.buyer), 2_500)}
        with pytest.raises(NotHeld):
            propose_transfer(
                session, keys, asset_id=street.asset, rights=("12",), giver=id_of(street.seller),
                taker=id_of(street.bank), bps=3_501, instrument="x", by=street.seller, now=NOW,
            )  # fmt: skip


def test_a_deed_is_declined_lapses_or_is_overtaken(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        own(street, session, {street.seller: 10_000})
        carry(street, session)
        offers = [
            propose_transfer(
                session, keys, asset_id=street.asset, rights=EVERY, giver=id_of(street.seller),
                taker=id_of(street.buyer), bps=bps, instrument="转让", by=street.seller, now=NOW,
            )
            for bps in (1_000, 2_000, 3_000, 4_000)
        ]  # fmt: skip

        assert decline(session, deed_id=offers[0].id, by=street.buyer).state == DeedState.DECLINED
        with pytest.raises(DeedClosed):
            agree(session, keys, deed_id=offers[0].id, by=street.buyer, now=NOW)
        with pytest.raises(DeedClosed):
            agree(session, keys, deed_id=offers[1].id, by=street.buyer, now=NOW + timedelta(days=31))
        agree(session, keys, deed_id=offers[2].id, by=street.buyer, now=NOW)
        carry(street, session)
        with pytest.raises(DeedClosed):
            agree(session, keys, deed_id=offers[3].id, by=street.buyer, now=NOW)
        assert list_deeds(session, by=street.bank) == ()
        assert {one.id for one in list_deeds(session, by=street.court)} >= {one.id for one in offers}
        with pytest.raises(DeedNotFound):
            get_deed(session, deed_id=offers[3].id, by=street.bank)


def test_what_is_pledged_waits_for_the_pledgee(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        own(street, session, {street.seller: 10_000})
        carry(street, session)
        pledge = propose_pledge(
            session, keys, asset_id=street.asset, rights=("12",), pledgor=id_of(street.seller),
            pledgee=id_of(street.bank), instrument="质押合同", by=street.seller, now=NOW,
        )  # fmt: skip
        agree(session, keys, deed_id=pledge.id, by=street.bank, now=NOW)
        assert carry(street, session) == []
        assert agrees_with_chain(street, session)

        with pytest.raises(ConsentMissing):
            license_to(street, session, make_terms())
        assert license_to(street, session, make_terms(uses=("cinema",)))
        with pytest.raises(Forbidden):
            consent_to_licences(
                session, keys, asset_id=street.asset, licensor=id_of(street.seller), until=NOW + timedelta(days=9),
                by=street.court, now=NOW,
            )  # fmt: skip
        consent_to_licences(
            session, keys, asset_id=street.asset, licensor=id_of(street.seller), until=NOW + timedelta(days=9),
            by=street.bank, now=NOW,
        )  # fmt: skip
        assert confirm_all(session) == 1
        assert license_to(street, session, make_terms())
        assert carry(street, session) == []

        release_pledge(session, keys, asset_id=street.asset, index=0, instrument="解除", by=street.bank, now=NOW)
        assert carry(street, session) == []
        title = title_on_chain(session, asset_id=street.asset)
        assert title is not None
        assert title.pledges == ()
        assert agrees_with_chain(street, session)


def test_an_exclusive_licence_needs_every_co_owner(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        own(street, session, {street.seller: 6_000, street.owner: 4_000})
        carry(street, session)

        assert license_to(street, session, make_terms(uses=("cinema",)))
        with pytest.raises(ConsentMissing):
            license_to(street, session, make_terms(kind=GrantKind.SOLE))
        consent_to_licences(
            session, keys, asset_id=street.asset, licensor=id_of(street.seller), until=NOW + timedelta(days=9),
            by=street.owner, now=NOW,
        )  # fmt: skip
        assert confirm_all(session) == 1
        assert license_to(street, session, make_terms(kind=GrantKind.SOLE))
        assert carry(street, session) == []
        assert agrees_with_chain(street, session)


def test_the_chain_itself_refuses_a_licence_without_the_co_owner(street: Street) -> None:
    """What our own check would stop is stopped there too: the check is taken away by writing the entry's signers."""
    with street.house.services.database.write() as session:
        own(street, session, {street.seller: 6_000, street.owner: 4_000})
        carry(street, session)
        consent_to_licences(
            session, street.house.services.keys, asset_id=street.asset, licensor=id_of(street.seller),
            until=NOW + timedelta(days=9), by=street.owner, now=NOW,
        )  # fmt: skip
        assert confirm_all(session) == 1
        number = license_to(street, session, make_terms(kind=GrantKind.SOLE))
        entry = session.get_one(EntryRow, session.get_one(GrantRow, number).entry_id)
        entry.args = {**entry.args, "signers": []}
        session.add(entry)
        session.flush()

        (reason,) = carry(street, session)

        assert reason.startswith("ConsentMissing(")
        assert held_grants(session, asset_id=street.asset) == []


def test_a_court_corrects_and_others_do_not(street: Street) -> None:
    after = make_title({(1 << 96) - 1: {id_of(street.owner): 10_000}})
    with street.house.services.database.write() as session:
        own(street, session, {street.seller: 10_000})
        carry(street, session)
        given = {"asset_id": street.asset, "after": after, "decision": "（2026）渝01民终1号", "now": NOW}
        with pytest.raises(Forbidden):
            correct_title(session, street.house.services.keys, by=street.seller, **given)  # type: ignore[arg-type]

        correct_title(session, street.house.services.keys, by=street.court, **given)  # type: ignore[arg-type]

        assert carry(street, session) == []
        assert agrees_with_chain(street, session)
        with pytest.raises(NotHeld):
            license_to(street, session, make_terms())


def test_a_hold_keeps_others_out_becomes_a_licence_or_lapses(street: Street) -> None:
    sole, plain = make_terms(kind=GrantKind.SOLE), make_terms()
    with street.house.services.database.write() as session:
        hold = hold_for(street, session, make_terms(uses=("streaming", "cinema"), kind=GrantKind.SOLE))
        with pytest.raises(GrantOverlaps):
            license_to(street, session, plain, buyer=street.other)
        assert carry(street, session) == []
        assert state_of(street, session, hold) == 2
        own_hold = covering_hold(
            session, asset_id=street.asset, licensee_id=id_of(street.buyer), words=sole.words(0), now=NOW
        )
        assert own_hold == hold
        with pytest.raises(HoldLapsed):
            license_to(street, session, sole, buyer=street.other, hold=hold)
        with pytest.raises(HoldLapsed):
            license_to(street, session, make_terms(uses=("press",)), hold=hold)

        licence = license_to(street, session, sole, hold=hold)

        assert carry(street, session) == []
        assert (state_of(street, session, hold), state_of(street, session, licence)) == (3, 1)
        assert agrees_with_chain(street, session)
        with pytest.raises(HoldLapsed):
            license_to(street, session, plain, hold=hold)
        assert license_to(street, session, make_terms(uses=("cinema",)), buyer=street.other)
        assert carry(street, session) == []


def test_a_lapsed_hold_blocks_nobody(street: Street) -> None:
    later = timedelta(days=8)
    with street.house.services.database.write() as session:
        hold_for(street, session, make_terms(), days=7)
        carry(street, session)

        assert held_grants(session, asset_id=street.asset, now=NOW + timedelta(days=6)) != []
        assert held_grants(session, asset_id=street.asset, now=NOW + later) == []
        number = reserve_number(session)
        record_licence(
            session, street.house.services.keys, number=number, licence_id=new_id(), asset_id=street.asset,
            licensor_id=id_of(street.seller), licensee_id=id_of(street.other), terms=make_terms(kind=GrantKind.SOLE),
            document={"number": number}, now=NOW + later,
        )  # fmt: skip
        assert carry(street, session, later=later) == []
        assert agrees_with_chain(street, session)


@pytest.mark.parametrize("days", [0, -1, 31])
def test_a_hold_lasts_between_a_moment_and_30_days(street: Street, days: int) -> None:
    with street.house.services.database.write() as session, pytest.raises(BadInput):
        hold_for(street, session, make_terms(), days=days)


def test_a_licence_is_given_on_only_inside_what_was_given(street: Street) -> None:
    given = make_terms(kind=GrantKind.SOLE, years=5)
    above = GrantTerms(given.uses, given.territories, given.window, given.kind, may_sublicense=True)
    with street.house.services.database.write() as session:
        parent = license_to(street, session, above)
        carry(street, session)
        inside = make_terms(years=2)

        below = license_to(street, session, inside, licensor=street.buyer, buyer=street.other, parent=parent)
        for terms, licensor in (
            (make_terms(years=6), street.buyer), (make_terms(uses=("cinema",)), street.buyer),
            (make_terms(kind=GrantKind.EXCLUSIVE, years=2), street.buyer), (inside, street.seller),
        ):  # fmt: skip
            with pytest.raises(NotSublicensable):
                license_to(street, session, terms, licensor=licensor, buyer=street.other, parent=parent)

        assert carry(street, session) == []
        assert state_of(street, session, below) == 1
        with pytest.raises(NotSublicensable):
            license_to(street, session, inside, licensor=street.other, buyer=street.bank, parent=below)
        end = propose_end(session, street.house.services.keys, number=parent, reason="违约", by=street.court, now=NOW)
        assert end.state == DeedState.AGREED
        assert carry(street, session) == []
        assert held_grants(session, asset_id=street.asset) == []
        assert agrees_with_chain(street, session)


def test_an_exclusive_licence_subject_to_what_was_sold(street: Street) -> None:
    with street.house.services.database.write() as session:
        license_to(street, session, make_terms(), buyer=street.other)
        carry(street, session)
        with pytest.raises(GrantOverlaps):
            license_to(street, session, make_terms(kind=GrantKind.SOLE))

        assert license_to(street, session, make_terms(kind=GrantKind.SOLE), subject_to=True)

        assert carry(street, session) == []
        assert agrees_with_chain(street, session)
        with pytest.raises(GrantOverlaps):
            license_to(street, session, make_terms(), buyer=street.bank)


def test_both_sides_end_a_licence_after_the_time_to_cure(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        number = license_to(street, session, make_terms(kind=GrantKind.SOLE))
        with pytest.raises(EntryNotFound):
            propose_end(session, keys, number=number, reason="x", by=street.seller, now=NOW)
        carry(street, session)
        with pytest.raises(EntryNotFound):
            propose_end(session, keys, number=number, reason="x", by=street.bank, now=NOW)
        end = propose_end(session, keys, number=number, reason="未付款", cure_days=15, by=street.seller, now=NOW)
        with pytest.raises(DeedClosed):
            agree(session, keys, deed_id=end.id, by=street.buyer, now=NOW + timedelta(days=14))
        assert state_of(street, session, number) == 1

        agree(session, keys, deed_id=end.id, by=street.buyer, now=NOW + timedelta(days=15))

        assert carry(street, session) == []
        assert state_of(street, session, number) == 3
        assert license_to(street, session, make_terms(kind=GrantKind.SOLE), buyer=street.other)
        assert carry(street, session) == []
        assert agrees_with_chain(street, session)
        assert verify_journal(session, keys).problems == ()


def test_a_producer_ends_what_the_house_bought_and_nothing_that_it_gave(street: Street) -> None:
    keys = street.house.services.keys
    producer, clerk = (replace(who, roles=frozenset({Role.PRODUCER})) for who in (street.buyer, street.seller))
    stranger = replace(street.buyer, roles=frozenset({Role.CURATOR}))
    with street.house.services.database.write() as session:
        number = license_to(street, session, make_terms(kind=GrantKind.SOLE))
        carry(street, session)
        for who in (clerk, stranger):
            with pytest.raises(Forbidden):
                propose_end(session, keys, number=number, reason="x", by=who, now=NOW)
        end = propose_end(session, keys, number=number, reason="不再播出", by=producer, now=NOW)
        with pytest.raises(Forbidden):
            agree(session, keys, deed_id=end.id, by=clerk, now=NOW)
        agree(session, keys, deed_id=end.id, by=street.seller, now=NOW)

        assert carry(street, session) == []
        assert state_of(street, session, number) == 3
