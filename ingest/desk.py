"""What the intake desk shows and does: items with their steps, retrying, finishing with nothing unaccounted for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, require
from asset_hub.catalogue import AssetState, get_assets
from asset_hub.core.db import Database, ReadSession, WriteSession, after_commit
from asset_hub.core.files import FileStore
from asset_hub.core.jobs import JobRow, JobState, retry_job
from asset_hub.core.text import N_, Text
from ingest import permissions
from ingest.accessions import (
    get_accession,
    is_given_up,
    lock_accession,
    offer_refused,
    reopen_item,
    seal_accession,
)
from ingest.errors import AccessionNotFound, UploadsUnfinished, UploadUnfinished
from ingest.lists import refuse_leftovers
from ingest.models import ItemRow, UploadRow
from ingest.reasons import read_reason, split_reason
from ingest.stages import STAGES
from ingest.types import STATUS_NAMES, AccessionView, ItemStatus, show_bytes
from ingest.uploads import Upload, complete_upload, forget_part, require_receiver, stored_length, unfinished_uploads

PAGE = 100
STAGE_NAMES: dict[str, str] = {
    "format": N_("format"),
    "technical": N_("technical facts"),
    "derivatives": N_("previews"),
    "shots": N_("shots"),
    "classify": N_("classification"),
}
_MARKS = {
    ItemStatus.WAITING: "busy",
    ItemStatus.ACCEPTED: "good",
    ItemStatus.DUPLICATE: "warn",
    ItemStatus.REJECTED: "bad",
    ItemStatus.QUARANTINED: "bad",
}


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An item as the desk shows it: what became of it, why, where it stands, where its asset is."""

    id: UUID
    path: str
    status: ItemStatus
    word: str
    mark: str
    bytes_count: int
    reason: Text | None
    raw: str
    note: Text | None
    done: int
    total: int
    is_failed: bool
    asset_number: str
    asset_url: str


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of items in the order of their paths; `after` is the last id when there are more."""

    lines: tuple[ItemLine, ...]
    after: UUID | None


def item_page(
    session: ReadSession,
    *,
    accession_id: UUID,
    status: ItemStatus | None = None,
    after: UUID | None = None,
    size: int = PAGE,
    by: Actor,
    now: datetime,
) -> ItemPage:
    """Return items with their steps. Raises AccessionNotFound."""
    accession = get_accession(session, accession_id=accession_id, by=by)
    statement = select(ItemRow).where(ItemRow.accession_id == accession_id).order_by(col(ItemRow.key)).limit(size + 1)
    if status is not None:
        statement = statement.where(ItemRow.status == status)
    if after is not None and (last := session.get(ItemRow, after)) is not None:
        statement = statement.where(col(ItemRow.key) > last.key)
    rows = session.exec(statement).all()
    lines = _lines(session, accession, rows[:size], by, now)
    return ItemPage(lines, rows[size - 1].id if len(rows) > size else None)


def is_working(session: ReadSession, *, accession_id: UUID) -> bool:
    """Say whether a job of this intake waits or runs."""
    statement = (
        select(JobRow.id)
        .join(ItemRow, col(ItemRow.job_id) == col(JobRow.id))
        .where(
            ItemRow.accession_id == accession_id,
            ItemRow.status == ItemStatus.WAITING,
            col(JobRow.state).in_([JobState.QUEUED, JobState.RUNNING]),
        )
        .limit(1)
    )
    return session.exec(statement).first() is not None


def retry_item(session: WriteSession, *, accession_id: UUID, item_id: UUID, by: Actor, now: datetime) -> None:
    """Examine an item again that was given up. Raises AccessionNotFound, AccessionSealed, RuleRefused."""
    accession = get_accession(session, accession_id=accession_id, by=by)
    require(by, permissions.RETRY, organisation_id=accession.owner_id)
    item = session.get(ItemRow, item_id)
    if item is None or item.accession_id != accession_id or item.job_id is None:
        raise AccessionNotFound
    reopen_item(session, item_id=item_id)
    retry_job(session, job_id=item.job_id, now=now)


def finish_accession(
    database: Database,
    folder: Path,
    files: FileStore,
    *,
    accession_id: UUID,
    without_unfinished: bool = False,
    by: Actor,
    now: datetime,
) -> None:
    """Say that nothing more will come; what waits for a file or never arrived whole is refused in the receipt.

    Raises AccessionNotFound, and UploadsUnfinished unless the person goes on `without_unfinished`. Idempotent.
    """
    with database.read() as reading:
        require_receiver(reading, accession_id=accession_id, by=by)
    broken = complete_whole_uploads(database, folder, files, accession_id=accession_id)
    if broken and not without_unfinished:
        names = "、".join(show_bytes(upload.key) for upload in broken[:5])
        raise UploadsUnfinished(
            N_("{count} uploads are not complete: {names}"), count=len(broken), names=names,
            members={"uploads": [show_bytes(upload.key) for upload in broken[:100]]},
        )  # fmt: skip
    with database.write() as session:
        if lock_accession(session, accession_id).sealed_at is None:
            for upload in unfinished_uploads(session, accession_id=accession_id):
                _give_up(session, folder, upload, now)
            refuse_leftovers(session, accession_id=accession_id, now=now)
        seal_accession(session, accession_id=accession_id, files=files, now=now)
        done = session.exec(select(UploadRow.id).where(UploadRow.accession_id == accession_id)).all()
    for upload_id in done:
        forget_part(folder, upload_id)


def complete_whole_uploads(
    database: Database, folder: Path, files: FileStore, *, accession_id: UUID
) -> Sequence[Upload]:
    """Write down uploads whose bytes are all here (a server may have died in between); return the others."""
    with database.read() as session:
        waiting = unfinished_uploads(session, accession_id=accession_id)
    broken = []
    for upload in waiting:
        if stored_length(folder, upload) == upload.length:
            complete_upload(database, folder, files, upload=upload)
        else:
            broken.append(upload)
    return broken


def _give_up(session: WriteSession, folder: Path, upload: Upload, now: datetime) -> None:
    stands = stored_length(folder, upload)
    error = UploadUnfinished(N_("{stands} of {length} bytes came."), stands=stands, length=upload.length)
    offer_refused(session, accession_id=upload.accession_id, key=upload.key, error=error, now=now)
    session.delete(session.get_one(UploadRow, upload.id))
    after_commit(session, lambda: forget_part(folder, upload.id))


def _lines(
    session: ReadSession, accession: AccessionView, rows: Sequence[ItemRow], by: Actor, now: datetime
) -> tuple[ItemLine, ...]:
    jobs = _jobs(session, [row.job_id for row in rows if row.job_id and _is_unsettled(accession, row)])
    known = get_assets(session, asset_ids=[row.asset_id for row in rows if row.asset_id], by=by, now=now)
    assets: dict[UUID, tuple[str, AssetState]] = {asset.id: (asset.number, asset.state) for asset in known}
    return tuple(_line(row, jobs.get(row.job_id) if row.job_id else None, assets) for row in rows)


def _is_unsettled(accession: AccessionView, row: ItemRow) -> bool:
    """Say whether an item is, or may still be, examined again: no receipt holds its outcome."""
    return row.status == ItemStatus.WAITING or (not accession.is_closed and is_given_up(row))


def _jobs(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, JobRow]:
    return {job.id: job for job in session.exec(select(JobRow).where(col(JobRow.id).in_(ids)))}


def stage_in_words(note: str) -> Text:
    """Return where the examination of a file stands; `note` is a stage's name and what share of it is done."""
    stage, _, share = note.partition(" ")
    return Text("{stage} {share}", {"stage": Text(STAGE_NAMES.get(stage, stage)), "share": share})


