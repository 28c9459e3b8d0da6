"""The index of real chains: what it says, that it can be made again, that nothing is queued twice or lost by a kill."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, col, func, select
from web3 import Web3
from web3.datastructures import AttributeDict

import contracts
from asset_hub.core.db import Database
from asset_hub.core.jobs import JobRow, JobState, Worker, enqueue, job_table
from ledger.acts import heads, work_key
from ledger.calls import encode_call
from ledger.codebook import GrantKind
from ledger.embedded import EmbeddedChain
from ledger.engine import parse_finality
from ledger.index_models import ChainBlockRow, CursorRow, EventRow, GrantView, HeadView, UndoRow, WorkView
from ledger.indexer import Contracts, EmbeddedSource, EventFinal, Following, RpcSource, follow, keep_following
from ledger.indexer.decoding import Decoder
from ledger.indexer.errors import IndexOutdated, ProjectionBroken
from ledger.indexer.jobs import CHECK, FOLLOW, jobs
from ledger.indexer.projections import ENTITIES, lists_of
from ledger.indexer.rebuild import compare_with_shadow, digests, replace_index, reproject
from ledger.indexer.sources import Log
from ledger.models import JournalRow
from ledger.rpc import Rpc
from ledger.sites import find_site
from ledger.submit import endowed_accounts, open_chain
from tests.drill import grown
from tests.kill import kill_moments
from tests.ledger.anvil_node import Anvil, running_anvil
from tests.ledger.emitter import SITE, Chronicle, Record, calls_of, make_record
from tests.ledger.houses import House, grant, make_house, make_terms
from tests.ledger.indexed import DEPTH, OURS, emitting_anvil, following, make_database, mine, read_state, reorganise
from tests.services.anvil import require_anvil

KILLS = grown(4, 50)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Anvil]:
    with emitting_anvil(tmp_path) as running:
        yield running


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A home whose chain has registered works and licences of all kinds."""
    made = make_house(tmp_path)
    for terms in (
        make_terms(uses=("press",)), make_terms(kind=GrantKind.SOLE), make_terms(uses=("press",)),
        make_terms(uses=("cinema",), kind=GrantKind.EXCLUSIVE),
    ):  # fmt: skip
        grant(made, terms)
        made.run()
    return made


def contracts_of(house: House) -> Contracts:
    with house.services.database.read() as session:
        site = find_site(session)
    assert site is not None
    return Contracts({address: name for name, address in site.addresses.items()})


def following_house(house: House, database: Database | None = None) -> Following:
    own = house.services.database
    return Following.start(database or own, EmbeddedSource(own), contracts_of(house))


def test_the_index_of_the_embedded_chain_says_what_its_contracts_say(house: House) -> None:
    followed = following_house(house)

    progress = follow(followed)

    work = work_key(house.asset_id)
    with house.services.database.read() as session:
        head = session.get_one(HeadView, (progress.network, work))
        assert lists_of(session, network=progress.network, work=work) == heads(session, asset_id=house.asset_id)
        engine = open_chain(session, house.services.keys)
        stored = [ask(engine, house, name, work) for name in ("exclusiveHead", "nonExclusiveHead")]
        assert [row.work for row in session.exec(select(WorkView))] == [work]
        assert session.exec(select(func.count()).select_from(GrantView)).one() == 4
        journal = session.exec(select(JournalRow)).all()
        assert {row.block_hash for row in journal} <= set(session.exec(select(ChainBlockRow.hash)))
    assert [head.exclusive_head, head.non_exclusive_head] == stored
    assert progress.number == progress.final == progress.head == engine.head.block_number
    assert compare_with_shadow(followed).differing == ()


def ask(engine: EmbeddedChain, house: House, function: str, work: bytes) -> bytes:
    addresses = {name: address for address, name in contracts_of(house).names.items()}
    data = encode_call("GrantLedger", function, [work])
    relayer = house.services.keys.first.relayer.address
    done, output = engine.call(relayer, addresses["GrantLedger"], data, time=engine.head.timestamp + 1)
    assert done
    return output


def test_a_second_run_writes_nothing(house: House, tmp_path: Path) -> None:
    followed = following_house(house, make_database(tmp_path / "second.db"))
    first = follow(followed)
    grant(house, make_terms(uses=("press",)))
    house.run()

    second, third = follow(followed), follow(followed)

    assert first.events > 0
    assert (second.number, second.events) == (first.number + 1, 1)
    assert (third.number, third.events) == (second.number, 0)


