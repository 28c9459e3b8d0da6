"""How the ledger is: its head, what waits, where the contracts are, who operates it, what acts cost in gas."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import col, func, select

from asset_hub.core.db import ReadSession
from ledger.chain import CHAIN_ID
from ledger.models import BlockRow, EntryRow, JournalRow
from ledger.signing import Keys
from ledger.sites import find_site
from ledger.types import EntryKind, EntryState

STALLED_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Head:
    """The last block."""

    number: int
    hash: str
    time: datetime


@dataclass(frozen=True, slots=True)
class GasOfAct:
    """What acts of one kind used: how many, on average, at most."""

    kind: EntryKind
    count: int
    average: int
    largest: int


@dataclass(frozen=True, slots=True)
class Health:
    """The ledger at a moment; `head` and `genesis` are None before the first entry."""

    engine: str
    chain_id: int
    genesis: str | None
    head: Head | None
    transactions: int
    waiting: int
    confirmed: int
    refused: int
    waits_since: datetime | None
    contracts: tuple[tuple[str, str], ...]
    operator: str
    gas: tuple[GasOfAct, ...]

    def is_stalled(self, now: datetime) -> bool:
        """Say whether something has waited longer than a block ever takes."""
        return self.waits_since is not None and now - self.waits_since > STALLED_AFTER


def read_health(session: ReadSession, keys: Keys) -> Health:
    """Return how the ledger is now; a fixed number of queries."""
    states = dict(session.exec(select(EntryRow.state, func.count()).group_by(EntryRow.state)).all())
    oldest = select(func.min(EntryRow.created_at)).where(EntryRow.state == EntryState.RECORDED)
    genesis, site = session.get(BlockRow, 0), find_site(session)
    return Health(
        engine="embedded", chain_id=CHAIN_ID, genesis=genesis.hash.hex() if genesis else None, head=_head(session),
        transactions=session.exec(select(func.count()).select_from(JournalRow)).one(),
        waiting=states.get(EntryState.RECORDED, 0), confirmed=states.get(EntryState.CONFIRMED, 0),
        refused=states.get(EntryState.REFUSED, 0), waits_since=session.exec(oldest).one(),
        contracts=tuple(sorted((name, f"0x{at.hex()}") for name, at in site.addresses.items())) if site else (),
        operator=f"0x{keys.operator.address.hex()}", gas=_gas(session),
    )  # fmt: skip


def _head(session: ReadSession) -> Head | None:
    row = session.exec(select(BlockRow).order_by(col(BlockRow.number).desc()).limit(1)).first()
    return Head(row.number, row.hash.hex(), datetime.fromtimestamp(row.time, UTC)) if row else None


def _gas(session: ReadSession) -> tuple[GasOfAct, ...]:
    statement = (
        select(EntryRow.kind, func.count(), func.avg(JournalRow.gas_used), func.max(JournalRow.gas_used))
        .join(JournalRow, col(JournalRow.tx_hash) == col(EntryRow.tx_hash))
        .where(JournalRow.status == 1)
        .group_by(EntryRow.kind)
    )
    found = {EntryKind(kind): GasOfAct(EntryKind(kind), count, round(average), largest)
             for kind, count, average, largest in session.exec(statement)}  # fmt: skip
    return tuple(found[kind] for kind in EntryKind if kind in found)
