"""The journal: every transaction of ours with its block, sealed row by row, and the proofs that are read out of it.

On the embedded chain it is the recovery root. Of a network it keeps what final blocks say, so that a certificate can
be proven and the whole history executed again without the network.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rlp
from sqlmodel import col, select

from asset_hub.core.db import ReadSession, WriteSession
from ledger.errors import JournalBroken, ProofMissing
from ledger.models import BlockRow, JournalRow
from ledger.trie import trie_proof

NO_SEAL = b"\0" * 32


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One transaction as it was executed; `index` is its place in the block, `revert` the data it reverted with."""

    raw: bytes
    tx_hash: bytes
    sender: bytes
    nonce: int
    index: int
    status: int
    gas_used: int
    receipt: bytes
    revert: bytes


@dataclass(frozen=True, slots=True)
class ProvenBlock:
    """A block: `receipts` are those of all its transactions, in order.

    `header` is empty where the network hashes headers or receipts by other rules: then nothing in it can be proven.
    """

    number: int
    hash: bytes
    time: int
    header: bytes
    receipts: tuple[bytes, ...]


def write_block(session: WriteSession, block: ProvenBlock, entries: Sequence[JournalEntry]) -> None:
    """Append a block's transactions of ours; receipts of others are kept beside the header for the proofs.

    Raises JournalBroken where the journal has another block of that number.
    """
    last = session.exec(select(JournalRow).order_by(col(JournalRow.number).desc()).limit(1)).first()
    number, seal = (last.number, last.seal) if last else (0, NO_SEAL)
    _write_header(session, block, is_ours=len(block.receipts) == len(entries))
    for entry in entries:
        number += 1
        seal = seal_of(seal, entry.raw, block.number, block.hash, entry.status, entry.gas_used)
        session.add(
            JournalRow(
                number=number, raw=entry.raw, tx_hash=entry.tx_hash, sender=entry.sender, nonce=entry.nonce,
                block_number=block.number, block_index=entry.index, block_time=block.time, block_hash=block.hash,
                status=entry.status, gas_used=entry.gas_used, receipt=entry.receipt, revert=entry.revert, seal=seal,
            )
        )  # fmt: skip
    session.flush()


def _write_header(session: WriteSession, block: ProvenBlock, *, is_ours: bool) -> None:
    known = session.get(BlockRow, block.number)
    if known is not None and known.hash != block.hash:
        raise JournalBroken
    if known is None:
        foreign = None if is_ours else rlp.encode(list(block.receipts))
        session.add(
            BlockRow(number=block.number, hash=block.hash, header=block.header, time=block.time, receipts=foreign)
        )


def seal_of(earlier: bytes, raw: bytes, block_number: int, block_hash: bytes, status: int, gas: int) -> bytes:
    """Return the digest that chains a journal row to the one before."""
    numbers = b"".join(value.to_bytes(8, "big") for value in (block_number, status, gas))
    return hashlib.sha256(earlier + hashlib.sha256(raw).digest() + numbers + block_hash).digest()


def block_receipts(session: ReadSession, block: BlockRow) -> list[bytes]:
    """Return the receipts of all transactions of a block, in order."""
    if block.receipts:
        return list(rlp.decode(block.receipts))
    return list(
        session.exec(
            select(JournalRow.receipt)
            .where(JournalRow.block_number == block.number)
            .order_by(col(JournalRow.block_index))
        ).all()
    )


def prove_receipt(session: ReadSession, tx_hash: bytes | None) -> dict[str, Any]:
    """Return the proof that a transaction's receipt is in its block: header, position, trie nodes.

    Raises ProofMissing where the network's headers cannot prove it.
    """
    journal = session.exec(select(JournalRow).where(JournalRow.tx_hash == tx_hash)).one()
    block = session.get_one(BlockRow, journal.block_number)
    if not block.header:
        raise ProofMissing
    nodes = trie_proof(block_receipts(session, block), journal.block_index)
    return {"header": block.header.hex(), "index": journal.block_index, "nodes": [node.hex() for node in nodes]}