def test_the_jobs_follow_and_check(house: House) -> None:
    database = house.services.database
    worker = Worker(database, job_table(jobs(lambda opened: nullcontext(EmbeddedSource(opened)))))
    with database.write() as session:
        following_job, checking_job = enqueue(session, FOLLOW), enqueue(session, CHECK)
    worker.run_until_idle()
    with database.write() as session:
        assert {session.get_one(JobRow, job).state for job in (following_job, checking_job)} == {JobState.DONE}
        session.connection().execute(sa.update(HeadView).values(block_number=0))
        failing_job = enqueue(session, CHECK)
    worker.run_until_idle()

    with database.read() as session:
        error = session.get_one(JobRow, failing_job).error
    assert error is not None
    assert "chain_head" in str(error)


def test_the_same_journal_on_two_engines_gives_the_same_index(house: House, tmp_path: Path) -> None:
    """The signed transactions of the embedded chain, sent to anvil block by block: only block hashes may differ."""
    own = make_database(tmp_path / "own.db")
    embedded = follow(following_house(house, own))
    with running_anvil(require_anvil(), tmp_path, "--timestamp", "1767225600") as node:
        replay_on(node, house)
        other = make_database(tmp_path / "other.db")
        source = RpcSource(Rpc([node.url]), finality=parse_finality("depth:2"))
        progress = follow(Following.start(other, source, contracts_of(house)))

        with own.read() as mine_session, other.read() as theirs:
            here = digests(mine_session, network=embedded.network)
            there = digests(theirs, network=progress.network)
    own.dispose()
    other.dispose()
    assert progress.number == embedded.number
    assert progress.events == embedded.events
    for entity in ENTITIES:
        assert here[str(entity.__tablename__)] == there[str(entity.__tablename__)]


def replay_on(node: Anvil, house: House) -> None:
    for address in endowed_accounts(house.services.keys):
        node.call("anvil_setBalance", f"0x{address.hex()}", hex(10**24))
    with house.services.database.read() as session:
        rows = session.exec(select(JournalRow).order_by(col(JournalRow.number))).all()
    for number in sorted({row.block_number for row in rows}):
        block = [row for row in rows if row.block_number == number]
        for row in block:
            node.call("eth_sendRawTransaction", f"0x{row.raw.hex()}")
        node.call("evm_setNextBlockTimestamp", block[0].block_time)
        node.mine()


def test_decoding_agrees_with_web3() -> None:
    """Every event that the model makes, member by member."""
    chronicle = Chronicle("decoding")
    records = [record for _ in range(40) for record in chronicle.add_block(10)]
    decoder, seen = Decoder(SITE), set()
    for index, record in enumerate(records):
        log = as_log(record, index)
        if not decoder.is_ours(log.address):
            continue
        event = decoder.read(log)
        if event is None:
            assert record.data == b""
            continue
        seen.add((event.contract, event.name))
        theirs = processed(event.contract, event.name, log)
        assert {name: plain(value) for name, value in theirs.items()} == event.members
    assert seen == {
        ("OrgRegistry", "OrgAdmitted"), ("OrgRegistry", "KeyAdded"), ("OrgRegistry", "KeyRetired"),
        ("AnchorRegistry", "Anchored"), ("WorkRegistry", "WorkRegistered"), ("WorkRegistry", "WorkAmended"),
        ("WorkRegistry", "WorkStatusChanged"), ("GrantLedger", "Granted"),
    }  # fmt: skip


def as_log(record: Record, index: int) -> Log:
    return Log(1, b"\1" * 32, index, b"\2" * 32, 0, record.address, record.topics, record.data)


def processed(contract: str, event: str, log: Log) -> dict[str, Any]:
    entry = AttributeDict(
        {"address": Web3.to_checksum_address(log.address), "topics": list(log.topics), "data": log.data,
         "blockNumber": 1, "blockHash": log.block_hash, "logIndex": log.log_index, "transactionHash": log.tx_hash,
         "transactionIndex": 0}
    )  # fmt: skip
    return dict(web3_contract(contract).events[event]().process_log(entry)["args"])


@cache
def web3_contract(name: str) -> Any:
    return Web3().eth.contract(abi=list(contracts.load(name).abi))


