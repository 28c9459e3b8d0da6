"""Where the contracts are, and on which chain."""

from dataclasses import dataclass

from sqlmodel import select

from asset_hub.core.db import ReadSession
from ledger.errors import EntryNotFound
from ledger.models import BlockRow, ContractRow


@dataclass(frozen=True, slots=True)
class Site:
    """The deployed contracts by name."""

    addresses: dict[str, bytes]


def find_site(session: ReadSession) -> Site | None:
    """Return the deployed contracts, None before the first entry."""
    rows = session.exec(select(ContractRow)).all()
    return Site({row.name: row.address for row in rows}) if rows else None


def genesis_hash(session: ReadSession) -> bytes:
    """Return the hash of block 0. Raises EntryNotFound before the first entry."""
    row = session.get(BlockRow, 0)
    if row is None:
        raise EntryNotFound
    return row.hash
