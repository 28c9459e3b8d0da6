"""Invariants of organisations, works, anchors, derivations, administration. Engine: py-evm, committed bytecode."""

from dataclasses import replace
from itertools import permutations

import pytest

from ledger.calls import encode_call, selector
from ledger.deployment import ADMIN_DELAY_SECONDS, MANAGER, REGISTERS, RELAYER_ROLE
from ledger.merkle import keccak
from ledger.settlements import Close
from tests.contracts.calls import (
    NOTHING,
    PRESENT,
    RESERVATION,
    STRANGER,
    SUBLICENSABLE,
    Call,
    Consent,
    Grant,
    Move,
    Signer,
    Terms,
    Title,
    address,
    flat,
    key_of,
    org_of,
    packed_head,
    rolling_head,
    work_of,
)  # fmt: skip
from tests.contracts.engine import ADDRESSES, DAY, KEYS, START, Engine, Outcome, digest
from tests.contracts.rights_machine import prepared
from tests.contracts.typical import open_case, open_order, publish_statement
from tests.drill import grown

FILM, SONG = work_of(keccak(b"film")), work_of(keccak(b"song"))


ANY = Terms()


@pytest.fixture
def engine() -> Engine:
    return prepared()


@pytest.fixture
def signer() -> Signer:
    return Signer()


def expect_refused(outcome: Outcome, error: str) -> None:
    assert outcome.error == error, outcome


def expect_accepted(outcome: Outcome) -> Outcome:
    assert outcome.accepted, outcome.refusal
    return outcome


def licence(number: int, terms: Terms = ANY, buyer: str = "producer") -> Grant:
    return Grant(number, FILM, "archive", buyer, terms)


def test_a_reservation_blocks_to_the_second(engine: Engine, signer: Signer) -> None:
    held = licence(1, Terms(flags=RESERVATION, lapses=START + DAY))
    expect_accepted(signer.grant(held, []).send(engine))

    engine.time = START + DAY - 1
    expect_refused(signer.grant(licence(2), flat([held])).send(engine), "Overlaps")
    expect_refused(signer.grant(licence(3, buyer="station"), flat([held])).send(engine), "Overlaps")
    engine.time = START + DAY
    expect_accepted(signer.grant(licence(4), flat([held])).send(engine))
    expect_refused(signer.grant(licence(5, Terms(kind=1)), flat([held]), source=held).send(engine), "Exceeds")


def test_a_sub_licence_needs_everything_that_its_parent_says(engine: Engine, signer: Signer) -> None:
    wide = Terms(uses=3, places=3, window=(1, 9), languages=3, segment=(10, 20), kind=1, flags=SUBLICENSABLE)
    parent = licence(1, wide)
    silent = licence(2, Terms(uses=4, kind=1))
    expect_accepted(signer.grant(parent, []).send(engine))
    expect_accepted(signer.grant(silent, flat([parent])).send(engine))
    held = flat([parent, silent])

    def sublicense(number: int, terms: Terms, *, by: str = "producer", source: Grant = parent) -> Outcome:
        made = Grant(number, FILM, by, "station", replace(terms, parent=source.number))
        return signer.grant(made, held, source=source).send(engine)

    inside = replace(wide, flags=0, kind=0)
    beyond = [
        replace(inside, uses=7), replace(inside, places=7), replace(inside, languages=7),
        replace(inside, window=(0, 9)), replace(inside, window=(1, 10)), replace(inside, segment=(9, 20)),
        replace(inside, segment=(10, 21)), replace(inside, segment=None), replace(inside, kind=2),
    ]  # fmt: skip
    for terms in beyond:
        expect_refused(sublicense(3, terms), "Exceeds")
    expect_refused(sublicense(3, inside, by="station"), "Exceeds")
    expect_refused(sublicense(3, Terms(uses=4), source=silent), "Exceeds")
    expect_refused(sublicense(3, replace(inside, flags=SUBLICENSABLE)), "Malformed")
    expect_accepted(sublicense(3, inside))
    given = Grant(3, FILM, "producer", "station", replace(inside, parent=1))
    expect_refused(sublicense(4, inside, by="station", source=given), "Exceeds")
    expect_accepted(signer.terminate(parent).send(engine))
    expect_refused(sublicense(5, inside), "NotOnRecord")


