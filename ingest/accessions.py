"""The accession: opened with a 密级, offered things to, sealed, closed with a receipt that adds up."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import Actor, require, require_person
from asset_hub.catalogue import ElementValue, Secrecy, numbers_of
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import AssetHubError
from asset_hub.core.events import emit
from asset_hub.core.files import Blob, FileStore, put_bytes
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import JobState, Queue, enqueue, hasten_jobs, states_of_jobs
from ingest import permissions
from ingest.captures import capture_lines
from ingest.errors import AccessionNotFound, AccessionSealed, NotExamined
from ingest.events import AccessionClosed
from ingest.models import AccessionNumberRow, AccessionRow, ItemRow
from ingest.reasons import describe_reason, read_reason
from ingest.types import AccessionId, AccessionView, Door, ItemId, ItemStatus, ItemView, show_bytes


def open_accession(
    session: WriteSession,
    *,
    owner_id: UUID,
    door: Door,
    secrecy: Secrecy,
    collection_id: UUID | None = None,
    source: str = "",
    publish: bool = False,
    by: Actor,
    now: datetime,
) -> AccessionId:
    """Open an intake; one of the same person, door and source that has no receipt yet goes on instead.

    Also when everything had been offered: it is unsealed, and what was offered is not offered twice.
    """
    require(by, permissions.RECEIVE, organisation_id=owner_id)
    if source and (unfinished := _unfinished(session, owner_id, door, source, by)):
        unfinished.secrecy, unfinished.publish, unfinished.sealed_at = secrecy, publish, None
        return AccessionId(unfinished.id)
    row = AccessionRow(
        id=new_id(), number=_next_number(session, now), owner_id=owner_id, collection_id=collection_id,
        person_id=require_person(by), door=door, source=source, secrecy=secrecy, publish=publish, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return AccessionId(row.id)


def hasten_unfinished(session: WriteSession, *, owner_id: UUID, source: str, by: Actor, now: datetime) -> None:
    """Let what waits in intakes of this source run now: bringing the same folder in again is a person's word for it."""
    require(by, permissions.RECEIVE, organisation_id=owner_id)
    statement = (
        select(ItemRow.job_id)
        .join(AccessionRow, col(AccessionRow.id) == col(ItemRow.accession_id))
        .where(
            AccessionRow.owner_id == owner_id, AccessionRow.source == source, col(AccessionRow.closed_at).is_(None),
            ItemRow.status == ItemStatus.WAITING,
        )
    )  # fmt: skip
    hasten_jobs(session, job_ids=[job_id for job_id in session.exec(statement) if job_id is not None], now=now)


def offer_file(
    session: WriteSession,
    *,
    accession_id: UUID,
    key: bytes,
    blob: Blob | None,
    values: Sequence[ElementValue] = (),
    kind: str | None = None,
    secrecy: Secrecy | None = None,
    received: Mapping[str, Any] | None = None,
) -> ItemId:
    """Write down a stored file, or a record without one, and queue its examination.

    `received` is what `captures.receiving_process` said where its bytes came in, before this transaction.

    The same key is the same item, unless its bytes have changed since: then it is another, " [2]" in the receipt.
    """
    accession = lock_accession(session, accession_id)
    name, key = key, key if blob is None else _key_for_bytes(session, accession.id, key, blob.sha256)
    if (found := _item(session, accession.id, key)) is not None:
        return ItemId(found.id)
    _require_open(accession)
    row = _new_item(accession, key, ItemStatus.WAITING)
    row.name = name.rpartition(b"/")[2]
    row.received = dict(received) if received is not None else None
    row.values, row.kind = [asdict(value) for value in values], kind
    row.secrecy = secrecy or accession.secrecy
    if blob is not None:
        row.sha256, row.bytes_count = blob.sha256, blob.bytes_count
    session.add(row)
    session.flush()
    row.job_id = enqueue(
        session, "ingest.process_item", queue=Queue.MEDIA, by=accession.person_id, item_id=row.id
    )  # fmt: skip
    return ItemId(row.id)


def offer_refused(
    session: WriteSession, *, accession_id: UUID, key: bytes, error: AssetHubError, now: datetime
) -> None:
    """Write down a thing that could not even be taken; it counts as offered and rejected."""
    accession = lock_accession(session, accession_id)
    if _item(session, accession.id, key) is not None:
        return
    _require_open(accession)
    row = _new_item(accession, key, ItemStatus.REJECTED)
    row.reason, row.finished_at = describe_reason(error), now
    session.add(row)


