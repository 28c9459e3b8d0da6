"""The three engines behave alike; a real network of four validators stands still and goes on, and nothing is lost."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlmodel import col, select

from asset_hub.core import clock
from asset_hub.core.db import Database
from ledger.anvil import AnvilEngine, running_anvil
from ledger.calls import created_address, creation, encode_call, read_log, read_refusal
from ledger.chain import CHAIN_ID
from ledger.embedded import EmbeddedChain, EmbeddedEngine, MemoryStore
from ledger.engine import (
    BadChainUrl,
    BlockHead,
    ChainTerms,
    Finality,
    FinalityRule,
    LedgerEngine,
    Outcome,
    Receipt,
    parse_chain_url,
    sign_for,
)
from ledger.errors import ChainUnavailable, WrongChain
from ledger.health import Lack, NodeFacts, Quorum, describe_node, read_outbox
from ledger.merkle import keccak
from ledger.network import NetworkEngine, read_facts, read_terms
from ledger.nonces import OutboxRow, OutboxState, adopt_nonce, queue_transaction, relay
from ledger.rpc import Rpc
from ledger.signing import Key, Keys
from tests.services.anvil import require_anvil
from tests.services.geth import Network, require_geth, running_network

KEYS = Keys(b"a secret for the engines of the tests")
STRANGER = Key(keccak(b"a stranger with gas"))
PAUPER = Key(keccak(b"a stranger without"))
ENDOWED = [KEYS.admin.address, KEYS.relayer.address, STRANGER.address]
GAS = 3_000_000
DEPTH = 2


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    require_geth()
    with running_network(tmp_path_factory.mktemp("network"), endowed=ENDOWED) as running:
        yield running


def connected(network: Network) -> NetworkEngine:
    rpc = Rpc(network.urls)
    named = f"{','.join(network.urls)}#finality=depth:{DEPTH}&chain_id={CHAIN_ID}&gas_price=1"
    return NetworkEngine(rpc, read_terms(rpc, parse_chain_url(named)))


@pytest.fixture(params=["embedded", "anvil", pytest.param("network", marks=pytest.mark.network)])
def engine(request: pytest.FixtureRequest) -> Iterator[LedgerEngine]:
    with ExitStack() as running:
        if request.param == "embedded":
            yield EmbeddedEngine(EmbeddedChain(MemoryStore(), endowed=ENDOWED))
        elif request.param == "anvil":
            node = running.enter_context(running_anvil(require_anvil(), endowed=ENDOWED))
            yield running.enter_context(AnvilEngine.connect(parse_chain_url(f"anvil+{node}")))
        else:
            yield connected(request.getfixturevalue("network"))


def sign(
    engine: LedgerEngine, key: Key, *, to: bytes = STRANGER.address, data: bytes = b"", offset: int = 0, gas: int = GAS
) -> bytes:
    return sign_for(key, engine.terms, nonce=engine.nonce_of(key.address) + offset, to=to, data=data, gas=gas)


def land(engine: LedgerEngine, raws: Sequence[bytes], *, within_s: float = 30) -> list[Receipt]:
    """Send and wait until every transaction is in a block."""
    answers = engine.send(raws, now=clock.now())
    assert {answer.outcome for answer in answers} <= {Outcome.ACCEPTED, Outcome.KNOWN}, answers
    return await_receipts(engine, [keccak(raw) for raw in raws], within_s=within_s)


def await_receipts(engine: LedgerEngine, tx_hashes: Sequence[bytes], *, within_s: float = 30) -> list[Receipt]:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        found = [receipt for receipt in engine.receipts(tx_hashes) if receipt is not None]
        if len(found) == len(tx_hashes):
            return found
        time.sleep(0.1)
    raise AssertionError(f"{len(found)} of {len(tx_hashes)} transactions landed")


def head_from(engine: LedgerEngine, number: int, *, within_s: float = 30) -> BlockHead:
    """Return the head once it is at that block: young Clique networks exchange their first blocks for fewer others."""
    until = time.monotonic() + within_s
    while (head := engine.head()).number < number:
        assert time.monotonic() < until
        time.sleep(0.1)
    return head


def deploy_manager(engine: LedgerEngine) -> bytes:
    """Deploy an AccessManager that the admin's key rules; return where."""
    nonce = engine.nonce_of(KEYS.admin.address)
    (receipt,) = land(
        engine, [sign(engine, KEYS.admin, to=b"", data=creation("AccessManager", ["0x" + KEYS.admin.address.hex()]))]
    )
    assert receipt.status == 1
    return created_address(KEYS.admin.address, nonce)


