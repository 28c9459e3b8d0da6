"""The rights matrix: uses of the price list × territories for the next year, answered for everybody to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from asset_hub.accounts import Actor
from asset_hub.catalogue import AssetView
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.period import DateRange
from ledger.grants import Words, conflicts, first_free_day
from marketplace.availability import Answer, availability_of_page, blocking
from marketplace.forms import MAIN_TERRITORIES
from marketplace.listings import Listing
from marketplace.terms import LicenceTerms


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer; the first free day when it is taken."""

    answer: Answer
    free_from: date | None = None


def rights_matrix(
    session: ReadSession, *, asset: AssetView, listing: Listing | None, by: Actor, now: datetime
) -> Mapping[str, Mapping[str, Cell]]:
    """Return use → territory → answer for a non-exclusive year from today; nothing when nothing is offered."""
    if listing is None:
        return {}
    year = DateRange.years_from(beijing_date(now), 1)
    asked = {
        use: {place: LicenceTerms((use,), (place,), year) for place in MAIN_TERRITORIES}
        for use in listing.prices["uses"]
    }
    sample = next(iter(asked.values()))[MAIN_TERRITORIES[0]]
    found = availability_of_page(session, assets=[asset], terms=sample, by=by, now=now)[asset.id]
    if found.answer == Answer.UNKNOWN:
        return {use: dict.fromkeys(row, Cell(Answer.UNKNOWN)) for use, row in asked.items()}
    granted, ordered = blocking(session, asset_id=asset.id, now=now)
    held = granted + ordered
    return {use: {place: _cell(terms, held) for place, terms in row.items()} for use, row in asked.items()}


def _cell(terms: LicenceTerms, held: list[tuple[UUID, Words]]) -> Cell:
    wanted = terms.words()
    if not conflicts(wanted, held):
        return Cell(Answer.FREE)
    return Cell(Answer.CONFLICT, first_free_day(wanted, [words for _, words in held]))
