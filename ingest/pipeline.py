"""One offered thing through its stages to a draft, a duplicate, a rejection or quarantine: all written at once."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from asset_hub.accounts import Actor
from asset_hub.accounts.people import actor_of_person
from asset_hub.catalogue import (
    AssetId,
    AssetKind,
    ElementValue,
    FileRef,
    FileRole,
    PartLevel,
    Secrecy,
    accept_values,
    create_draft,
    default_collection,
    find_by_digest,
    publish_asset,
    record_event,
    set_parts,
)
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import AssetHubError, Unavailable
from asset_hub.core.files import Blob, BlobMissing, FileStore
from asset_hub.core.host import scratch_folder
from asset_hub.core.jobs import WORKER_DIED, JobRun
from asset_hub.core.text import N_, Text
from asset_hub.media import DecodeTimedOut, MislabelledFile, UnsupportedFormat
from ingest.accessions import close_if_done, is_given_up, lock_accession
from ingest.errors import FileVanished, NotExamined, SameBytes
from ingest.models import AccessionRow, ItemRow, MasterRow
from ingest.reasons import describe_reason
from ingest.stages import STAGES, Work
from ingest.types import ItemStatus

KEPT_ASIDE = (MislabelledFile, UnsupportedFormat, DecodeTimedOut, NotExamined)


def process_item(run: JobRun, *, item_id: UUID, files: FileStore) -> None:
    """Examine one item. Raises nothing for a bad file: that is an outcome. Idempotent.

    Raises NotExamined for an item that was given up: the intake counts it as quarantined, see `reopen_item`.
    """
    with run.database.read() as reading:
        item = reading.get_one(ItemRow, item_id)
        accession = reading.get_one(AccessionRow, item.accession_id)
        known = item.sha256 and find_by_digest(reading, sha256=item.sha256, owner_id=accession.owner_id)
    if is_given_up(item):
        raise NotExamined(N_("It was put into quarantine; bring it in again."))
    if item.status != ItemStatus.WAITING:
        return
    with scratch_folder() as folder:
        outcome = None if known else _examine(run, item, files, folder)
        with run.finish() as session:
            _write_outcome(session, item.id, outcome, files, clock.now())


def give_up_item(session: WriteSession, error: Mapping[str, Any], *, item_id: UUID, files: FileStore) -> None:
    """Put an item whose job failed for good into quarantine, so that its intake closes with every row. Idempotent."""
    if session.get_one(ItemRow, item_id).status != ItemStatus.WAITING:
        return
    if error["slug"] == WORKER_DIED:
        reason = NotExamined(N_("The process that examined it ended again and again, e.g. for want of memory."))
    else:
        why = Text("{error}", {"error": error["message"]}) if error["slug"] == "internal" else _text_of(error)
        reason = NotExamined(N_("Its examination failed: {error}"), error=why)
    _write_outcome(session, item_id, reason, files, clock.now())


def _text_of(error: Mapping[str, Any]) -> Text:
    return Text(error["message"], error["params"])


def _examine(run: JobRun, item: ItemRow, files: FileStore, folder: Path) -> Work | AssetHubError:
    work = Work(name=item.name.decode("utf-8", "replace"), path=None, blob=None, folder=folder, store=files)
    work.values = [ElementValue(**value) for value in item.values]
    work.kind = AssetKind(item.kind) if item.kind else AssetKind.RECORD
    if not work.texts("title"):
        stem = work.name.rpartition(".")[0] or work.name
        work.values.append(ElementValue("title", stem, "file:name", _language(stem), 0.5))
    try:
        if item.sha256 is None:
            _run_stages(run, work)
            return work
        with files.as_path(item.sha256) as path:
            work.path, work.blob = path, Blob(item.sha256, item.bytes_count)
            work.leave("fixity check", "sha256", "success", item.sha256)
            _run_stages(run, work)
    except BlobMissing:
        return FileVanished()
    except AssetHubError as error:
        if error.retryable:
            raise
        return error
    return work


def _run_stages(run: JobRun, work: Work) -> None:
    for number, (name, stage) in enumerate(STAGES):
        run.heartbeat(number, len(STAGES), name)
        work.on_progress = lambda share, number=number, name=name: run.heartbeat(  # type: ignore[misc]
            number, len(STAGES), f"{name} {share:.0%}"
        )
        stage(work)


def _write_outcome(
    session: WriteSession, item_id: UUID, outcome: Work | AssetHubError | None, files: FileStore, now: datetime
) -> None:
    item = session.get_one(ItemRow, item_id, with_for_update=True)
    accession = lock_accession(session, item.accession_id)
    item.finished_at = now
    if isinstance(outcome, AssetHubError):
        item.status = ItemStatus.QUARANTINED if isinstance(outcome, KEPT_ASIDE) else ItemStatus.REJECTED
        item.reason = describe_reason(outcome)
    else:
        _accept(session, item, accession, outcome, now)
    session.flush()
    close_if_done(session, accession_id=accession.id, files=files, now=now)


def _accept(session: WriteSession, item: ItemRow, accession: AccessionRow, work: Work | None, now: datetime) -> None:
    by = actor_of_person(session, person_id=accession.person_id, organisation_id=accession.owner_id)
    twin = _twin(session, item, accession)
    if twin is not None or work is None:
        item.status, item.asset_id = ItemStatus.DUPLICATE, twin
        item.reason = describe_reason(SameBytes())
        return
    item.asset_id = _write_draft(session, item, accession, work, by, now)
    item.status = ItemStatus.ACCEPTED
    if item.sha256 is not None:
        _claim_bytes(session, accession.owner_id, item.sha256, item.asset_id)
    if accession.publish and item.secrecy == Secrecy.OPEN:
        accept_values(session, asset_id=item.asset_id, by=by, now=now)
        publish_asset(session, asset_id=item.asset_id, by=by, now=now)


def _twin(session: WriteSession, item: ItemRow, accession: AccessionRow) -> AssetId | None:
    if item.sha256 is None:
        return None
    claimed = session.get(MasterRow, (accession.owner_id, item.sha256), with_for_update=True)
    return AssetId(claimed.asset_id) if claimed else None


def _claim_bytes(session: WriteSession, owner_id: UUID, sha256: str, asset_id: UUID) -> None:
    """Take the bytes for this asset; the primary key refuses a second asset, and the job then finds its twin."""
    session.add(MasterRow(owner_id=owner_id, sha256=sha256, asset_id=asset_id))
    try:
        session.flush()
    except sa.exc.IntegrityError as error:
        raise Unavailable(N_("An equal file is being written down at this moment.")) from error


def _write_draft(
    session: WriteSession, item: ItemRow, accession: AccessionRow, work: Work, by: Actor, now: datetime
) -> AssetId:
    collection_id = accession.collection_id
    if collection_id is None:
        collection_id = default_collection(session, owner_id=accession.owner_id, by=by, now=now).id
    asset_id = create_draft(
        session, kind=work.kind, owner_id=accession.owner_id, collection_id=collection_id,
        secrecy=Secrecy(item.secrecy), files=[*_master(item, work), *work.files], values=work.values, by=by, now=now,
    )  # fmt: skip
    if work.shots:
        set_parts(session, asset_id=asset_id, level=PartLevel.SHOT, parts=work.shots, by=by, now=now)
    for event in work.events:
        record_event(
            session, asset_id=asset_id, kind=event.kind, tool=event.tool, outcome=event.outcome, detail=event.detail,
            now=now,
        )  # fmt: skip
    return asset_id


def _master(item: ItemRow, work: Work) -> list[FileRef]:
    if work.blob is None or work.format is None:
        return []
    technical: dict[str, object] = {}
    if work.facts is not None:
        facts = work.facts
        technical = {
            "width": facts.width, "height": facts.height, "duration_ms": facts.duration_ms, "frames": facts.frames,
            "rate": [facts.rate.num, facts.rate.den] if facts.rate else None, "has_location": facts.has_location,
            "format": work.format.name, **facts.technical,
        }  # fmt: skip
    blob = work.blob
    return [
        FileRef(
            blob.sha256, blob.bytes_count, FileRole.MASTER, item.name, work.format.mime, work.format.puid, technical
        )
    ]


def _language(text: str) -> str:
    return "zh" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en"
