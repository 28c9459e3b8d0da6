"""Nonces are given once, what is in the outbox lands once, and nothing is ever signed twice without being asked."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import SQLModel, col, select

from asset_hub.core import clock
from asset_hub.core.db import Database
from ledger.anvil import AnvilEngine, running_anvil
from ledger.chain import GAS_PRICE
from ledger.embedded import EmbeddedChain, EmbeddedEngine, MemoryStore
from ledger.engine import ChainTerms, LedgerEngine, parse_chain_url, sign_for
from ledger.errors import ChainUnavailable
from ledger.merkle import keccak
from ledger.network import NetworkEngine
from ledger.nonces import (
    NonceRow,
    NotDisplaced,
    OutboxRow,
    OutboxState,
    adopt_nonce,
    count_open,
    find_sent,
    queue_anew,
    queue_transaction,
    relay,
)
from ledger.rpc import Rpc
from ledger.signing import Key, Keys
from tests.services.anvil import require_anvil
from tests.services.geth import require_geth, running_network

KEYS = Keys(b"a secret for the outbox of the tests")
RELAYER = KEYS.relayer
TARGET = Key(keccak(b"whom nothing is paid")).address
TERMS = ChainTerms("embedded")
GAS = 50_000
THREADS, SENDS = 8, 100


@pytest.fixture
def embedded() -> EmbeddedEngine:
    return EmbeddedEngine(EmbeddedChain(MemoryStore(), endowed=[RELAYER.address]))


@pytest.fixture(
    params=["sqlite-anvil", pytest.param("postgresql-network", marks=(pytest.mark.network, pytest.mark.postgresql))]
)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Database, NetworkEngine]]:
    """Each database and each kind of node once."""
    with ExitStack() as running:
        if request.param == "sqlite-anvil":
            url = running.enter_context(running_anvil(require_anvil(), endowed=[RELAYER.address]))
            engine: NetworkEngine = running.enter_context(AnvilEngine.connect(parse_chain_url(f"anvil+{url}")))
            yield request.getfixturevalue("database"), engine
            return
        require_geth()
        network = running.enter_context(running_network(tmp_path_factory.mktemp("network"), endowed=[RELAYER.address]))
        url = f"{','.join(network.urls)}#finality=depth:2&gas_price=1"
        engine = running.enter_context(NetworkEngine.connect(parse_chain_url(url)))
        database = Database(request.getfixturevalue("postgresql"))
        running.callback(database.dispose)
        SQLModel.metadata.create_all(database.engine)
        yield database, engine


def queue(database: Database, op: str, *, terms: ChainTerms = TERMS, now: datetime | None = None) -> OutboxRow:
    with database.write() as session:
        return queue_transaction(
            session, RELAYER, terms, op_id=keccak(op.encode()), to=TARGET, data=b"", now=now or clock.now(), gas=GAS
        )


def rows(database: Database) -> list[OutboxRow]:
    with database.read() as session:
        return list(session.exec(select(OutboxRow).order_by(col(OutboxRow.number))))


def relay_until_empty(database: Database, engine: LedgerEngine, *, within_s: float = 60) -> None:
    until = time.monotonic() + within_s
    while relay(database, engine, now=clock.now()).open:
        assert time.monotonic() < until, [(row.nonce, row.state, row.reason) for row in rows(database)][:5]
        time.sleep(0.2)


def test_one_operation_is_signed_once(any_database: Database) -> None:
    first = queue(any_database, "a")
    second = queue(any_database, "b")

    again = queue(any_database, "a")

    assert (first.nonce, second.nonce) == (0, 1)
    assert (again.number, again.raw) == (first.number, first.raw)
    assert len(rows(any_database)) == 2
    with any_database.read() as session:
        assert [row.next for row in session.exec(select(NonceRow))] == [2]
        assert set(find_sent(session, op_ids=[keccak(b"a"), keccak(b"c")], chain_id=TERMS.chain_id)) == {keccak(b"a")}


def test_what_is_rolled_back_leaves_no_gap(any_database: Database) -> None:
    queue(any_database, "a")

    with pytest.raises(ZeroDivisionError), any_database.write() as session:
        queue_transaction(session, RELAYER, TERMS, op_id=keccak(b"b"), to=TARGET, data=b"", now=clock.now())
        _ = 1 // 0

    assert queue(any_database, "c").nonce == 1
    assert [row.nonce for row in rows(any_database)] == [0, 1]


def test_threads_get_each_nonce_once(any_database: Database) -> None:
    def work(thread: int) -> None:
        for number in range(20):
            queue(any_database, f"{thread}/{number}")

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [row.nonce for row in rows(any_database)] == list(range(THREADS * 20))
    assert [row.number for row in rows(any_database)] == list(range(1, THREADS * 20 + 1))


def test_chains_count_apart_and_an_account_in_use_goes_on(database: Database) -> None:
    other = replace(TERMS, chain_id=7)
    with database.write() as session:
        adopt_nonce(session, other, sender=RELAYER.address, used=41)
        adopt_nonce(session, other, sender=RELAYER.address, used=12)

    nonces = [queue(database, "a").nonce, queue(database, "a", terms=other).nonce, queue(database, "b").nonce]

    assert nonces == [0, 41, 1]


def test_eight_threads_send_a_hundred_each_and_none_twice(pair: tuple[Database, NetworkEngine]) -> None:
    database, node = pair

    def work(thread: int) -> None:
        for number in range(SENDS):
            queue(database, f"{thread}/{number}", terms=node.terms)
            if number % 25 == 0:
                relay(database, node, now=clock.now())

    started = time.monotonic()
    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    relay_until_empty(database, node)
    elapsed = time.monotonic() - started

    done = rows(database)
    print(f"{len(done)} sends, {len(done) / elapsed:.0f} tx/s until final")
    receipts = [receipt for receipt in node.receipts([row.tx_hash for row in done]) if receipt is not None]
    assert [(row.state, row.status) for row in done] == [(OutboxState.FINAL, 1)] * THREADS * SENDS
    assert [(row.block_number, row.block_hash) for row in done] == [(r.block_number, r.block_hash) for r in receipts]
    assert node.nonce_of(RELAYER.address) == THREADS * SENDS == len({row.tx_hash for row in done})


def test_a_batch_sent_twice_lands_once(database: Database, embedded: EmbeddedEngine) -> None:
    for number in range(3):
        queue(database, str(number))
    embedded.send([row.raw for row in rows(database)], now=clock.now())

    relayed = relay(database, embedded, now=clock.now())

    assert (relayed.sent, relayed.final, relayed.displaced, relayed.open) == (3, 3, 0, 0)
    assert [row.status for row in rows(database)] == [1, 1, 1]
    assert embedded.nonce_of(RELAYER.address) == 3


def test_the_outbox_accepts_while_no_node_answers(database: Database, embedded: EmbeddedEngine) -> None:
    away = NetworkEngine(Rpc(["http://127.0.0.1:1"]), TERMS)
    queue(database, "a")

    with pytest.raises(ChainUnavailable):
        relay(database, away, now=clock.now())
    queue(database, "b")

    assert [row.state for row in rows(database)] == [OutboxState.WAITING] * 2
    assert relay(database, embedded, now=clock.now()).final == 2


def test_a_nonce_that_another_used_is_told_and_never_signed_anew_by_itself(
    database: Database, embedded: EmbeddedEngine
) -> None:
    mine = queue(database, "a")
    theirs = sign_for(RELAYER, TERMS, nonce=0, to=TARGET, data=b"\1", gas=GAS)
    embedded.send([theirs], now=clock.now())

    first = relay(database, embedded, now=clock.now())
    embedded.send([sign_for(RELAYER, TERMS, nonce=1, to=TARGET, data=b"", gas=GAS)], now=clock.now())
    second = relay(database, embedded, now=clock.now())

    (row,) = rows(database)
    assert (first.displaced, first.open) == (0, 1)
    assert (second.displaced, second.open) == (1, 0)
    assert (row.state, row.raw) == (OutboxState.DISPLACED, mine.raw)
    assert "nonce" in row.reason
    assert embedded.receipts([mine.tx_hash]) == (None,)


def test_what_was_displaced_is_signed_anew_only_when_asked(database: Database, embedded: EmbeddedEngine) -> None:
    def anew(op: str) -> OutboxRow:
        with database.write() as session:
            return queue_anew(
                session, RELAYER, TERMS, op_id=keccak(op.encode()), to=TARGET, data=b"", now=clock.now()
            )  # fmt: skip

    queue(database, "a")
    with pytest.raises(NotDisplaced):
        anew("a")
    with pytest.raises(NotDisplaced):
        anew("never queued")
    for nonce in range(2):
        theirs = sign_for(RELAYER, TERMS, nonce=nonce, to=TARGET, data=b"\1", gas=GAS)
        embedded.send([theirs], now=clock.now())
        relay(database, embedded, now=clock.now())
    with database.write() as session:
        adopt_nonce(session, TERMS, sender=RELAYER.address, used=embedded.nonce_of(RELAYER.address))

    again = anew("a")

    assert again.nonce == 2
    assert relay(database, embedded, now=clock.now()).final == 1
    assert [row.state for row in rows(database)] == [OutboxState.DISPLACED, OutboxState.FINAL]


def test_what_a_pool_forgot_is_sent_again_as_it_was(database: Database, embedded: EmbeddedEngine) -> None:
    now = clock.now()
    row = queue(database, "a", now=now)
    with database.write() as session:
        sent = session.get_one(OutboxRow, row.number)
        sent.state, sent.sent_at = OutboxState.SENT, now

    early = relay(database, embedded, now=now + timedelta(seconds=29))
    late = relay(database, embedded, now=now + timedelta(seconds=31))
    sent_again = relay(database, embedded, now=now + timedelta(seconds=32))

    assert [(early.sent, early.open), (late.sent, late.open)] == [(0, 1), (0, 1)]
    assert (sent_again.sent, sent_again.final) == (1, 1)
    assert [(after.raw, after.state) for after in rows(database)] == [(row.raw, OutboxState.FINAL)]


def test_a_refusal_keeps_the_row_and_its_reason(database: Database, embedded: EmbeddedEngine) -> None:
    with database.write() as session:
        queue_transaction(
            session, RELAYER, TERMS, op_id=keccak(b"a"), to=TARGET, data=b"", now=clock.now(), gas=20_999
        )  # fmt: skip

    relayed = relay(database, embedded, now=clock.now())

    (row,) = rows(database)
    assert (relayed.sent, relayed.open) == (0, 1)
    assert (row.state, row.reason) == (OutboxState.WAITING, "intrinsic gas too low")
    with database.read() as session:
        assert count_open(session, chain_id=TERMS.chain_id) == 1


def test_a_transaction_that_a_reorganisation_drops_is_sent_again_and_lands(database: Database) -> None:
    now = clock.now()
    with (
        running_anvil(require_anvil(), endowed=[RELAYER.address]) as url,
        NetworkEngine.connect(parse_chain_url(f"{url}#finality=depth:3&gas_price={GAS_PRICE}")) as engine,
    ):
        engine.rpc.ask("anvil_mine", "0x2")
        row = queue(database, "a", terms=engine.terms, now=now)
        seen = relay(database, engine, now=now)
        (before,) = rows(database)
        engine.rpc.ask("anvil_reorg", 1, [])
        relay(database, engine, now=now + timedelta(seconds=1))
        (dropped,) = rows(database)
        again = [relay(database, engine, now=now + timedelta(seconds=31 + number)) for number in range(2)]
        (landed,) = rows(database)
        engine.rpc.ask("anvil_mine", "0x3")
        final = relay(database, engine, now=now + timedelta(seconds=40))
        nonce = engine.nonce_of(RELAYER.address)

    assert (seen.final, before.state, before.status) == (0, OutboxState.SENT, 1)
    assert (dropped.state, dropped.block_number, dropped.status) == (OutboxState.SENT, None, None)
    assert [round_.sent for round_ in again] == [0, 1]
    assert (landed.state, landed.raw) == (OutboxState.SENT, row.raw)
    assert landed.block_hash not in (None, before.block_hash)
    assert (final.final, final.open, nonce) == (1, 0, 1)
