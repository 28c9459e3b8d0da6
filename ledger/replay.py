"""Re-executes the whole journal on a fresh engine in memory and compares everything with what is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from ledger.embedded import EmbeddedChain, MemoryStore
from ledger.models import BlockRow, JournalRow
from ledger.signing import Keys
from ledger.submit import NO_SEAL, endowed_accounts, open_chain, seal_of


@dataclass(frozen=True, slots=True)
class Replay:
    """What a re-execution found: `problems` is empty when journal, blocks and state agree."""

    transactions: int
    blocks: int
    head: str
    genesis: str
    problems: tuple[str, ...]


def verify_journal(session: ReadSession, keys: Keys) -> Replay:
    """Compare seals, block hashes, status, gas and receipts row by row; name the first rows that differ."""
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