def test_invariant_14_derivations_have_no_cycle(engine: Engine, signer: Signer) -> None:
    names = [keccak(b"copy %d" % n) for n in range(40)]
    expect_accepted(signer.register_many(names, "archive").send(engine))
    works = [work_of(name) for name in names]

    expect_refused(signer.link(works[0], [(works[0], 0)], "archive").send(engine), "BadParents")
    for child, parent in zip(works[1:32], works, strict=False):
        expect_accepted(signer.link(child, [(parent, 0)], "archive").send(engine))
    expect_refused(signer.link(works[0], [(works[5], 0)], "archive").send(engine), "AlreadyPlaced")
    expect_refused(signer.link(works[7], [(works[39], 0)], "archive").send(engine), "AlreadyPlaced")
    expect_refused(signer.link(works[32], [(works[31], 0)], "archive").send(engine), "TooDeep")
    many = sorted(works[:17])
    expect_refused(signer.link(works[33], [(work, 0) for work in many], "archive").send(engine), "BadParents")
    expect_accepted(signer.link(works[33], [(work, 0) for work in many[:16]], "archive").send(engine))
    expect_refused(signer.link(works[34], [(keccak(b"nowhere"), 0)], "archive").send(engine), "UnknownWork")
    expect_refused(signer.link(works[34], [(works[0], 99)], "archive").send(engine), "NotLicensed")
    expect_refused(signer.link(works[34], [(works[0], 0)], "producer").send(engine), "NotSignedByOrg")


def test_invariant_15_one_content_commitment_once_per_code_book(engine: Engine, signer: Signer) -> None:
    content = keccak(b"content")
    expect_accepted(signer.register(content, "archive").send(engine))

    expect_refused(signer.register(content, "archive").send(engine), "WorkTaken")
    expect_refused(signer.register(content, "producer").send(engine), "WorkTaken")
    expect_refused(signer.register_many([keccak(b"other"), content], "producer").send(engine), "WorkTaken")
    expect_refused(signer.register_many([keccak(b"twin"), keccak(b"twin")], "producer").send(engine), "WorkTaken")
    assert engine.storage("WorkRegistry", "works", work_of(keccak(b"other"))) == NOTHING
    expect_accepted(signer.register(content, "producer", code_book=2).send(engine))
    assert engine.read("WorkRegistry", "registrarOf", [work_of(content)]) == org_of("archive")
    assert engine.read("WorkRegistry", "registrarOf", [work_of(content, 2)]) == org_of("producer")


def test_invariant_16_a_root_once_and_its_time_fixed(engine: Engine, signer: Signer) -> None:
    root = keccak(b"root")
    expect_accepted(signer.anchor(root).send(engine))
    kept = engine.storage("AnchorRegistry", "anchors", root)
    assert int.from_bytes(kept, "big") & (1 << 64) - 1 == START

    engine.time += 5 * DAY
    expect_refused(signer.anchor(root).send(engine), "RootTaken")
    expect_refused(signer.anchor(NOTHING).send(engine), "EmptyAnchor")
    assert engine.storage("AnchorRegistry", "anchors", root) == kept


