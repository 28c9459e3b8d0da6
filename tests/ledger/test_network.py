"""The three engines behave alike; a real network of four validators stands still and goes on, and nothing is lost."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from asset_hub.core import clock
from ledger.anvil import AnvilEngine, running_anvil
from ledger.calls import created_address, creation, encode_call, read_log, read_refusal
from ledger.chain import CHAIN_ID
from ledger.embedded import EmbeddedChain, EmbeddedEngine, MemoryStore
from ledger.engine import (
    BadChainUrl,
    ChainTerms,
    Finality,
    FinalityRule,
    LedgerEngine,
    Outcome,
    Receipt,
    WrongChain,
    parse_chain_url,
    sign_for,
)
from ledger.errors import ChainUnavailable
from ledger.merkle import keccak
from ledger.network import NetworkEngine
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
    url = ",".join(network.urls)
    with NetworkEngine.connect(parse_chain_url(f"{url}#finality=depth:{DEPTH}&chain_id={CHAIN_ID}&gas_price=1")) as it:
        return it


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

    after = engine.head()
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
