"""Holds (预留): a producer keeps rights for some days before buying; nobody else is licensed meanwhile.

The hold is on the ledger like a licence and lapses by itself. The holder's price list is what the seller agreed to.
"""

from datetime import datetime, timedelta
from uuid import UUID

from asset_hub.accounts import Actor, require, require_organisation
from asset_hub.catalogue import get_asset
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import BadInput
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from ledger import permissions as ledger_permissions
from ledger.entries import Held, count_live_holds, hold_rights, list_holds_of, register_asset, reserve_number
from ledger.errors import GrantOverlaps
from ledger.jobs import statement_of
from ledger.signing import HomeKeys
from marketplace.availability import Answer, availability, require_free
from marketplace.errors import NotForSale, TooManyHolds, WindowTaken
from marketplace.terms import LicenceTerms
from marketplace.title import lock_rights

LONGEST_DAYS = 14
MOST_AT_ONCE = 10


def place_hold(
    session: WriteSession, keys: HomeKeys, *, asset_id: UUID, terms: LicenceTerms, days: int, by: Actor, now: datetime
) -> Held:
    """Hold what is free for this house, for some days. Raises NotForSale, WindowTaken, TooManyHolds, BadInput."""
    house = require_organisation(by)
    require(by, ledger_permissions.HOLD, organisation_id=house)
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(N_("A hold lasts between 1 and {most} days."), most=LONGEST_DAYS)
    lock_rights(session, asset_id=asset_id)
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    found = availability(session, asset_id=asset_id, terms=terms, by=by, now=now)
    if found.answer == Answer.UNKNOWN:
        raise NotForSale(found.reasons[0].message)
    require_free(session, asset_id=asset_id, terms=terms, buyer_id=house, now=now)
    if count_live_holds(session, licensee_id=house, now=now) >= MOST_AT_ONCE:
        raise TooManyHolds
    register_asset(
        session, keys, asset_id=asset_id, registrar_id=asset.owner_id, statement=statement_of(asset), now=now
    )
    number = reserve_number(session)
    document = {
        "number": number, "hold": True, "work": asset.number, "uses": list(terms.uses),
        "territories": list(terms.territories), "first_day": terms.window.start.isoformat(),
        "last_day": terms.window.last_day.isoformat(), "days": days,
    }  # fmt: skip
    try:
        hold_rights(
            session, keys, number=number, hold_id=new_id(), asset_id=asset_id, licensor_id=asset.owner_id,
            licensee_id=house, terms=terms.grant(), lapses_at=now + timedelta(days=days), document=document,
            subject_to=terms.subject_to is not None, now=now,
        )  # fmt: skip
    except GrantOverlaps as error:
        raise WindowTaken from error
    return next(one for one in list_holds_of(session, organisation_id=house, now=now) if one.number == number)