def plain(value: Any) -> Any:
    return bytes.fromhex(value[2:]) if isinstance(value, str) else value


def test_every_table_that_drifts_is_named(any_database: Database, node: Anvil) -> None:
    chronicle = Chronicle("drift")
    mine(node, chronicle, blocks=DEPTH + 4, events=8)
    followed = following(any_database, node.url)
    follow(followed)
    assert compare_with_shadow(followed).differing == ()

    with any_database.write() as session:
        session.connection().execute(sa.update(WorkView).values(revision=77))
        one = session.exec(select(EventRow.log_index, EventRow.block_number)).first()
        assert one is not None
        session.connection().execute(
            sa.delete(EventRow).where(col(EventRow.log_index) == one[0], col(EventRow.block_number) == one[1])
        )

    assert compare_with_shadow(followed).differing == ("chain_event", "chain_work")
    replace_index(followed)
    assert compare_with_shadow(followed).differing == ()


def test_projections_are_made_again_from_raw_events(any_database: Database, node: Anvil) -> None:
    """Also what is not final yet can still be undone afterwards."""
    chronicle = Chronicle("reproject")
    mine(node, chronicle, blocks=DEPTH + 6, events=6)
    followed = following(any_database, node.url)
    network = follow(followed).network
    with any_database.write() as session:
        before = digests(session, network=network)
        session.connection().execute(sa.delete(HeadView))
        session.connection().execute(sa.delete(UndoRow))
        session.connection().execute(sa.update(CursorRow).values(version=0))
    with pytest.raises(IndexOutdated):
        follow(followed)

    reproject(any_database, name=followed.name, contracts=OURS)

    with any_database.read() as session:
        assert digests(session, network=network) == before
    reorganise(node, chronicle, depth=DEPTH - 1)
    follow(followed)
    with any_database.read() as session:
        assert read_state(session, network=network) == chronicle.state


def test_an_index_of_other_contracts_is_refused(database: Database, node: Anvil) -> None:
    followed = following(database, node.url)
    mine(node, Chronicle("contracts"), blocks=2)
    follow(followed)
    fewer = Contracts({address: name for address, name in SITE.items() if name != "GrantLedger"})

    with pytest.raises(IndexOutdated):
        follow(Following.start(database, followed.source, fewer))


def test_an_event_about_nothing_stops_the_index(database: Database, node: Anvil) -> None:
    """A work is amended that nobody registered: a log is missing, though every block proves its own."""
    amended = make_record(
        "WorkRegistry", "WorkAmended", opId=b"\1" * 32, work=b"\2" * 32, statement=b"\3" * 32, earlier=b"\4" * 32,
        revision=2,
    )  # fmt: skip
    for to, data in calls_of([amended]):
        node.send(to, data)
    node.mine()

    with pytest.raises(ProjectionBroken):
        follow(following(database, node.url))
    with database.read() as session:
        assert session.exec(select(CursorRow)).all() == []
        assert session.exec(select(EventRow)).all() == []


def test_only_final_blocks_have_consequences_and_each_once(tmp_path: Path, node: Anvil) -> None:
    subscribed = subscribing(tmp_path / "outbox.db")
    chronicle = Chronicle("outbox")
    followed = following(subscribed, node.url)
    for _ in range(6):
        mine(node, chronicle, blocks=3, events=3)
        follow(followed)
        reorganise(node, chronicle, depth=2, events=3)
        final = follow(followed).final
        assert queued(subscribed) == known_events(subscribed, final)
    replace_index(followed)

    assert queued(subscribed) == known_events(subscribed, follow(followed).final)
    assert len(queued(subscribed)) > 10


class Consequence:
    """The name under which the test's subscriber is queued."""

    job: ClassVar[str] = "test.consequence"


def subscribing(path: Path) -> Database:
    made = Database(f"sqlite:///{path}", subscriptions={EventFinal: (Consequence.job,)})
    SQLModel.metadata.create_all(made.engine)
    return made


def queued(database: Database) -> list[tuple[int, int]]:
    with database.read() as session:
        jobs = session.exec(select(JobRow).where(JobRow.name == Consequence.job)).all()
    return sorted((job.args["block_number"], job.args["log_index"]) for job in jobs)


def known_events(database: Database, final: int) -> list[tuple[int, int]]:
    """Places of the events up to `final` that an ABI knows; the model's unknown ones have one topic."""
    with database.read() as session:
        rows = session.exec(select(EventRow).where(col(EventRow.block_number) <= final)).all()
    return sorted((row.block_number, row.log_index) for row in rows if len(row.topics) > 32)


