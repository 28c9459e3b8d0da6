"""Which registers take nothing new now (暂停交易), asked before anything is decided that they would refuse."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_
from ledger.errors import RegisterPaused
from ledger.models import PauseRow
from ledger.types import DeedKind, EntryKind

REGISTER_OF: Mapping[EntryKind, str] = {
    EntryKind.GRANT: "GrantLedger",
    EntryKind.HOLD: "GrantLedger",
    EntryKind.TITLE: "TitleLedger",
}
"""Where the acts of trade are recorded; ends, payments and disputes go on during a pause."""
_LASTING = frozenset({DeedKind.RELEASE, DeedKind.CORRECT})
REGISTER_NAMES: Mapping[str, str] = {"GrantLedger": N_("Licences and holds"), "TitleLedger": N_("Titles and pledges")}


@dataclass(frozen=True, slots=True)
class Pause:
    """A register that takes nothing new until a time."""

    register: str
    until: datetime
    reason: str


def paused_registers(session: ReadSession, *, now: datetime) -> tuple[Pause, ...]:
    """Return the registers that take nothing new now."""
    rows = session.exec(select(PauseRow).where(PauseRow.until > now).order_by(col(PauseRow.name)))
    return tuple(Pause(row.name, row.until, row.reason) for row in rows)


def require_open(session: ReadSession, kind: EntryKind, *, act: str = "", now: datetime) -> None:
    """Refuse what a paused register would refuse; `act` is the deed's kind of a title. Raises RegisterPaused."""
    if kind not in REGISTER_OF or act in _LASTING:
        return
    row = session.get(PauseRow, REGISTER_OF[kind], populate_existing=True)
    if row is not None and now < row.until:
        raise RegisterPaused(N_("Paused until {until}: {reason}"), until=row.until, reason=row.reason)