def _line(row: ItemRow, job: JobRow | None, assets: Mapping[UUID, tuple[str, AssetState]]) -> ItemLine:
    status = ItemStatus(row.status)
    is_failed = job is not None and job.state == JobState.FAILED
    number, state = assets.get(row.asset_id, ("", AssetState.DRAFT)) if row.asset_id else ("", AssetState.DRAFT)
    reason, raw = _reason(row, job)
    desk = "assets" if state == AssetState.PUBLISHED else "review"
    return ItemLine(
        id=row.id, path=show_bytes(row.key), status=status, bytes_count=row.bytes_count,
        word=N_("Could not be examined") if is_failed else STATUS_NAMES[status],
        mark="bad" if is_failed else _MARKS[status], reason=reason, raw=raw, note=_note(status, job),
        done=job.done if job else 0, total=(job.total if job else 0) or len(STAGES), is_failed=is_failed,
        asset_number=number, asset_url=f"/{desk}/{number}" if number else "",
    )  # fmt: skip


def _reason(row: ItemRow, job: JobRow | None) -> tuple[Text | None, str]:
    if row.reason:
        return split_reason(read_reason(row.reason))
    if job is None or not job.error:
        return None, ""
    return split_reason(Text(job.error["message"] or N_("The examination was broken off."), job.error["params"]))


def _note(status: ItemStatus, job: JobRow | None) -> Text | None:
    if status != ItemStatus.WAITING:
        return None
    if job is None:
        return Text(N_("waits for the file it names"))
    if job.state == JobState.QUEUED:
        return Text(N_("waits its turn"))
    if job.state == JobState.FAILED:
        return None
    return stage_in_words(job.note)
