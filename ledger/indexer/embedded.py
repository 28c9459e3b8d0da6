"""The embedded chain as a source: its stored headers and the receipts of its journal."""

from collections.abc import Iterator, Sequence

import rlp
from sqlmodel import col, select

from asset_hub.core.db import Database
from ledger.chain import CHAIN_ID
from ledger.engine import Checks
from ledger.indexer.errors import SourceUnavailable
from ledger.indexer.sources import Delivered, Header, Log
from ledger.models import BlockRow, JournalRow
from ledger.trie import trie_root

_NO_HASH = b"\0" * 32


class EmbeddedSource:
    """Reads another session than the one that indexes; every block is final."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def network(self) -> str:
        with self._database.read() as session:
            genesis = session.get(BlockRow, 0)
        if genesis is None:
            raise SourceUnavailable
        return f"{CHAIN_ID}:{genesis.hash.hex()}"

    def head(self) -> tuple[Header, int]:
        with self._database.read() as session:
            row = session.exec(select(BlockRow).order_by(col(BlockRow.number).desc()).limit(1)).first()
        if row is None:
            raise SourceUnavailable
        return _header(row), row.number

    def headers(self, first: int, last: int) -> list[Header]:
        statement = select(BlockRow).where(col(BlockRow.number).between(first, last)).order_by(col(BlockRow.number))
        with self._database.read() as session:
            return [_header(row) for row in session.exec(statement)]

    def logs_of(self, block_hash: bytes) -> Delivered:
        statement = select(JournalRow).where(JournalRow.block_hash == block_hash).order_by(col(JournalRow.block_index))
        with self._database.read() as session:
            rows = session.exec(statement).all()
        return Delivered(tuple(_logs(rows)), trie_root([row.receipt for row in rows]))

    def logs_between(self, first: int, last: int) -> list[Log]:
        statement = (
            select(JournalRow)
            .where(col(JournalRow.block_number).between(first, last))
            .order_by(col(JournalRow.block_number), col(JournalRow.block_index))
        )
        with self._database.read() as session:
            return list(_logs(session.exec(statement).all()))

    def checks(self) -> Checks:
        return Checks.RECEIPTS


def _header(row: BlockRow) -> Header:
    if not row.header:
        return Header(row.number, row.hash, _NO_HASH, row.time, trie_root([]), 0)
    fields = rlp.decode(row.header)
    return Header(row.number, row.hash, fields[0], row.time, fields[5], int.from_bytes(fields[6], "big"))


def _logs(rows: Sequence[JournalRow]) -> Iterator[Log]:
    index, block = 0, -1
    for row in rows:
        index, block = (index if row.block_number == block else 0), row.block_number
        for address, topics, data in rlp.decode(row.receipt)[3]:
            yield Log(
                row.block_number, row.block_hash, index, row.tx_hash, row.block_index, address, tuple(topics), data
            )
            index += 1