def test_transactions_land_in_order_with_their_cost(engine: LedgerEngine) -> None:
    before, nonce = engine.head(), engine.nonce_of(KEYS.relayer.address)

    receipts = land(engine, [sign(engine, KEYS.relayer, offset=offset) for offset in range(3)])

    after = head_from(engine, receipts[-1].block_number)
    assert [receipt.status for receipt in receipts] == [1, 1, 1]
    assert [receipt.gas_used for receipt in receipts] == [21_000] * 3
    assert [receipt.block_number for receipt in receipts] == sorted(receipt.block_number for receipt in receipts)
    assert before.number < receipts[0].block_number <= after.number
    assert before.time < receipts[0].block_time <= after.time
    assert engine.nonce_of(KEYS.relayer.address) == nonce + 3
    assert after.final == max(0, after.number - engine.terms.finality.depth)


def test_the_same_transaction_again_changes_nothing(engine: LedgerEngine) -> None:
    raw = sign(engine, KEYS.relayer)
    (first,) = land(engine, [raw])
    nonce = engine.nonce_of(KEYS.relayer.address)

    (answer,) = engine.send([raw], now=clock.now())

    assert answer.outcome in (Outcome.KNOWN, Outcome.NONCE_TOO_LOW)
    assert answer.tx_hash == first.tx_hash
    assert engine.receipts([first.tx_hash]) == (first,)
    assert engine.nonce_of(KEYS.relayer.address) == nonce


def test_another_transaction_at_a_used_nonce_is_told_so(engine: LedgerEngine) -> None:
    land(engine, [sign(engine, KEYS.relayer)])
    nonce = engine.nonce_of(KEYS.relayer.address)

    (answer,) = engine.send([sign(engine, KEYS.relayer, data=b"\1", offset=-1)], now=clock.now())

    assert answer.outcome is Outcome.NONCE_TOO_LOW
    assert engine.receipts([answer.tx_hash]) == (None,)
    assert engine.nonce_of(KEYS.relayer.address) == nonce


@pytest.mark.parametrize("case", ["other chain", "no bytes", "not a transaction", "no funds", "too little gas"])
def test_what_no_block_can_hold_is_refused(engine: LedgerEngine, case: str) -> None:
    nonce = engine.nonce_of(KEYS.relayer.address)
    other = ChainTerms("network", CHAIN_ID + 1, engine.terms.gas_price)
    raw = {
        "other chain": sign_for(KEYS.relayer, other, nonce=nonce, to=STRANGER.address, data=b"", gas=GAS),
        "no bytes": b"", "not a transaction": b"\xc3\1\2\3", "no funds": sign(engine, PAUPER),
        "too little gas": sign(engine, KEYS.relayer, gas=20_999),
    }[case]  # fmt: skip

    (answer,) = engine.send([raw], now=clock.now())

    assert answer.outcome is Outcome.REFUSED
    assert answer.reason
    assert engine.receipts([keccak(raw)]) == (None,)
    assert engine.nonce_of(KEYS.relayer.address) == nonce


def test_a_batch_is_answered_one_by_one(engine: LedgerEngine) -> None:
    fine = sign(engine, KEYS.relayer)

    answers = engine.send([b"", fine, sign(engine, PAUPER)], now=clock.now())

    assert [answer.outcome for answer in answers] == [Outcome.REFUSED, Outcome.ACCEPTED, Outcome.REFUSED]
    assert await_receipts(engine, [keccak(fine)])[0].status == 1


