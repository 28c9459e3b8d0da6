"""Reading assets: one asset whole, or a page of many, always through `visible_to`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import ANONYMOUS, Actor
from asset_hub.catalogue.errors import AssetNotFound
from asset_hub.catalogue.models import (
    AssetRow,
    ElementRow,
    FileRow,
    PartRow,
    PreservationEventRow,
    RestrictionRow,
)
from asset_hub.catalogue.types import (
    AssetId,
    AssetKind,
    AssetState,
    AssetView,
    CollectionId,
    EventView,
    FileId,
    FileRole,
    FileView,
    PartId,
    PartLevel,
    PartView,
    RestrictionId,
    RestrictionKind,
    RestrictionView,
    Secrecy,
    ValueView,
)
from asset_hub.catalogue.visibility import is_held_back, may_know_why, visible_to
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.paging import decode_cursor, encode_cursor
from asset_hub.core.rational import FrameRate, Span

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class AssetPage:
    """One page of assets, newest first; `after` is the token of the next page or None."""

    assets: tuple[AssetView, ...]
    after: str | None


_AT_ONCE = 500


def get_asset(session: ReadSession, *, asset_id: UUID, by: Actor, now: datetime) -> AssetView:
    """Return one asset. Raises AssetNotFound, also where this reader may not know of it."""
    found = get_assets(session, asset_ids=[asset_id], by=by, now=now)
    if not found:
        raise AssetNotFound
    return found[0]


def get_assets(session: ReadSession, *, asset_ids: Sequence[UUID], by: Actor, now: datetime) -> tuple[AssetView, ...]:
    """Return those of the assets that this reader may know of, in the order asked; six queries for any number."""
    statement = select(AssetRow).where(col(AssetRow.id).in_(asset_ids), visible_to(by, now=now))
    rows = {row.id: row for row in session.exec(statement)}
    return _views(session, [rows[asset_id] for asset_id in asset_ids if asset_id in rows], by, now)


def list_assets(
    session: ReadSession,
    *,
    state: AssetState | None = None,
    owner_id: UUID | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
    by: Actor,
    now: datetime,
) -> AssetPage:
    """Return a page of assets this reader may know of. Raises BadPageToken."""
    statement = select(AssetRow).where(visible_to(by, now=now)).order_by(col(AssetRow.number).desc()).limit(size + 1)
    if state is not None:
        statement = statement.where(AssetRow.state == state)
    if owner_id is not None:
        statement = statement.where(AssetRow.owner_id == owner_id)
    if after is not None:
        statement = statement.where(col(AssetRow.number) < str(decode_cursor(after, length=1)[0]))
    rows = session.exec(statement).all()
    more = len(rows) > size
    return AssetPage(_views(session, rows[:size], by, now), encode_cursor(rows[size - 1].number) if more else None)


def find_asset(session: ReadSession, *, text: str) -> AssetId:
    """Return the asset with this id or number, unchecked: what follows asks who may know. Raises AssetNotFound."""
    statement = select(AssetRow.id).where(AssetRow.number == text.strip().upper())
    found = session.exec(statement).first()
    if found is None:
        try:
            found = session.exec(select(AssetRow.id).where(AssetRow.id == UUID(text.strip()))).first()
        except ValueError as error:
            raise AssetNotFound from error
    if found is None:
        raise AssetNotFound
    return AssetId(found)


def numbers_of(session: ReadSession, *, asset_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the numbers of assets, unchecked, by id."""
    found: dict[UUID, str] = {}
    for start in range(0, len(asset_ids), _AT_ONCE):
        wanted = asset_ids[start : start + _AT_ONCE]
        found |= dict(session.exec(select(AssetRow.id, AssetRow.number).where(col(AssetRow.id).in_(wanted))).all())
    return found


def owner_of(session: ReadSession, *, asset_id: UUID) -> UUID:
    """Return whose an asset is, unchecked. Raises AssetNotFound."""
    row = session.get(AssetRow, asset_id)
    if row is None:
        raise AssetNotFound
    return row.owner_id


def read_for_index(
    session: ReadSession, *, asset_ids: Sequence[UUID], now: datetime
) -> tuple[tuple[AssetView, bool], ...]:
    """Return assets for the indexes, with whether each is held back today; only `search` may call this."""
    rows = session.exec(select(AssetRow).where(col(AssetRow.id).in_(asset_ids))).all()
    held = set(session.exec(select(AssetRow.id).where(col(AssetRow.id).in_(asset_ids), is_held_back(now))))
    return tuple((view, view.id in held) for view in _views(session, rows, ANONYMOUS, now))


def all_asset_ids(session: ReadSession) -> Sequence[UUID]:
    """Return the id of every asset in the order they came."""
    return session.exec(select(AssetRow.id).order_by(col(AssetRow.id))).all()


def find_file(session: ReadSession, *, file_id: UUID, by: Actor, now: datetime) -> FileView:
    """Return a file whose asset this reader may know of. Raises AssetNotFound."""
    row = session.get(FileRow, file_id)
    if row is None:
        raise AssetNotFound
    visible = select(AssetRow.id).where(AssetRow.id == row.asset_id, visible_to(by, now=now))
    if session.exec(visible).first() is None:
        raise AssetNotFound
    return _file(row)