@pytest.mark.timeout(900)
def test_a_killed_back_fill_goes_on_where_it_was(tmp_path: Path, node: Anvil) -> None:
    """Whenever a back-fill got to the end in spite of its kills, it is compared and another one begins."""
    mine(node, Chronicle("kill"), blocks=40, events=12)
    undisturbed = subscribing(tmp_path / "undisturbed.db")
    started = time.monotonic()
    progress = follow(slowly(undisturbed, node.url))
    seconds = time.monotonic() - started

    path, runs, in_the_middle = tmp_path / "killed0.db", 0, 0
    for moment in kill_moments("back-fill", count=KILLS, most=seconds * 0.6):
        subscribing(path).dispose()
        before = height(path)
        back_fill_and_kill(path, node.url, moment)
        assert before <= height(path) <= progress.number
        in_the_middle += -1 < height(path) < progress.number
        if height(path) == progress.number:
            assert_same(undisturbed, path, node)
            runs += 1
            path = tmp_path / f"killed{runs}.db"

    subscribing(path).dispose()
    assert_same(undisturbed, path, node)
    print(f"back-fill: undisturbed {seconds:.2f} s, {in_the_middle} kills in the middle of {runs + 1} runs")
    assert in_the_middle >= KILLS // 4


def height(path: Path) -> int:
    """Return how far an index came, having checked that its blocks are as many as its cursor says."""
    database = Database(f"sqlite:///{path}")
    with database.read() as session:
        cursor = session.exec(select(CursorRow)).first()
        blocks = session.exec(select(func.count()).select_from(ChainBlockRow)).one()
    database.dispose()
    number = cursor.number if cursor is not None else -1
    assert blocks == number + 1
    return number


def assert_same(undisturbed: Database, path: Path, node: Anvil) -> None:
    """Go on to the end: the same rows, the same consequences, each once."""
    killed = subscribing(path)
    follow(slowly(killed, node.url))
    with undisturbed.read() as left, killed.read() as right:
        assert digests(left, network=1) == digests(right, network=1)
    assert queued(killed) == queued(undisturbed)
    assert queued(killed)
    killed.dispose()


def slowly(database: Database, url: str) -> Following:
    """Three blocks a transaction, so that a kill comes between two."""
    followed = following(database, url)
    return replace(followed, patience=replace(followed.patience, blocks=3))


def back_fill_and_kill(path: Path, url: str, moment: float) -> None:
    child = os.fork()
    if child == 0:
        try:
            follow(slowly(subscribing(path), url))
        finally:
            os._exit(0)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_two_indexers_at_once_are_as_good_as_one(any_database: Database, node: Anvil) -> None:
    chronicle = Chronicle("two")
    mine(node, chronicle, blocks=40, events=4)
    followed = [slowly(any_database, node.url) for _ in range(3)]

    with ThreadPoolExecutor(3) as pool:
        events = sum(progress.events for progress in pool.map(follow, followed))

    progress = follow(following(any_database, node.url))
    assert progress.events == 0
    with any_database.read() as session:
        assert session.exec(select(func.count()).select_from(EventRow)).one() == events
    with any_database.read() as session:
        assert session.exec(select(func.count()).select_from(CursorRow)).one() == 1
        assert read_state(session, network=progress.network) == chronicle.state


def test_every_new_block_is_found_by_itself(database: Database, node: Anvil) -> None:
    chronicle, stop = Chronicle("watch"), Event()
    watcher = Thread(target=keep_following, args=(following(database, node.url), stop))
    watcher.start()
    waited = []
    try:
        for _ in range(5):
            mine(node, chronicle, events=3)
            waited.append(wait_for_block(database, node.head()))
    finally:
        stop.set()
        watcher.join()

    print(f"block to query: {[round(seconds, 3) for seconds in waited]} s (bench/indexer.py measures it)")
    assert len(waited) == 5


def wait_for_block(database: Database, number: int) -> float:
    started = time.monotonic()
    while time.monotonic() - started < 30:
        with database.read() as session:
            cursor = session.exec(select(CursorRow)).first()
        if cursor is not None and cursor.number >= number:
            return time.monotonic() - started
        time.sleep(0.01)
    pytest.fail(f"block {number} was not found")