def is_given_up(item: ItemRow) -> bool:
    """Say whether the examination of an item failed for good."""
    return item.reason is not None and item.reason["slug"] == NotExamined.slug


def reopen_item(session: WriteSession, *, item_id: UUID) -> None:
    """Let an item that was given up be examined again, as long as there is no receipt. Raises AccessionSealed."""
    item = session.get_one(ItemRow, item_id, with_for_update=True)
    if is_given_up(item):
        if lock_accession(session, item.accession_id).closed_at is not None:
            raise AccessionSealed
        item.status, item.reason, item.finished_at = ItemStatus.WAITING, None, None


def seal_accession(session: WriteSession, *, accession_id: UUID, files: FileStore, now: datetime) -> None:
    """Say that nothing more will be offered; closes it when every row has its outcome. Idempotent."""
    accession = lock_accession(session, accession_id)
    accession.sealed_at = accession.sealed_at or now
    session.flush()
    close_if_done(session, accession_id=accession_id, files=files, now=now)


def close_if_done(session: WriteSession, *, accession_id: UUID, files: FileStore, now: datetime) -> None:
    """Store the receipt of a sealed intake whose rows are all done. Emits AccessionClosed. Idempotent."""
    accession = lock_accession(session, accession_id)
    waiting = select(ItemRow.id).where(ItemRow.accession_id == accession_id, ItemRow.status == ItemStatus.WAITING)
    if accession.sealed_at is None or accession.closed_at is not None or session.exec(waiting).first() is not None:
        return
    accession.closed_at = now
    receipt = put_bytes(files, encode_receipt(_receipt(session, accession)))
    accession.receipt_sha256 = receipt.sha256
    items = session.exec(select(ItemRow).where(ItemRow.accession_id == accession_id).order_by(col(ItemRow.id))).all()
    accession.captures_sha256 = put_bytes(
        files, capture_lines(accession, items, numbers_of(session, asset_ids=[i.asset_id for i in items if i.asset_id]))
    ).sha256
    session.flush()
    emit(session, AccessionClosed(accession.id, receipt.sha256, accession.captures_sha256))


def get_accession(session: ReadSession, *, accession_id: UUID, by: Actor) -> AccessionView:
    """Return one intake. Raises AccessionNotFound, also for other houses."""
    row = session.get(AccessionRow, accession_id)
    if row is None or by.organisation_id != row.owner_id:
        raise AccessionNotFound
    require(by, permissions.READ, organisation_id=row.owner_id)
    return _views(session, [row])[0]


def list_accessions(session: ReadSession, *, by: Actor, limit: int = 50) -> tuple[AccessionView, ...]:
    """Return the newest intakes of the actor's house."""
    require(by, permissions.READ, organisation_id=by.organisation_id)
    statement = (
        select(AccessionRow)
        .where(AccessionRow.owner_id == by.organisation_id)
        .order_by(col(AccessionRow.id).desc())
        .limit(limit)
    )
    return _views(session, session.exec(statement).all())


def list_items(
    session: ReadSession, *, accession_id: UUID, status: ItemStatus | None = None, limit: int | None = None
) -> tuple[ItemView, ...]:
    """Return what was offered, in the order of its names."""
    statement = select(ItemRow).where(ItemRow.accession_id == accession_id).order_by(col(ItemRow.key)).limit(limit)
    if status is not None:
        statement = statement.where(ItemRow.status == status)
    return tuple(_item_view(row) for row in session.exec(statement))


def receipt_of(session: ReadSession, *, accession_id: UUID, by: Actor) -> dict[str, object]:
    """Return the receipt as it stands, also of an intake under way. Raises AccessionNotFound."""
    get_accession(session, accession_id=accession_id, by=by)
    return _receipt(session, session.get_one(AccessionRow, accession_id))


def has_open_jobs(session: ReadSession, *, accession_id: UUID) -> bool:
    """Say whether a row still waits for a job that runs or will run, be it after a back-off."""
    statement = select(ItemRow.job_id).where(ItemRow.accession_id == accession_id, ItemRow.status == ItemStatus.WAITING)
    open_states = {JobState.QUEUED, JobState.RUNNING}
    waiting = [job_id for job_id in session.exec(statement) if job_id is not None]
    return any(state in open_states for state in states_of_jobs(session, job_ids=waiting).values())


