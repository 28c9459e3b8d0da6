"""Decides what is recorded: an entry in the caller's transaction, and a job that carries it to the chain."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from asset_hub.accounts.parties import credential_of
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import BadInput
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import Queue, enqueue
from asset_hub.core.text import N_
from ledger.codebook import GrantKind
from ledger.consents import check_consents
from ledger.errors import GrantOverlaps, HoldLapsed, NotSublicensable
from ledger.grants import (
    GrantTerms,
    Words,
    conflicts,
    day_as_date,
    end_day,
    is_exclusive,
    is_inside,
    is_reservation,
    kind_of,
    may_be_sublicensed,
    read_words,
    standing_under,
    write_words,
)
from ledger.key_models import KeyRow
from ledger.merkle import keccak, root_of
from ledger.models import CounterRow, EntryRow, GrantRow, OrgRow, WorkRow
from ledger.pauses import require_open
from ledger.revoked import is_listed
from ledger.signing import HomeKeys, new_key
from ledger.types import (
    ANCHOR_CODES,
    AnchorKind,
    CustodyKind,
    EntryId,
    EntryKind,
    EntryState,
    KeyState,
    ProvenanceEntry,
)
from ledger.waiting import PURPOSE_ACTS, PURPOSE_COUNTERSIGN, wait_for_houses

SUBMIT = "ledger.submit"
LONGEST_HOLD = timedelta(days=30)
_LAPSES = (1 << 40) - 1
_NOBODY_ALONE: Mapping[UUID, UUID] = {}


def canonical(document: Mapping[str, Any]) -> str:
    """Return the one spelling of a JSON document: sorted members, no spaces, characters as they are."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def commitment_to(salt: bytes, content: bytes) -> bytes:
    """Return the digest that goes on chain: without the salt nobody can test a guess against it."""
    return keccak(salt + content)


def admit_organisation(
    session: WriteSession, keys: HomeKeys, *, organisation_id: UUID, now: datetime
) -> EntryId | None:
    """Record an admitted organisation and the key that the operator keeps for it. None when it is recorded already."""
    if session.get(OrgRow, organisation_id) is not None:
        return None
    credential, kept = credential_of(session, organisation_id=organisation_id), new_key()
    session.add(OrgRow(organisation_id=organisation_id, address=kept.address))
    session.add(
        KeyRow(
            organisation_id=organisation_id, address=kept.address, custody=CustodyKind.CUSTODY, state=KeyState.LIVE,
            purpose=PURPOSE_ACTS | PURPOSE_COUNTERSIGN, valid_from=int(now.timestamp()), created_at=now,
            sealed=keys.seal(kept.secret),
        )
    )  # fmt: skip
    args = {"credential": commitment_to(keys.salt(f"organisation:{organisation_id}"), credential).hex()}
    return record_entry(session, EntryKind.ADMIT, organisation_id, args, now)