def test_logs_and_refusals_read_alike(engine: LedgerEngine) -> None:
    manager = deploy_manager(engine)
    label = encode_call("AccessManager", "labelRole", [7, "REGISTRAR"])

    allowed, forbidden = (engine.call(manager, label, sender=key.address) for key in (KEYS.admin, STRANGER))
    (done,) = land(engine, [sign(engine, KEYS.admin, to=manager, data=label)])
    (refused,) = land(engine, [sign(engine, STRANGER, to=manager, data=label)])

    assert (done.status, refused.status, refused.logs) == (1, 0, ())
    assert (allowed.done, allowed.output, forbidden.done) == (True, b"", False)
    assert read_refusal(forbidden.output).startswith("AccessManagerUnauthorizedAccount(0x" + STRANGER.address.hex())
    (log,) = done.logs
    event = read_log("AccessManager", log.topics, log.data)
    assert log.address == manager
    assert event is not None
    assert (event.name, event.members) == ("RoleLabel", {"roleId": 7, "label": "REGISTRAR"})
    assert done.gas_used == 28_565
    assert refused.gas_used == 26_766


def test_what_was_never_sent_has_no_receipt(engine: LedgerEngine) -> None:
    assert engine.receipts([keccak(b"never sent"), keccak(b"nor this")]) == (None, None)
    assert engine.receipts([]) == ()


def test_the_setting_names_the_engine() -> None:
    url = parse_chain_url("https://a.example:8545,http://b.example#finality=depth:12&chain_id=7&gas_price=0")

    assert parse_chain_url("embedded").engine == "embedded"
    assert parse_chain_url("anvil").engine == "anvil"
    assert parse_chain_url("anvil+http://127.0.0.1:8545").nodes == ("http://127.0.0.1:8545",)
    assert (url.engine, url.nodes) == ("network", ("https://a.example:8545", "http://b.example"))
    assert (url.finality, url.chain_id, url.gas_price) == (Finality(FinalityRule.DEPTH, 12), 7, 0)
    assert [str(parse_chain_url(f"http://a.example#finality={rule}").finality) for rule in ("instant", "tag")] == [
        "instant", "tag",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "", "besu", "ftp://a.example#finality=tag", "http://", "http://a.example", "http://a.example#finality=soon",
        "http://a.example#finality=depth:0", "http://a.example#finality=depth:-1", "http://a.example#finality=depth:²",
        "http://a.example#finality=tag&chain_id=x", "http://a.example#finality=tag&colour=red",
    ],
)  # fmt: skip
def test_a_setting_that_names_none_is_refused(url: str) -> None:
    with pytest.raises(BadChainUrl):
        parse_chain_url(url)


def test_another_chain_is_not_written_to() -> None:
    with running_anvil(require_anvil(), endowed=ENDOWED) as node:
        with (
            pytest.raises(WrongChain) as refused,
            NetworkEngine.connect(parse_chain_url(f"{node}#finality=instant&chain_id=1")),
        ):
            pass
        assert refused.value.members == {"expected": 1, "served": CHAIN_ID}


def test_the_next_node_is_asked_when_one_is_silent() -> None:
    with running_anvil(require_anvil(), endowed=ENDOWED) as node:
        url = parse_chain_url(f"http://127.0.0.1:1,{node}#finality=instant&gas_price=1")
        with NetworkEngine.connect(url) as engine:
            assert engine.head().number == 0
    with pytest.raises(ChainUnavailable), NetworkEngine.connect(url):
        pass


def queue(database: Database, engine: LedgerEngine, ops: Sequence[str]) -> None:
    """Put transfers of nothing into the outbox, one transaction of the database each."""
    for op in ops:
        with database.write() as session:
            adopt_nonce(session, engine.terms, sender=STRANGER.address, used=0)
            queue_transaction(
                session, STRANGER, engine.terms, op_id=keccak(op.encode()), to=PAUPER.address, data=b"",
                now=clock.now(), gas=50_000,
            )  # fmt: skip


