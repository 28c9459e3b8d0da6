"""Re-executes the whole journal on a second engine and compares everything with what is stored.

On py-evm in memory down to the block hashes; on any other engine, and of a network's history, status, logs and, under
the same rules, gas.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import rlp
from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from ledger.embedded import EmbeddedChain, EmbeddedEngine, MemoryStore
from ledger.engine import ANVIL, EMBEDDED, JournalBlock, LedgerEngine, Log, Receipt, replay_blocks
from ledger.journal import NO_SEAL, block_receipts, seal_of
from ledger.merkle import keccak
from ledger.models import BlockRow, ChainRow, JournalRow
from ledger.signing import HomeKeys
from ledger.sites import chain_id_of, genesis_hash
from ledger.submit import endowed_accounts, open_chain
from ledger.trie import trie_root


@dataclass(frozen=True, slots=True)
class Replay:
    """What a re-execution found: `problems` is empty when journal, blocks and state agree."""

    transactions: int
    blocks: int
    head: str
    genesis: str
    problems: tuple[str, ...]
    engine: str = EMBEDDED


def verify_journal(session: ReadSession, keys: HomeKeys) -> Replay:
    """Execute the journal again on py-evm in memory; name the first rows that differ.

    The embedded chain's down to its block hashes; a network's compares status and logs, and its blocks' own hashes.
    """
    if session.exec(select(ChainRow)).first() is not None:
        return _verify_history(session, keys)
    return _verify_embedded(session, keys)


def verify_on_anvil(session: ReadSession, keys: HomeKeys) -> Replay:
    """Execute the journal again on a fresh anvil; status, gas and logs must be the same. Raises ChainUnavailable."""
    from ledger.anvil import fresh_anvil

    expected, chain_id = journal_receipts(session), chain_id_of(session)
    problems = _check_seals(session.exec(select(JournalRow).order_by(col(JournalRow.number))).all())
    with fresh_anvil(endowed=endowed_accounts(keys), chain_id=chain_id) as engine:
        blocks = journal_blocks(session)
        replay_blocks(engine, blocks)
        problems += compare_with(session, engine, is_same_fork=True)
        head, genesis = engine.head(), engine.genesis()
    return Replay(len(expected), len(blocks), head.hash.hex(), genesis.hex(), tuple(problems), ANVIL)


def _verify_history(session: ReadSession, keys: HomeKeys) -> Replay:
    rows = session.exec(select(JournalRow).order_by(col(JournalRow.number))).all()
    problems = _check_seals(rows) + _check_blocks(session)
    chain = EmbeddedChain(MemoryStore(), endowed=endowed_accounts(keys), network_id=chain_id_of(session))
    engine, blocks = EmbeddedEngine(chain), journal_blocks(session)
    if not problems:
        replay_blocks(engine, blocks)
        problems += compare_with(session, engine, is_same_fork=False)
    head = rows[-1].block_hash.hex() if rows else ""
    return Replay(len(rows), len(blocks), head, genesis_hash(session).hex(), tuple(problems))


def _check_blocks(session: ReadSession) -> list[str]:
    """Name each block whose header or receipts do not have the hash that is stored; without a header nothing can."""
    rows = session.exec(select(BlockRow).where(BlockRow.number > 0).order_by(col(BlockRow.number))).all()
    altered = [row.number for row in rows if row.header and not _is_whole(session, row)]
    return [f"block {number}: another hash" for number in altered]


def _is_whole(session: ReadSession, row: BlockRow) -> bool:
    if keccak(row.header) != row.hash:
        return False
    fields: list[bytes] = rlp.decode(row.header)
    return trie_root(block_receipts(session, row)) == fields[5]


def _verify_embedded(session: ReadSession, keys: HomeKeys) -> Replay:
    rows = session.exec(select(JournalRow).order_by(col(JournalRow.number))).all()
    headers = {row.number: row.header for row in session.exec(select(BlockRow))}
    problems = _check_seals(rows)
    chain = EmbeddedChain(MemoryStore(), endowed=endowed_accounts(keys))
    count = 0
    for number, group in groupby(() if problems else rows, key=lambda row: row.block_number):
        count += 1
        problems += _re_execute(chain, number, list(group), headers.get(number))
        if problems:
            break
    head = bytes(chain.head.hash)
    if rows and not problems and bytes(open_chain(session, keys).head.hash) != head:
        problems.append("the stored chain has another head than its journal leads to")
    return Replay(len(rows), count, head.hex(), chain.genesis_hash.hex(), tuple(problems))


def journal_blocks(session: ReadSession, *, after: int = 0) -> list[JournalBlock]:
    """Return the journal's blocks with a number above `after`, in order."""
    statement = select(JournalRow).where(col(JournalRow.block_number) > after).order_by(col(JournalRow.number))
    rows = session.exec(statement).all()
    grouped = groupby(rows, key=lambda row: (row.block_number, row.block_time))
    return [JournalBlock(number, time, tuple(row.raw for row in group)) for (number, time), group in grouped]


