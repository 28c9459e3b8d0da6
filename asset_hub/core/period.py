"""Half-open ranges of Beijing dates: [start, end). Shown to people with the last day included (含当日)."""

from dataclasses import dataclass
from datetime import date, timedelta

from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_


class EmptyPeriod(BadInput):
    """A range whose end is not after its start."""

    slug, title = "empty-period", N_("The period is empty")


@dataclass(frozen=True, slots=True, order=True)
class DateRange:
    """Days from `start` up to, not including, `end`. Raises EmptyPeriod when there is no day in it."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise EmptyPeriod(N_("The period {start} to {end} has no day."), start=self.start, end=self.end)

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def contains(self, other: "date | DateRange") -> bool:
        if isinstance(other, DateRange):
            return self.start <= other.start and other.end <= self.end
        return self.start <= other < self.end

    def overlaps(self, other: "DateRange") -> bool:
        return self.start < other.end and other.start < self.end

    def intersect(self, other: "DateRange") -> "DateRange | None":
        """Return the common days, or None where there are none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return DateRange(start, end) if start < end else None

    @classmethod
    def years_from(cls, start: date, years: int) -> "DateRange":
        """Return whole calendar years from a day; from 29 February the end falls on 1 March."""
        return cls(start, add_months(start, 12 * years))

    @classmethod
    def through(cls, start: date, last_day: date) -> "DateRange":
        """Return the range that people write with its last day included. Raises BadInput for the last date there is."""
        if last_day == date.max:
            raise BadInput(N_("The last day is too late: {day}."), day=last_day)
        return cls(start, last_day + timedelta(days=1))


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later; a day that month lacks becomes the first of the next."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return date(year, month + 1, day.day)
    except ValueError:
        return date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