def test_invariant_22_frozen_works_refuse_change_and_allow_reads(engine: Engine, signer: Signer) -> None:
    sold, title = licence(1), Title((("archive", 1, 10_000),))
    held = licence(2, Terms(uses=2, flags=RESERVATION, lapses=START + DAY))
    parent = licence(3, Terms(uses=4, kind=1, flags=4))
    expect_accepted(signer.grant(sold, []).send(engine))
    expect_accepted(signer.grant(held, []).send(engine))
    expect_accepted(signer.grant(parent, flat([held]), flat([sold]), disclosed=rolling_head([sold])).send(engine))
    expect_accepted(signer.record(SONG, title, ["archive"]).send(engine))
    witness = flat([held, parent])
    for work in (FILM, SONG):
        expect_accepted(signer.set_work_status(work, 2).send(engine))
    before = engine.state_root()

    changes = [
        signer.grant(licence(4), witness),
        signer.grant(licence(5, Terms(uses=8, kind=1)), witness, flat([sold]), disclosed=rolling_head([sold])),
        signer.grant(licence(6, Terms(uses=16, flags=RESERVATION, lapses=START + DAY)), witness),
        signer.grant(licence(7, Terms(uses=2)), witness, source=held),
        signer.grant(Grant(8, FILM, "producer", "station", Terms(uses=4, parent=3)), witness, source=parent),
        signer.terminate(sold),
        signer.compact(FILM, True, packed_head([held, parent]), witness),
        signer.amend(keccak(b"film"), "archive", keccak(b"new")),
        signer.link(FILM, [(SONG, 0)], "archive"),
        signer.transfer(Move(SONG, 1, "archive", "producer", 10), title, ["archive", "producer"]),
        signer.pledge(Move(SONG, 1, "archive", "producer"), title, ["archive", "producer"]),
    ]
    for call in changes:
        expect_refused(call.send(engine), "NotActive")
    assert engine.state_root() == before
    assert engine.read("GrantLedger", "exclusiveHead", [FILM]) == packed_head([held, parent])
    assert engine.read("TitleLedger", "titleHead", [SONG]) == title.head

    expect_accepted(signer.terminate_by_authority(1).send(engine))
    expect_accepted(signer.correct(SONG, Title((("producer", 1, 10_000),))).send(engine))
    expect_accepted(signer.set_work_status(FILM, 1).send(engine))
    expect_accepted(signer.terminate(held).send(engine))


def test_invariant_23_a_signature_works_for_one_chain_contract_act_and_time(engine: Engine, signer: Signer) -> None:
    text = "Anchor(bytes32 opId,bytes32 root,uint32 count,uint8 kind,uint256 deadline)"
    signed = [keccak(b"act"), keccak(b"root"), 10, 1, START + 100]

    def anchor(signature: bytes, values: list[object] = signed) -> Outcome:
        return engine.send("AnchorRegistry", "anchor", [*values, signature])

    def sign(contract: str, chain_id: int) -> bytes:
        return KEYS.operator.sign(digest(contract, text, signed, chain_id=chain_id))

    expect_refused(anchor(sign("AnchorRegistry", 1)), "NotSignedByRole")
    expect_refused(anchor(sign("WorkRegistry", 20_500)), "NotSignedByRole")
    good = sign("AnchorRegistry", 20_500)
    others = [keccak(b"other"), keccak(b"other"), 11, 2, START + 101]
    for position, other in enumerate(others):
        changed = [*signed[:position], other, *signed[position + 1 :]]
        expect_refused(anchor(good, changed), "NotSignedByRole")
    engine.time = START + 101
    expect_refused(anchor(good), "DeadlinePassed")
    engine.time = START + 100
    expect_accepted(anchor(good))
    expect_refused(anchor(good), "AlreadyDone")
    high = (2**256 - 432420386565659656852420866394968145599 - int.from_bytes(good[32:64], "big")).to_bytes(32, "big")
    malleable = good[:32] + high + bytes([55 - good[64]])
    expect_refused(engine.send("AnchorRegistry", "anchor", [*signed, malleable]), "AlreadyDone")
    assert not engine.send("AnchorRegistry", "anchor", [keccak(b"x"), *signed[1:], malleable]).accepted


def test_an_act_is_done_once_in_every_register(engine: Engine, signer: Signer) -> None:
    calls = [
        signer.admit("newcomer"), signer.register(keccak(b"x"), "archive"), signer.anchor(keccak(b"r")),
        signer.set_work_status(FILM, 1), signer.on_name("propose", keccak(b"name"), PRESENT),
        signer.pause("TitleLedger", START + 100),
    ]  # fmt: skip
    for call in calls:
        expect_accepted(call.send(engine))
        before = engine.state_root()
        expect_refused(call.send(engine), "AlreadyDone")
        assert engine.state_root() == before
    grant = signer.grant(licence(1), [])
    expect_accepted(grant.send(engine))
    expect_refused(grant.send(engine), "NumberTaken")
    other = signer.grant(licence(2), [])
    expect_refused(Call(other.contract, other.function, [grant.values[0], *other.values[1:]]).send(engine), "Malformed")


