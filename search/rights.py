"""The availability part of a query: checked against the code book, then a filter for the engine and a re-check."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.period import DateRange
from asset_hub.core.text import N_
from ledger.codebook import CHONGQING, USES, WORLD, find_use, mask_of_territories
from ledger.errors import UnknownTerm
from marketplace.availability import not_free_assets
from marketplace.terms import LicenceTerms
from search.errors import BadQuery, UnknownTerritory, UnknownUse
from search.query import Availability

_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_TERRITORIES = (WORLD, CHONGQING, "CN")


@dataclass(frozen=True, slots=True)
class FreeFilter:
    """What leaves exactly the free assets: values that one must have, and ids of the others."""

    filters: Mapping[str, tuple[str, ...]]
    without: Mapping[str, tuple[str, ...]]


def free_filter(session: ReadSession, terms: LicenceTerms, *, now: datetime) -> FreeFilter:
    """Resolve terms to what the engine can filter by; three database queries however much is offered."""
    taken = tuple(sorted(str(asset_id) for asset_id in not_free_assets(session, terms=terms, now=now)))
    return FreeFilter({"offer": terms.uses}, {"group": taken} if taken else {})


def read_availability(asked: Availability) -> LicenceTerms:
    """Return the terms of a whole work, non-exclusive. Raises UnknownUse, UnknownTerritory, BadQuery, EmptyPeriod."""
    try:
        use = find_use(asked.use).code
    except UnknownTerm as error:
        codes = [known.code for known in USES]
        raise UnknownUse(
            N_("“{use}” is no use we know; it is one of {codes}."), use=asked.use[:60], codes=", ".join(codes),
            members={"codes": codes},
        ) from error  # fmt: skip
    territory = asked.territory if asked.territory == WORLD else asked.territory.upper()
    try:
        mask_of_territories([territory])
    except UnknownTerm as error:
        raise UnknownTerritory(
            N_("“{territory}” is no territory we know; it is {codes} or another ISO 3166-1 code."),
            territory=asked.territory[:60], codes=", ".join(_TERRITORIES), members={"codes": list(_TERRITORIES)},
        ) from error  # fmt: skip
    return LicenceTerms((use,), (territory,), DateRange.through(_day(asked.start), _day(asked.last_day)))


def availability_document(
    *, use: str, territory: str, start: str, last_day: str, now: datetime
) -> dict[str, str] | None:
    """Return the availability member of a query document; None when nothing is asked, the start is today by default.

    Raises BadQuery when only part of it is given.
    """
    if not any((use, territory, start, last_day)):
        return None
    if not (use and territory and last_day):
        raise BadQuery(N_("Availability needs a use, a territory and a last day."))
    return {"use": use, "territory": territory, "start": start or str(beijing_date(now)), "last_day": last_day}


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadQuery(N_("“{day}” is no day; write it as 2026-12-31."), day=text[:30]) from error
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise BadQuery(N_("“{day}” is too far away for a licence."), day=text[:30])
    return day