def relay_until_empty(database: Database, engine: LedgerEngine, *, within_s: float = 90) -> None:
    until = time.monotonic() + within_s
    while relay(database, engine, now=clock.now()).open:
        assert time.monotonic() < until
        time.sleep(0.2)


def stalled_facts(engine: NetworkEngine, *, within_s: float = 60) -> NodeFacts:
    """Wait until the head stands still; return what the node says then."""
    until = time.monotonic() + within_s
    while not (facts := read_facts(engine)).is_stalled(clock.now()):
        assert time.monotonic() < until, facts
        time.sleep(1)
    return facts


def assert_landed_once(database: Database, engine: LedgerEngine, *, count: int) -> None:
    with database.read() as session:
        rows = session.exec(select(OutboxRow).order_by(col(OutboxRow.number))).all()
    receipts = [receipt for receipt in engine.receipts([row.tx_hash for row in rows]) if receipt is not None]
    assert [row.nonce for row in rows] == list(range(rows[0].nonce, rows[0].nonce + count))
    assert [(row.state, row.status) for row in rows] == [(OutboxState.FINAL, 1)] * count
    assert [row.block_hash for row in rows] == [receipt.block_hash for receipt in receipts]
    assert engine.nonce_of(STRANGER.address) == rows[-1].nonce + 1


@pytest.fixture
def outbox(database: Database, network: Network) -> Database:
    engine = connected(network)
    with database.write() as session:
        adopt_nonce(session, engine.terms, sender=STRANGER.address, used=engine.nonce_of(STRANGER.address))
    return database


@pytest.mark.network
def test_one_of_four_validators_killed_and_the_network_goes_on(outbox: Database, network: Network) -> None:
    engine = connected(network)
    queue(outbox, engine, ["before"])
    relay_until_empty(outbox, engine)

    network.kill(0)
    try:
        queue(outbox, engine, [f"during {number}" for number in range(5)])
        relay_until_empty(outbox, engine)
        facts = read_facts(engine)
    finally:
        network.restart(0)

    assert_landed_once(outbox, engine, count=6)
    assert facts.quorum == Quorum(validators=4, needed=3, connected=3)
    assert not facts.is_stalled(clock.now())


@pytest.mark.network
def test_two_of_four_killed_the_head_stands_still_and_all_lands_once_afterwards(
    outbox: Database, network: Network
) -> None:
    engine = connected(network)
    network.kill(2, 3)
    try:
        queue(outbox, engine, [f"first {number}" for number in range(10)])
        relay(outbox, engine, now=clock.now())
        facts = stalled_facts(engine)
        queue(outbox, engine, [f"second {number}" for number in range(10)])
        relayed = relay(outbox, engine, now=clock.now() + timedelta(minutes=1))
        again = relay(outbox, engine, now=clock.now() + timedelta(minutes=1))
        head = engine.head()
        with outbox.read() as session:
            waiting = read_outbox(session, chain_id=CHAIN_ID)
    finally:
        network.restart(2, 3)
    restarted = time.monotonic()
    relay_until_empty(outbox, engine)
    print(f"all final {time.monotonic() - restarted:.1f} s after the restart")

    assert_landed_once(outbox, engine, count=20)
    assert facts.head is not None
    assert facts.head.number <= head.number <= facts.head.number + 1
    assert facts.quorum == Quorum(validators=4, needed=3, connected=2)
    told = [str(text) for text in describe_node(facts, now=clock.now())]
    assert told[0].startswith("The head stands still: the last block is ")
    assert told[1] == "Too few validators: 2 of 4 are connected, 3 are needed."
    assert (relayed.final, again.final, waiting.open, waiting.displaced) == (0, 0, 20, 0)
    assert waiting.oldest is not None