def test_invariant_24_retired_keys_sign_no_later_act_and_earlier_acts_stay(engine: Engine, signer: Signer) -> None:
    expect_accepted(signer.grant(licence(1), []).send(engine))
    expect_accepted(
        signer.add_key("archive", "next", by="archive", start=START + DAY, end=START + 9 * DAY).send(engine)
    )
    expect_refused(signer.add_key("archive", "next", by="archive").send(engine), "KeyTaken")
    expect_refused(signer.add_key("producer", "theirs", by="archive").send(engine), "NotSignedByOrg")

    assert not _speaks(engine, "next", "archive")
    engine.time = START + DAY
    assert _speaks(engine, "next", "archive")
    expect_accepted(signer.on_key("retireKey", "archive", "archive", by="next").send(engine))
    expect_refused(signer.grant(licence(2), []).send(engine), "NotSignedByOrg")
    expect_refused(signer.add_key("archive", "more", by="archive").send(engine), "NotSignedByOrg")
    expect_refused(signer.admit("other", key_of("archive")).send(engine), "KeyTaken")
    assert engine.read("GrantLedger", "stateOf", [1])[-1] == 1
    engine.time = START + 9 * DAY - 1
    assert _speaks(engine, "next", "archive")
    engine.time = START + 9 * DAY
    assert not _speaks(engine, "next", "archive")


def test_a_countersigning_key_signs_no_act(engine: Engine, signer: Signer) -> None:
    expect_accepted(signer.add_key("archive", "second", by="archive", purpose=2).send(engine))

    assert not _speaks(engine, "second", "archive")
    assert engine.read("OrgRegistry", "countersigns", [address(key_of("second")), org_of("archive")])[-1] == 1
    expect_refused(signer.add_key("archive", "third", by="archive", purpose=4).send(engine), "BadKey")
    expect_refused(signer.add_key("archive", "third", by="second").send(engine), "NotSignedByOrg")


def test_lost_keys_are_recovered_after_a_wait_in_which_the_owner_can_object(engine: Engine, signer: Signer) -> None:
    expect_accepted(signer.on_key("proposeRecovery", "archive", "found", by="operator").send(engine))
    expect_refused(signer.on_key("recover", "archive", "found", by="operator").send(engine), "NotReady")
    expect_refused(signer.on_key("cancelRecovery", "archive", "found", by="producer").send(engine), "NotSignedByOrg")
    expect_accepted(signer.on_key("cancelRecovery", "archive", "found", by="archive").send(engine))
    engine.time += 4 * DAY
    expect_refused(signer.on_key("recover", "archive", "found", by="operator").send(engine), "UnknownKey")

    expect_accepted(signer.on_key("proposeRecovery", "archive", "found", by="operator").send(engine))
    engine.time += 3 * DAY - 1
    expect_refused(signer.on_key("recover", "archive", "found", by="operator").send(engine), "NotReady")
    engine.time += 1
    expect_refused(signer.on_key("recover", "archive", "found", by="archive").send(engine), "NotSignedByRole")
    expect_accepted(signer.on_key("recover", "archive", "found", by="operator").send(engine))
    assert _speaks(engine, "found", "archive")
    expect_refused(signer.admit("archive", key_of("another")).send(engine), "OrgTaken")


def test_invariant_25_suspended_organisations_can_end_and_not_start(engine: Engine, signer: Signer) -> None:
    sold = [licence(1), licence(2)]
    expect_accepted(signer.grant(sold[0], []).send(engine))
    expect_accepted(signer.grant(sold[1], []).send(engine))
    title = Title((("archive", 1, 10_000),))
    expect_accepted(signer.record(SONG, title, ["archive"]).send(engine))
    expect_accepted(signer.pledge(Move(SONG, 1, "archive", "producer"), title, ["archive", "producer"]).send(engine))
    pledged = Title(title.shares, (("archive", "producer", 1),))

    for house in ("archive", "producer"):
        expect_accepted(signer.set_org_status(house, 2).send(engine))
    starts = [
        signer.grant(licence(3), []), signer.register(keccak(b"new"), "archive"),
        signer.register_many([keccak(b"new")], "archive"), signer.amend(keccak(b"film"), "archive", keccak(b"new")),
        signer.add_key("archive", "next", by="archive"), signer.link(FILM, [(SONG, 0)], "archive"),
        signer.record(FILM, title, ["archive"]),
        signer.transfer(Move(SONG, 1, "archive", "station", 5), pledged, ["archive", "station", "producer"]),
    ]  # fmt: skip
    for call in starts:
        expect_refused(call.send(engine), "NotSignedByOrg")
    ends = [
        signer.terminate(sold[0]), signer.release(SONG, 0, pledged, "producer"),
        signer.on_key("retireKey", "producer", "producer", by="producer"),
    ]  # fmt: skip
    for call in ends:
        expect_accepted(call.send(engine))
    expect_accepted(signer.set_org_status("archive", 1).send(engine))
    expect_accepted(signer.register(keccak(b"new"), "archive").send(engine))


