"""What a house sold: every licence it gave, to whom, for how much; for its own rights desk only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, require
from asset_hub.core.db import ReadSession
from asset_hub.core.money import Money
from marketplace import permissions
from marketplace.licences import Licence, LicenceState, licence_view
from marketplace.models import LicenceRow, OrderRow, QuoteRow


@dataclass(frozen=True, slots=True)
class Sale:
    """One licence given, with its amounts."""

    licence: Licence
    net: Money
    tax: Money
    paid_at: datetime | None

    @property
    def gross(self) -> Money:
        return self.net + self.tax


def list_sales(session: ReadSession, *, asset_id: UUID | None = None, by: Actor) -> tuple[Sale, ...]:
    """Return the sales of the actor's house, newest first; of one asset where it is named."""
    require(by, permissions.SEE_GRANTS, organisation_id=by.organisation_id)
    statement = (
        select(LicenceRow, OrderRow, QuoteRow)
        .join(OrderRow, col(OrderRow.id) == col(LicenceRow.order_id))
        .join(QuoteRow, col(QuoteRow.id) == col(OrderRow.quote_id))
        .where(LicenceRow.seller_id == by.organisation_id)
        .order_by(col(LicenceRow.number).desc())
    )
    if asset_id is not None:
        statement = statement.where(LicenceRow.asset_id == asset_id)
    return tuple(
        Sale(licence_view(licence), Money(quote.net_fen), Money(quote.tax_fen), order.paid_at)
        for licence, order, quote in session.exec(statement)
    )


def takings(sales: Sequence[Sale]) -> Money:
    """Return what the sales that stand brought before tax."""
    return sum((sale.net for sale in sales if sale.licence.state != LicenceState.REFUSED), Money(0))
