"""The list (目录表) of an intake in the browser: rows that wait for their file, rows that describe a record.

A row is an item of its own (kind "row") until a file takes it: `name` then keeps the file it names, in NFC.
The receipt is therefore complete at every moment, and a row whose file never comes is refused at the end.
"""

import os
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor
from asset_hub.catalogue import ElementValue, Secrecy, describe, set_secrecy
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import AssetHubError
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from ingest.accessions import offer_file, offer_refused
from ingest.errors import FileNotListed, ListedRefused, ListTooLate, UnreadableSheet
from ingest.models import AccessionRow, ItemRow
from ingest.reasons import describe_reason, read_reason
from ingest.sheets import Sheet, SheetRow, read_sheet
from ingest.types import ItemStatus, show_bytes

ROW = "row"
_LARGEST = 256 << 20
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list says about a file."""

    values: tuple[ElementValue, ...] = ()
    secrecy: Secrecy | None = None


def read_list(file: BinaryIO, *, name: str) -> Sheet:
    """Read an uploaded list. Raises UnknownHeading, UnreadableSheet."""
    suffix = ".xlsx" if name.lower().endswith(".xlsx") else ".csv"
    with tempfile.TemporaryDirectory(prefix="asset_hub-") as folder:
        path = Path(folder) / f"目录表{suffix}"
        with path.open("wb") as copy:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
                if copy.tell() > _LARGEST:
                    raise UnreadableSheet(N_("A list may have at most {limit} bytes."), limit=_LARGEST)
        return read_sheet(path)


def receive_list(session: WriteSession, *, accession: AccessionRow, sheet: Sheet, by: Actor, now: datetime) -> int:
    """Apply a list to an open intake; return how many rows it has. The same list again, corrected, converges.

    Raises ListTooLate, and takes nothing, when a refused row names a file that is here, or a file is in examination.
    """
    files = _files_by_name(session, accession.id)
    for row in sheet.rows:
        _forget_row(session, accession.id, row.key)
        found = files.get(row.file) if row.file is not None else None
        if found is not None:
            _describe_file(session, found, row, by, now)
        elif row.file is not None and row.refusal is None:
            _keep_row(session, accession, row)
        elif row.refusal is not None:
            _refuse_row(session, accession, row, row.refusal, now)
        else:
            offer_file(
                session, accession_id=accession.id, key=row.key, blob=None, values=row.values, kind="record",
                secrecy=row.secrecy,
            )  # fmt: skip
    return len(sheet.rows)


def refuse_listed(session: ReadSession, *, accession_id: UUID, key: bytes) -> None:
    """Refuse a file whose row in the list was refused. Raises ListedRefused."""
    row = _row_for(session, accession_id, key, ItemStatus.REJECTED)
    if row is not None and row.reason is not None:
        raise ListedRefused(N_("“{name}”: {reason}"), name=show_bytes(key), reason=read_reason(row.reason))


def take_listed(session: WriteSession, *, accession_id: UUID, key: bytes) -> Listed:
    """Return what the list says about this file; its row becomes the file's. Empty when no row waits for it."""
    row = _row_for(session, accession_id, key, ItemStatus.WAITING)
    if row is None:
        return Listed()
    session.delete(row)
    session.flush()
    return Listed(tuple(ElementValue(**value) for value in row.values), Secrecy(row.secrecy))


def refuse_leftovers(session: WriteSession, *, accession_id: UUID, now: datetime) -> None:
    """Refuse every row that still waits for a file: nothing more will come."""
    statement = select(ItemRow).where(
        ItemRow.accession_id == accession_id, ItemRow.kind == ROW, ItemRow.status == ItemStatus.WAITING
    )
    for row in session.exec(statement).all():
        row.status, row.finished_at = ItemStatus.REJECTED, now
        row.reason = describe_reason(FileNotListed(N_("“{name}” did not come."), name=show_bytes(row.name)))
    session.flush()


def _describe_file(session: WriteSession, item: ItemRow, row: SheetRow, by: Actor, now: datetime) -> None:
    name = show_bytes(item.key)
    if row.refusal is not None:
        raise ListTooLate(
            N_("“{name}” is here already, and its row is refused: {reason}"), name=name, reason=row.refusal.text
        )
    if item.status == ItemStatus.WAITING:
        raise ListTooLate(N_("“{name}” is still being examined. Send the list again in a moment."), name=name)
    if item.status == ItemStatus.ACCEPTED and item.asset_id is not None:
        describe(session, asset_id=item.asset_id, values=row.values, by=by, now=now)
        if row.secrecy is not None:
            set_secrecy(session, asset_id=item.asset_id, secrecy=row.secrecy, by=by)


def _keep_row(session: WriteSession, accession: AccessionRow, row: SheetRow) -> None:
    session.add(
        ItemRow(
            id=new_id(), accession_id=accession.id, key=row.key, name=row.file or b"", status=ItemStatus.WAITING,
            secrecy=row.secrecy or accession.secrecy, values=[asdict(value) for value in row.values], kind=ROW,
        )
    )  # fmt: skip
    session.flush()


def _refuse_row(
    session: WriteSession, accession: AccessionRow, row: SheetRow, error: AssetHubError, now: datetime
) -> None:
    offer_refused(session, accession_id=accession.id, key=row.key, error=error, now=now)
    session.flush()
    kept = session.exec(select(ItemRow).where(ItemRow.accession_id == accession.id, ItemRow.key == row.key)).one()
    kept.kind, kept.name = ROW, row.file or b""
    session.flush()


def _forget_row(session: WriteSession, accession_id: UUID, key: bytes) -> None:
    statement = select(ItemRow).where(ItemRow.accession_id == accession_id, ItemRow.key == key, ItemRow.kind == ROW)
    for row in session.exec(statement).all():
        session.delete(row)
    session.flush()


def _row_for(session: ReadSession, accession_id: UUID, key: bytes, status: ItemStatus) -> ItemRow | None:
    statement = select(ItemRow).where(
        ItemRow.accession_id == accession_id, ItemRow.kind == ROW, ItemRow.status == status,
        col(ItemRow.name).in_(_names(key)),
    )  # fmt: skip
    return session.exec(statement).first()


def _files_by_name(session: ReadSession, accession_id: UUID) -> dict[bytes, ItemRow]:
    found: dict[bytes, ItemRow] = {}
    statement = select(ItemRow).where(ItemRow.accession_id == accession_id, col(ItemRow.sha256).is_not(None))
    for item in session.exec(statement):
        for name in reversed(_names(item.key)):
            found.setdefault(name, item)
    return found


def _names(key: bytes) -> Sequence[bytes]:
    """Return the ways a list may name a file: its path, its last part; compared in NFC."""
    return list(dict.fromkeys(_comparable(name) for name in (key, key.rpartition(b"/")[2]) if name))


def _comparable(name: bytes) -> bytes:
    text = os.fsdecode(name)
    return os.fsencode(unicodedata.normalize("NFC", text))