def test_invariant_26_nobody_bypasses_the_admin_delay(engine: Engine) -> None:
    """The administrator must schedule everything that changes who may do what, and wait."""
    mine = address(KEYS.admin)
    changes = [
        encode_call(MANAGER, "grantRole", [RELAYER_ROLE, STRANGER, 0]),
        encode_call(MANAGER, "revokeRole", [13, address(KEYS.operator)]),
        encode_call(MANAGER, "setTargetFunctionRole", [PRESENT, [selector("AnchorRegistry", "anchor")], 13]),
        encode_call(MANAGER, "setTargetClosed", [PRESENT, True]),
        encode_call(MANAGER, "updateAuthority", [PRESENT, ADDRESSES_HEX["OrgRegistry"]]),
        encode_call(MANAGER, "grantRole", [0, mine, 0]),
    ]
    manager = ADDRESSES[MANAGER]
    before = engine.state_root()
    for data in changes:
        for sender in (KEYS.admin, KEYS.operator, KEYS.relayer):
            assert not engine.send_data(manager, data, sender=sender).accepted
    assert engine.state_root() == before

    data = changes[3]
    too_soon = engine.send(MANAGER, "schedule", [ADDRESSES_HEX[MANAGER], data, START + DAY], sender=KEYS.admin)
    assert not too_soon.accepted
    expect_accepted(engine.send(MANAGER, "schedule", [ADDRESSES_HEX[MANAGER], data, 0], sender=KEYS.admin))
    engine.time += ADMIN_DELAY_SECONDS - 1
    assert not engine.send(MANAGER, "execute", [ADDRESSES_HEX[MANAGER], data], sender=KEYS.admin).accepted
    engine.time += 1
    expect_accepted(engine.send(MANAGER, "execute", [ADDRESSES_HEX[MANAGER], data], sender=KEYS.admin))
    expect_refused(Signer().anchor(keccak(b"r")).send(engine), "AccessManagedUnauthorized")


@pytest.mark.parametrize("register", REGISTERS)
def test_invariant_26_pauses_expire_by_themselves(engine: Engine, signer: Signer, register: str) -> None:
    expect_refused(signer.pause(register, START + 3 * DAY + 1).send(engine), "BadPause")
    expect_refused(signer.pause(register, START).send(engine), "BadPause")
    expect_accepted(signer.pause(register, START + 3 * DAY).send(engine))
    expect_refused(signer.pause(register, START + 3 * DAY).send(engine), "BadPause")

    engine.time = START + 3 * DAY - 1
    start = {
        "OrgRegistry": signer.admit("newcomer"), "AnchorRegistry": signer.anchor(keccak(b"r")),
        "WorkRegistry": signer.register(keccak(b"x"), "archive"), "GrantLedger": signer.grant(licence(1), []),
        "TitleLedger": signer.record(FILM, Title((("archive", 1, 10_000),)), ["archive"]),
        "DerivationLedger": signer.link(FILM, [(SONG, 0)], "archive"),
        "Directory": signer.on_name("propose", keccak(b"n"), PRESENT),
        "SettlementLedger": open_order(signer, keccak(b"order"), pay_by=START + 9 * DAY),
        "StatementLedger": publish_statement(signer), "DisputeRegister": open_case(signer, keccak(b"case")),
    }[register]  # fmt: skip
    expect_refused(start.send(engine), "Paused")
    engine.time = START + 3 * DAY
    expect_accepted(start.send(engine))
    expect_refused(signer.pause(register, engine.time + DAY).send(engine), "BadPause")
    engine.time += DAY
    expect_accepted(signer.pause(register, engine.time + DAY).send(engine))
    expect_accepted(signer.pause(register, 0).send(engine))
    expect_refused(signer.pause(register, 0).send(engine), "BadPause")


