"""The title desk: whose an asset's rights are, by which instrument; what cannot be sold and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, party_names, require
from asset_hub.catalogue import AssetView, get_asset, touch_asset
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.money import Money
from asset_hub.core.text import N_
from ledger.consents import title_on_chain
from ledger.titles import TitleList
from marketplace import permissions
from marketplace.errors import BadShares, TitleOnLedger
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
    """Set the title of an asset. Raises BadShares unless a held title's shares sum to 10,000.

    Once a title is on the ledger that one leads (ADR 0016), and it changes by deeds only: raises TitleOnLedger.
    """
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    require(by, permissions.RECORD_TITLE, organisation_id=asset.owner_id)
    lock_rights(session, asset_id=asset_id)
    if title_on_chain(session, asset_id=asset_id) is not None:
        raise TitleOnLedger
    given = dict(shares or {})
    if state == TitleState.HELD and (sum(given.values()) != WHOLE or min(given.values()) <= 0):
        raise BadShares
    row = session.get(TitleRow, asset_id) or TitleRow(asset_id=asset_id, state=state, recorded_at=now)
    row.state, row.instrument, row.instrument_sha256 = state, instrument, instrument_sha256
    row.shares = {str(party): share for party, share in given.items()} if state == TitleState.HELD else {}
    row.pledgee, row.recorded_by, row.recorded_at = pledgee, by.person_id, now
    session.add(row)
    touch_asset(session, asset_id=asset_id)


def follow_ledger(session: WriteSession, *, asset_id: UUID, instrument: str, now: datetime) -> None:
    """Make the desk's title what the ledger's says (ADR 0016): who holds how much, to whom it is pledged. Idempotent.

    Where the ledger divides by rights, the desk shows each holder's part of all of them; where the holder of any right
    is not known, nothing is sold.
    """
    listed = title_on_chain(session, asset_id=asset_id)
    if listed is None:
        return
    lock_rights(session, asset_id=asset_id)
    row = session.get(TitleRow, asset_id) or TitleRow(asset_id=asset_id, state=TitleState.HELD, recorded_at=now)
    is_known = all(share.holder is not None for share in listed.shares)
    row.state = TitleState.HELD if is_known else TitleState.UNKNOWN
    row.shares = {str(holder): bps for holder, bps in _parts_of(listed).items()} if is_known else {}
    pledgees = party_names(session, organisation_ids={one.pledgee for one in listed.pledges}, language="zh")
    row.pledgee, row.recorded_at = "、".join(sorted(pledgees.values())), now
    row.instrument, row.instrument_sha256, row.recorded_by = instrument, None, None
    session.add(row)
    touch_asset(session, asset_id=asset_id)


def _parts_of(listed: TitleList) -> dict[UUID, int]:
    """Return each holder's part of all rights on record, in basis points that sum to the whole."""
    weights: dict[UUID, int] = {}
    for share in listed.shares:
        if share.holder is not None:
            weights[share.holder] = weights.get(share.holder, 0) + share.bps * share.rights.bit_count()
    holders = sorted(weights, key=str)
    parts = Money(WHOLE).split([weights[holder] for holder in holders])
    return {holder: part.fen for holder, part in zip(holders, parts, strict=True)}


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
