"""Notices of the trade: the person who ordered and those who sell for the house are told how a licence ended."""

from datetime import datetime
from uuid import UUID

from asset_hub.accounts import PersonId, Role, people_with_role
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.text import N_, Text
from asset_hub.messages import notify
from marketplace.models import LicenceRow, OrderRow, QuoteRow


def tell_delivered(session: WriteSession, *, licence_id: UUID, now: datetime) -> None:
    """Tell both sides that a licence is delivered."""
    row = session.get_one(LicenceRow, licence_id)
    mine = Text(N_("Licence no. {number} is ready: file and certificate."), {"number": row.number})
    theirs = Text(N_("Sold: licence no. {number} is delivered."), {"number": row.number})
    _tell(session, row, mine, theirs, now)


def tell_refused(session: WriteSession, *, licence_id: UUID, now: datetime) -> None:
    """Tell both sides that the ledger refused a licence."""
    row = session.get_one(LicenceRow, licence_id)
    mine = Text(
        N_("Licence no. {number} was refused by the ledger. Nothing is delivered; your payment goes back."),
        {"number": row.number},
    )
    theirs = Text(N_("Licence no. {number} was refused by the ledger; the sale is undone."), {"number": row.number})
    _tell(session, row, mine, theirs, now)


def tell_offered(session: WriteSession, *, quote_id: UUID, now: datetime) -> None:
    """Tell those who buy for a house that a sub-licence is offered to it."""
    row = session.get_one(QuoteRow, quote_id)
    text = Text(
        N_("A sub-licence under licence no. {number} is offered to your house."), {"number": row.terms["parent"]}
    )
    for person_id in people_with_role(session, Role.PRODUCER, organisation_id=row.buyer_id):
        notify(session, person_id=person_id, text=text, link=f"/quotes/{row.id}", now=now)


def _tell(session: WriteSession, row: LicenceRow, mine: Text, theirs: Text, now: datetime) -> None:
    link, buyer = f"/licences/{row.id}", session.get_one(OrderRow, row.order_id).placed_by
    if buyer is not None:
        notify(session, person_id=buyer, text=mine, link=link, now=now)
    for person_id in _sellers(session, row):
        if person_id != buyer:
            notify(session, person_id=person_id, text=theirs, link=link, now=now)


def _sellers(session: ReadSession, row: LicenceRow) -> list[PersonId]:
    """Return who sells for a licence's house: its rights desk, and of a sub-licence its producers, who offered it."""
    roles = [Role.RIGHTS_DESK] if row.terms.get("parent") is None else [Role.RIGHTS_DESK, Role.PRODUCER]
    found = [
        person for role in roles for person in people_with_role(session, role, organisation_id=row.seller_id)
    ]  # fmt: skip
    return list(dict.fromkeys(found))