def sees_all_of(session: ReadSession, *, file_id: UUID, by: Actor) -> bool:
    """Say whether this reader sees a picture in all its pixels: its house's staff and the overseers (ADR 0015)."""
    row = session.get_one(FileRow, file_id)
    asset = session.get_one(AssetRow, row.asset_id)
    return may_know_why(by, owner_id=asset.owner_id, custodian_id=asset.custodian_id)


def find_by_digest(session: ReadSession, *, sha256: str, owner_id: UUID) -> AssetId | None:
    """Return the asset of this owner that has a master with these bytes."""
    statement = (
        select(AssetRow.id)
        .join(FileRow, col(FileRow.asset_id) == col(AssetRow.id))
        .where(FileRow.sha256 == sha256, FileRow.role == FileRole.MASTER, AssetRow.owner_id == owner_id)
    )
    found = session.exec(statement).first()
    return None if found is None else AssetId(found)


def _views(session: ReadSession, rows: Sequence[AssetRow], by: Actor, now: datetime) -> tuple[AssetView, ...]:
    ids = [row.id for row in rows]
    values: dict[tuple[UUID, UUID | None], list[ValueView]] = defaultdict(list)
    elements = select(ElementRow).where(col(ElementRow.asset_id).in_(ids)).order_by(col(ElementRow.id))
    for element in session.exec(elements):
        values[element.asset_id, element.part_id].append(_value(element))
    files: dict[UUID, list[FileView]] = defaultdict(list)
    for file in session.exec(select(FileRow).where(col(FileRow.asset_id).in_(ids)).order_by(col(FileRow.id))):
        files[file.asset_id].append(_file(file))
    parts: dict[UUID, list[PartView]] = defaultdict(list)
    tree = select(PartRow).where(col(PartRow.asset_id).in_(ids)).order_by(col(PartRow.level), col(PartRow.start))
    for part in session.exec(tree):
        parts[part.asset_id].append(_part(part, tuple(values[part.asset_id, part.id])))
    restrictions, events = _restrictions(session, ids, now), _events(session, ids)
    return tuple(
        AssetView(
            id=AssetId(row.id), number=row.number, kind=AssetKind(row.kind), state=AssetState(row.state),
            secrecy=Secrecy(row.secrecy), owner_id=row.owner_id, custodian_id=row.custodian_id,
            collection_id=CollectionId(row.collection_id) if row.collection_id else None,
            row_version=row.row_version, values=tuple(values[row.id, None]), files=tuple(files[row.id]),
            parts=tuple(parts[row.id]), events=tuple(events[row.id]),
            restrictions=tuple(restrictions[row.id])
            if may_know_why(by, owner_id=row.owner_id, custodian_id=row.custodian_id) else (),
        )
        for row in rows
    )  # fmt: skip


def _restrictions(session: ReadSession, ids: Sequence[UUID], now: datetime) -> dict[UUID, list[RestrictionView]]:
    found: dict[UUID, list[RestrictionView]] = defaultdict(list)
    statement = select(RestrictionRow).where(
        col(RestrictionRow.asset_id).in_(ids), col(RestrictionRow.lifted_at).is_(None)
    )
    for row in session.exec(statement.order_by(col(RestrictionRow.id))):
        view = restriction_of_row(row)
        if view.is_in_force(beijing_date(now)):
            found[row.asset_id].append(view)
    return found


def restriction_of_row(row: RestrictionRow) -> RestrictionView:
    """Return a restriction as those who may know it see it."""
    span = Span(row.span_start, row.span_end) if row.span_start is not None and row.span_end is not None else None
    return RestrictionView(
        id=RestrictionId(row.id), kind=RestrictionKind(row.kind), reason=row.reason, authority=row.authority,
        start_day=row.start_day, end_day=row.end_day, span=span, by_exchange=row.by_exchange, lifted_at=row.lifted_at,
    )  # fmt: skip


def _events(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, list[EventView]]:
    found: dict[UUID, list[EventView]] = defaultdict(list)
    statement = (
        select(PreservationEventRow)
        .where(col(PreservationEventRow.asset_id).in_(ids))
        .order_by(col(PreservationEventRow.id))
    )
    for row in session.exec(statement):
        found[row.asset_id].append(EventView(row.kind, row.tool, row.outcome, row.detail, row.at))
    return found


def _value(row: ElementRow) -> ValueView:
    return ValueView(
        element=row.element, value=row.value, lang=row.lang, code=row.code, source=row.source,
        confidence=row.confidence, group=row.group, accepted_by=str(row.accepted_by) if row.accepted_by else None,
        accepted_at=row.accepted_at,
    )  # fmt: skip


def _file(row: FileRow) -> FileView:
    return FileView(
        id=FileId(row.id), asset_id=AssetId(row.asset_id), role=FileRole(row.role), sha256=row.sha256,
        bytes_count=row.bytes_count, name=row.name, mime=row.mime, puid=row.puid, technical=row.technical,
    )  # fmt: skip


def _part(row: PartRow, values: tuple[ValueView, ...]) -> PartView:
    rate = FrameRate(row.rate_num, row.rate_den) if row.rate_num and row.rate_den else None
    return PartView(
        id=PartId(row.id), level=PartLevel(row.level), span=Span(row.start, row.end), rate=rate, values=values,
        source=row.source, confidence=row.confidence, picture_id=FileId(row.picture_id) if row.picture_id else None,
    )  # fmt: skip
