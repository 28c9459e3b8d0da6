"""Keeps the indexes equal to the catalogue: changes are noted, then written many at a time."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.catalogue import all_asset_ids, read_for_index
from asset_hub.core import clock
from asset_hub.core.db import Database, ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import Queue, enqueue
from marketplace.availability import offered_uses
from search.documents import build_documents
from search.engine import IndexDocument, IndexName, SearchEngine
from search.models import PendingRow

_BATCH = 500
FLUSH = "search.flush"


def note_change(session: WriteSession, *, asset_id: UUID) -> None:
    """Remember that an asset must be indexed again, and queue one flush for all that wait."""
    row = session.get(PendingRow, asset_id, with_for_update=True) or PendingRow(asset_id=asset_id, change=new_id())
    row.change = new_id()
    session.add(row)
    session.flush()
    enqueue(session, FLUSH, queue=Queue.INDEX, dedupe_key=FLUSH)


def flush(database: Database, engine: SearchEngine) -> int:
    """Index what waits; return how many assets. A change that comes meanwhile keeps its row and is done next."""
    count = 0
    while True:
        with database.read() as session:
            pending = session.exec(select(PendingRow).order_by(col(PendingRow.change)).limit(_BATCH)).all()
            if not pending:
                return count
            documents = _documents(session, [row.asset_id for row in pending])
        engine.replace([str(row.asset_id) for row in pending], documents)
        with database.write() as writing:
            for row in pending:
                writing.connection().execute(
                    sa.delete(PendingRow).where(
                        col(PendingRow.asset_id) == row.asset_id, col(PendingRow.change) == row.change
                    )
                )
        count += len(pending)


def rebuild(database: Database, engine: SearchEngine) -> int:
    """Fill a new index from the database, switch to it, then index what changed meanwhile; return how many assets."""
    with database.read() as session:
        ids = list(all_asset_ids(session))
    engine.rebuild(_batches(database, ids))
    flush(database, engine)
    return len(ids)


def check(database: Database, engine: SearchEngine) -> list[str]:
    """Return what index and database disagree about, in plain words."""
    problems = []
    with database.read() as session:
        ids = list(all_asset_ids(session))
        expected: dict[IndexName, dict[str, int]] = {name: {} for name in IndexName}
        for start in range(0, len(ids), _BATCH):
            for name, documents in _documents(session, ids[start : start + _BATCH]).items():
                expected[name] |= {document.id: document.version for document in documents}
    for name in IndexName:
        held = engine.versions(name)
        problems += [f"{name}: {key} is missing" for key in expected[name].keys() - held.keys()]
        problems += [f"{name}: {key} should not be there" for key in held.keys() - expected[name].keys()]
        problems += [
            f"{name}: {key} is version {held[key]}, not {version}"
            for key, version in expected[name].items()
            if key in held and held[key] != version
        ]
    return problems


def _batches(database: Database, ids: Sequence[UUID]) -> Iterator[Mapping[IndexName, Sequence[IndexDocument]]]:
    for start in range(0, len(ids), _BATCH):
        with database.read() as session:
            yield _documents(session, ids[start : start + _BATCH])


def _documents(session: ReadSession, ids: Sequence[UUID]) -> dict[IndexName, list[IndexDocument]]:
    found: dict[IndexName, list[IndexDocument]] = {name: [] for name in IndexName}
    offers = offered_uses(session, asset_ids=ids)
    for asset, held in read_for_index(session, asset_ids=ids, now=clock.now()):
        for name, documents in build_documents(asset, is_held_back=held, offer=offers.get(asset.id, ())).items():
            found[name] += documents
    return found