def journal_receipts(session: ReadSession) -> list[Receipt]:
    """Return what the journal says became of its transactions, in order."""
    return [
        Receipt(
            row.tx_hash, row.block_number, row.block_hash, row.block_time, row.status, row.gas_used, _logs(row.receipt)
        )
        for row in session.exec(select(JournalRow).order_by(col(JournalRow.number)))
    ]


def compare_with(session: ReadSession, engine: LedgerEngine, *, is_same_fork: bool) -> tuple[str, ...]:
    """Compare the journal with an engine that has executed it; name every transaction that differs."""
    expected = journal_receipts(session)
    return compare_receipts(
        expected, engine.receipts([receipt.tx_hash for receipt in expected]), is_same_fork=is_same_fork
    )


def compare_receipts(
    expected: Sequence[Receipt], found: Sequence[Receipt | None], *, is_same_fork: bool
) -> tuple[str, ...]:
    """Name each transaction whose status, logs or (under the same rules of pricing) gas differ.

    In logs a word may differ as the blocks' times or numbers do: what is said relative to the block must be equal.
    """
    problems = []
    for index, (first, second) in enumerate(zip(expected, found, strict=True)):
        differing = "receipt" if second is None else _difference(first, second, is_same_fork)
        if differing:
            problems.append(f"transaction {index} (0x{first.tx_hash.hex()}): another {differing}")
    return tuple(problems)


def _difference(first: Receipt, second: Receipt, is_same_fork: bool) -> str:
    if first.status != second.status:
        return "status"
    if is_same_fork and first.gas_used != second.gas_used:
        return "gas"
    if len(first.logs) != len(second.logs):
        return "number of logs"
    return "" if all(_same_log(first, second, *logs) for logs in zip(first.logs, second.logs, strict=True)) else "log"


def _same_log(first: Receipt, second: Receipt, log: Log, other: Log) -> bool:
    if log.address != other.address or len(log.topics) != len(other.topics) or len(log.data) != len(other.data):
        return False
    shifts = {0, second.block_time - first.block_time, second.block_number - first.block_number}
    return all(
        int.from_bytes(theirs, "big") - int.from_bytes(ours, "big") in shifts
        for ours, theirs in zip(_words(log), _words(other), strict=True)
    )


def _words(log: Log) -> list[bytes]:
    return [*log.topics, *(log.data[start : start + 32] for start in range(0, len(log.data), 32))]


def _logs(receipt: bytes) -> tuple[Log, ...]:
    return tuple(Log(address, tuple(topics), data) for address, topics, data in rlp.decode(receipt)[3])


def _check_seals(rows: Sequence[JournalRow]) -> list[str]:
    seal, problems = NO_SEAL, []
    for expected, row in enumerate(rows, start=1):
        seal = seal_of(seal, row.raw, row.block_number, row.block_hash, row.status, row.gas_used)
        if row.number != expected or row.seal != seal:
            problems.append(f"journal row {row.number}: its seal is broken")
            break
    return problems


def _re_execute(chain: EmbeddedChain, number: int, rows: list[JournalRow], header: bytes | None) -> list[str]:
    block = chain.execute([row.raw for row in rows], time=rows[0].block_time)
    problems = []
    if (block.number, block.hash) != (number, rows[0].block_hash) or block.header != header:
        problems.append(f"block {number}: another hash")
    for row, executed in zip(rows, block.executed, strict=True):
        if (row.status, row.gas_used, row.receipt) != (executed.status, executed.gas_used, executed.receipt):
            problems.append(f"journal row {row.number}: another outcome")
    return problems
