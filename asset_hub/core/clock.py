"""The one place that reads the clock; called at the edge (routes, pages, jobs, CLI) and passed down as `now`."""

from datetime import UTC, date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


def now() -> datetime:
    """Return the present as aware UTC, cut to milliseconds, as the database keeps it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def beijing_date(moment: datetime) -> date:
    """Return the Beijing calendar day of an aware moment; dates of rights are Beijing dates (ADR 0006)."""
    return moment.astimezone(BEIJING).date()
