"""Carries entries to a network: signed into the outbox, sent until a final block holds them, then confirmed or refused.

No two transactions that depend on each other are ever in flight, because not every network keeps one account's order:
a group goes when the one before it is done. Nothing is asked of a node inside a write transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import rlp
from sqlmodel import col, func, select

from asset_hub.core.db import Database, ReadSession, WriteSession
from asset_hub.core.log import get_logger
from ledger.acts import DEADLINE_SECONDS
from ledger.builders import build_call, carrier_of
from ledger.deployment import REGISTERS, deployed_addresses, set_up
from ledger.engine import ANVIL, ChainTerms
from ledger.errors import ChainUnavailable, DeploymentRefused, WrongChain
from ledger.handovers import hold_back_unsigned
from ledger.journal import JournalEntry, write_block
from ledger.merkle import keccak
from ledger.models import BlockRow, ChainRow, ContractRow, EntryRow
from ledger.network import BlockRead, NetworkEngine
from ledger.nonces import OutboxRow, OutboxState, adopt_nonce, find_sent, queue_transaction, relay
from ledger.outcomes import settle_entry
from ledger.signing import HomeKeys
from ledger.sites import Site, find_site
from ledger.submit import lock_chain
from ledger.types import EntryKind, EntryState
from ledger.vault import note_first_keys, speaking

_BATCH = 50
_TOGETHER = frozenset({EntryKind.ADMIT, EntryKind.REGISTER, EntryKind.ANCHOR})
_IN_FLIGHT = (OutboxState.WAITING, OutboxState.SENT, OutboxState.FINAL)
_DEADLINE = timedelta(seconds=DEADLINE_SECONDS)
_DEADLINE_PASSED = keccak(b"DeadlinePassed(bytes32)")[:4]


@dataclass(frozen=True, slots=True)
class Carried:
    """What one round did: how many it signed, sent, and settled, and how many are still on their way."""

    queued: int
    sent: int
    settled: int
    open: int

    @property
    def is_progress(self) -> bool:
        return self.queued + self.sent + self.settled > 0


def carry_round(database: Database, engine: NetworkEngine, keys: HomeKeys, *, now: datetime) -> Carried:
    """Sign what comes next, send what waits, settle what is final.

    Raises ChainUnavailable (nothing is lost), WrongChain, DeploymentRefused.
    """
    queued = _queue(database, engine, keys, now)
    relayed = relay(database, engine, now=now)
    settled = _settle(database, engine, now)
    with database.read() as session:
        return Carried(queued, relayed.sent, settled, _in_flight(session, engine.terms.chain_id))


def sign_anew(database: Database, engine: NetworkEngine, keys: HomeKeys) -> int:
    """Let what another transaction displaced be signed again at a new nonce; return how many. An explicit act."""
    terms = engine.terms
    used = _used_nonces(database, engine, keys)
    with database.write() as session:
        lock_chain(session)
        statement = select(OutboxRow).where(
            OutboxRow.chain_id == terms.chain_id, OutboxRow.state == OutboxState.DISPLACED,
            col(OutboxRow.op_id).is_not(None),
        )  # fmt: skip
        rows = session.exec(statement.with_for_update()).all()
        for row in rows:
            row.op_id = None
            adopt_nonce(session, terms, sender=row.sender, used=used.get(row.sender, 0))
        session.flush()
    return len(rows)


def _queue(database: Database, engine: NetworkEngine, keys: HomeKeys, now: datetime) -> int:
    genesis, time = engine.genesis(), max(engine.head().time, int(now.timestamp()))
    used = _used_nonces(database, engine, keys)
    with database.write() as session:
        lock_chain(session)
        if not _next_group(session):
            return 0
        if not _is_ours(session, engine.terms, genesis):
            _arrive(session, engine.terms, genesis, used, keys)
        if _in_flight(session, engine.terms.chain_id):
            return 0
        site = find_site(session)
        if site is None:
            return _deploy(session, engine.terms, keys, now)
        return _queue_entries(session, engine.terms, keys, site, now=now, time=time)


def _used_nonces(database: Database, engine: NetworkEngine, keys: HomeKeys) -> dict[bytes, int]:
    """Return how many nonces the carriers of this moment, and who pays for new ones, have used on the chain."""
    with database.read() as session:
        speaks = speaking(session, keys)
        carriers = {speaks.admin.address, speaks.relayer.address, keys.first.admin.address}
    return {address: engine.nonce_of(address) for address in carriers}


def _is_ours(session: ReadSession, terms: ChainTerms, genesis: bytes) -> bool:
    """Say whether this home is on this chain already, False before it is on any. Raises WrongChain."""
    row = session.exec(select(ChainRow)).first()
    if row is None:
        return False
    same_start = row.genesis == genesis or terms.engine == ANVIL
    if row.chain_id != terms.chain_id or not same_start:
        raise WrongChain(members={"expected": row.chain_id, "served": terms.chain_id})
    return True


def _arrive(session: WriteSession, terms: ChainTerms, genesis: bytes, used: dict[bytes, int], keys: HomeKeys) -> None:
    """Write down which chain this is. Raises DeploymentRefused where our administrator has acted on it already."""
    admin = keys.first.admin.address
    if used[admin]:
        raise DeploymentRefused(members={"administrator": "0x" + admin.hex()})
    session.add(ChainRow(engine=terms.engine, chain_id=terms.chain_id, genesis=genesis))
    session.add(BlockRow(number=0, hash=genesis, header=b"", time=0))
    for sender, count in used.items():
        adopt_nonce(session, terms, sender=sender, used=count)


def _deploy(session: WriteSession, terms: ChainTerms, keys: HomeKeys, now: datetime) -> int:
    """Sign the next step of the deployment; after the last, write down where the contracts are."""
    first = keys.first
    calls = [(keccak(f"asset_hub/deploy:{index}".encode()), *call) for index, call in enumerate(set_up(first))]
    count = len(REGISTERS) + 1
    # Contracts, then who may do what, then the administrator's own delay, which slows what would come after it.
    for step in (calls[:count], calls[count:-1], calls[-1:]):
        sent = find_sent(session, op_ids=[op_id for op_id, _to, _data in step], chain_id=terms.chain_id)
        if any(row.state == OutboxState.DISPLACED for row in sent.values()):
            return 0
        if any(row.status != 1 for row in sent.values()):
            raise DeploymentRefused
        missing = [call for call in step if call[0] not in sent]
        for op_id, to, data in missing:
            queue_transaction(session, first.admin, terms, op_id=op_id, to=to, data=data, now=now)
        if missing:
            return len(missing)
    session.add_all(ContractRow(name=name, address=address) for name, address in deployed_addresses(first).items())
    note_first_keys(session, keys, since=int(now.timestamp()), now=now)
    return len(calls)


def _queue_entries(
    session: WriteSession, terms: ChainTerms, keys: HomeKeys, site: Site, *, now: datetime, time: int
) -> int:
    while (group := _next_group(session)) and hold_back_unsigned(session, group, now):
        pass
    if _is_displaced(session, terms, group):
        group = _next_change(session)
    if _is_displaced(session, terms, group):
        return 0
    speaks = speaking(session, keys)
    for entry in group:
        call = build_call(session, speaks, site, entry, time=time)
        queue_transaction(
            session, carrier_of(speaks, call), terms, op_id=entry.op_id, to=call.target(site), data=call.data,
            now=now, value=call.value,
        )  # fmt: skip
    return len(group)


def _next_group(session: ReadSession) -> list[EntryRow]:
    """Return the next entries of one kind whose acts do not depend on each other; all other kinds go one by one."""
    statement = select(EntryRow).where(EntryRow.state == EntryState.RECORDED).order_by(col(EntryRow.number))
    entries = session.exec(statement.limit(_BATCH)).all()
    if not entries or entries[0].kind not in _TOGETHER:
        return list(entries[:1])
    _kind, group = next(groupby(entries, key=lambda entry: entry.kind))
    return list(group)


def _next_change(session: ReadSession) -> list[EntryRow]:
    """Return the next change of roles: who has the relayer's key cannot hold up that it gets another by displacing."""
    statement = select(EntryRow).where(EntryRow.state == EntryState.RECORDED, EntryRow.kind == EntryKind.ROLE)
    return list(session.exec(statement.order_by(col(EntryRow.number)).limit(1)))


