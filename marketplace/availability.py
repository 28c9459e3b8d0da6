"""Is it free? — free, conflict (until when; with whom only for the title's own desk), or unknown (what is missing).

One rule, asked in three ways: of one asset, of the assets of a page, and of everything that is offered (search).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, may, suspended_houses
from asset_hub.catalogue import AssetView, get_asset
from asset_hub.catalogue.restrictions import restrictions_in_force
from asset_hub.core.db import ReadSession
from asset_hub.core.rational import Span
from asset_hub.core.text import N_, Text
from ledger.entries import assets_in_conflict, held_grants_of
from ledger.grants import Words, conflicts, first_free_day, read_words
from marketplace import permissions
from marketplace.checks import SELLER_SUSPENDED, window_taken, with_own_holds
from marketplace.errors import HeldByOrder
from marketplace.models import LicenceRow, ListingRow, OrderRow, TitleRow
from marketplace.pricing import is_offered
from marketplace.terms import LicenceTerms
from marketplace.title import STATE_NAMES, TitleState

_OPEN = "open"


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


@dataclass(frozen=True, slots=True)
class _Rights:
    """Everything the rule looks at, of one asset; `prices` is None when nothing is offered."""

    state: TitleState = TitleState.UNKNOWN
    pledgee: str = ""
    prices: Mapping[str, Any] | None = None
    withheld: Sequence[Span | None] = ()
    held: Sequence[tuple[UUID, Words]] = ()
    ordered: Sequence[tuple[UUID, Words]] = ()
    is_suspended: bool = False


def availability(
    session: ReadSession, *, asset_id: UUID, terms: LicenceTerms, by: Actor, now: datetime
) -> Availability:
    """Answer for one asset. Raises AssetNotFound for what this reader may not know of."""
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    return availability_of_page(session, assets=[asset], terms=terms, by=by, now=now)[asset.id]


def availability_of_page(
    session: ReadSession, *, assets: Sequence[AssetView], terms: LicenceTerms, by: Actor, now: datetime
) -> dict[UUID, Availability]:
    """Answer for assets that this reader may see, by id; at most eight queries for any number."""
    ids = [asset.id for asset in assets]
    rights = _read_rights(session, ids, now, by.organisation_id)
    wanted = terms.words()
    against = {
        asset.id: conflicts(wanted, rights[asset.id].held, subject_to=terms.subject_to is not None)
        for asset in assets
        if may(by, permissions.SEE_GRANTS, organisation_id=asset.owner_id)
    }
    numbers = _numbers_of(session, [licence_id for found in against.values() for licence_id in found])
    return {
        asset_id: _judge(
            rights[asset_id], terms, wanted, [numbers[i] for i in against.get(asset_id, ()) if i in numbers]
        )
        for asset_id in ids
    }


def offered_uses(session: ReadSession, *, asset_ids: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    """Return asset → the uses that its holder offers and may offer; with `not_free_assets` the rule in two halves.

    This half changes only with the asset's row (title and listing touch it), so an index may keep it.
    """
    prices, titles = _read_prices(session, asset_ids), _read_titles(session, asset_ids)
    return {
        asset_id: tuple(sorted(found["uses"]))
        for asset_id, found in prices.items()
        if asset_id in titles and not _missing(_Rights(*titles[asset_id], prices=found))
    }


def not_free_assets(session: ReadSession, *, terms: LicenceTerms, now: datetime) -> set[UUID]:
    """Return every asset in whose way something stands today: restrictions, licences, open orders, a suspended house.

    Of the assets whose holder offers the use, exactly the others are free.
    """
    wanted = terms.words()
    restricted = {
        asset_id
        for asset_id, spans in restrictions_in_force(session, now=now).items()
        if _is_withheld(spans, terms.segment)
    }
    ordered = {asset_id for asset_id, held in _read_orders(session, None, now).items() if conflicts(wanted, held)}
    licensed = assets_in_conflict(session, wanted=wanted, subject_to=terms.subject_to is not None)
    return restricted | ordered | licensed | _of_suspended(session)


def blocking(
    session: ReadSession, *, asset_id: UUID, now: datetime, buyer_id: UUID | None = None
) -> tuple[list[tuple[UUID, Words]], list[tuple[UUID, Words]]]:
    """Return what stands in the way: licences with holds but the buyer's own, and open orders."""
    ordered = _read_orders(session, [asset_id], now).get(asset_id, [])
    return held_grants_of(session, asset_ids=[asset_id], but_holds_of=buyer_id).get(asset_id, []), ordered


def require_free(session: ReadSession, *, asset_id: UUID, terms: LicenceTerms, buyer_id: UUID, now: datetime) -> None:
    """Refuse what is taken now. Raises WindowTaken with the day it frees, HeldByOrder where only orders hold it.

    An open order always stands in the way: what it becomes could not be disclosed yet.
    """
    held, ordered = blocking(session, asset_id=asset_id, now=now, buyer_id=with_own_holds(terms, buyer_id))
    if conflicts(terms.words(), held, subject_to=terms.subject_to is not None):
        raise window_taken(terms, [words for _, words in held])
    if conflicts(terms.words(), ordered):
        raise HeldByOrder


