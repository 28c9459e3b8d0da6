"""What the trade refuses."""

from asset_hub.core.errors import BadInput, NotFound, RuleRefused
from asset_hub.core.text import N_


class NotForSale(RuleRefused):
    """No listing, or a title that cannot be sold."""

    slug, title = "not-for-sale", N_("This cannot be licensed here")


class WindowTaken(RuleRefused):
    """Somebody holds, or is just buying, rights that this would overlap."""

    slug, title = "window-taken", N_("These rights are taken for that time")


class HeldByOrder(WindowTaken):
    """Somebody is just buying; what they do not pay is free again within half an hour."""

    slug, title = "held-by-order", N_("An open order holds it for up to half an hour. Ask again then.")


class DisclosureChanged(RuleRefused):
    """Since the quote a licence was given that it does not disclose: the buyer is asked anew."""

    slug, title = "disclosure-changed", N_("Another licence was given since this quote")


class QuoteExpired(RuleRefused):
    """The quote's last moment has passed, or it was used."""

    slug, title = "quote-expired", N_("This quote is no longer valid")


class OfferTaken(RuleRefused):
    """The house that a sub-licence was offered to has ordered it: the offer is not taken back any more."""

    slug, title = "offer-taken", N_("This offer is ordered already; it can no longer be taken back")


class QuoteNotFound(NotFound):
    """No such quote, or another buyer's."""

    slug, title = "quote-not-found", N_("There is no such quote")


class OrderNotFound(NotFound):
    """No such order, or another house's."""

    slug, title = "order-not-found", N_("There is no such order")


class LicenceNotFound(NotFound):
    """No such licence, or another house's."""

    slug, title = "licence-not-found", N_("There is no such licence")


class NotPaid(RuleRefused):
    """The order is not paid, or was closed."""

    slug, title = "not-paid", N_("This order is not paid")


class NotDelivered(RuleRefused):
    """The file is not made yet, or its digest not anchored."""

    slug, title = "not-delivered", N_("The file is not ready yet")


class AlreadyPaid(RuleRefused):
    """The order is paid: it is not taken back, its licence is ended by both sides."""

    slug, title = "already-paid", N_("This order is paid already")


class NothingToConfirm(RuleRefused):
    """The order has no payment that a second look could confirm."""

    slug, title = "nothing-to-confirm", N_("Nothing was paid for this order")


class NothingToRefund(RuleRefused):
    """The order is not one whose price goes back."""

    slug, title = "nothing-to-refund", N_("Nothing is to be paid back for this order")


class TooManyOrders(RuleRefused):
    """A house has as many unpaid orders as it may at once."""

    slug, title = "too-many-orders", N_("Pay or cancel the orders that are open first")


class TooManyHolds(RuleRefused):
    """A house holds rights to as many works as it may at once."""

    slug, title = "too-many-holds", N_("This house holds as much as it may at once; buy or let a hold lapse first")


class LicenceRevoked(RuleRefused):
    """The exchange's status list revokes this licence: its file is not handed out any more."""

    slug, title, status = "licence-revoked", N_("This licence is revoked. Its file is not handed out any more."), 410


class LinkExpired(RuleRefused):
    """The download link's time has passed, or it was never one of ours."""

    slug, title = "link-expired", N_("This link is no longer valid")


class BadShares(BadInput):
    """Shares of a title that do not sum to the whole."""

    slug, title = "bad-shares", N_("Shares must sum to 100 %")


class TitleOnLedger(RuleRefused):
    """The work's title is on the ledger, which leads: it changes by deeds, not on the desk."""

    slug, title = "title-on-ledger", N_("This title is on the ledger; it changes by a deed that all sides agree to")


class BadPrice(BadInput):
    """A price list that cannot be computed with."""

    slug, title = "bad-price", N_("The price list is not complete")