def test_a_pause_does_not_stop_what_ends(engine: Engine, signer: Signer) -> None:
    expect_accepted(signer.grant(licence(1), []).send(engine))
    expect_accepted(signer.pause("GrantLedger", START + DAY).send(engine))

    expect_refused(signer.grant(licence(2), []).send(engine), "Paused")
    expect_accepted(signer.terminate(licence(1)).send(engine))


def test_a_pause_of_orders_does_not_stop_what_was_agreed(engine: Engine, signer: Signer) -> None:
    expect_accepted(open_order(signer, keccak(b"order"), pay_by=START + 9 * DAY).send(engine))
    expect_accepted(signer.pause("SettlementLedger", START + DAY).send(engine))

    expect_refused(open_order(signer, keccak(b"other"), pay_by=START + 9 * DAY).send(engine), "Paused")
    expect_accepted(signer.act(Close(signer.op(), keccak(b"order"), keccak(b"reason")), "operator").send(engine))


def test_the_directory_changes_after_a_week_and_freezes_for_good(engine: Engine, signer: Signer) -> None:
    name, other = keccak(b"GrantLedger"), ADDRESSES_HEX["GrantLedger"]
    expect_refused(signer.on_name("propose", name, STRANGER).send(engine), "NoContract")
    expect_refused(signer.on_name("freeze", name).send(engine), "Frozen")
    expect_accepted(signer.on_name("propose", name, PRESENT).send(engine))
    engine.time += 7 * DAY - 1
    expect_refused(signer.on_name("activate", name, PRESENT).send(engine), "NotReady")
    engine.time += 1
    expect_refused(signer.on_name("activate", name, other).send(engine), "NotProposed")
    expect_accepted(signer.on_name("activate", name, PRESENT).send(engine))
    expect_refused(signer.on_name("activate", name, PRESENT).send(engine), "NotProposed")

    place = engine.read("Directory", "places", [name])
    assert (place[12:32].hex(), place[63]) == (PRESENT[2:], 1)
    expect_accepted(signer.on_name("propose", name, other).send(engine))
    expect_accepted(signer.on_name("freeze", name).send(engine))
    engine.time += 30 * DAY
    expect_refused(signer.on_name("activate", name, other).send(engine), "Frozen")
    expect_refused(signer.on_name("propose", name, other).send(engine), "Frozen")


def test_invariant_31_the_order_in_a_block_turns_no_success_into_another(engine: Engine, signer: Signer) -> None:
    """Every order of four acts of one sender: an act that succeeds always does the same, two rivals never both."""
    rivals = [licence(1, Terms(kind=1)), licence(2, Terms(kind=2), buyer="station")]
    calls = [
        signer.grant(rivals[0], []), signer.grant(rivals[1], []), signer.grant(licence(3, Terms(uses=2)), []),
        signer.set_org_status("station", 2),
    ]  # fmt: skip
    effects: list[set[str]] = [set() for _ in calls]
    winners = set()
    for order in permutations(range(len(calls))):
        branch = engine.branch()
        done = {position: calls[position].send(branch) for position in order}
        for position, outcome in done.items():
            if outcome.accepted:
                effects[position].add(str([_without_heads(event.members) for event in outcome.events]))
        succeeded = tuple(position for position in (0, 1) if done[position].accepted)
        assert len(succeeded) <= 1
        winners.add(succeeded)
    assert [len(seen) for seen in effects] == [1] * len(calls)
    assert winners == {(0,), (1,)} | ({()} if () in winners else set())


