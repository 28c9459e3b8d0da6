"""Prices from a holder's list: whole fen, every factor a line, the same result whenever it is computed again.

Axes that are stable across the trade: use, territory, years, exclusivity, resolution, seconds used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asset_hub.core.money import Money
from asset_hub.core.text import N_, Text
from ledger.codebook import CHONGQING, WORLD, GrantKind, find_use
from marketplace.errors import BadPrice, NotForSale
from marketplace.terms import LicenceTerms

TAX_BPS = 600
_WHOLE = 10_000
_DAYS_A_YEAR = 365
_MIN_SECONDS = 10
_TERRITORY_BPS = {CHONGQING: 4_000, "CN": 10_000, WORLD: 25_000}
_OTHER_TERRITORY_BPS = 3_000
_KIND_BPS = {GrantKind.NON_EXCLUSIVE: 10_000, GrantKind.SOLE: 35_000, GrantKind.EXCLUSIVE: 50_000}
_RESOLUTION_BPS = {"540": 6_000, "1080": 10_000, "2160": 15_000, "original": 18_000}
_YEAR_BPS = 6_000
MOST_FACTOR = 1_000_000


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One step of a price: what it is for and the amount after it."""

    label: Text
    amount: Money


@dataclass(frozen=True, slots=True)
class Price:
    """An itemised price; net + tax = gross to the fen."""

    lines: tuple[PriceLine, ...]
    net: Money
    tax: Money

    @property
    def gross(self) -> Money:
        return self.net + self.tax


def check_prices(prices: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sound price list: {"uses": {code: fen per year and piece}, "floor": fen, "exclusive": bool,
    "subject_to": bool, "sublicensing_bps": the factor of the right to sub-license, 0 where it is not sold}.

    Raises BadPrice, UnknownTerm.
    """
    uses = prices.get("uses")
    if not isinstance(uses, dict) or not uses:
        raise BadPrice(N_("Name a price for at least one use."))
    for code, fen in uses.items():
        find_use(code)
        if not isinstance(fen, int) or isinstance(fen, bool) or not 0 < fen < 10**13:
            raise BadPrice(N_("The price of “{use}” is not a positive amount."), use=code)
    floor = prices.get("floor", 0)
    if not isinstance(floor, int) or floor < 0:
        raise BadPrice(N_("The least fee is not an amount."))
    factor = prices.get("sublicensing_bps", 0)
    if not isinstance(factor, int) or isinstance(factor, bool) or (factor and not _WHOLE <= factor <= MOST_FACTOR):
        raise BadPrice(N_("The factor of the right to sub-license is between 1 and 100."))
    return {
        "uses": dict(uses), "floor": floor, "exclusive": bool(prices.get("exclusive", True)),
        "subject_to": bool(prices.get("subject_to", False)), "sublicensing_bps": factor,
    }  # fmt: skip


def is_offered(prices: Mapping[str, Any], terms: LicenceTerms) -> bool:
    """Say whether a price list has the uses and the kind of licence that are asked for."""
    has_kind = terms.kind == GrantKind.NON_EXCLUSIVE or prices["exclusive"]
    has_conditions = terms.subject_to is None or prices.get("subject_to", False)
    has_right = not terms.may_sublicense or prices.get("sublicensing_bps", 0) > 0
    return all(use in prices["uses"] for use in terms.uses) and bool(has_kind and has_conditions and has_right)


def price_of(prices: Mapping[str, Any], terms: LicenceTerms, *, seconds: int) -> Price:
    """Compute a price; `seconds` of film used, 0 for anything else. Raises NotForSale for a use without a price."""
    if terms.parent is not None:
        return _agreed(prices, terms.parent)
    if not is_offered(prices, terms):
        raise NotForSale(N_("The holder does not offer this use or exclusivity."))
    amount = Money(sum(prices["uses"][use] for use in terms.uses))
    lines = [
        PriceLine(Text(N_("Base price, one year, mainland China (uses: {count})"), {"count": len(terms.uses)}), amount)
    ]
    for label, factor in (*_factors(terms, seconds), *_surcharges(prices, terms)):
        amount = amount.ratio(factor, _WHOLE)
        lines.append(PriceLine(label, amount))
    if amount.fen < prices["floor"]:
        amount = Money(prices["floor"])
        lines.append(PriceLine(Text(N_("Least fee of the holder")), amount))
    net, tax, _ = amount.with_tax(TAX_BPS)
    return Price(tuple(lines), net, tax)


def _factors(terms: LicenceTerms, seconds: int) -> list[tuple[Text, int]]:
    territory = min(
        max(_TERRITORY_BPS.values()), sum(_TERRITORY_BPS.get(code, _OTHER_TERRITORY_BPS) for code in terms.territories)
    )
    years = -(-terms.window.days // (_DAYS_A_YEAR + 1))
    found = [
        (Text(N_("Territory × {factor}"), {"factor": _show(territory)}), territory),
        (Text(N_("{years} years"), {"years": years}), _WHOLE + _YEAR_BPS * (years - 1)),
        (Text(N_("Exclusivity × {factor}"), {"factor": _show(_KIND_BPS[terms.kind])}), _KIND_BPS[terms.kind]),
        (Text(N_("Resolution {name}"), {"name": terms.resolution}), _RESOLUTION_BPS[terms.resolution]),
    ]
    if seconds:
        used = max(_MIN_SECONDS, seconds)
        found.append((Text(N_("{seconds} seconds used"), {"seconds": used}), _WHOLE * used // _MIN_SECONDS))
    return found


def _surcharges(prices: Mapping[str, Any], terms: LicenceTerms) -> list[tuple[Text, int]]:
    if not terms.may_sublicense:
        return []
    factor = prices["sublicensing_bps"]
    return [(Text(N_("Right to sub-license × {factor}"), {"factor": _show(factor)}), factor)]


def _agreed(prices: Mapping[str, Any], parent: int) -> Price:
    """Return the price of a sub-licence: what its licensor asks for, in one line."""
    net, tax, _ = Money(prices["agreed"]).with_tax(TAX_BPS)
    return Price((PriceLine(Text(N_("Sub-licence under licence no. {number}"), {"number": parent}), net),), net, tax)


def _show(bps: int) -> str:
    return f"{bps / _WHOLE:g}"