def encode_receipt(receipt: dict[str, object]) -> bytes:
    """Return the one spelling of a receipt whose digest is anchored."""
    return json.dumps(receipt, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def lock_accession(session: WriteSession, accession_id: UUID) -> AccessionRow:
    """Return the row, locked until the transaction ends. Raises AccessionNotFound."""
    row = session.get(AccessionRow, accession_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise AccessionNotFound
    return row


def _unfinished(session: ReadSession, owner_id: UUID, door: Door, source: str, by: Actor) -> AccessionRow | None:
    statement = select(AccessionRow).where(
        AccessionRow.owner_id == owner_id, AccessionRow.person_id == by.person_id, AccessionRow.door == door,
        AccessionRow.source == source, col(AccessionRow.closed_at).is_(None),
    )  # fmt: skip
    return session.exec(statement.order_by(col(AccessionRow.id)).with_for_update()).first()


def _require_open(accession: AccessionRow) -> None:
    if accession.sealed_at is not None:
        raise AccessionSealed


def _key_for_bytes(session: ReadSession, accession_id: UUID, key: bytes, sha256: str) -> bytes:
    """Return the key under which these bytes are, or could be, written down."""
    free, count = key, 1
    while (found := _item(session, accession_id, free)) is not None and found.sha256 != sha256:
        count += 1
        free = key + b" [%d]" % count
    return free


def _item(session: ReadSession, accession_id: UUID, key: bytes) -> ItemRow | None:
    return session.exec(select(ItemRow).where(ItemRow.accession_id == accession_id, ItemRow.key == key)).first()


def _new_item(accession: AccessionRow, key: bytes, status: ItemStatus) -> ItemRow:
    return ItemRow(
        id=new_id(), accession_id=accession.id, key=key, name=key.rpartition(b"/")[2], status=status,
        secrecy=accession.secrecy,
    )  # fmt: skip


def _next_number(session: WriteSession, now: datetime) -> str:
    year = beijing_date(now).year
    row = session.get(AccessionNumberRow, year, with_for_update=True) or AccessionNumberRow(year=year)
    row.last += 1
    session.add(row)
    session.flush()
    return f"RK-{year}-{row.last:05d}"


def _receipt(session: ReadSession, accession: AccessionRow) -> dict[str, object]:
    items = list_items(session, accession_id=accession.id)
    counts = {status: sum(item.status == status for item in items) for status in ItemStatus}
    return {
        "accession": accession.number,
        "offered": len(items),
        **{str(status): counts[status] for status in ItemStatus if status != ItemStatus.WAITING or counts[status]},
        "rows": [_receipt_row(item) for item in items],
    }


def _receipt_row(item: ItemView) -> dict[str, object]:
    reason = item.reason
    return {
        "path": item.path,
        "status": str(item.status),
        "reason": reason["slug"] if reason else None,
        "detail": str(read_reason(reason)) if reason else None,
        "asset": str(item.asset_id) if item.asset_id else None,
        "sha256": item.sha256,
        "bytes": item.bytes_count,
    }


def _item_view(row: ItemRow) -> ItemView:
    return ItemView(
        ItemId(row.id), show_bytes(row.key), ItemStatus(row.status), row.sha256, row.bytes_count, row.reason,
        row.asset_id, row.job_id,
    )  # fmt: skip


def _views(session: ReadSession, rows: Iterable[AccessionRow]) -> tuple[AccessionView, ...]:
    found = list(rows)
    counts: dict[UUID, dict[ItemStatus, int]] = {row.id: dict.fromkeys(ItemStatus, 0) for row in found}
    statement = (
        sa.select(col(ItemRow.accession_id), col(ItemRow.status), sa.func.count())
        .where(col(ItemRow.accession_id).in_(list(counts)))
        .group_by(col(ItemRow.accession_id), col(ItemRow.status))
    )
    for accession_id, status, count in session.connection().execute(statement):
        counts[accession_id][ItemStatus(status)] = count
    return tuple(
        AccessionView(
            AccessionId(row.id), row.number, row.owner_id, Door(row.door), row.secrecy, row.created_at,
            row.sealed_at is not None, row.closed_at is not None, row.receipt_sha256, counts[row.id],
        )
        for row in found
    )  # fmt: skip
