"""What is asked again whenever a quote is taken up: is it still shown, still held, still free — and free from when."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asset_hub.accounts import Actor, suspended_houses
from asset_hub.catalogue import get_asset
from asset_hub.catalogue.restrictions import restrictions_in_force
from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_
from ledger.consents import check_consents
from ledger.grants import Words, first_free_day, is_exclusive
from ledger.pauses import require_open
from ledger.types import EntryKind
from marketplace.errors import NotForSale, WindowTaken
from marketplace.terms import LicenceTerms
from marketplace.title import STATE_NAMES, TitleState, title_of

SELLER_SUSPENDED = N_("The house that offers it is suspended.")


def check_still_sellable(
    session: ReadSession, *, asset_id: UUID, terms: LicenceTerms, by: Actor, now: datetime
) -> None:
    """Refuse what was offered once and may not be sold now; an offer that was only taken back still holds.

    Raises AssetNotFound where the buyer may no longer know of it, NotForSale for its title, its suspended house or what
    is held back, RegisterPaused while trade is paused, NotHeld or ConsentMissing where the title on the ledger has
    another holder, or needs another's word.
    """
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    title = title_of(session, asset=asset)
    if title.state != TitleState.HELD:
        raise NotForSale(STATE_NAMES[title.state])
    if title.pledgee:
        raise NotForSale(N_("The rights are pledged; the pledgee must agree."))
    if asset.owner_id in suspended_houses(session):
        raise NotForSale(SELLER_SUSPENDED)
    require_open(session, EntryKind.GRANT, now=now)
    words = terms.grant().words(0)
    check_consents(
        session, asset_id=asset_id, licensor=asset.owner_id, rights=words[0] >> 160, is_exclusive=is_exclusive(words),
        is_sub=False, now=now,
    )  # fmt: skip
    held_back = restrictions_in_force(session, asset_ids=[asset_id], now=now).get(asset_id, [])
    if any(span is None or terms.segment is None or span.overlaps(terms.segment) for span in held_back):
        raise NotForSale(N_("It is held back at the moment."))


def window_taken(wanted: Words, held: Sequence[Words]) -> WindowTaken:
    """Return the refusal of a window, with the first Beijing day from which the same request would be free."""
    day = first_free_day(wanted, held)
    return WindowTaken(N_("Free from {day}."), day=day, members={"free_from": day.isoformat()})
