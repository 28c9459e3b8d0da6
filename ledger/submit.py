"""Carries entries to the embedded chain: block, journal and what follows from it in one transaction each."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select

from asset_hub.core.db import ReadSession, WriteSession
from ledger.builders import ALONE, build_call, carrier_of
from ledger.calls import sign_transaction
from ledger.deployment import deployed_addresses, set_up
from ledger.embedded import Block, EmbeddedChain, SqlStore
from ledger.handovers import hold_back_unsigned
from ledger.journal import JournalEntry, ProvenBlock, write_block
from ledger.models import BlockRow, ContractRow, CounterRow, EntryRow
from ledger.outcomes import settle_entry
from ledger.signing import HomeKeys
from ledger.sites import Site, find_site
from ledger.types import EntryState
from ledger.vault import note_first_keys, speaking

_BATCH = 50


def submit_next(session: WriteSession, keys: HomeKeys, *, now: datetime) -> int:
    """Carry the next entries in order; return how many. Entries that depend on none before them share a block."""
    lock_chain(session)
    while (entries := _next_entries(session)) and hold_back_unsigned(session, entries, now):
        pass
    if not entries:
        return 0
    chain = open_chain(session, keys)
    site = _deployed(session, chain, keys, now)
    time = _block_time(chain, now)
    speaks = speaking(session, keys)
    calls = [build_call(session, speaks, site, entry, time=time) for entry in entries]
    carrier = carrier_of(speaks, calls[0])  # whatever another than the relayer carries goes alone
    nonce = chain.nonce_of(carrier.address)
    raws = [
        sign_transaction(carrier, nonce=nonce + at, to=call.target(site), data=call.data, value=call.value)
        for at, call in enumerate(calls)
    ]
    block = chain.execute(raws, time=time)
    _write_journal(session, raws, block)
    for entry, executed in zip(entries, block.executed, strict=True):
        entry.tx_hash, entry.block_number, entry.confirmed_at = executed.tx_hash, block.number, now
        settle_entry(session, entry, status=executed.status, revert=executed.revert, time=block.time)
    return len(entries)


def open_chain(session: ReadSession, keys: HomeKeys) -> EmbeddedChain:
    """Open the embedded chain in this session's transaction; a new one gets its genesis."""
    return EmbeddedChain(SqlStore(session), endowed=endowed_accounts(keys))


def endowed_accounts(keys: HomeKeys) -> list[bytes]:
    """Return the accounts that the genesis gives gas."""
    return [keys.first.admin.address, keys.first.relayer.address]


def lock_chain(session: WriteSession) -> None:
    """Let one submitter at a time go on, also on PostgreSQL."""
    row = session.get(CounterRow, "chain", with_for_update=True) or CounterRow(name="chain")
    row.last += 1
    session.add(row)
    session.flush()


def _next_entries(session: ReadSession) -> list[EntryRow]:
    statement = (
        select(EntryRow).where(EntryRow.state == EntryState.RECORDED).order_by(col(EntryRow.number)).limit(_BATCH)
    )
    found: list[EntryRow] = []
    for entry in session.exec(statement):
        if entry.kind in ALONE:
            return found or [entry]
        found.append(entry)
    return found


def _deployed(session: WriteSession, chain: EmbeddedChain, keys: HomeKeys, now: datetime) -> Site:
    found = find_site(session)
    if found is not None:
        return found
    first = keys.first
    addresses, calls = deployed_addresses(first), set_up(first)
    raws = [sign_transaction(first.admin, nonce=nonce, to=to, data=data) for nonce, (to, data) in enumerate(calls)]
    block = chain.execute(raws, time=_block_time(chain, now))
    if any(executed.status != 1 for executed in block.executed):
        raise RuntimeError("the contracts could not be deployed")
    _write_journal(session, raws, block)
    session.add(BlockRow(number=0, hash=chain.genesis_hash, header=b"", time=0))
    session.add_all(ContractRow(name=name, address=address) for name, address in addresses.items())
    note_first_keys(session, keys, since=block.time, now=now)
    return Site(addresses)


def _block_time(chain: EmbeddedChain, now: datetime) -> int:
    return max(int(now.timestamp()), int(chain.head.timestamp) + 1)


def _write_journal(session: WriteSession, raws: Sequence[bytes], block: Block) -> None:
    entries = [
        JournalEntry(
            raw, done.tx_hash, done.sender, done.nonce, index, done.status, done.gas_used, done.receipt, done.revert
        )
        for index, (raw, done) in enumerate(zip(raws, block.executed, strict=True))
    ]
    receipts = tuple(entry.receipt for entry in entries)
    write_block(session, ProvenBlock(block.number, block.hash, block.time, block.header, receipts), entries)
