"""One journal, every function of every contract in it, gives the same on all engines: status, logs, gas."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, groupby
from typing import Any

import pytest
import rlp
from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple

import contracts
from asset_hub.accounts import require_organisation
from asset_hub.core import clock
from asset_hub.core.ids import new_id
from ledger.anvil import AnvilEngine, running_anvil
from ledger.calls import sign_transaction
from ledger.embedded import EmbeddedChain, EmbeddedEngine, MemoryStore
from ledger.engine import JournalBlock, LedgerEngine, Log, Outcome, Receipt, open_engine, parse_chain_url, replay_blocks
from ledger.entries import anchor_digests, record_licence, register_asset, reserve_number
from ledger.merkle import keccak
from ledger.network import NetworkEngine
from ledger.replay import compare_receipts, compare_with, journal_blocks, journal_receipts
from ledger.rpc import Rpc
from ledger.signing import Key
from ledger.sites import find_site
from ledger.types import AnchorKind
from tests.drill import SEED, grown
from tests.ledger.houses import House, make_house, make_terms
from tests.services.anvil import require_anvil
from tests.services.geth import require_geth, running_network

TRANSACTIONS = grown(2010, 10_000)
ACTS = grown(30, 500)
ALTERED = grown(600, 3000)
STRANGER = Key(keccak(b"a stranger with gas"))
BLOCK = 100


@dataclass(frozen=True, slots=True)
class Journal:
    """Blocks, each of one sender, and what became of their transactions on the embedded chain."""

    house: House
    endowed: list[bytes]
    blocks: list[JournalBlock]
    receipts: list[Receipt]
    targets: set[tuple[bytes, bytes]]

    @property
    def raws(self) -> list[bytes]:
        return [raw for block in self.blocks for raw in block.raws]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    house = make_house(tmp_path_factory.mktemp("journal"))
    act(house)
    keys = house.services.keys.first
    with house.services.database.read() as session:
        blocks, site = journal_blocks(session), find_site(session)
    assert site is not None
    endowed = [keys.admin.address, keys.relayer.address, STRANGER.address]
    engine = EmbeddedEngine(EmbeddedChain(MemoryStore(), endowed=endowed))
    replay_blocks(engine, blocks)
    dice = random.Random(SEED)
    now = blocks[-1].time
    left = TRANSACTIONS - ALTERED - sum(len(block.raws) for block in blocks)
    times = max(1, -(-left // (3 * len(targets_of(site.addresses)))))
    signers = [(keys.relayer, alter(blocks, dice))]
    signers += [(key, calls(site.addresses, keys, dice, times=times)) for key in (keys.relayer, STRANGER, keys.admin)]
    for key, made in signers:
        first = engine.nonce_of(key.address)
        raws = [
            sign_transaction(key, nonce=nonce, to=to, data=data)
            for nonce, (to, data) in zip(count(first), made, strict=False)
        ]
        for start in range(0, len(raws), BLOCK):
            now += 1
            blocks.append(JournalBlock(len(blocks) + 1, now, tuple(raws[start : start + BLOCK])))
            replay_blocks(engine, blocks[-1:])
    raws = [raw for block in blocks for raw in block.raws]
    receipts = [receipt for receipt in engine.receipts([keccak(raw) for raw in raws]) if receipt is not None]
    return Journal(house, endowed, blocks, receipts, targets_of(site.addresses))


def act(house: House) -> None:
    """Register works, anchor digests and sell licences through the product itself."""
    keys, now = house.services.keys, clock.now()
    seller, buyer = require_organisation(house.seller), require_organisation(house.buyer)
    with house.services.database.write() as session:
        for number in range(ACTS):
            asset_id = new_id()
            register_asset(
                session, keys, asset_id=asset_id, registrar_id=seller, statement={"n": number}, now=now
            )  # fmt: skip
            anchor_digests(
                session, kind=AnchorKind.RECEIPT, subject_id=new_id(), commitments=[keccak(asset_id.bytes)], now=now
            )
            if number % 5 == 0:
                record_licence(
                    session, keys, number=reserve_number(session), licence_id=new_id(), asset_id=asset_id,
                    licensor_id=seller, licensee_id=buyer, terms=make_terms(), document={"n": number}, now=now,
                )  # fmt: skip
    house.run()


def functions_of(name: str) -> list[dict[str, Any]]:
    return [entry for entry in contracts.load(name).abi if entry["type"] == "function"]


def selector_of(entry: dict[str, Any]) -> bytes:
    types = ",".join(collapse_if_tuple(member) for member in entry["inputs"])
    return keccak(f"{entry['name']}({types})".encode())[:4]


def targets_of(addresses: dict[str, bytes]) -> set[tuple[bytes, bytes]]:
    return {(at, selector_of(entry)) for name, at in addresses.items() for entry in functions_of(name)}


def calls(addresses: dict[str, bytes], keys: Any, dice: random.Random, *, times: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield calls of every function with values that are well-typed, some of them known to the contracts."""
    known = [*addresses.values(), keys.admin.address, keys.relayer.address, keys.operator.address, STRANGER.address]
    for name, at in addresses.items():
        for entry in functions_of(name):
            types = [collapse_if_tuple(member) for member in entry["inputs"]]
            for _ in range(times):
                yield at, selector_of(entry) + encode(types, [value_of(kind, known, dice) for kind in types])


