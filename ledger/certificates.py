"""Writes certificates: everything a stranger needs to check a licence, in one canonical JSON document.

A certificate has one spelling; every member is signed. `ledger.verifier` checks it without this package's database.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from ledger.chain import CHAIN_ID
from ledger.entries import canonical, commitment_to
from ledger.errors import EntryNotFound
from ledger.models import BlockRow, EntryRow, GrantRow, JournalRow
from ledger.signing import Keys
from ledger.sites import find_site, genesis_hash
from ledger.trie import trie_proof
from ledger.types import EntryKind, EntryState
from ledger.verifier import CERTIFICATE_TYPE, STATUS_TYPE, TRUST_TYPE, signing_digest

CUSTODY = "平台托管"
WITNESS = "未经第三方见证（单一运营者账本）"


def issue_certificate(
    session: ReadSession,
    keys: Keys,
    *,
    licence_id: UUID,
    delivered_sha256: str,
    delivered_bytes: int,
    delivered_name: str,
    issuer_name: str,
    now: datetime,
) -> bytes:
    """Return the certificate of a confirmed licence over its delivered file. Raises EntryNotFound before that."""
    grant = session.exec(select(GrantRow).where(GrantRow.licence_id == licence_id)).first()
    if grant is None:
        raise EntryNotFound
    entries = session.exec(
        select(EntryRow).where(EntryRow.subject_id == licence_id, EntryRow.state == EntryState.CONFIRMED)
    ).all()
    proofs = {EntryKind(entry.kind): _proof(session, entry) for entry in entries}
    if not {EntryKind.GRANT, EntryKind.ANCHOR} <= proofs.keys():
        raise EntryNotFound
    document: dict[str, Any] = {
        "type": CERTIFICATE_TYPE,
        "issued_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "issuer": {"name": issuer_name, "address": keys.operator.address.hex(), "custody": CUSTODY, "witness": WITNESS},
        "chain": {"id": CHAIN_ID, "genesis": genesis_hash(session).hex()},
        "licence": grant.document,
        "licence_salt": grant.salt.hex(),
        "grant": proofs[EntryKind.GRANT],
        "delivery": {
            "sha256": delivered_sha256, "bytes": delivered_bytes, "name": delivered_name,
            "salt": delivery_salt(keys, licence_id).hex(), "path": [],
        },
        "anchor": proofs[EntryKind.ANCHOR],
    }  # fmt: skip
    document["signature"] = keys.operator.sign(signing_digest(document)).hex()
    return canonical(document).encode()


def delivery_salt(keys: Keys, licence_id: UUID) -> bytes:
    """Return the salt of the commitment to a licence's delivered file."""
    return keys.salt(f"delivery:{licence_id}")


def delivery_commitment(keys: Keys, licence_id: UUID, sha256: str) -> bytes:
    """Return what is anchored of a delivered file before its link opens."""
    return commitment_to(delivery_salt(keys, licence_id), bytes.fromhex(sha256))


def trust_file(session: ReadSession, keys: Keys, *, issuer_name: str) -> bytes:
    """Return what a verifier pins: this operator's address and this chain's genesis."""
    return canonical(
        {
            "type": TRUST_TYPE,
            "issuers": [{"address": keys.operator.address.hex(), "name": issuer_name}],
            "chains": [{"id": CHAIN_ID, "genesis": genesis_hash(session).hex()}],
        }
    ).encode()


def status_list(keys: Keys, *, revoked: list[int], now: datetime) -> bytes:
    """Return the dated, signed list of revoked licence numbers."""
    document: dict[str, Any] = {
        "type": STATUS_TYPE, "dated": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "issuer": keys.operator.address.hex(),
        "revoked": sorted(revoked),
    }  # fmt: skip
    document["signature"] = keys.operator.sign(signing_digest(document)).hex()
    return canonical(document).encode()


def _proof(session: ReadSession, entry: EntryRow) -> Mapping[str, Any]:
    """Return the proof that an entry's receipt is in its block: header, position, trie nodes, contract."""
    journal = session.exec(select(JournalRow).where(JournalRow.tx_hash == entry.tx_hash)).one()
    block = session.get_one(BlockRow, journal.block_number)
    receipts = session.exec(
        select(JournalRow.receipt)
        .where(JournalRow.block_number == journal.block_number)
        .order_by(col(JournalRow.block_index))
    ).all()
    site = find_site(session)
    name = "GrantLedger" if entry.kind == EntryKind.GRANT else "AnchorRegistry"
    return {
        "contract": site.addresses[name].hex() if site else "",
        "header": block.header.hex(),
        "index": journal.block_index,
        "nodes": [node.hex() for node in trie_proof(receipts, journal.block_index)],
    }
