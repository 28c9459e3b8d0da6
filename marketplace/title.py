"""The title desk: whose an asset's rights are, by which instrument; what cannot be sold and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, require
from asset_hub.catalogue import AssetView, get_asset, touch_asset
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.text import N_
from marketplace import permissions
from marketplace.errors import BadShares
from marketplace.models import RightsLockRow, TitleRow

WHOLE = 10_000


class TitleState(StrEnum):
    """Held; or why it cannot be sold: unknown, public domain, anonymous, holder not found."""

    HELD = "held"
    UNKNOWN = "unknown"
    PUBLIC_DOMAIN = "public_domain"
    ANONYMOUS = "anonymous"
    HOLDER_NOT_FOUND = "holder_not_found"


STATE_NAMES: dict[TitleState, str] = {
    TitleState.HELD: N_("Held"),
    TitleState.UNKNOWN: N_("Title not recorded"),
    TitleState.PUBLIC_DOMAIN: N_("Public domain"),
    TitleState.ANONYMOUS: N_("Author unknown"),
    TitleState.HOLDER_NOT_FOUND: N_("Right-holder not found after search"),
}


@dataclass(frozen=True, slots=True)
class Title:
    """The title to an asset; `shares` in basis points sum to 10,000 when it is held."""

    state: TitleState
    shares: Mapping[UUID, int]
    instrument: str
    pledgee: str
    instrument_sha256: str | None = None


_NOT_RECORDED = Title(TitleState.UNKNOWN, {}, "", "")


def record_title(
    session: WriteSession,
    *,
    asset_id: UUID,
    state: TitleState,
    shares: Mapping[UUID, int] | None = None,
    instrument: str = "",
    instrument_sha256: str | None = None,
    pledgee: str = "",
    by: Actor,
    now: datetime,
) -> None:
    """Set the title of an asset. Raises BadShares unless a held title's shares sum to 10,000."""
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    require(by, permissions.RECORD_TITLE, organisation_id=asset.owner_id)
    given = dict(shares or {})
    if state == TitleState.HELD and (sum(given.values()) != WHOLE or min(given.values()) <= 0):
        raise BadShares
    lock_rights(session, asset_id=asset_id)
    row = session.get(TitleRow, asset_id) or TitleRow(asset_id=asset_id, state=state, recorded_at=now)
    row.state, row.instrument, row.instrument_sha256 = state, instrument, instrument_sha256
    row.shares = {str(party): share for party, share in given.items()} if state == TitleState.HELD else {}
    row.pledgee, row.recorded_by, row.recorded_at = pledgee, by.person_id, now
    session.add(row)
    touch_asset(session, asset_id=asset_id)


def title_of(session: ReadSession, *, asset: AssetView) -> Title:
    """Return the title; what nobody recorded is unknown."""
    return titles_of(session, asset_ids=[asset.id]).get(asset.id, _NOT_RECORDED)


def titles_of(session: ReadSession, *, asset_ids: Sequence[UUID]) -> dict[UUID, Title]:
    """Return the recorded titles of these assets by asset, in one query."""
    rows = session.exec(select(TitleRow).where(col(TitleRow.asset_id).in_(asset_ids)))
    return {row.asset_id: _title(row) for row in rows}


def _title(row: TitleRow) -> Title:
    shares = {UUID(party): share for party, share in row.shares.items()}
    return Title(TitleState(row.state), shares, row.instrument, row.pledgee, row.instrument_sha256)


def lock_rights(session: WriteSession, *, asset_id: UUID) -> None:
    """Take the asset's place in line: changes to its rights happen one after the other."""
    row = session.get(RightsLockRow, asset_id, with_for_update=True, populate_existing=True)
    if row is None:
        row = RightsLockRow(asset_id=asset_id)
    row.changes += 1
    session.add(row)
    session.flush()