def _is_displaced(session: ReadSession, terms: ChainTerms, group: Sequence[EntryRow]) -> bool:
    """Say whether another transaction took the nonce of one of these: a person has it signed again."""
    sent = find_sent(session, op_ids=[entry.op_id for entry in group], chain_id=terms.chain_id)
    return any(row.state == OutboxState.DISPLACED for row in sent.values())


def _in_flight(session: ReadSession, chain_id: int) -> int:
    statement = select(func.count()).where(OutboxRow.chain_id == chain_id, col(OutboxRow.state).in_(_IN_FLIGHT))
    return session.exec(statement).one()


def _settle(database: Database, engine: NetworkEngine, now: datetime) -> int:
    """Write what final blocks hold into the journal, block by block, with all that follows from it."""
    with database.read() as session:
        rows = session.exec(
            select(OutboxRow)
            .where(OutboxRow.chain_id == engine.terms.chain_id, OutboxRow.state == OutboxState.FINAL)
            .order_by(col(OutboxRow.block_number), col(OutboxRow.number))
        ).all()
    settled = 0
    for block_hash, group in groupby(rows, key=lambda row: row.block_hash):
        held = list(group)
        block = engine.read_block(block_hash) if block_hash else None
        if block is None:
            _send_again(database, engine.terms, held)
            continue
        reverts = {row.tx_hash: _revert_of(engine, row) for row in held if row.status == 0}
        with database.write() as session:
            lock_chain(session)
            settled += _settle_block(session, block, [row.number for row in held], reverts, now)
    return settled


