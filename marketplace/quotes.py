"""Quotes: itemised, signed, valid for a fortnight, and computed again to the same fen from their own inputs."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asset_hub.accounts import Actor, require, require_organisation, require_reach
from asset_hub.catalogue import AssetKind, AssetView, FileRole, get_asset
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.rational import FrameRate
from asset_hub.core.text import Text
from marketplace import permissions
from marketplace.availability import Answer, availability, require_free
from marketplace.checks import disclose
from marketplace.errors import NotForSale, QuoteNotFound
from marketplace.listings import listing_of
from marketplace.models import QuoteRow
from marketplace.pricing import Price, price_of
from marketplace.terms import LicenceTerms, read_terms

VALID = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote as its buyer sees it."""

    id: UUID
    asset_id: UUID
    seller_id: UUID
    buyer_id: UUID
    terms: LicenceTerms
    price: Price
    expires_at: datetime


def quote(
    session: WriteSession, secret: bytes, *, asset_id: UUID, terms: LicenceTerms, by: Actor, now: datetime
) -> Quote:
    """Make a quote for the actor's house; one that is subject to licences names those that stand now.

    Raises WindowTaken, NotForSale, AssetNotFound.
    """
    require(by, permissions.QUOTE)
    buyer_id = require_organisation(by)
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    found = availability(session, asset_id=asset_id, terms=terms, by=by, now=now)
    if found.answer == Answer.CONFLICT:
        require_free(session, asset_id=asset_id, terms=terms, buyer_id=buyer_id, now=now)
    listing = listing_of(session, asset_id=asset_id)
    if found.answer == Answer.UNKNOWN or listing is None:
        reasons = found.reasons or (Text(NotForSale.title),)
        raise NotForSale("{reason}", reason=reasons[0])
    return write_quote(
        session, secret, asset=asset, sides=(listing.seller_id, buyer_id), prices=listing.prices,
        terms=disclose(session, asset_id=asset_id, terms=terms, now=now), now=now,
    )  # fmt: skip


def write_quote(
    session: WriteSession, secret: bytes, *, asset: AssetView, sides: tuple[UUID, UUID], prices: Mapping[str, Any],
    terms: LicenceTerms, now: datetime,
) -> Quote:  # fmt: skip
    """Write and sign a quote between seller and buyer; the caller has checked that it may be sold."""
    seconds = seconds_used(asset, terms)
    price = price_of(prices, terms, seconds=seconds)
    row = QuoteRow(
        id=new_id(), asset_id=asset.id, seller_id=sides[0], buyer_id=sides[1], terms=terms.as_json(),
        prices=dict(prices), seconds=seconds, net_fen=price.net.fen, tax_fen=price.tax.fen, signature="",
        created_at=now, expires_at=now + VALID,
    )  # fmt: skip
    row.signature = sign_quote(secret, row)
    session.add(row)
    session.flush()
    return quote_view(row)


def get_quote(session: ReadSession, *, quote_id: UUID, by: Actor) -> Quote:
    """Return a quote of the actor's house. Raises QuoteNotFound."""
    require_reach(by, "marketplace")
    row = session.get(QuoteRow, quote_id)
    if row is None or by.organisation_id not in (row.buyer_id, row.seller_id):
        raise QuoteNotFound
    return quote_view(row)


def seconds_used(asset: AssetView, terms: LicenceTerms) -> int:
    """Return how many begun seconds of film the terms cover; 0 for what has no time."""
    if asset.kind not in (AssetKind.FILM, AssetKind.SOUND):
        return 0
    master = asset.file(FileRole.MASTER)
    rate = master.technical.get("rate") if master else None
    if terms.segment is not None and rate:
        frames = terms.segment.end - terms.segment.start
        return -(-frames * FrameRate(*rate).den // FrameRate(*rate).num)
    return -(-int(master.technical.get("duration_ms", 0)) // 1000) if master else 0


def sign_quote(secret: bytes, row: QuoteRow) -> str:
    """Return the signature over everything that the price depends on."""
    content = json.dumps(
        [str(row.id), str(row.asset_id), str(row.buyer_id), row.terms, row.prices, row.seconds, row.net_fen,
         row.tax_fen, row.expires_at.isoformat()], sort_keys=True,
    )  # fmt: skip
    return hmac.new(secret, b"quote/1:" + content.encode(), hashlib.sha256).hexdigest()


def is_genuine(secret: bytes, row: QuoteRow) -> bool:
    """Say whether a quote is ours, unchanged, and computes to the same fen again."""
    price = price_of(row.prices, read_terms(row.terms), seconds=row.seconds)
    same = (price.net.fen, price.tax.fen) == (row.net_fen, row.tax_fen)
    return same and hmac.compare_digest(row.signature, sign_quote(secret, row))


def quote_view(row: QuoteRow) -> Quote:
    """Return a row as its two sides see it."""
    terms = read_terms(row.terms)
    price = price_of(row.prices, terms, seconds=row.seconds)
    return Quote(row.id, row.asset_id, row.seller_id, row.buyer_id, terms, price, row.expires_at)