def value_of(kind: str, known: Sequence[bytes], dice: random.Random) -> Any:
    """Return a value of an ABI type; numbers are never near a block's time, where engines may rightly differ."""
    if kind.endswith("]"):
        inner, _, length = kind[:-1].rpartition("[")
        return [value_of(inner, known, dice) for _ in range(int(length) if length else dice.randrange(4))]
    if kind.startswith("("):
        return tuple(value_of(part, known, dice) for part in split_types(kind[1:-1]))
    if kind.startswith(("uint", "int")):
        bits = int(kind.lstrip("uint") or 256)
        return dice.choice([0, 1, 2, 3, 11, 12, 13, 2 ** (bits - 1) - 1, dice.getrandbits(bits - 1)])
    if kind.startswith("bytes") and kind != "bytes":
        return dice.choice([bytes(int(kind[5:])), dice.randbytes(int(kind[5:]))])
    if kind == "address":
        return "0x" + dice.choice([*known, dice.randbytes(20)]).hex()
    if kind == "bool":
        return dice.random() < 0.5
    return dice.randbytes(dice.choice([0, 4, 65])) if kind == "bytes" else dice.choice(["", "角色", "role"])


def split_types(text: str) -> list[str]:
    parts, depth, part = [], 0, ""
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += letter
    return [*parts, part] if part else parts


def alter(blocks: Sequence[JournalBlock], dice: random.Random) -> Iterator[tuple[bytes, bytes]]:
    """Yield acts that were done before: again as they were, or with one byte changed."""
    done = [rlp.decode(raw) for block in blocks for raw in block.raws]
    acts = [(fields[3], fields[5]) for fields in done if fields[3]]
    for _ in range(ALTERED):
        to, data = dice.choice(acts)
        place = dice.randrange(4, len(data))
        yield to, dice.choice([data, data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]])


def execute(engine: LedgerEngine, journal: Journal) -> list[Receipt | None]:
    """Send the journal, one sender at a time, and wait for each sender's receipts before the next is sent."""
    for _, group in groupby(journal.blocks, key=lambda block: sender_of(journal, block)):
        raws = [raw for block in group for raw in block.raws]
        answers = engine.send(raws, now=clock.now())
        assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}, answers[0]
        until = time.monotonic() + 60
        while not all(engine.receipts([keccak(raw) for raw in raws[-1:]])):
            assert time.monotonic() < until
            time.sleep(0.1)
    return list(engine.receipts([keccak(raw) for raw in journal.raws]))


def sender_of(journal: Journal, block: JournalBlock) -> bytes:
    chain = EmbeddedChain(MemoryStore(), endowed=[])
    return bytes(chain.decode(block.raws[0]).sender)


def test_the_journal_covers_every_function_and_many_refusals(journal: Journal) -> None:
    called = {(fields[3], fields[5][:4]) for fields in map(rlp.decode, journal.raws) if fields[3]}

    assert called >= journal.targets
    assert len(journal.receipts) == len(journal.raws) >= 2000
    assert sum(receipt.status == 0 for receipt in journal.receipts) >= 300
    assert sum(receipt.status == 1 and bool(receipt.logs) for receipt in journal.receipts) >= 80


def test_the_journal_of_the_product_is_what_a_fresh_engine_gives(journal: Journal) -> None:
    with journal.house.services.database.read() as session:
        stored = journal_receipts(session)

    found = journal.receipts[: len(stored)]
    assert compare_receipts(stored, found, is_same_fork=True) == ()
    assert [receipt.block_time for receipt in stored] == [receipt.block_time for receipt in found]


def test_invariant_30_the_journal_gives_the_same_status_gas_and_logs_on_another_engine(journal: Journal) -> None:
    with (
        running_anvil(require_anvil(), endowed=journal.endowed) as node,
        AnvilEngine.connect(parse_chain_url(f"anvil+{node}")) as engine,
    ):
        replay_blocks(engine, journal.blocks)
        found = engine.receipts([keccak(raw) for raw in journal.raws])

    assert compare_receipts(journal.receipts, found, is_same_fork=True) == ()


