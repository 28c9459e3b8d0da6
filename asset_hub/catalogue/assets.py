"""Assets from draft to published: files, values, reviews. Machine values never overwrite what a person accepted."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import Actor, require
from asset_hub.catalogue import permissions
from asset_hub.catalogue.errors import AssetNotFound, NotPublishable
from asset_hub.catalogue.events import AssetChanged, AssetPublished
from asset_hub.catalogue.models import (
    AssetRow,
    CollectionRow,
    ElementRow,
    FileRow,
    NumberRow,
    PartRow,
    PreservationEventRow,
    ReviewRow,
)
from asset_hub.catalogue.types import (
    AssetId,
    AssetKind,
    AssetState,
    ElementValue,
    FileId,
    FileRef,
    PartLevel,
    PartSpec,
    ReviewProgress,
    Secrecy,
)
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import WriteSession
from asset_hub.core.events import emit
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_


def create_draft(
    session: WriteSession,
    *,
    kind: AssetKind,
    owner_id: UUID,
    custodian_id: UUID | None = None,
    collection_id: UUID | None = None,
    secrecy: Secrecy,
    files: Sequence[FileRef] = (),
    values: Sequence[ElementValue] = (),
    by: Actor,
    now: datetime,
) -> AssetId:
    """Write a draft with its files and values; parts follow by `set_parts`. Emits AssetChanged."""
    require(by, permissions.DRAFT, organisation_id=owner_id)
    row = AssetRow(
        id=new_id(), number=_next_number(session, now), kind=kind, state=AssetState.DRAFT, secrecy=secrecy,
        owner_id=owner_id, custodian_id=custodian_id, collection_id=collection_id, created_at=now,
        created_by=by.person_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _insert_files(session, row.id, files, now)
    _insert_values(session, row.id, None, values)
    emit(session, AssetChanged(row.id))
    return AssetId(row.id)


def add_files(
    session: WriteSession, *, asset_id: UUID, files: Sequence[FileRef], by: Actor, now: datetime
) -> tuple[FileId, ...]:
    """Add files; one with the same role and digest is there already and changes nothing."""
    row = lock_asset(session, asset_id)
    require(by, permissions.DESCRIBE, organisation_id=row.owner_id)
    there = set(session.exec(select(FileRow.role, FileRow.sha256).where(FileRow.asset_id == asset_id)).all())
    fresh = [file for file in files if (str(file.role), file.sha256) not in there]
    ids = _insert_files(session, asset_id, fresh, now)
    if fresh:
        _touch(session, row)
    return ids


def describe(
    session: WriteSession, *, asset_id: UUID, values: Sequence[ElementValue], by: Actor, now: datetime
) -> None:
    """Replace what the same source said about the same elements; accepted values stay as they are.

    A person's own values (source "person:…") are accepted by being written.
    """
    row = lock_asset(session, asset_id)
    require(by, permissions.DESCRIBE, organisation_id=row.owner_id)
    for source in {value.source for value in values}:
        said = {value.element for value in values if value.source == source}
        _forget(session, asset_id, said, source)
    accepted = set(
        session.exec(
            select(ElementRow.element).where(
                ElementRow.asset_id == asset_id,
                col(ElementRow.part_id).is_(None),
                col(ElementRow.accepted_at).is_not(None),
            )
        )
    )
    kept = [value for value in values if value.element not in accepted or is_personal(value.source)]
    _insert_values(session, asset_id, None, kept, accepted_by=by, now=now)
    _touch(session, row)


def replace_element(
    session: WriteSession, *, asset_id: UUID, element: str, values: Sequence[ElementValue], by: Actor, now: datetime
) -> None:
    """Set an element by a person's word: whatever was said before about it goes."""
    row = lock_asset(session, asset_id)
    require(by, permissions.DESCRIBE, organisation_id=row.owner_id)
    session.connection().execute(
        sa.delete(ElementRow).where(
            col(ElementRow.asset_id) == asset_id, col(ElementRow.element) == element, col(ElementRow.part_id).is_(None)
        )
    )
    _insert_values(session, asset_id, None, values, accepted_by=by, now=now)
    _touch(session, row)


def accept_values(session: WriteSession, *, asset_id: UUID, by: Actor, now: datetime) -> int:
    """Accept every value that waits, of the asset and its parts; return how many there were. Idempotent."""
    row = lock_asset(session, asset_id)
    require(by, permissions.DESCRIBE, organisation_id=row.owner_id)
    statement = (
        sa.update(ElementRow)
        .where(col(ElementRow.asset_id) == asset_id, col(ElementRow.accepted_at).is_(None))
        .values(accepted_by=by.person_id, accepted_at=now)
    )
    return session.connection().execute(statement).rowcount


def set_parts(
    session: WriteSession, *, asset_id: UUID, level: PartLevel, parts: Sequence[PartSpec], by: Actor, now: datetime
) -> None:
    """Replace all parts of one level, in the order given."""
    row = lock_asset(session, asset_id)
    require(by, permissions.DESCRIBE, organisation_id=row.owner_id)
    old = list(session.exec(select(PartRow.id).where(PartRow.asset_id == asset_id, PartRow.level == level)))
    session.connection().execute(sa.delete(ElementRow).where(col(ElementRow.part_id).in_(old)))
    session.connection().execute(sa.delete(PartRow).where(col(PartRow.id).in_(old)))
    for part in parts:
        _insert_part(session, asset_id, part, now)
    _touch(session, row)


def set_secrecy(session: WriteSession, *, asset_id: UUID, secrecy: Secrecy, by: Actor) -> None:
    """Set 公开, 内部 or 未审 after review."""
    row = lock_asset(session, asset_id)
    require(by, permissions.DESCRIBE, organisation_id=row.owner_id)
    row.secrecy = secrecy
    _touch(session, row)


