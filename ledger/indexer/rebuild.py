"""Makes the index again: beside the live one to compare them, in its place, or only its projections.

The shadow lies in a temporary SQLite file and asks every block for its receipts, which the back-fill by ranges does
not: what that could have missed is found here.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from asset_hub.core.db import Database, ReadSession, WriteSession
from asset_hub.core.text import N_
from ledger.index_models import ChainBlockRow, CursorRow, EventRow, RevertRow, UndoRow
from ledger.indexer.changes import Entity, canonical
from ledger.indexer.decoding import Decoder
from ledger.indexer.errors import IndexOutdated, SourceUnavailable
from ledger.indexer.follow import Following, Progress, follow
from ledger.indexer.projections import ENTITIES, VERSION
from ledger.indexer.store import NOWHERE, Contracts, find_cursor, project, stored_logs

_COMPARED: tuple[Entity, ...] = (ChainBlockRow, EventRow, *ENTITIES)
_NOT_COMPARED = frozenset({"network", "is_final"})
_STREAMED = {"yield_per": 5000}
_BLOCKS = 500
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Digest:
    """A table's rows of one network: how many, and their SHA-256."""

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The live index and one made afresh, at the same block; `differing` names the tables that disagree."""

    network: str
    number: int
    hash: str
    live: dict[str, Digest]
    shadow: dict[str, Digest]

    @property
    def differing(self) -> tuple[str, ...]:
        return tuple(name for name in self.live if self.live[name] != self.shadow[name])


def compare_with_shadow(following: Following) -> Comparison:
    """Index the chain afresh up to where the live index stands, and compare every table.

    A chain that reorganises meanwhile is followed, and the comparison begins again. Raises what `follow` raises.
    """
    for _ in range(_ATTEMPTS):
        comparison = _compare_once(following)
        if comparison is not None:
            return comparison
    raise SourceUnavailable(N_("The chain moved on during every comparison."))


def replace_index(following: Following) -> Progress:
    """Forget this network's index and make it again from the chain; side effects are not queued a second time.

    Readers see a growing index meanwhile. Interrupted, `follow` goes on where it was.
    """
    with following.database.write() as session:
        cursor = find_cursor(session, following.name)
        if cursor is not None:
            _forget(session, cursor)
            cursor.contracts, cursor.version = following.contracts.digest, VERSION
            session.add(cursor)
    return follow(following)


def reproject(database: Database, *, name: str, contracts: Contracts) -> None:
    """Make the projections again from the raw events, in one transaction and without a node."""
    decoder = Decoder(contracts.names)
    with database.write() as session:
        cursor = find_cursor(session, name)
        if cursor is None:
            return
        if cursor.contracts != contracts.digest:
            raise IndexOutdated(N_("The index was made for other contracts; rebuild it from the chain."))
        _delete(session, cursor.network, (*ENTITIES, UndoRow))
        for first in range(0, cursor.number + 1, _BLOCKS):
            blocks = (first, min(first + _BLOCKS - 1, cursor.number))
            _project_stored(session, decoder, cursor, blocks)
        cursor.version = VERSION
        session.add(cursor)


@contextmanager
def shadow_database() -> Iterator[Database]:
    """Open an empty database with the tables of the index in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="asset-hub-shadow-") as folder:
        database = Database(f"sqlite:///{Path(folder)}/shadow.db")
        try:
            entities: tuple[Entity, ...] = (CursorRow, UndoRow, RevertRow, *_COMPARED)
            SQLModel.metadata.create_all(database.engine, tables=[_table(entity) for entity in entities])
            yield database
        finally:
            database.dispose()


def digests(session: ReadSession, *, network: int) -> dict[str, Digest]:
    """Return the digest of every table that the chain alone decides, in the order of its key."""
    return {str(entity.__tablename__): _digest(session, _table(entity), network) for entity in _COMPARED}


def _compare_once(following: Following) -> Comparison | None:
    """Return None when the chain moved on meanwhile: the two would speak of different blocks."""
    progress = follow(following)
    with shadow_database() as shadow:
        made = follow(replace(following, database=shadow, prove_all=True), until=progress.number)
        with following.database.read() as session:
            live = digests(session, network=progress.network)
        with shadow.read() as session:
            afresh = digests(session, network=made.network)
    with following.database.read() as session:
        cursor = find_cursor(session, following.name)
    if cursor is None or not cursor.hash == progress.hash == made.hash:
        return None
    return Comparison(following.name, progress.number, progress.hash.hex(), live, afresh)


def _digest(session: ReadSession, table: sa.Table, network: int) -> Digest:
    columns = [column for column in table.columns if column.name not in _NOT_COMPARED]
    statement = sa.select(*columns).where(table.c.network == network).order_by(*table.primary_key.columns)
    digest, count = hashlib.sha256(), 0
    for row in session.connection().execute(statement, execution_options=_STREAMED).mappings():
        digest.update(canonical(dict(row)) + b"\n")
        count += 1
    return Digest(count, digest.hexdigest())


def _project_stored(session: WriteSession, decoder: Decoder, cursor: CursorRow, blocks: tuple[int, int]) -> None:
    statement = select(ChainBlockRow.number, ChainBlockRow.time).where(
        ChainBlockRow.network == cursor.network, col(ChainBlockRow.number).between(*blocks)
    )
    times = dict(session.exec(statement).all())
    logs = list(stored_logs(session, network=cursor.network, first=blocks[0], last=blocks[1]))
    project(session, decoder, cursor.network, logs, times, final=cursor.final)


def _forget(session: WriteSession, cursor: CursorRow) -> None:
    _delete(session, cursor.network, (*_COMPARED, UndoRow))
    cursor.number, cursor.hash, cursor.final = NOWHERE, b"", NOWHERE


def _delete(session: WriteSession, network: int, entities: Sequence[Entity]) -> None:
    for entity in entities:
        table = _table(entity)
        session.connection().execute(sa.delete(table).where(table.c.network == network))


def _table(entity: Entity) -> sa.Table:
    return SQLModel.metadata.tables[str(entity.__tablename__)]