def test_under_later_rules_status_and_logs_are_the_same_and_gas_is_not(journal: Journal) -> None:
    with (
        running_anvil(require_anvil(), endowed=journal.endowed, hardfork="prague") as node,
        AnvilEngine.connect(parse_chain_url(f"anvil+{node}")) as engine,
    ):
        replay_blocks(engine, journal.blocks)
        found = engine.receipts([keccak(raw) for raw in journal.raws])

    assert compare_receipts(journal.receipts, found, is_same_fork=False) == ()
    differing = compare_receipts(journal.receipts, found, is_same_fork=True)
    assert len(differing) > 0
    assert all(problem.endswith("another gas") for problem in differing)


@pytest.mark.network
def test_four_validators_give_the_same(journal: Journal, tmp_path_factory: pytest.TempPathFactory) -> None:
    require_geth()
    with (
        running_network(tmp_path_factory.mktemp("network"), endowed=journal.endowed) as network,
        NetworkEngine.connect(parse_chain_url(f"{','.join(network.urls)}#finality=depth:2")) as engine,
    ):
        started = time.monotonic()
        found = execute(engine, journal)
        print(f"{len(found)} transactions in {time.monotonic() - started:.1f} s")
        (elsewhere,) = NetworkEngine(Rpc(network.urls[-1:]), engine.terms).receipts([keccak(journal.raws[-1])])

    assert compare_receipts(journal.receipts, found, is_same_fork=True) == ()
    assert elsewhere == found[-1]


def test_the_setting_anvil_is_filled_from_the_journal(journal: Journal) -> None:
    require_anvil()
    with (
        journal.house.services.database.read() as session,
        open_engine("anvil", session=session, keys=journal.house.services.keys) as engine,
        open_engine("embedded", session=session, keys=journal.house.services.keys) as embedded,
    ):
        problems = compare_with(session, engine, is_same_fork=True)
        heads = engine.head(), embedded.head()
        relayer = journal.house.services.keys.first.relayer.address
        nonces = engine.nonce_of(relayer), embedded.nonce_of(relayer)

    assert problems == ()
    assert (heads[0].number, heads[0].time) == (heads[1].number, heads[1].time)
    assert nonces[0] == nonces[1] > 0


WORDS = [b"\0" * 24 + (1_700_000_000).to_bytes(8, "big"), keccak(b"a"), (9).to_bytes(32, "big")]
RECEIPT = Receipt(
    keccak(b"t"), 9, keccak(b"b"), 1_700_000_000, 1, 50_000, (Log(b"\1" * 20, (keccak(b"e"),), b"".join(WORDS)),)
)


def shifted(data: bytes) -> Receipt:
    """Return the same outcome ten seconds and two blocks later."""
    log = replace(RECEIPT.logs[0], data=data)
    return replace(RECEIPT, block_number=11, block_time=RECEIPT.block_time + 10, block_hash=keccak(b"c"), logs=(log,))


def test_a_word_may_move_with_the_block_and_no_other_way() -> None:
    later = (1_700_000_010).to_bytes(32, "big")
    wrong = (1_700_000_009).to_bytes(32, "big")

    same = compare_receipts([RECEIPT], [shifted(later + WORDS[1] + (11).to_bytes(32, "big"))], is_same_fork=True)
    other = compare_receipts([RECEIPT], [shifted(wrong + WORDS[1] + WORDS[2])], is_same_fork=True)
    content = compare_receipts([RECEIPT], [shifted(later + keccak(b"x") + WORDS[2])], is_same_fork=True)

    assert same == ()
    assert [problems[0].rsplit(" ", 1)[1] for problems in (other, content)] == ["log", "log"]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (replace(RECEIPT, status=0), "status"), (replace(RECEIPT, gas_used=50_001), "gas"),
        (replace(RECEIPT, logs=()), "logs"), (None, "receipt"),
        (replace(RECEIPT, logs=(replace(RECEIPT.logs[0], address=b"\2" * 20),)), "log"),
        (replace(RECEIPT, logs=(replace(RECEIPT.logs[0], topics=()),)), "log"),
    ],
)  # fmt: skip
def test_what_differs_is_named(changed: Receipt | None, named: str) -> None:
    (problem,) = compare_receipts([RECEIPT], [changed], is_same_fork=True)

    assert problem.startswith(f"transaction 0 (0x{RECEIPT.tx_hash.hex()}): another ")
    assert problem.endswith(named)
    assert compare_receipts([RECEIPT], [RECEIPT], is_same_fork=True) == ()