def publish_asset(session: WriteSession, *, asset_id: UUID, by: Actor, now: datetime) -> ReviewProgress:
    """Agree to a draft and publish it once its collection's reviewers have agreed. Emits AssetPublished.

    Returns how many agreed and how many are wanted; it is published when they are equal. Idempotent.
    Raises NotPublishable without a 密级.
    """
    row = lock_asset(session, asset_id)
    require(by, permissions.PUBLISH, organisation_id=row.owner_id)
    if row.secrecy == Secrecy.UNREVIEWED:
        raise NotPublishable(N_("Decide on the level of secrecy first."))
    progress = _record_review(session, row, by, now)
    if progress.is_complete and row.state != AssetState.PUBLISHED:
        row.state, row.published_at = AssetState.PUBLISHED, now
        row.row_version += 1
        session.flush()
        emit(session, AssetPublished(row.id))
    return progress


def withdraw_asset(session: WriteSession, *, asset_id: UUID, by: Actor) -> None:
    """Take a published asset off the pages; nothing is deleted. Idempotent."""
    row = lock_asset(session, asset_id)
    require(by, permissions.PUBLISH, organisation_id=row.owner_id)
    if row.state == AssetState.PUBLISHED:
        row.state = AssetState.WITHDRAWN
        _touch(session, row)


def record_event(
    session: WriteSession, *, asset_id: UUID, kind: str, tool: str, outcome: str, detail: str = "", now: datetime
) -> None:
    """Leave a preservation event (PREMIS 3): what was done, with which tool and version, with which outcome."""
    session.add(
        PreservationEventRow(
            id=new_id(), asset_id=asset_id, kind=kind, tool=tool, outcome=outcome, detail=detail, at=now
        )
    )


def lock_asset(session: WriteSession, asset_id: UUID) -> AssetRow:
    """Return the row, locked until the transaction ends. Raises AssetNotFound."""
    row = session.get(AssetRow, asset_id, with_for_update=True)
    if row is None:
        raise AssetNotFound
    return row


def is_personal(source: str) -> bool:
    """Say whether a person set the value."""
    return source.startswith("person:")


def touch_asset(session: WriteSession, *, asset_id: UUID) -> None:
    """Say that something shown about the asset has changed. Emits AssetChanged."""
    _touch(session, lock_asset(session, asset_id))


def _touch(session: WriteSession, row: AssetRow) -> None:
    row.row_version += 1
    session.flush()
    emit(session, AssetChanged(row.id))


def _record_review(session: WriteSession, row: AssetRow, by: Actor, now: datetime) -> ReviewProgress:
    collection = session.get(CollectionRow, row.collection_id) if row.collection_id else None
    wanted = collection.reviewers if collection else 1
    agreed = set(session.exec(select(ReviewRow.person_id).where(ReviewRow.asset_id == row.id)))
    if by.person_id is not None and by.person_id not in agreed:
        session.add(ReviewRow(id=new_id(), asset_id=row.id, person_id=by.person_id, at=now))
        session.flush()
        agreed.add(by.person_id)
    return ReviewProgress(min(len(agreed), wanted), wanted)


def _next_number(session: WriteSession, now: datetime) -> str:
    year = beijing_date(now).year
    row = session.get(NumberRow, year, with_for_update=True) or NumberRow(year=year)
    row.last += 1
    session.add(row)
    session.flush()
    return f"CQ-{year}-{row.last:06d}"


def _insert_files(session: WriteSession, asset_id: UUID, files: Iterable[FileRef], now: datetime) -> tuple[FileId, ...]:
    rows = [
        FileRow(
            id=new_id(), asset_id=asset_id, role=file.role, sha256=file.sha256, bytes_count=file.bytes_count,
            name=file.name, mime=file.mime, puid=file.puid, technical=file.technical, created_at=now,
        )
        for file in files
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return tuple(FileId(row.id) for row in rows)


def _insert_part(session: WriteSession, asset_id: UUID, part: PartSpec, now: datetime) -> None:
    picture = _insert_files(session, asset_id, [part.picture] if part.picture else [], now)
    row = PartRow(
        id=new_id(), asset_id=asset_id, level=part.level, start=part.span.start, end=part.span.end,
        rate_num=part.rate.num if part.rate else None, rate_den=part.rate.den if part.rate else None,
        source=part.source, confidence=part.confidence, picture_id=picture[0] if picture else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _insert_values(session, asset_id, row.id, part.values)


def _insert_values(
    session: WriteSession,
    asset_id: UUID,
    part_id: UUID | None,
    values: Iterable[ElementValue],
    *,
    accepted_by: Actor | None = None,
    now: datetime | None = None,
) -> None:
    for value in values:
        personal = accepted_by is not None and is_personal(value.source)
        session.add(
            ElementRow(
                id=new_id(), asset_id=asset_id, part_id=part_id, element=value.element, value=value.value,
                lang=value.lang, code=value.code, group=value.group, source=value.source, confidence=value.confidence,
                accepted_by=accepted_by.person_id if personal and accepted_by else None,
                accepted_at=now if personal else None,
            )
        )  # fmt: skip
    session.flush()


def _forget(session: WriteSession, asset_id: UUID, elements: set[str], source: str) -> None:
    session.connection().execute(
        sa.delete(ElementRow).where(
            col(ElementRow.asset_id) == asset_id,
            col(ElementRow.part_id).is_(None),
            col(ElementRow.element).in_(elements),
            col(ElementRow.source) == source,
            col(ElementRow.accepted_at).is_(None),
        )
    )
