"""A real node changes its mind, again and again: the index says what the chain says, and no block is forgotten."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import col, func, select

from asset_hub.core.db import Database
from ledger.errors import WrongChain
from ledger.index_models import ChainBlockRow, CursorRow, EventRow, RevertRow, UndoRow
from ledger.indexer import Following, Progress, follow
from ledger.indexer.errors import FinalityBroken
from ledger.indexer.rebuild import compare_with_shadow
from tests.drill import SEED, grown
from tests.ledger.anvil_node import Anvil
from tests.ledger.emitter import Chronicle
from tests.ledger.indexed import DEPTH, emitting_anvil, following, mine, read_state, reorganise

REORGS = grown(100, 1000)
REORGS_ON_POSTGRESQL = grown(15, 200)
PER_NODE = 200


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Anvil]:
    with emitting_anvil(tmp_path) as running:
        yield running


def assert_agrees(followed: Following, chronicle: Chronicle, node: Anvil) -> Progress:
    """The index at the node's head says what the model says."""
    progress = follow(followed)
    with followed.database.read() as session:
        state = read_state(session, network=progress.network)
        of_network = ChainBlockRow.network == progress.network
        blocks = session.exec(select(func.count()).select_from(ChainBlockRow).where(of_network)).one()
    assert progress.number == node.head()
    assert blocks == progress.number + 1
    assert state == chronicle.state
    return progress


def assert_no_drift(followed: Following) -> None:
    comparison = compare_with_shadow(followed)
    assert comparison.differing == ()
    assert comparison.live["chain_event"].rows > 0


@pytest.mark.timeout(3000)
def test_no_drift_after_many_reorganisations(any_database: Database, tmp_path: Path) -> None:
    """A new node, and so a new network, after every 200: anvil 1.7.1 loses contract code when it reorganises later."""
    count = REORGS if any_database.is_sqlite else REORGS_ON_POSTGRESQL
    reverted = 0
    for part, start in enumerate(range(0, count, PER_NODE)):
        folder = tmp_path / f"node{part}"
        folder.mkdir()
        with emitting_anvil(folder, "--timestamp", str(1_700_000_000 + part)) as node:
            reverted += disturb(any_database, node, seed=f"reorgs {SEED} {part}", count=min(PER_NODE, count - start))

    assert reverted == count


def disturb(database: Database, node: Anvil, *, seed: str, count: int) -> int:
    """Reorganise a node again and again; return how often the index followed, without drift."""
    rng, chronicle = random.Random(seed), Chronicle(seed)
    followed = following(database, node.url)
    mine(node, chronicle, blocks=DEPTH, events=3)
    progress = assert_agrees(followed, chronicle, node)

    for number in range(1, count + 1):
        if number % 4:
            deepest = min(DEPTH - 2, node.head() - progress.final)
            reorganise(node, chronicle, depth=rng.randint(1, deepest), events=2)
        else:
            grow_and_shrink(node, chronicle, followed, rng)
        assert follow(followed).hash.hex() == node.call("eth_getBlockByNumber", "latest", False)["hash"][2:]
        if number % (count // 5) == 0:
            assert_agrees(followed, chronicle, node)
        mine(node, chronicle, events=2)
        progress = follow(followed)

    assert_agrees(followed, chronicle, node)
    assert_no_drift(followed)
    with database.read() as session:
        reverts = session.exec(select(RevertRow).where(RevertRow.network == progress.network)).all()
        oldest = select(func.min(UndoRow.block_number)).where(UndoRow.network == progress.network)
        oldest_undo = session.exec(oldest).one()
    print(f"reorgs: seed {seed}, n {count}, deepest {max(r.from_number - r.to_number for r in reverts)}")
    assert oldest_undo > progress.final >= node.head() - DEPTH
    return len(reverts)


def grow_and_shrink(node: Anvil, chronicle: Chronicle, followed: Following, rng: random.Random) -> None:
    """A fork that was seen goes, and a shorter one takes its place."""
    blocks = rng.randint(2, DEPTH - 2)
    snapshot = node.call("evm_snapshot")
    mine(node, chronicle, blocks=blocks, events=2)
    follow(followed)
    node.call("evm_revert", snapshot)
    chronicle.cut(blocks)
    node.call("evm_increaseTime", rng.randint(1, 9))
    mine(node, chronicle, blocks=rng.randint(1, blocks - 1), events=2)


def test_an_event_that_was_replaced_leaves_nothing(database: Database, node: Anvil) -> None:
    chronicle = Chronicle("one")
    followed = following(database, node.url)
    mine(node, chronicle, blocks=5, events=6)
    assert_agrees(followed, chronicle, node)
    with database.read() as session:
        before = session.exec(select(EventRow.tx_hash).where(col(EventRow.block_number) > 3)).all()
    assert before

    reorganise(node, chronicle, depth=2, events=0)
    progress = follow(followed)

    with database.read() as session:
        assert session.exec(select(EventRow).where(col(EventRow.tx_hash).in_(before))).all() == []
        assert session.exec(select(UndoRow).where(col(UndoRow.block_number) > 3)).all() == []
        revert = session.exec(select(RevertRow)).one()
        assert read_state(session, network=progress.network) == chronicle.state
    assert (revert.from_number, revert.to_number, revert.events) == (5, 3, len(before))


def test_a_node_that_is_late_is_waited_for(database: Database, node: Anvil) -> None:
    chronicle = Chronicle("late")
    followed = following(database, node.url)
    mine(node, chronicle, blocks=3)
    snapshot = node.call("evm_snapshot")
    mine(node, chronicle, blocks=3)
    assert_agrees(followed, chronicle, node)
    node.call("evm_revert", snapshot)

    progress = follow(followed)

    assert (progress.head, progress.number, progress.reverts) == (3, 6, 0)
    chronicle.cut(3)
    mine(node, chronicle, blocks=1)
    assert_agrees(followed, chronicle, node)


def test_a_replaced_final_block_stops_the_index(database: Database, node: Anvil) -> None:
    chronicle = Chronicle("final")
    followed = following(database, node.url, finality="depth:2")
    mine(node, chronicle, blocks=8)
    before = follow(followed)
    with database.read() as session:
        kept = read_state(session, network=before.network)

    reorganise(node, chronicle, depth=5)
    for _ in range(2):
        with pytest.raises(FinalityBroken):
            follow(followed)

    with database.read() as session:
        assert read_state(session, network=before.network) == kept
        cursor = session.exec(select(CursorRow)).one()
        assert session.exec(select(RevertRow)).all() == []
    assert (cursor.number, cursor.final, cursor.hash) == (8, 6, before.hash)


def test_another_chain_behind_the_same_address_stops_the_index(database: Database, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with emitting_anvil(tmp_path) as node, emitting_anvil(tmp_path / "other", "--timestamp", "1700000000") as other:
        chronicle = Chronicle("chain")
        followed = following(database, node.url)
        mine(node, chronicle, blocks=2)
        mine(other, Chronicle("other"), blocks=4)
        follow(followed)
        moved = Following(
            database, following(database, other.url).source, followed.contracts, followed.name, followed.decoder,
            followed.patience,
        )  # fmt: skip

        with pytest.raises(WrongChain):
            follow(moved)
        with database.read() as session:
            assert session.exec(select(CursorRow)).one().number == 2
