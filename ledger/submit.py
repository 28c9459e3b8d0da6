"""Carries entries to the embedded chain: block, journal and what follows from it in one transaction each."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select

from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.events import emit
from ledger.builders import ALONE, build_call
from ledger.calls import read_refusal, sign_transaction
from ledger.deployment import deployed_addresses, set_up
from ledger.embedded import Block, EmbeddedChain, SqlStore
from ledger.events import EntryConfirmed, EntryRefused
from ledger.models import BlockRow, ContractRow, CounterRow, EntryRow, JournalRow
from ledger.projections import PROJECTIONS
from ledger.signing import Keys
from ledger.sites import Site, find_site
from ledger.types import EntryKind, EntryState

_BATCH = 50
NO_SEAL = b"\0" * 32


def submit_next(session: WriteSession, keys: Keys, *, now: datetime) -> int:
    """Carry the next entries in order; return how many. Entries that depend on none before them share a block."""
    _lock(session)
    entries = _next_entries(session)
    if not entries:
        return 0
    chain = open_chain(session, keys)
    site = _deployed(session, chain, keys, now)
    time = _block_time(chain, now)
    nonce = chain.nonce_of(keys.relayer.address)
    raws = []
    for offset, entry in enumerate(entries):
        call = build_call(session, keys, site, entry, time=time)
        raws.append(
            sign_transaction(keys.relayer, nonce=nonce + offset, to=site.addresses[call.contract], data=call.data)
        )
    block = chain.execute(raws, time=time)
    _write_journal(session, raws, block)
    for entry, executed in zip(entries, block.executed, strict=True):
        entry.tx_hash, entry.block_number, entry.confirmed_at = executed.tx_hash, block.number, now
        if executed.status == 1:
            _confirm(session, entry, block)
        else:
            _refuse(session, entry, read_refusal(executed.revert))
    return len(entries)


def open_chain(session: ReadSession, keys: Keys) -> EmbeddedChain:
    """Open the embedded chain in this session's transaction; a new one gets its genesis."""
    return EmbeddedChain(SqlStore(session), endowed=endowed_accounts(keys))


def endowed_accounts(keys: Keys) -> list[bytes]:
    """Return the accounts that the genesis gives gas."""
    return [keys.admin.address, keys.relayer.address]


def _lock(session: WriteSession) -> None:
    """One submitter at a time, also on PostgreSQL."""
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


def _deployed(session: WriteSession, chain: EmbeddedChain, keys: Keys, now: datetime) -> Site:
    found = find_site(session)
    if found is not None:
        return found
    admin = keys.admin
    addresses = deployed_addresses(keys)
    raws = [sign_transaction(admin, nonce=nonce, to=to, data=data) for nonce, (to, data) in enumerate(set_up(keys))]
    block = chain.execute(raws, time=_block_time(chain, now))
    if any(executed.status != 1 for executed in block.executed):
        raise RuntimeError("the contracts could not be deployed")
    _write_journal(session, raws, block)
    session.add(BlockRow(number=0, hash=chain.genesis_hash, header=b"", time=0))
    session.add_all(ContractRow(name=name, address=address) for name, address in addresses.items())
    session.flush()
    return Site(addresses)


def _block_time(chain: EmbeddedChain, now: datetime) -> int:
    return max(int(now.timestamp()), int(chain.head.timestamp) + 1)


def _write_journal(session: WriteSession, raws: Sequence[bytes], block: Block) -> None:
    last = session.exec(select(JournalRow).order_by(col(JournalRow.number).desc()).limit(1)).first()
    number, seal = (last.number, last.seal) if last else (0, NO_SEAL)
    session.add(BlockRow(number=block.number, hash=block.hash, header=block.header, time=block.time))
    for index, (raw, executed) in enumerate(zip(raws, block.executed, strict=True)):
        number += 1
        seal = seal_of(seal, raw, block.number, block.hash, executed.status, executed.gas_used)
        session.add(
            JournalRow(
                number=number, raw=raw, tx_hash=executed.tx_hash, sender=executed.sender, nonce=executed.nonce,
                block_number=block.number, block_index=index, block_time=block.time, block_hash=block.hash,
                status=executed.status, gas_used=executed.gas_used, receipt=executed.receipt, revert=executed.revert,
                seal=seal,
            )
        )  # fmt: skip
    session.flush()


def seal_of(earlier: bytes, raw: bytes, block_number: int, block_hash: bytes, status: int, gas: int) -> bytes:
    """Return the digest that chains a journal row to the one before."""
    numbers = b"".join(value.to_bytes(8, "big") for value in (block_number, status, gas))
    return hashlib.sha256(earlier + hashlib.sha256(raw).digest() + numbers + block_hash).digest()


def _confirm(session: WriteSession, entry: EntryRow, block: Block) -> None:
    entry.state = EntryState.CONFIRMED
    if (project := PROJECTIONS.get(EntryKind(entry.kind))) is not None:
        project.confirmed(session, entry, block.time)
    session.flush()
    emit(session, EntryConfirmed(entry.id, entry.subject_id, entry.kind))


def _refuse(session: WriteSession, entry: EntryRow, reason: str) -> None:
    entry.state, entry.reason = EntryState.REFUSED, reason
    if (project := PROJECTIONS.get(EntryKind(entry.kind))) is not None:
        project.refused(session, entry)
    session.flush()
    emit(session, EntryRefused(entry.id, entry.subject_id, entry.kind, reason))
