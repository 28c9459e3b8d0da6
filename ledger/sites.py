"""Where the contracts are, and on which chain."""

from dataclasses import dataclass

from sqlmodel import select

from asset_hub.core.db import ReadSession
from ledger.chain import CHAIN_ID
from ledger.errors import EntryNotFound
from ledger.models import BlockRow, ChainRow, ContractRow


@dataclass(frozen=True, slots=True)
class Site:
    """The deployed contracts by name, and the chain that signatures for them bind."""

    addresses: dict[str, bytes]
    chain_id: int = CHAIN_ID


def find_site(session: ReadSession) -> Site | None:
    """Return the deployed contracts, None before the first entry."""
    rows = session.exec(select(ContractRow)).all()
    return Site({row.name: row.address for row in rows}, chain_id_of(session)) if rows else None


def chain_id_of(session: ReadSession) -> int:
    """Return the number of the chain that this home records on; before the first entry that of the embedded one."""
    row = session.exec(select(ChainRow)).first()
    return row.chain_id if row else CHAIN_ID


def chain_name(session: ReadSession) -> dict[str, str | int]:
    """Return how documents name this home's chain. Raises EntryNotFound before the first entry."""
    return {"id": chain_id_of(session), "genesis": genesis_hash(session).hex()}


def genesis_hash(session: ReadSession) -> bytes:
    """Return the hash of block 0. Raises EntryNotFound before the first entry."""
    row = session.get(BlockRow, 0)
    if row is None:
        raise EntryNotFound
    return row.hash
