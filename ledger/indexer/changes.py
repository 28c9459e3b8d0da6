"""What a batch of events changes in the projections: merged row by row, written at once, with or without an undo log.

A projection sets absolute values that its event carries and never counts, so that final blocks need no reading and
any block can be undone by putting rows back.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col, select

from asset_hub.core.db import WriteSession
from asset_hub.core.text import N_
from ledger.index_models import UndoRow
from ledger.indexer.errors import ProjectionBroken

Values = dict[str, Any]
Entity = type[SQLModel]
_Group = tuple[Entity, frozenset[str], frozenset[str]]
_MAX_KEYS = 400
_MANY = 20
_FRESH = "\0fresh"


class Changes:
    """Rows to write for one network, in memory until `write` or `write_undoable`."""

    def __init__(self, network: int) -> None:
        self.network = network
        self._whole: dict[tuple[Entity, bytes], Values] = {}
        self._parts: dict[tuple[Entity, bytes], Values] = {}

    def put(self, entity: Entity, key: bytes, **values: Any) -> None:
        """Set a whole row."""
        self._parts.pop((entity, key), None)
        self._whole[entity, key] = values

    def update(self, entity: Entity, key: bytes, **values: Any) -> None:
        """Set some columns of a row that is there. `write` raises ProjectionBroken when it is not."""
        held = self._whole.get((entity, key))
        if held is not None:
            held.update(values)
        else:
            self._parts.setdefault((entity, key), {}).update(values)

    def merge(self, entity: Entity, key: bytes, *, fresh: Mapping[str, Any], **values: Any) -> None:
        """Set some columns; a row that is not there yet starts with `fresh`."""
        if (entity, key) in self._whole or (entity, key) in self._parts:
            self.update(entity, key, **values)
        else:
            self._whole[entity, key] = {**values, _FRESH: dict(fresh)}

    def write(self, session: WriteSession) -> None:
        """Write final changes."""
        for (entity, columns, _), rows in self._grouped(self._whole):
            execute_many(session, _upsert(session, entity, columns), rows)
        for (entity, columns, _), rows in self._grouped(self._parts):
            _update(session, entity, columns, rows)
        self._whole.clear()
        self._parts.clear()

    def write_undoable(self, session: WriteSession, *, block_number: int) -> None:
        """Write the changes of one block that may still be replaced, and what its rows were before."""
        touched: dict[Entity, list[bytes]] = defaultdict(list)
        for entity, key in (*self._whole, *self._parts):
            touched[entity].append(key)
        for entity, keys in touched.items():
            held = dict(_read(session, entity, self.network, keys))
            session.add_all(
                UndoRow(network=self.network, block_number=block_number, entity=str(entity.__tablename__), key=key,
                        before=_dump(held[key]) if key in held else None)
                for key in keys
            )  # fmt: skip
        session.flush()
        self.write(session)

    def _grouped(self, changes: Mapping[tuple[Entity, bytes], Values]) -> Iterable[tuple[_Group, list[Values]]]:
        """Rows of one statement: the same table, the same columns to set, the same columns to insert."""
        groups: dict[_Group, list[Values]] = defaultdict(list)
        for (entity, key), values in changes.items():
            fresh = values.pop(_FRESH, None)
            columns = frozenset(values)
            row = {**fresh, **values} if fresh is not None else dict(values)
            row |= {"network": self.network, key_of(entity): key}
            groups[entity, columns, frozenset(row)].append(row)
        return groups.items()


def execute_many(session: WriteSession, statement: Any, rows: Sequence[Values]) -> int:
    """Execute a statement for many rows; return how many rows it touched.

    Long lists go to the driver as they are: the ORM's handling of parameters took half the time of a back-fill. The
    columns of the index need none: bytes, integers, booleans.
    """
    connection = session.connection()
    if len(rows) < _MANY:
        return int(connection.execute(statement, rows).rowcount)
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    order = compiled.positiontup
    parameters: Any = [tuple([row[name] for name in order]) for row in rows] if order else rows
    return int(connection.exec_driver_sql(str(compiled), parameters).rowcount)


@cache
def key_of(entity: Entity) -> str:
    """Return the one column that names a row of a projection beside its network."""
    (name,) = [column.name for column in sa.inspect(entity).primary_key if column.name != "network"]
    return str(name)


def undo_blocks(session: WriteSession, entities: Sequence[Entity], *, network: int, above: int) -> None:
    """Put the rows of every block above `above` back, the last block first."""
    by_name = {str(entity.__tablename__): entity for entity in entities}
    rows = session.exec(
        select(UndoRow)
        .where(UndoRow.network == network, col(UndoRow.block_number) > above)
        .order_by(col(UndoRow.block_number).desc())
    ).all()
    for row in rows:
        _put_back(session, by_name[row.entity], row)
    drop_undo(session, network=network, numbers=(above + 1, None))


def drop_undo(session: WriteSession, *, network: int, numbers: tuple[int, int | None]) -> None:
    """Forget the undo log of these blocks, both ends included."""
    first, last = numbers
    statement = sa.delete(UndoRow).where(col(UndoRow.network) == network, col(UndoRow.block_number) >= first)
    if last is not None:
        statement = statement.where(col(UndoRow.block_number) <= last)
    session.connection().execute(statement)


def _put_back(session: WriteSession, entity: Entity, row: UndoRow) -> None:
    key = {"network": row.network, key_of(entity): row.key}
    if row.before is None:
        table = _table(entity)
        session.connection().execute(sa.delete(table).where(*(table.c[name] == value for name, value in key.items())))
    else:
        values = _load(row.before)
        session.connection().execute(_upsert(session, entity, frozenset(values)), [{**key, **values}])


def _table(entity: Entity) -> sa.Table:
    return SQLModel.metadata.tables[str(entity.__tablename__)]


def _upsert(session: WriteSession, entity: Entity, columns: frozenset[str]) -> Any:
    is_postgresql = session.connection().dialect.name == "postgresql"
    insert = (postgresql.insert if is_postgresql else sqlite.insert)(_table(entity))
    return insert.on_conflict_do_update(
        index_elements=["network", key_of(entity)], set_={name: insert.excluded[name] for name in sorted(columns)}
    )


def _update(session: WriteSession, entity: Entity, columns: frozenset[str], rows: Sequence[Values]) -> None:
    table, key = _table(entity), key_of(entity)
    statement = (
        sa.update(table)
        .where(table.c.network == sa.bindparam("row_network"), table.c[key] == sa.bindparam("row_key"))
        .values({name: sa.bindparam(f"new_{name}") for name in sorted(columns)})
    )
    renamed = [
        {"row_network": row["network"], "row_key": row[key], **{f"new_{name}": row[name] for name in columns}}
        for row in rows
    ]
    if execute_many(session, statement, renamed) != len(rows):
        raise ProjectionBroken(N_("An event changes a row of {table} that no event made."), table=table.name)


def _read(session: WriteSession, entity: Entity, network: int, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Values]]:
    table, key = _table(entity), key_of(entity)
    for start in range(0, len(keys), _MAX_KEYS):
        statement = sa.select(table).where(
            table.c.network == network, table.c[key].in_(keys[start : start + _MAX_KEYS])
        )  # fmt: skip
        for row in session.connection().execute(statement).mappings():
            values = dict(row)
            del values["network"]
            yield bytes(values.pop(key)), values


def _dump(values: Mapping[str, Any]) -> Values:
    return {name: {"hex": value.hex()} if isinstance(value, bytes) else value for name, value in values.items()}


def _load(values: Mapping[str, Any]) -> Values:
    return {name: bytes.fromhex(value["hex"]) if isinstance(value, dict) else value for name, value in values.items()}


def canonical(values: Mapping[str, Any]) -> bytes:
    """Return one spelling of a row for digests, the same from either database."""
    return json.dumps(_dump(values), sort_keys=True, separators=(",", ":")).encode()
