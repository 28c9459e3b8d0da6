"""What is asked again whenever a quote is taken up: is it still shown, still held, still free — and free from when."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from asset_hub.accounts import Actor, suspended_houses
from asset_hub.catalogue import get_asset
from asset_hub.catalogue.restrictions import restrictions_in_force
from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_
from ledger.consents import check_consents
from ledger.entries import check_sublicence, held_grants
from ledger.grants import Words, first_free_day, is_exclusive, standing_under
from ledger.pauses import require_open
from ledger.types import EntryKind
from marketplace.errors import DisclosureChanged, NotForSale, WindowTaken
from marketplace.terms import LicenceTerms
from marketplace.title import STATE_NAMES, TitleState, title_of

SELLER_SUSPENDED = N_("The house that offers it is suspended.")


def check_still_sellable(
    session: ReadSession, *, asset_id: UUID, seller_id: UUID, terms: LicenceTerms, by: Actor, now: datetime
) -> None:
    """Refuse what was offered once and may not be sold now; an offer that was only taken back still holds.

    Of a sub-licence, whatever stands of the licence above is asked instead of the title's holder: NotSublicensable.
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
    words, licensor = terms.words(), asset.owner_id
    if terms.parent is not None:
        licensor = seller_id
        check_sublicence(
            session, words, parent=terms.parent, asset_id=asset_id, licensor_id=licensor, now=now
        )  # fmt: skip
    if licensor in suspended_houses(session):
        raise NotForSale(SELLER_SUSPENDED)
    require_open(session, EntryKind.GRANT, now=now)
    check_consents(
        session, asset_id=asset_id, licensor=licensor, rights=words[0] >> 160, is_exclusive=is_exclusive(words),
        is_sub=terms.parent is not None, now=now,
    )  # fmt: skip
    held_back = restrictions_in_force(session, asset_ids=[asset_id], now=now).get(asset_id, [])
    if any(span is None or terms.segment is None or span.overlaps(terms.segment) for span in held_back):
        raise NotForSale(N_("It is held back at the moment."))


def disclose(session: ReadSession, *, asset_id: UUID, terms: LicenceTerms, now: datetime) -> LicenceTerms:
    """Return terms that name the licences which they are subject to at this moment; strict terms as they are."""
    if terms.subject_to is None:
        return terms
    held = held_grants(session, asset_id=asset_id, now=now)
    return replace(terms, subject_to=standing_under(terms.words(), held))


def check_disclosed(session: ReadSession, *, asset_id: UUID, terms: LicenceTerms, now: datetime) -> None:
    """Refuse to go on where a licence stands that the buyer did not agree to; one that ended is no harm.

    Raises DisclosureChanged.
    """
    standing = disclose(session, asset_id=asset_id, terms=terms, now=now).subject_to or ()
    fresh = [number for number in standing if number not in (terms.subject_to or ())]
    if fresh:
        raise DisclosureChanged(
            N_("It would be subject to licence no. {numbers} too. Ask for a new quote; nothing is charged."),
            numbers=", ".join(map(str, fresh)), members={"licences": fresh},
        )  # fmt: skip


def with_own_holds(terms: LicenceTerms, buyer_id: UUID) -> UUID | None:
    """Return the house whose holds stand in nobody's way: the buyer, whose licence uses them up.

    None for a sub-licence, which is given under a licence and uses up no hold.
    """
    return buyer_id if terms.parent is None else None


def window_taken(terms: LicenceTerms, held: Sequence[Words]) -> WindowTaken:
    """Return the refusal of a window, with the first Beijing day from which the same request would be free."""
    day = first_free_day(terms.words(), held, subject_to=terms.subject_to is not None)
    return WindowTaken(N_("Free from {day}."), day=day, members={"free_from": day.isoformat()})
