"""Decides what is recorded: an entry in the caller's transaction, and a job that carries it to the chain."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts.parties import credential_of
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import Queue, enqueue
from ledger.codebook import GrantKind
from ledger.errors import GrantOverlaps
from ledger.grants import GrantTerms, Words, conflicts, kind_of, read_words, write_words
from ledger.merkle import keccak, root_of
from ledger.models import CounterRow, EntryRow, GrantRow, OrgRow, WorkRow
from ledger.signing import Keys
from ledger.types import ANCHOR_CODES, AnchorKind, EntryId, EntryKind, EntryState, ProvenanceEntry

SUBMIT = "ledger.submit"


def canonical(document: Mapping[str, Any]) -> str:
    """Return the one spelling of a JSON document: sorted members, no spaces, characters as they are."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def commitment_to(salt: bytes, content: bytes) -> bytes:
    """Return the digest that goes on chain: without the salt nobody can test a guess against it."""
    return keccak(salt + content)


def admit_organisation(session: WriteSession, keys: Keys, *, organisation_id: UUID, now: datetime) -> EntryId | None:
    """Record an admitted organisation and the key that the operator keeps for it. None when it is recorded already."""
    if session.get(OrgRow, organisation_id) is not None:
        return None
    credential = credential_of(session, organisation_id=organisation_id)
    session.add(OrgRow(organisation_id=organisation_id, address=keys.organisation(organisation_id).address))
    args = {"credential": commitment_to(keys.salt(f"organisation:{organisation_id}"), credential).hex()}
    return _record(session, EntryKind.ADMIT, organisation_id, args, now)


def register_asset(
    session: WriteSession,
    keys: Keys,
    *,
    asset_id: UUID,
    registrar_id: UUID,
    statement: Mapping[str, Any],
    now: datetime,
) -> EntryId | None:
    """Record a work by a commitment to its statement. None when the asset is registered already."""
    if session.get(WorkRow, asset_id) is not None:
        return None
    admit_organisation(session, keys, organisation_id=registrar_id, now=now)
    salt = keys.salt(f"work:{asset_id}")
    text = canonical(statement)
    session.add(WorkRow(asset_id=asset_id, registrar_id=registrar_id, statement=text, salt=salt))
    args = {"registrar": str(registrar_id), "commitment": commitment_to(salt, text.encode()).hex()}
    return _record(session, EntryKind.REGISTER, asset_id, args, now)


def anchor_digests(
    session: WriteSession, *, kind: AnchorKind, subject_id: UUID, commitments: Sequence[bytes], now: datetime
) -> EntryId:
    """Record the Merkle root over salted commitments; `path_of` later proves each of them."""
    args = {"root": root_of(commitments).hex(), "count": len(commitments), "kind": ANCHOR_CODES[kind]}
    return _record(session, EntryKind.ANCHOR, subject_id, args, now)


def reserve_number(session: WriteSession) -> int:
    """Return the next licence number of this exchange."""
    return _next(session, "licence")


def record_licence(
    session: WriteSession,
    keys: Keys,
    *,
    number: int,
    licence_id: UUID,
    asset_id: UUID,
    licensor_id: UUID,
    licensee_id: UUID,
    terms: GrantTerms,
    document: Mapping[str, Any],
    now: datetime,
) -> EntryId:
    """Record a licence; it blocks others from here on. Raises GrantOverlaps naming nothing private.

    The work's row is locked first, so that of two racing callers the second sees what the first wrote.
    """
    session.get_one(WorkRow, asset_id, with_for_update=True, populate_existing=True)
    words = terms.words(number)
    if conflicts(words, held_grants(session, asset_id=asset_id)):
        raise GrantOverlaps
    admit_organisation(session, keys, organisation_id=licensee_id, now=now)
    salt = keys.salt(f"licence:{licence_id}")
    text = canonical(document)
    args = {
        "number": number, "licensor": str(licensor_id), "licensee": str(licensee_id), "words": write_words(words),
        "terms": commitment_to(salt, text.encode()).hex(), "asset": str(asset_id),
    }  # fmt: skip
    entry_id = _record(session, EntryKind.GRANT, licence_id, args, now)
    session.add(
        GrantRow(
            number=number, asset_id=asset_id, licence_id=licence_id, entry_id=entry_id, is_exclusive=terms.kind != 0,
            words=write_words(words), document=text, salt=salt,
        )
    )  # fmt: skip
    session.flush()
    return entry_id


def held_grants(session: ReadSession, *, asset_id: UUID) -> list[tuple[UUID, Words]]:
    """Return every licence that blocks, confirmed or on its way, with its words."""
    rows = session.exec(select(GrantRow).where(GrantRow.asset_id == asset_id))
    return [(row.licence_id, read_words(row.words)) for row in rows]


def held_grants_of(session: ReadSession, *, asset_ids: Collection[UUID]) -> dict[UUID, list[tuple[UUID, Words]]]:
    """Return the same as `held_grants` for many assets in one query; assets without a licence are left out."""
    found: dict[UUID, list[tuple[UUID, Words]]] = defaultdict(list)
    statement = select(GrantRow.asset_id, GrantRow.licence_id, GrantRow.words)
    for asset_id, licence_id, words in session.exec(statement.where(col(GrantRow.asset_id).in_(asset_ids))):
        found[asset_id].append((licence_id, read_words(words)))
    return dict(found)


def assets_in_conflict(session: ReadSession, *, wanted: Words) -> set[UUID]:
    """Return every asset that has a licence in the way of this grant, in one query."""
    statement = select(GrantRow.asset_id, GrantRow.licence_id, GrantRow.words)
    if kind_of(wanted) == GrantKind.NON_EXCLUSIVE:
        statement = statement.where(col(GrantRow.is_exclusive).is_(True))
    rows = session.exec(statement)
    return {asset_id for asset_id, licence_id, words in rows if conflicts(wanted, [(licence_id, read_words(words))])}


def provenance_of(session: ReadSession, *, subject_ids: Sequence[UUID]) -> tuple[ProvenanceEntry, ...]:
    """Return what the ledger knows about these subjects (an asset and its licences), oldest first."""
    statement = select(EntryRow).where(col(EntryRow.subject_id).in_(subject_ids)).order_by(col(EntryRow.number))
    return tuple(
        ProvenanceEntry(
            EntryId(row.id), EntryKind(row.kind), EntryState(row.state), row.tx_hash.hex() if row.tx_hash else None,
            row.block_number, row.reason, row.created_at, row.confirmed_at,
        )
        for row in session.exec(statement)
    )  # fmt: skip


def _record(
    session: WriteSession, kind: EntryKind, subject_id: UUID, args: Mapping[str, Any], now: datetime
) -> EntryId:
    row = EntryRow(
        id=new_id(), number=_next(session, "entry"), kind=kind, subject_id=subject_id, args=dict(args),
        state=EntryState.RECORDED, op_id=b"", created_at=now,
    )  # fmt: skip
    row.op_id = keccak(b"asset_hub/op:" + row.id.bytes)
    session.add(row)
    session.flush()
    enqueue(session, SUBMIT, queue=Queue.CHAIN, dedupe_key=SUBMIT)
    return EntryId(row.id)


def _next(session: WriteSession, name: str) -> int:
    row = session.get(CounterRow, name, with_for_update=True, populate_existing=True) or CounterRow(name=name)
    row.last += 1
    session.add(row)
    session.flush()
    return row.last
