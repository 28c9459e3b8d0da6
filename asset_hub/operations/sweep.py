"""Removes stored files that nothing refers to, e.g. those of rejected items; nothing else ever deletes a stored file.

Packages share the store, and equal bytes of two of them are one file, so none can know alone what may go.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from asset_hub.core.db import Database, ReadSession
from asset_hub.core.errors import RuleRefused
from asset_hub.core.files import FileStore, is_digest
from asset_hub.core.text import N_

LEAST_AGE = timedelta(days=1)  # far longer than it takes from storing a file to writing down who needs it
_ROWS = 10_000

FilesKept = Sequence[sa.Select[Any]]


class NothingKept(RuleRefused):
    """The database needs none of the stored files: it is hardly the one they belong to."""

    slug, title = "nothing-kept", N_("This database does not know a single one of the stored files")


@dataclass(frozen=True, slots=True)
class Swept:
    """How many files are needed, and which were not and are gone (or would be)."""

    kept: int
    removed: tuple[str, ...]


def sweep_files(database: Database, files: FileStore, kept: FilesKept, *, before: datetime) -> Swept:
    """Remove the files that were stored before that moment and that none of `kept` selects.

    A file stored again meanwhile stays (see FileStore.delete). Raises NothingKept.
    """
    needed, idle = _split(database, files, kept)
    return Swept(needed, tuple(sha256 for sha256 in idle if files.delete(sha256, before=before)))


def plan_sweep(database: Database, files: FileStore, kept: FilesKept) -> Swept:
    """Return which files nothing refers to, of any age; changes nothing. Raises NothingKept."""
    needed, idle = _split(database, files, kept)
    return Swept(needed, tuple(idle))


def _split(database: Database, files: FileStore, kept: FilesKept) -> tuple[int, list[str]]:
    with database.read() as session:
        known = {digest for select in kept for digest in _digests(session, select)}
    needed, idle = 0, []
    for sha256 in files.digests():
        if bytes.fromhex(sha256) in known:
            needed += 1
        else:
            idle.append(sha256)
    if idle and not needed:
        raise NothingKept
    return needed, idle


def _digests(session: ReadSession, select: sa.Select[Any]) -> Iterator[bytes]:
    for (value,) in session.connection().execute(select.execution_options(yield_per=_ROWS)):
        yield from _digests_in(value)


def _digests_in(value: object) -> Iterator[bytes]:
    """Find every digest in a column's value, which may be JSON of any shape."""
    if isinstance(value, str) and is_digest(value):
        yield bytes.fromhex(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _digests_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _digests_in(inner)