@pytest.mark.network
def test_a_healthy_network_says_so(network: Network) -> None:
    engine = connected(network)
    while engine.head().number < 3:
        time.sleep(0.2)

    facts = read_facts(engine)

    assert facts.head is not None
    assert facts.period is not None
    assert (facts.chain_id, facts.peers, facts.quorum) == (CHAIN_ID, 3, Quorum(4, 3, 4))
    assert facts.client.startswith("Geth/v1.13.15")
    assert (facts.lacks, facts.methods, facts.finality) == ((), (), f"depth:{DEPTH}")
    assert not facts.is_stalled(clock.now())
    assert [str(text) for text in describe_node(facts, now=clock.now())] == [
        f"Block {facts.head.number}, {DEPTH} blocks above the last final one (finality: depth:{DEPTH})."
    ]


@pytest.mark.network
def test_a_network_without_finality_refuses_the_rule_that_needs_it(network: Network) -> None:
    with NetworkEngine.connect(parse_chain_url(f"{network.urls[0]}#finality=tag")) as engine:
        facts = read_facts(engine)

    assert facts.head is not None
    assert (facts.lacks, facts.head.final) == ((Lack.FINALIZED,), 0)


def test_a_network_that_does_not_answer_is_stalled_and_says_so() -> None:
    facts = read_facts(NetworkEngine(Rpc(["http://127.0.0.1:1"]), ChainTerms("network")))

    assert facts.is_stalled(clock.now())
    assert [str(text) for text in describe_node(facts, now=clock.now())] == ["No node of the network answers."]


def test_a_head_is_stalled_after_ten_periods_and_never_before_ten_seconds() -> None:
    now = clock.now()

    def is_stalled(*, age_s: int, period_s: float | None) -> bool:
        head = BlockHead(9, keccak(b"b"), int(now.timestamp()) - age_s, 9)
        period = None if period_s is None else timedelta(seconds=period_s)
        return NodeFacts(CHAIN_ID, "", "instant", head, period).is_stalled(now)

    assert [is_stalled(age_s=age_s, period_s=5) for age_s in (49, 52)] == [False, True]
    assert [is_stalled(age_s=age_s, period_s=0.1) for age_s in (9, 12)] == [False, True]
    assert not is_stalled(age_s=10_000, period_s=None)


@pytest.mark.parametrize("validators", [1, 4, 5, 7])
def test_what_a_poor_node_lacks_is_named(validators: int) -> None:
    with poor_node(validators) as node:
        facts = read_facts(NetworkEngine(Rpc([node]), ChainTerms("network", finality=Finality(FinalityRule.TAG))))

    assert facts.lacks == (Lack.CHAIN_ID, Lack.METHODS, Lack.HISTORY, Lack.FINALIZED, Lack.SYNC, Lack.HEADERS)
    assert facts.methods == ("eth_getLogs",)
    assert facts.quorum == Quorum(validators, {1: 1, 4: 3, 5: 4, 7: 5}[validators], None)
    told = " ".join(str(text) for text in describe_node(facts, now=clock.now()))
    assert "eth_getLogs" in told


@contextmanager
def poor_node(validators: int) -> Iterator[str]:
    """Serve JSON-RPC over HTTP as an incompletely set up QBFT node does."""
    block = {"number": "0x40", "hash": "0x" + 64 * "a", "timestamp": hex(int(time.time()))}
    results: dict[str, object] = {
        "eth_chainId": "0x0", "eth_getBlockByNumber": block, "eth_syncing": {"currentBlock": "0x1"},
        "qbft_getValidatorsByBlockNumber": ["0x" + 40 * "b"] * validators,
    }  # fmt: skip

    class Poor(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps([self.answer(one) for one in asked]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def answer(self, one: dict[str, object]) -> dict[str, object]:
            method = str(one["method"])
            told: dict[str, object] = {"jsonrpc": "2.0", "id": one["id"]}
            if method in results and one["params"] != ["finalized", False]:
                return told | {"result": results[method]}
            code = -32601 if method == "eth_getLogs" else -32602
            return told | {"error": {"code": code, "message": "no"}}

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Poor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