def register_asset(
    session: WriteSession,
    keys: HomeKeys,
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
    return record_entry(session, EntryKind.REGISTER, asset_id, args, now)


def anchor_digests(
    session: WriteSession, *, kind: AnchorKind, subject_id: UUID, commitments: Sequence[bytes], now: datetime
) -> EntryId:
    """Record the Merkle root over salted commitments; `path_of` later proves each of them."""
    args = {"root": root_of(commitments).hex(), "count": len(commitments), "kind": ANCHOR_CODES[kind]}
    return record_entry(session, EntryKind.ANCHOR, subject_id, args, now)


def receipt_commitments(keys: HomeKeys, accession_id: UUID, receipt_sha256: str, captures: bytes) -> list[bytes]:
    """Return what is anchored of an intake, in its order: its receipt, then every line of its capture record."""
    receipt = commitment_to(keys.salt(f"receipt:{accession_id}"), bytes.fromhex(receipt_sha256))
    return [receipt, *(
        commitment_to(capture_salt(keys, accession_id, number), hashlib.sha256(line).digest())
        for number, line in enumerate(captures.split(b"\n"))
    )]  # fmt: skip


def capture_salt(keys: HomeKeys, accession_id: UUID, number: int) -> bytes:
    """Return the salt of a line of an intake's capture record; line 0 is the shared one."""
    return keys.salt(f"capture:{accession_id}:{number}")


def reserve_number(session: WriteSession) -> int:
    """Return the next licence number of this exchange."""
    return _next(session, "licence")


def record_licence(
    session: WriteSession,
    keys: HomeKeys,
    *,
    number: int,
    licence_id: UUID,
    asset_id: UUID,
    licensor_id: UUID,
    licensee_id: UUID,
    terms: GrantTerms,
    document: Mapping[str, Any],
    hold: int | None = None,
    parent: int | None = None,
    subject_to: bool = False,
    now: datetime,
) -> EntryId:
    """Record a licence; it blocks others from here on. Raises GrantOverlaps naming nothing private.

    `hold` is the number of the licensee's own hold that this confirms, `parent` that of the licence it is given under.
    An exclusive licence is strict, unless it is `subject_to` the non-exclusive ones that are on record now.
    Raises HoldLapsed, NotSublicensable, NotHeld, ConsentMissing. The work's row is locked first, so that of two racing
    callers the second sees what the first wrote.
    """
    session.get_one(WorkRow, asset_id, with_for_update=True, populate_existing=True)
    require_open(session, EntryKind.GRANT, now=now)
    words = terms.words(number, parent=parent or 0)
    own = _own_grant(session, words, hold=hold, parent=parent, sides=(asset_id, licensor_id, licensee_id), now=now)
    held = [one for one in held_grants(session, asset_id=asset_id, now=now) if one[0] != own]
    if conflicts(words, held, subject_to=subject_to):
        raise GrantOverlaps
    signers = check_consents(
        session, asset_id=asset_id, licensor=licensor_id, rights=words[0] >> 160,
        is_exclusive=is_exclusive(words), is_sub=parent is not None, now=now,
    )  # fmt: skip
    admit_organisation(session, keys, organisation_id=licensee_id, now=now)
    more: dict[str, Any] = {"signers": sorted(map(str, signers)), "subject_to": subject_to}
    if subject_to:
        more["disclosed"] = list(standing_under(words, held))
    if hold is not None:
        more["hold"] = hold
    return _write_grant(
        session, keys, EntryKind.GRANT, number=number, licence_id=licence_id,
        sides=(asset_id, licensor_id, licensee_id), words=words, document=document, more=more, parent=parent, now=now,
    )  # fmt: skip


def hold_rights(
    session: WriteSession,
    keys: HomeKeys,
    *,
    number: int,
    hold_id: UUID,
    asset_id: UUID,
    licensor_id: UUID,
    licensee_id: UUID,
    terms: GrantTerms,
    lapses_at: datetime,
    document: Mapping[str, Any],
    subject_to: bool = False,
    now: datetime,
) -> EntryId:
    """Hold rights for a buyer (预留): nobody else is licensed until `lapses_at`, at most 30 days away.

    `subject_to`: for an exclusive licence that is to be subject to the non-exclusive ones that stand.

    Raises GrantOverlaps, NotHeld, ConsentMissing, BadInput for a time that is past or too far.
    """
    if not now < lapses_at <= now + LONGEST_HOLD:
        raise BadInput(N_("A hold lasts at most 30 days."))
    session.get_one(WorkRow, asset_id, with_for_update=True, populate_existing=True)
    require_open(session, EntryKind.HOLD, now=now)
    words = terms.words(number, lapses_at=int(lapses_at.timestamp()))
    held = held_grants(session, asset_id=asset_id, now=now)
    if conflicts(words, held, subject_to=subject_to or not terms.kind):
        raise GrantOverlaps
    signers = check_consents(
        session, asset_id=asset_id, licensor=licensor_id, rights=words[0] >> 160, is_exclusive=True, is_sub=False,
        now=now,
    )  # fmt: skip
    admit_organisation(session, keys, organisation_id=licensee_id, now=now)
    return _write_grant(
        session, keys, EntryKind.HOLD, number=number, licence_id=hold_id, sides=(asset_id, licensor_id, licensee_id),
        words=words, document=document, more={"signers": sorted(map(str, signers))}, parent=None, now=now,
    )  # fmt: skip


def _own_grant(
    session: ReadSession, words: Words, *, hold: int | None, parent: int | None, sides: tuple[UUID, UUID, UUID],
    now: datetime,
) -> UUID | None:  # fmt: skip
    """Return the hold or licence that a new licence stands on. Raises HoldLapsed, NotSublicensable."""
    asset_id, licensor_id, _ = sides
    if hold is not None:
        row = session.get(GrantRow, hold, populate_existing=True)
        is_theirs = row is not None and (row.asset_id, row.licensor_id, row.licensee_id) == sides
        if row is None or not is_theirs or not row.is_in_head or row.ended_at is not None:
            raise HoldLapsed
        if (row.lapses_at or 0) <= now.timestamp() or not is_inside(words, read_words(row.words)):
            raise HoldLapsed
        return row.licence_id
    if parent is None:
        return None
    return check_sublicence(session, words, parent=parent, asset_id=asset_id, licensor_id=licensor_id, now=now)


def check_sublicence(
    session: ReadSession, words: Words, *, parent: int, asset_id: UUID, licensor_id: UUID, now: datetime
) -> UUID:
    """Return the licence above after checking that this house may give this one under it. Raises NotSublicensable."""
    row = session.get(GrantRow, parent, populate_existing=True)
    if row is None or row.lapses_at is not None or (row.asset_id, row.licensee_id) != (asset_id, licensor_id):
        raise NotSublicensable(N_("This house has no licence no. {number} of this work."), number=parent)
    above = read_words(row.words)
    if row.ended_at is not None or day_as_date(end_day(above)) <= beijing_date(now):
        raise NotSublicensable(N_("Licence no. {number} is over."), number=parent)
    if is_listed(session, number=parent):
        raise NotSublicensable(N_("Licence no. {number} is revoked."), number=parent)
    if not row.is_in_head:
        raise NotSublicensable(N_("The ledger has not confirmed licence no. {number}."), number=parent)
    if not may_be_sublicensed(above):
        raise NotSublicensable(N_("Licence no. {number} does not include the right to sub-license."), number=parent)
    if kind_of(words) > kind_of(above) or not is_inside(words, above):
        raise NotSublicensable(N_("It would give more than licence no. {number} grants."), number=parent)
    return row.licence_id


def given_under(session: ReadSession, *, parent: int) -> tuple[int, ...]:
    """Return the numbers of the licences that were given under a licence, in order."""
    return tuple(session.exec(select(GrantRow.number).where(GrantRow.parent == parent).order_by(col(GrantRow.number))))


def _write_grant(
    session: WriteSession, keys: HomeKeys, kind: EntryKind, *, number: int, licence_id: UUID,
    sides: tuple[UUID, UUID, UUID], words: Words, document: Mapping[str, Any], more: Mapping[str, Any],
    parent: int | None, now: datetime,
) -> EntryId:  # fmt: skip
    asset_id, licensor_id, licensee_id = sides
    salt, text = keys.salt(f"licence:{licence_id}"), canonical(document)
    terms = commitment_to(salt, text.encode())
    args = {
        "number": number, "licensor": str(licensor_id), "licensee": str(licensee_id), "words": write_words(words),
        "terms": terms.hex(), "asset": str(asset_id), **more,
    }  # fmt: skip
    entry_id = record_entry(session, kind, licence_id, args, now)
    lapses_at = words[2] >> 8 & _LAPSES if is_reservation(words) else None
    session.add(
        GrantRow(
            number=number, asset_id=asset_id, licence_id=licence_id, entry_id=entry_id, words=write_words(words),
            is_exclusive=is_exclusive(words), document=text, salt=salt, licensor_id=licensor_id,
            licensee_id=licensee_id, terms=terms, parent=parent, lapses_at=lapses_at,
        )
    )  # fmt: skip
    session.flush()
    return entry_id


@dataclass(frozen=True, slots=True)
class Held:
    """A hold as its two sides see it; `lapses_at` in UTC, `is_live` at the moment of asking."""

    number: int
    asset_id: UUID
    licensor_id: UUID
    licensee_id: UUID
    words: Words
    state: EntryState
    lapses_at: datetime
    is_live: bool


def list_holds_of(session: ReadSession, *, organisation_id: UUID, now: datetime | None = None) -> tuple[Held, ...]:
    """Return the holds that a house has or has given, newest first."""
    time = (now or clock.now()).timestamp()
    statement = (
        select(GrantRow, EntryRow)
        .join(EntryRow, col(EntryRow.id) == col(GrantRow.entry_id))
        .where(
            col(GrantRow.lapses_at).is_not(None),
            sa.or_(col(GrantRow.licensor_id) == organisation_id, col(GrantRow.licensee_id) == organisation_id),
        )
        .order_by(col(GrantRow.number).desc())
    )
    return tuple(
        Held(
            row.number,
            row.asset_id,
            row.licensor_id,
            row.licensee_id,
            read_words(row.words),
            EntryState(entry.state),
            datetime.fromtimestamp(row.lapses_at or 0, UTC),
            row.ended_at is None and (row.lapses_at or 0) > time,
        )
        for row, entry in session.exec(statement)
    )


def count_live_holds(session: ReadSession, *, licensee_id: UUID, now: datetime) -> int:
    """Return how many works a house holds rights of at this moment."""
    held = list_holds_of(session, organisation_id=licensee_id, now=now)
    return sum(one.is_live and one.licensee_id == licensee_id for one in held)


def covering_hold(
    session: ReadSession, *, asset_id: UUID, licensee_id: UUID, words: Words, now: datetime
) -> int | None:
    """Return the number of a house's own live hold that a wanted licence lies inside, None where there is none."""
    statement = select(GrantRow).where(
        GrantRow.asset_id == asset_id, GrantRow.licensee_id == licensee_id, col(GrantRow.is_in_head).is_(True),
        col(GrantRow.ended_at).is_(None), col(GrantRow.lapses_at) > int(now.timestamp()),
    )  # fmt: skip
    rows = session.exec(statement.order_by(col(GrantRow.number)))
    return next((row.number for row in rows if is_inside(words, read_words(row.words))), None)


def held_grants(
    session: ReadSession, *, asset_id: UUID, but_holds_of: UUID | None = None, now: datetime | None = None
) -> list[tuple[UUID, Words]]:
    """Return every licence and hold that blocks, confirmed or on its way, with its words; `now` is the clock's.

    `but_holds_of` is a house whose own holds are not in its way.
    """
    rows = session.exec(_blocking(now, but_holds_of).where(GrantRow.asset_id == asset_id))
    return [(licence_id, read_words(words)) for _asset_id, licence_id, words in rows]


def held_grants_of(
    session: ReadSession, *, asset_ids: Collection[UUID], but_holds_of: UUID | None = None
) -> dict[UUID, list[tuple[UUID, Words]]]:
    """Return the same as `held_grants` for many assets in one query; assets without a licence are left out."""
    found: dict[UUID, list[tuple[UUID, Words]]] = defaultdict(list)
    statement = _blocking(None, but_holds_of).where(col(GrantRow.asset_id).in_(asset_ids))
    for asset_id, licence_id, words in session.exec(statement):
        found[asset_id].append((licence_id, read_words(words)))
    return dict(found)


def assets_in_conflict(session: ReadSession, *, wanted: Words, subject_to: bool = False) -> set[UUID]:
    """Return every asset that has a licence in the way of this grant, in one query."""
    statement = _blocking(None)
    if subject_to or kind_of(wanted) == GrantKind.NON_EXCLUSIVE:
        statement = statement.where(col(GrantRow.is_exclusive).is_(True))
    return {
        asset_id
        for asset_id, licence_id, words in session.exec(statement)
        if conflicts(wanted, [(licence_id, read_words(words))], subject_to=subject_to)
    }


def _blocking(now: datetime | None, but_holds_of: UUID | None = None) -> SelectOfScalar[Any]:
    """Select what blocks: not terminated, not lapsed, and not given under a licence that was."""
    time = int((now or clock.now()).timestamp())
    above = aliased(GrantRow)
    fallen = sa.exists().where(col(above.number) == col(GrantRow.parent), col(above.ended_at).is_not(None))
    is_licence, is_held = col(GrantRow.lapses_at).is_(None), col(GrantRow.lapses_at) > time
    if but_holds_of is not None:
        is_held = sa.and_(is_held, col(GrantRow.licensee_id) != but_holds_of)
    return select(GrantRow.asset_id, GrantRow.licence_id, GrantRow.words).where(
        col(GrantRow.ended_at).is_(None), sa.or_(is_licence, is_held), ~fallen
    )  # type: ignore[return-value]


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


def record_entry(
    session: WriteSession, kind: EntryKind, subject_id: UUID, args: Mapping[str, Any], now: datetime, *,
    people: Mapping[UUID, UUID] = _NOBODY_ALONE,
) -> EntryId:  # fmt: skip
    """Record a decision in the caller's transaction; a job carries it to the chain, once houses have signed it
    that keep their own keys, and a second person has confirmed it for the others of `people` (house → who agreed).
    Raises TooLateToSign, KeyMissing.
    """
    row = EntryRow(
        id=new_id(), number=_next(session, "entry"), kind=kind, subject_id=subject_id, args=dict(args),
        state=EntryState.RECORDED, op_id=b"", created_at=now,
    )  # fmt: skip
    row.op_id = keccak(b"asset_hub/op:" + row.id.bytes)
    session.add(row)
    session.flush()
    if not wait_for_houses(session, row, people, now):
        submit_soon(session)
    return EntryId(row.id)


def move_to_the_end(session: WriteSession, entry: EntryRow) -> None:
    """Let an entry that waited be carried after everything that was decided meanwhile."""
    entry.number = _next(session, "entry")


def submit_soon(session: WriteSession) -> None:
    """Have what is decided carried to the chain."""
    enqueue(session, SUBMIT, queue=Queue.CHAIN, dedupe_key=SUBMIT)


def _next(session: WriteSession, name: str) -> int:
    row = session.get(CounterRow, name, with_for_update=True, populate_existing=True) or CounterRow(name=name)
    row.last += 1
    session.add(row)
    session.flush()
    return row.last
