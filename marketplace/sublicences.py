"""Sub-licences (转授权): a licensee offers a named house a licence inside its own; the offer is a quote that it made.

From there it goes the way of every quote: ordered, paid, recorded, delivered; the licensee is its seller. Source: the
right to sub-license is the holder's to give (Implementing Regulations of the Copyright Law art. 24); it is bought with
the licence, at the factor of the holder's price list.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, may, require, require_reach
from asset_hub.catalogue import get_asset
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_
from ledger.entries import given_under
from ledger.errors import NotSublicensable
from marketplace import permissions
from marketplace.availability import require_free
from marketplace.checks import check_still_sellable, disclose
from marketplace.errors import BadPrice, LicenceNotFound, OfferTaken, QuoteNotFound
from marketplace.licences import Licence, LicenceState, get_licence, licence_view
from marketplace.models import LicenceRow, OrderRow, QuoteRow
from marketplace.notices import tell_offered
from marketplace.orders import OrderState, order_of_quote, order_view, state_at
from marketplace.quotes import Quote, quote_view, write_quote
from marketplace.terms import RESOLUTIONS, LicenceTerms
from marketplace.title import lock_rights

MOST_FEN = 10**13
FALLEN = (OrderState.LAPSED, OrderState.CANCELLED)


@dataclass(frozen=True, slots=True)
class SublicenceOffer:
    """An offer as its two sides see it; `order_id` and how the order stands once the buyer took it.

    An offer is ordered once: where its order lapsed or was cancelled, `needs_new` says that it takes a new offer.
    """

    quote: Quote
    order_id: UUID | None = None
    order_state: OrderState | None = None

    @property
    def is_open(self) -> bool:
        return self.order_id is None

    @property
    def needs_new(self) -> bool:
        return self.order_state in FALLEN


@dataclass(frozen=True, slots=True)
class Given:
    """A licence given under another, without its parties; `licence_id` for a reader whose house is one of them."""

    number: int
    terms: LicenceTerms
    state: LicenceState
    licence_id: UUID | None


def offer_sublicence(
    session: WriteSession, secret: bytes, *, licence_id: UUID, buyer_id: UUID, terms: LicenceTerms, fen: int, by: Actor,
    now: datetime,
) -> Quote:  # fmt: skip
    """Offer a house a licence inside a licence of the actor's house, for `fen` before tax; it holds for a fortnight.

    Raises LicenceNotFound, NotSublicensable, WindowTaken, HeldByOrder, NotForSale, BadPrice, BadInput.
    """
    above = get_licence(session, licence_id=licence_id, by=by)
    if above.buyer_id != by.organisation_id:
        raise LicenceNotFound
    require(by, permissions.SUBLICENSE, organisation_id=above.buyer_id)
    if buyer_id == above.buyer_id:
        raise BadInput(N_("Name another house than your own."))
    if not 0 < fen < MOST_FEN:
        raise BadPrice(N_("The price is not a positive amount."))
    if RESOLUTIONS.index(terms.resolution) > RESOLUTIONS.index(above.terms.resolution):
        raise NotSublicensable(N_("At most the resolution of the licence that it is given under."))
    asset_id, under = above.asset_id, replace(terms, parent=above.number)
    lock_rights(session, asset_id=asset_id)
    check_still_sellable(session, asset_id=asset_id, seller_id=above.buyer_id, terms=under, by=by, now=now)
    require_free(session, asset_id=asset_id, terms=under, buyer_id=buyer_id, now=now)
    made = write_quote(
        session, secret, asset=get_asset(session, asset_id=asset_id, by=by, now=now), prices={"agreed": fen},
        sides=(above.buyer_id, buyer_id), terms=disclose(session, asset_id=asset_id, terms=under, now=now), now=now,
    )  # fmt: skip
    tell_offered(session, quote_id=made.id, now=now)
    return made


def withdraw_offer(session: WriteSession, *, quote_id: UUID, by: Actor, now: datetime) -> None:
    """Take an offer back that nobody ordered from. Idempotent. Raises QuoteNotFound, OfferTaken.

    A quote is signed over its last moment, so that one which was moved forward is not genuine any more either.
    """
    row = session.get(QuoteRow, quote_id)
    if row is None or row.terms.get("parent") is None or row.seller_id != by.organisation_id:
        raise QuoteNotFound
    require(by, permissions.SUBLICENSE, organisation_id=row.seller_id)
    lock_rights(session, asset_id=row.asset_id)
    order = order_of_quote(session, quote_id=quote_id)
    if order is not None and state_at(order, now=now) not in FALLEN:
        raise OfferTaken
    row.expires_at = min(row.expires_at, now)
    session.flush()


def list_offers(session: ReadSession, *, by: Actor, now: datetime) -> tuple[SublicenceOffer, ...]:
    """Return the offers of sub-licences to and from the actor's house that are open or were taken, newest first."""
    require_reach(by, "marketplace")
    statement = (
        select(QuoteRow, OrderRow)
        .join(OrderRow, col(OrderRow.quote_id) == col(QuoteRow.id), isouter=True)
        .where(
            (QuoteRow.buyer_id == by.organisation_id) | (QuoteRow.seller_id == by.organisation_id),
            col(QuoteRow.terms)["parent"].as_integer().is_not(None),
            col(OrderRow.id).is_not(None) | (col(QuoteRow.expires_at) > now),
        )
        .order_by(col(QuoteRow.id).desc())
    )
    return tuple(_offer_view(row, order, now) for row, order in session.exec(statement))


def _offer_view(row: QuoteRow, order: OrderRow | None, now: datetime) -> SublicenceOffer:
    if order is None:
        return SublicenceOffer(quote_view(row))
    return SublicenceOffer(quote_view(row), order.id, state_at(order_view(order), now=now))


def sublicences_of(session: ReadSession, *, licence: Licence, by: Actor) -> tuple[Given, ...]:
    """Return what was given under a licence that the reader may see: what it covers, and not to whom."""
    numbers = given_under(session, parent=licence.number)
    if not numbers:
        return ()
    statement = select(LicenceRow).where(col(LicenceRow.number).in_(numbers)).order_by(col(LicenceRow.number))
    found = [licence_view(row) for row in session.exec(statement)]
    return tuple(
        Given(one.number, one.terms, one.state, one.id if by.organisation_id in (one.seller_id, one.buyer_id) else None)
        for one in found
    )


def may_offer(licence: Licence, *, by: Actor) -> bool:
    """Say whether the reader may offer sub-licences for the licensee, as far as the licence itself says."""
    has_right = licence.terms.may_sublicense and licence.state != LicenceState.REFUSED
    return has_right and may(by, permissions.SUBLICENSE, organisation_id=licence.buyer_id)
