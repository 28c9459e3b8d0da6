"""Is it free? — free, conflict (until when; with whom only for the title's own desk), or unknown (what is missing)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import select

from asset_hub.accounts import Actor, may
from asset_hub.catalogue import AssetView, get_asset
from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_, Text
from ledger.entries import held_grants
from ledger.grants import Words, conflicts, day_as_date, end_day, read_words
from marketplace import permissions
from marketplace.listings import listing_of
from marketplace.models import LicenceRow, OrderRow
from marketplace.terms import LicenceTerms
from marketplace.title import STATE_NAMES, TitleState, title_of

_DAY_BITS = ((1 << 24) - 1) << 104 | ((1 << 24) - 1) << 80


class Answer(StrEnum):
    """The three answers."""

    FREE = "free"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Availability:
    """The answer, its reasons in order, and the first Beijing day from which the same request would be free."""

    answer: Answer
    reasons: tuple[Text, ...] = ()
    free_from: date | None = None
    with_licences: tuple[int, ...] = ()


def availability(
    session: ReadSession, *, asset_id: UUID, terms: LicenceTerms, by: Actor, now: datetime
) -> Availability:
    """Answer for one asset. Raises AssetNotFound for what this reader may not know of."""
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    missing = _missing(session, asset)
    if missing:
        return Availability(Answer.UNKNOWN, missing)
    wanted = terms.grant().words(0)
    held = blocking(session, asset_id=asset_id, now=now)
    against = conflicts(wanted, held)
    if not against:
        return Availability(Answer.FREE)
    free_from = _free_from(wanted, [words for _, words in held])
    reason = Text(N_("Licensed to somebody else for part of that; free from {day}."), {"day": free_from})
    numbers: tuple[int, ...] = ()
    if may(by, permissions.SEE_GRANTS, organisation_id=asset.owner_id):
        rows = session.exec(select(LicenceRow)).all()
        numbers = tuple(row.number for row in rows if row.id in against)
    return Availability(Answer.CONFLICT, (reason,), free_from, numbers)


def blocking(
    session: ReadSession, *, asset_id: UUID, now: datetime, except_order: UUID | None = None
) -> list[tuple[UUID, Words]]:
    """Return what stands in the way: licences, and open orders that hold their rights for a while."""
    held = held_grants(session, asset_id=asset_id)
    statement = select(OrderRow).where(OrderRow.asset_id == asset_id, OrderRow.state == "open")
    for order in session.exec(statement):
        if order.held_until > now and order.id != except_order:
            held.append((order.id, read_words(order.words)))
    return held


def _missing(session: ReadSession, asset: AssetView) -> tuple[Text, ...]:
    title = title_of(session, asset=asset)
    if title.state != TitleState.HELD:
        return (Text(STATE_NAMES[title.state]),)
    found = []
    if title.pledgee:
        found.append(Text(N_("The rights are pledged; the pledgee must agree.")))
    if listing_of(session, asset_id=asset.id) is None:
        found.append(Text(N_("The holder has not offered it.")))
    if asset.restrictions:
        found.append(Text(N_("It is held back at the moment.")))
    return tuple(found)


def _free_from(wanted: Words, held: Sequence[Words]) -> date:
    """Return the earliest first day at which a window of the same length meets nothing."""
    start = wanted[0] >> 104 & (1 << 24) - 1
    length = end_day(wanted) - start
    for day in sorted({end_day(words) for words in held if end_day(words) > start}):
        moved = wanted[0] & ~_DAY_BITS | day << 104 | (day + length) << 80
        if not conflicts((moved, wanted[1], wanted[2]), [(UUID(int=0), words) for words in held]):
            return day_as_date(day)
    return day_as_date(start)