def test_invariant_32_the_worst_call_stays_below_ten_million_gas(engine: Engine, signer: Signer) -> None:
    """At the documented limits: 200 exclusives, 1,300 non-exclusives, 250 works, 64 shares, 16 parents."""
    names = [keccak(b"many %d" % n) for n in range(250)]
    gas = {"250 works": expect_accepted(signer.register_many(names, "archive").send(engine)).gas}
    expect_refused(signer.register_many([keccak(b"m%d" % n) for n in range(251)], "archive").send(engine), "BadClaim")
    parents = sorted((work_of(name), 0) for name in names[:16])
    gas["16 parents"] = expect_accepted(signer.link(work_of(names[20]), parents, "archive").send(engine)).gas

    full = [licence(1000 + n, Terms(uses=1 << n % 96, places=1 << n // 96, kind=1)) for n in range(200)]
    count = grown(250, 1300)
    sold = [licence(5000 + n, Terms(uses=1 << n % 96, places=8, flags=4)) for n in range(count)]
    engine.put("GrantLedger", "exclusiveHead", FILM, packed_head(full[:199]))
    engine.put("GrantLedger", "nonExclusiveHead", FILM, rolling_head(sold))
    strict = signer.grant(full[199], flat(full[:199]), flat(sold), disclosed=rolling_head(sold))
    gas["strict over 1300, scaled"] = expect_accepted(strict.send(engine)).gas * 1300 // count
    more = licence(1, Terms(places=16, kind=1))
    expect_refused(signer.grant(more, flat(full), flat(sold), disclosed=rolling_head(sold)).send(engine), "ListFull")
    compact = signer.compact(FILM, False, rolling_head(sold), flat(sold))
    gas["compact 1300, scaled"] = expect_accepted(compact.send(engine)).gas * 1300 // count
    gas["compact 200"] = expect_accepted(signer.compact(FILM, True, packed_head(full), flat(full)).send(engine)).gas

    rows = Title(tuple(("archive", 1 << n, 10_000) for n in range(32)))
    gas["32 rows"] = expect_accepted(signer.record(SONG, rows, ["archive"]).send(engine)).gas
    move = Move(SONG, (1 << 32) - 1, "archive", "producer", 5_000)
    gas["32 rows become 64"] = expect_accepted(signer.transfer(move, rows, ["archive", "producer"]).send(engine)).gas
    for name, used in sorted(gas.items(), key=lambda item: item[1]):
        print(f"{name:28} {used:>10,}")
    assert max(gas.values()) < 10_000_000


def test_a_licence_of_a_titled_work_needs_what_article_14_says(engine: Engine, signer: Signer) -> None:
    rows = tuple(sorted((("archive", 3, 6_000), ("station", 3, 4_000)), key=lambda row: org_of(row[0])))
    title = Title((*rows, ("", 4, 0)))
    expect_accepted(signer.record(FILM, title, ["archive", "station"]).send(engine))

    one, both = Consent(title), Consent(title, ("station",))
    expect_accepted(signer.grant(licence(1), [], consent=one).send(engine))
    head = rolling_head([licence(1)])
    sole = licence(2, Terms(uses=2, kind=1))
    expect_refused(
        signer.grant(sole, [], flat([licence(1)]), disclosed=head, consent=one).send(engine), "ConsentMissing"
    )
    expect_accepted(signer.grant(sole, [], flat([licence(1)]), disclosed=head, consent=both).send(engine))
    expect_refused(signer.grant(licence(3, Terms(uses=4)), flat([sole]), consent=both).send(engine), "NotHeld")
    expect_refused(signer.grant(licence(3, Terms(uses=8)), flat([sole]), consent=both).send(engine), "NotHeld")
    other = Grant(4, FILM, "studio", "producer", Terms())
    expect_refused(signer.grant(other, flat([sole]), consent=both).send(engine), "NotHeld")
    assert not signer.grant(licence(3), flat([sole])).send(engine).accepted

    expect_accepted(
        signer.pledge(Move(FILM, 1, "archive", "studio"), title, ["archive", "station", "studio"]).send(engine)
    )
    pledged = Title(title.shares, (("archive", "studio", 1),))
    expect_refused(signer.grant(licence(5), flat([sole]), consent=one).send(engine), "StaleTitle")
    expect_refused(signer.grant(licence(5), flat([sole]), consent=Consent(pledged)).send(engine), "ConsentMissing")
    expect_accepted(signer.grant(licence(5), flat([sole]), consent=Consent(pledged, ("studio",))).send(engine))


ADDRESSES_HEX = {name: "0x" + place.hex() for name, place in ADDRESSES.items()}


def _speaks(engine: Engine, key: str, house: str) -> bool:
    return engine.read("OrgRegistry", "speaksFor", [address(key_of(key)), org_of(house)])[-1] == 1


def _without_heads(members: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in sorted(members.items()) if not name.endswith("Head")}
