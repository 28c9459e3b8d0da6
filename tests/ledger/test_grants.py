"""No two live exclusives overlap: in our own check, in the contract, and both say the same of any two grants."""

from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from asset_hub.core.db import WriteSession
from asset_hub.core.errors import BadInput
from asset_hub.core.period import DateRange
from asset_hub.core.rational import Span
from ledger.acts import heads, rolling_head, work_key
from ledger.calls import encode_call, sign_transaction
from ledger.codebook import USES, GrantKind, mask_of_territories
from ledger.deployment import deployed_addresses, set_up
from ledger.embedded import EmbeddedChain, MemoryStore
from ledger.errors import GrantOverlaps, UnknownTerm
from ledger.grants import GrantTerms, overlap
from ledger.models import EntryRow, GrantRow
from ledger.signing import Key, Keys
from ledger.sites import find_site
from ledger.submit import endowed_accounts, open_chain
from ledger.types import EntryState
from tests.drill import grown
from tests.ledger.houses import NOW, House, grant, make_house, make_terms

KEYS = Keys(b"a secret of thirty-two bytes ....")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return make_house(tmp_path)


@pytest.fixture(scope="module")
def chain() -> tuple[EmbeddedChain, dict[str, bytes]]:
    """An engine in memory with every contract deployed."""
    engine = EmbeddedChain(MemoryStore(), endowed=endowed_accounts(KEYS))
    addresses = deployed_addresses(KEYS)
    raws = [
        sign_transaction(KEYS.admin, nonce=nonce, to=to, data=data) for nonce, (to, data) in enumerate(set_up(KEYS))
    ]
    block = engine.execute(raws, time=engine.head.timestamp + 1)
    assert all(executed.status == 1 for executed in block.executed)
    return engine, addresses


TERMS = st.builds(
    GrantTerms,
    uses=st.lists(st.sampled_from([*(use.code for use in USES[:4]), "all"]), min_size=1, max_size=3).map(tuple),
    territories=st.lists(st.sampled_from(["CN", "CQ", "US", "world"]), min_size=1, max_size=2).map(tuple),
    window=st.builds(
        lambda start, days: DateRange(date(2026, 1, 1 + start), date(2026, 1, 1 + start + days)),
        st.integers(0, 9), st.integers(1, 9),
    ),
    kind=st.sampled_from(GrantKind),
    languages=st.sampled_from([("all",), ("zh",), ("en",)]),
    segment=st.one_of(st.none(), st.builds(lambda a, n: Span(a, a + n), st.integers(0, 50), st.integers(1, 50))),
)  # fmt: skip


@settings(deadline=None, max_examples=grown(150, 5000))
@given(TERMS, TERMS)
def test_the_contract_and_python_agree_on_any_two_grants(
    chain: tuple[EmbeddedChain, dict[str, bytes]], a: GrantTerms, b: GrantTerms
) -> None:
    engine, addresses = chain
    first, second = a.words(1), b.words(2)
    data = encode_call("GrantLedger", "overlap", [*first, *second])

    done, output = engine.call(KEYS.relayer.address, addresses["GrantLedger"], data, time=engine.head.timestamp + 1)

    assert done
    assert bool(int.from_bytes(output, "big")) == overlap(first, second) == overlap(second, first) == plainly(a, b)


def plainly(a: GrantTerms, b: GrantTerms) -> bool:
    """The rule without bits: sets, windows, segments."""
    uses = ("all" in a.uses) or ("all" in b.uses) or bool(set(a.uses) & set(b.uses))
    grown = [set(t.territories) | ({"CQ"} if "CN" in t.territories else set()) for t in (a, b)]
    places = "world" in grown[0] | grown[1] or bool(grown[0] & grown[1])
    spoken = "all" in (*a.languages, *b.languages) or bool(set(a.languages) & set(b.languages))
    parts = a.segment is None or b.segment is None or a.segment.overlaps(b.segment)
    return uses and places and spoken and parts and a.window.overlaps(b.window)


def test_a_second_overlapping_exclusive_is_refused_and_leaves_nothing(house: House) -> None:
    grant(house, make_terms(kind=GrantKind.EXCLUSIVE))
    house.run()

    for terms in (make_terms(), make_terms(kind=GrantKind.SOLE), make_terms(uses=("all",), years=1)):
        with pytest.raises(GrantOverlaps):
            grant(house, terms)
    grant(house, make_terms(uses=("cinema",), kind=GrantKind.EXCLUSIVE))
    house.run()

    with house.services.database.read() as session:
        assert len(session.exec(select(GrantRow)).all()) == 2
        states = {row.state for row in session.exec(select(EntryRow))}
    assert states == {EntryState.CONFIRMED}