def _judge(rights: _Rights, terms: LicenceTerms, wanted: Words, numbers: Sequence[int]) -> Availability:
    missing = _missing(rights) or _not_offered(rights, terms)
    if _is_withheld(rights.withheld, terms.segment):
        missing += (Text(N_("It is held back at the moment.")),)
    if rights.is_suspended:
        missing += (Text(SELLER_SUSPENDED),)
    if missing:
        return Availability(Answer.UNKNOWN, missing)
    subject_to = terms.subject_to is not None
    if not conflicts(wanted, rights.held, subject_to=subject_to):
        if conflicts(wanted, rights.ordered):
            return Availability(Answer.CONFLICT, (Text(HeldByOrder.title),))
        return Availability(Answer.FREE)
    free_from = first_free_day(wanted, [words for _, words in rights.held], subject_to=subject_to)
    reason = Text(N_("Licensed to somebody else for part of that; free from {day}."), {"day": free_from})
    return Availability(Answer.CONFLICT, (reason,), free_from, tuple(sorted(numbers)))


def _missing(rights: _Rights) -> tuple[Text, ...]:
    if rights.state != TitleState.HELD:
        return (Text(STATE_NAMES[rights.state]),)
    found = []
    if rights.pledgee:
        found.append(Text(N_("The rights are pledged; the pledgee must agree.")))
    if rights.prices is None:
        found.append(Text(N_("The holder has not offered it.")))
    return tuple(found)


def _not_offered(rights: _Rights, terms: LicenceTerms) -> tuple[Text, ...]:
    if is_offered(rights.prices or {}, terms):
        return ()
    return (Text(N_("The holder does not offer this use or exclusivity.")),)


def _is_withheld(spans: Sequence[Span | None], segment: Span | None) -> bool:
    """Say whether what is held back is all, or meets the frames that are asked for."""
    return any(
        span is None or segment is None or (span.start < segment.end and segment.start < span.end) for span in spans
    )


def _read_rights(
    session: ReadSession, ids: Sequence[UUID], now: datetime, buyer_id: UUID | None
) -> dict[UUID, _Rights]:
    titles, prices = _read_titles(session, ids), _read_prices(session, ids)
    withheld = restrictions_in_force(session, asset_ids=ids, now=now)
    granted = held_grants_of(session, asset_ids=ids, but_holds_of=buyer_id)
    ordered, suspended = _read_orders(session, ids, now), _of_suspended(session)
    return {
        asset_id: _Rights(
            *titles.get(asset_id, (TitleState.UNKNOWN, "")), prices.get(asset_id), withheld.get(asset_id, ()),
            granted.get(asset_id, ()), ordered.get(asset_id, ()), asset_id in suspended,
        )
        for asset_id in ids
    }  # fmt: skip


def _read_titles(session: ReadSession, ids: Collection[UUID]) -> dict[UUID, tuple[TitleState, str]]:
    statement = select(TitleRow.asset_id, TitleRow.state, TitleRow.pledgee).where(col(TitleRow.asset_id).in_(ids))
    return {asset_id: (TitleState(state), pledgee) for asset_id, state, pledgee in session.exec(statement)}


def _read_prices(session: ReadSession, ids: Collection[UUID]) -> dict[UUID, Mapping[str, Any]]:
    statement = select(ListingRow.asset_id, ListingRow.prices).where(
        col(ListingRow.asset_id).in_(ids), ListingRow.state == _OPEN
    )
    return dict(session.exec(statement).all())


def _of_suspended(session: ReadSession) -> set[UUID]:
    """Return what suspended houses offer."""
    houses = suspended_houses(session)
    if not houses:
        return set()
    return set(session.exec(select(ListingRow.asset_id).where(col(ListingRow.seller_id).in_(houses))))


def _read_orders(
    session: ReadSession, ids: Collection[UUID] | None, now: datetime
) -> dict[UUID, list[tuple[UUID, Words]]]:
    statement = select(OrderRow.asset_id, OrderRow.id, OrderRow.words).where(
        OrderRow.state == _OPEN, OrderRow.held_until > now
    )
    if ids is not None:
        statement = statement.where(col(OrderRow.asset_id).in_(ids))
    found: dict[UUID, list[tuple[UUID, Words]]] = defaultdict(list)
    for asset_id, order_id, words in session.exec(statement):
        found[asset_id].append((order_id, read_words(words)))
    return dict(found)


def _numbers_of(session: ReadSession, licence_ids: Collection[UUID]) -> dict[UUID, int]:
    if not licence_ids:
        return {}
    statement = select(LicenceRow.id, LicenceRow.number).where(col(LicenceRow.id).in_(licence_ids))
    return dict(session.exec(statement).all())
