"""Money as whole fen with a currency; never a float (ADR 0006)."""

from collections.abc import Sequence
from dataclasses import dataclass

from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (fen for CNY). Arithmetic across currencies is refused."""

    fen: int
    currency: str = "CNY"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.fen + self._same(other).fen, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.fen - self._same(other).fen, self.currency)

    def __mul__(self, factor: int) -> "Money":
        return Money(self.fen * factor, self.currency)

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise BadInput(N_("{a} and {b} cannot be added."), a=self.currency, b=other.currency)
        return other

    def ratio(self, numerator: int, denominator: int) -> "Money":
        """Scale by a fraction, rounding half up to the fen; `denominator` > 0."""
        return Money((2 * self.fen * numerator + denominator) // (2 * denominator), self.currency)

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Divide by non-negative weights with the largest-remainder method; the parts add up exactly.

        Raises BadInput when the weights are empty, negative or all zero.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise BadInput(N_("Shares must be positive."))
        parts = [self.fen * weight // total for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(self.fen * weights[i] % total), i))
        for index in by_remainder[: self.fen - sum(parts)]:
            parts[index] += 1
        return [Money(part, self.currency) for part in parts]

    def with_tax(self, rate_bps: int) -> tuple["Money", "Money", "Money"]:
        """Return (net, tax, gross) for a net amount and a tax rate in basis points, tax rounded half up."""
        tax = self.ratio(rate_bps, 10_000)
        return self, tax, self + tax

    def __str__(self) -> str:
        sign = "-" if self.fen < 0 else ""
        mark = "¥" if self.currency == "CNY" else f"{self.currency} "
        return f"{sign}{mark}{abs(self.fen) // 100:,}.{abs(self.fen) % 100:02d}"