def test_a_strict_exclusive_is_refused_over_a_non_exclusive(house: House) -> None:
    grant(house, make_terms())
    grant(house, make_terms())
    with pytest.raises(GrantOverlaps):
        grant(house, make_terms(kind=GrantKind.EXCLUSIVE))


def test_what_our_check_would_miss_the_contract_refuses(house: House) -> None:
    """A licence slipped past the check in the database: the chain refuses it and the licence is gone."""
    grant(house, make_terms(kind=GrantKind.EXCLUSIVE))
    house.run()
    with house.services.database.write() as session:
        smuggled = _slip_past(session, house)
    house.run()

    with house.services.database.read() as session:
        entry = session.exec(select(EntryRow).where(EntryRow.subject_id == smuggled)).one()
        assert entry.state == EntryState.REFUSED
        assert entry.reason is not None
        assert entry.reason.startswith("Overlaps(")
        assert len(session.exec(select(GrantRow)).all()) == 1


def _slip_past(session: WriteSession, house: House) -> UUID:
    held = session.exec(select(GrantRow)).one()
    session.delete(held)
    session.flush()
    copy = held.model_dump()
    from ledger.entries import record_licence, reserve_number

    smuggled = UUID(int=7)
    record_licence(
        session, house.services.keys, number=reserve_number(session), licence_id=smuggled, asset_id=house.asset_id,
        licensor_id=house.seller.organisation_id or smuggled, licensee_id=house.buyer.organisation_id or smuggled,
        terms=make_terms(), document={}, now=NOW,
    )  # fmt: skip
    session.add(GrantRow(**copy))
    return smuggled


def test_our_lists_are_those_behind_the_heads_of_the_contract(house: House) -> None:
    for terms in (make_terms(uses=("press",)), make_terms(uses=("press",)), make_terms(kind=GrantKind.SOLE)):
        grant(house, terms)
    house.run()

    with house.services.database.read() as session:
        exclusives, others = heads(session, asset_id=house.asset_id)
        site, engine = find_site(session), open_chain(session, house.services.keys)
        assert site is not None
        stored = {}
        for name in ("exclusiveHead", "nonExclusiveHead"):
            data = encode_call("GrantLedger", name, [work_key(house.asset_id)])
            _, stored[name] = engine.call(
                house.services.keys.first.relayer.address,
                site.addresses["GrantLedger"],
                data,
                time=engine.head.timestamp + 1,
            )
    from ledger.merkle import keccak

    packed = b"".join(word.to_bytes(32, "big") for words in exclusives for word in words)
    assert stored == {"exclusiveHead": keccak(packed), "nonExclusiveHead": rolling_head(others)}
    assert (len(exclusives), len(others)) == (1, 2)


def test_the_relayer_alone_and_strangers_change_nothing(chain: tuple[EmbeddedChain, dict[str, bytes]]) -> None:
    engine, addresses = chain
    root, op = b"\1" * 32, b"\2" * 32
    deadline = engine.head.timestamp + 1000
    for signer in (KEYS.relayer, KEYS.admin, Key(b"\7" * 32)):
        signature = signer.sign(_anchor_digest(addresses, op, root, deadline))
        data = encode_call("AnchorRegistry", "anchor", [op, root, 1, 1, deadline, signature])
        done, _ = engine.call(KEYS.relayer.address, addresses["AnchorRegistry"], data, time=engine.head.timestamp + 1)
        assert not done
    good = encode_call(
        "AnchorRegistry", "anchor",
        [op, root, 1, 1, deadline, KEYS.operator.sign(_anchor_digest(addresses, op, root, deadline))],
    )  # fmt: skip
    call = (addresses["AnchorRegistry"], good)
    assert engine.call(KEYS.relayer.address, *call, time=engine.head.timestamp + 1)[0]
    assert not engine.call(KEYS.admin.address, *call, time=engine.head.timestamp + 1)[0]
    assert not engine.call(KEYS.relayer.address, *call, time=deadline + 1)[0]


def _anchor_digest(addresses: dict[str, bytes], op: bytes, root: bytes, deadline: int) -> bytes:
    from ledger.chain import CHAIN_ID
    from ledger.signing import typed_digest

    return typed_digest(
        "AnchorRegistry", addresses["AnchorRegistry"], CHAIN_ID,
        "Anchor(bytes32 opId,bytes32 root,uint32 count,uint8 kind,uint256 deadline)",
        ["bytes32", "bytes32", "uint32", "uint8", "uint256"], [op, root, 1, 1, deadline],
    )  # fmt: skip


def test_masks_contain_what_they_must() -> None:
    assert mask_of_territories(["CN"]) & mask_of_territories(["CQ"])
    assert mask_of_territories(["world"]) == 2**256 - 1
    with pytest.raises(UnknownTerm):
        mask_of_territories(["XX"])
    with pytest.raises(BadInput):
        GrantTerms((), ("CN",), make_terms().window).words(1)