def _settle_block(
    session: WriteSession, read: BlockRead, numbers: Sequence[int], reverts: dict[bytes, bytes], now: datetime
) -> int:
    rows = [session.get_one(OutboxRow, number, with_for_update=True, populate_existing=True) for number in numbers]
    rows = sorted((row for row in rows if row.state == OutboxState.FINAL), key=lambda row: read.places[row.tx_hash])
    write_block(session, read.block, [_journaled(row, read, reverts) for row in rows])
    for row in rows:
        row.state = OutboxState.DONE
        entry = session.exec(select(EntryRow).where(EntryRow.op_id == row.op_id)).first()
        if entry is None:
            continue
        if _came_too_late(row, read, reverts.get(row.tx_hash, b"")):
            get_logger().warning("ledger.entry_came_too_late", entry_id=str(entry.id), block=read.block.number)
            row.op_id = None
            continue
        entry.tx_hash, entry.block_number, entry.confirmed_at = row.tx_hash, read.block.number, now
        settle_entry(
            session, entry, status=row.status or 0, revert=reverts.get(row.tx_hash, b""), time=read.block.time
        )  # fmt: skip
    session.flush()
    return len(rows)


def _came_too_late(row: OutboxRow, read: BlockRead, revert: bytes) -> bool:
    """Say whether only its signatures were too old; not every node says why, and a network's clock may be ahead."""
    is_old = read.block.time > int((row.created_at + _DEADLINE).timestamp())
    return row.status == 0 and is_old and (not revert or revert.startswith(_DEADLINE_PASSED))


def _journaled(row: OutboxRow, read: BlockRead, reverts: dict[bytes, bytes]) -> JournalEntry:
    return JournalEntry(
        raw=row.raw, tx_hash=row.tx_hash, sender=row.sender, nonce=row.nonce, index=read.places[row.tx_hash],
        status=row.status or 0, gas_used=row.gas_used or 0, receipt=read.receipts[row.tx_hash],
        revert=reverts.get(row.tx_hash, b""),
    )  # fmt: skip


def _revert_of(engine: NetworkEngine, row: OutboxRow) -> bytes:
    """Return what a refused transaction would be refused with now: receipts do not carry the reason."""
    fields = rlp.decode(row.raw)
    called = engine.call(fields[3], fields[5], sender=row.sender)
    return b"" if called.done else called.output


def _send_again(database: Database, terms: ChainTerms, rows: Sequence[OutboxRow]) -> None:
    """An anvil that was filled again does not know the block; a network's node that does not is behind."""
    if terms.engine != ANVIL:
        raise ChainUnavailable
    with database.write() as session:
        for number in (row.number for row in rows):
            session.get_one(OutboxRow, number, with_for_update=True).state = OutboxState.WAITING
