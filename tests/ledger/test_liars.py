"""A node that is late, forgets, repeats or invents: the index stops with a reason or says what the chain says."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.core.db import Database
from ledger.engine import Checks, parse_finality
from ledger.index_models import CursorRow, EventRow
from ledger.indexer import Following, RpcSource, follow
from ledger.indexer.errors import LogsDoNotFit, SourceUnavailable
from ledger.indexer.rebuild import compare_with_shadow
from ledger.rpc import Rpc
from tests.drill import SEED, grown
from tests.ledger.anvil_node import Anvil
from tests.ledger.emitter import Chronicle
from tests.ledger.indexed import DEPTH, HURRY, OURS, emitting_anvil, following, mine, read_state, reorganise
from tests.ledger.proxy import KINDS, SLOW_SECONDS, Liar, lying_proxy

ROUNDS = grown(12, 300)
SAYS_NOTHING = ("slow", "cut", "away", "partial")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Anvil]:
    with emitting_anvil(tmp_path) as running:
        yield running


@pytest.fixture
def liar(node: Anvil) -> Iterator[tuple[str, Liar]]:
    with lying_proxy(node.url, seed=f"liar {SEED}") as served:
        yield served


def following_liar(
    database: Database, url: str, *, finality: str = f"depth:{DEPTH}", checks: Checks = Checks.RECEIPTS,
    timeout_seconds: float = 10.0,
) -> Following:  # fmt: skip
    rule = parse_finality(finality)
    source = RpcSource(Rpc([url], timeout_s=timeout_seconds), finality=rule, checks=checks)
    return Following.start(database, source, OURS, patience=replace(HURRY, blocks=6))


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Anvil, Chronicle]]:
    """A node with a few blocks that no test changes."""
    with emitting_anvil(tmp_path_factory.mktemp("standing")) as running:
        chronicle = Chronicle("standing")
        mine(running, chronicle, blocks=12)
        yield running, chronicle


FAR = [("depth:2", kind) for kind in KINDS if kind not in ("stale", "altered")]
NEAR = [("depth:99", kind) for kind in KINDS if kind not in ("stale", *SAYS_NOTHING)]


@pytest.mark.parametrize(("finality", "kind"), [*FAR, *NEAR])
def test_a_node_that_always_lies_is_refused(
    database: Database, standing: tuple[Anvil, Chronicle], finality: str, kind: str
) -> None:
    """By range and block by block. A range proves topics but not data: for those, `prove_all` asks for receipts."""
    node, chronicle = standing
    with lying_proxy(node.url, seed=kind) as (url, mouth):
        followed = following_liar(database, url, finality=finality)
        hurry = SLOW_SECONDS / 4 if kind == "slow" else 10.0
        hurried = following_liar(database, url, finality=finality, timeout_seconds=hurry)
        mouth.lie(kind)

        for _ in range(2):
            with pytest.raises(SourceUnavailable if kind in SAYS_NOTHING else LogsDoNotFit):
                follow(hurried)

        assert mouth.told[kind] >= HURRY.attempts
        with database.read() as session:
            kept = session.exec(select(EventRow)).all()
            cursor = session.exec(select(CursorRow)).first()
        assert kept == []
        assert cursor is None or cursor.number <= 0
        mouth.calm()
        progress = follow(followed)
    with database.read() as session:
        assert read_state(session, network=progress.network) == chronicle.state


def test_a_late_node_takes_nothing_back(database: Database, node: Anvil, liar: tuple[str, Liar]) -> None:
    url, mouth = liar
    followed = following_liar(database, url)
    chronicle = Chronicle("late")
    for _ in range(DEPTH * 2):
        mine(node, chronicle)
        follow(followed)
    reorganise(node, chronicle, depth=3)
    follow(followed)
    tip = node.head()
    mouth.lie("stale")

    numbers = {follow(followed).number for _ in range(30)}

    assert numbers == {tip}
    assert mouth.told["stale"] >= 30
    with database.read() as session:
        assert read_state(session, network=1) == chronicle.state


@pytest.mark.timeout(900)
def test_no_drift_behind_a_node_that_lies_now_and_then(
    any_database: Database, node: Anvil, liar: tuple[str, Liar]
) -> None:
    url, mouth = liar
    rng, chronicle = random.Random(f"now and then {SEED}"), Chronicle(f"now and then {SEED}")
    followed = following_liar(any_database, url)
    mine(node, chronicle, blocks=DEPTH + 20)
    mouth.lie(*(kind for kind in KINDS if kind != "slow"), chance=0.3)
    stops: dict[str, int] = {}
    rounds = ROUNDS if any_database.is_sqlite else ROUNDS // 3

    for _ in range(rounds):
        try:
            final = follow(followed).final
            reorganise(node, chronicle, depth=rng.randint(1, min(4, node.head() - final)), events=3)
        except (SourceUnavailable, LogsDoNotFit) as stop:
            stops[type(stop).__name__] = stops.get(type(stop).__name__, 0) + 1
        mine(node, chronicle, events=3)

    mouth.calm()
    progress = follow(followed)
    with any_database.read() as session:
        assert read_state(session, network=progress.network) == chronicle.state
    assert compare_with_shadow(following(any_database, node.url)).differing == ()
    print(f"liars: seed {SEED}, n {rounds}, stops {stops}, lies {mouth.told}")
    assert sum(mouth.told.values()) >= rounds


def test_a_node_without_receipts_is_checked_by_filters(database: Database, node: Anvil, liar: tuple[str, Liar]) -> None:
    url, mouth = liar
    followed = following_liar(database, url, checks=Checks.BLOOM)
    chronicle = Chronicle("filters")
    mine(node, chronicle, blocks=4)
    mouth.lie("missing")
    with pytest.raises(LogsDoNotFit):
        follow(followed)
    mouth.calm()

    progress = follow(followed)

    with database.read() as session:
        assert read_state(session, network=progress.network) == chronicle.state
