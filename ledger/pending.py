"""What a house has to sign by its own key: shown exactly and in words, taken when its key signed it, else lapsed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, may, require, require_organisation, require_own_hand, require_person
from asset_hub.core.db import ReadSession, WriteSession
from ledger import permissions
from ledger.entries import move_to_the_end, submit_soon
from ledger.handed import is_newcomer, is_of_role, signatures_of
from ledger.key_errors import BadSignature, KeyMissing, SignatureClosed, SignatureNotFound, WordsChanged
from ledger.key_models import ConfirmationRow, SignatureRow
from ledger.models import EntryRow
from ledger.pauses import require_open
from ledger.recovery import recover_address
from ledger.said import Said, say
from ledger.second_person import confirmations_wanted, tell_second_people
from ledger.terms import end_of_term
from ledger.types import OVERTAKEN_REASON, UNCONFIRMED_REASON, UNSIGNED_REASON, EntryId, EntryKind, EntryState
from ledger.waiting import SIGN_WITHIN, Ask, hold_back, speaking_keys, wanted, write_asks

_SHOWN_FOR = timedelta(days=30)
OF_AUTHORITY = (EntryKind.CASE, EntryKind.OFFICE, EntryKind.TITLE, EntryKind.END)


@dataclass(frozen=True, slots=True)
class Pending:
    """A signature that a house is asked for; `typed` is what is signed (EIP-712), `said` the same in words."""

    id: UUID
    entry_id: EntryId
    organisation_id: UUID
    kind: EntryKind
    said: Said
    typed: dict[str, Any]
    digest: bytes
    address: bytes | None
    deadline: datetime
    is_new_key: bool
    slot: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What a house was asked to sign and did not: its time passed, or something else took its place."""

    kind: EntryKind
    said: Said
    reason: str
    at: datetime


def list_pending(session: WriteSession, *, by: Actor, now: datetime) -> tuple[Pending, ...]:
    """Return what one's house has to sign now, oldest first, in the words of this moment.

    It writes: words that have changed since (a licence beside this one) are asked for anew. What cannot go on now, for
    one of its houses has no valid key, is left out. Raises Forbidden.
    """
    house = _require_signer(by)
    statement = (
        select(EntryRow)
        .join(SignatureRow, col(SignatureRow.entry_id) == col(EntryRow.id))
        .where(SignatureRow.organisation_id == house, EntryRow.state == EntryState.UNSIGNED)
        .order_by(col(EntryRow.number))
        .distinct()
    )
    entries = session.exec(statement).all()
    found = [one for entry in entries for one in _of_entry(session, entry, house, now)]
    return tuple(one for one in found if _may_sign(by, one.kind, one.slot))


def give_signature(
    session: WriteSession, *, pending_id: UUID, signature: bytes, by: Actor, now: datetime
) -> EntryState:
    """Take a signature of one's house; with the last one the entry goes on. Return the entry's state.

    Raises SignatureNotFound, SignatureClosed, WordsChanged, BadSignature, KeyMissing, Forbidden.
    """
    house = _require_signer(by)
    row = session.get(SignatureRow, pending_id, with_for_update=True, populate_existing=True)
    if row is None or row.organisation_id != house:
        raise SignatureNotFound
    entry = session.get_one(EntryRow, row.entry_id, with_for_update=True, populate_existing=True)
    if not _may_sign(by, entry.kind, row.slot):
        raise SignatureNotFound
    if entry.kind == EntryKind.ROLE:
        require_own_hand(by)
    if entry.state != EntryState.UNSIGNED or row.signature is not None or now.timestamp() >= row.deadline:
        raise SignatureClosed
    asks = wanted(session, entry, deadline=row.deadline, now=now)
    if all(ask.digest != row.digest or (ask.organisation_id, ask.slot) != (house, row.slot) for ask in asks):
        raise WordsChanged
    row.signed_by = _signer(session, row, signature, now)
    row.signature, row.person_id, row.signed_at = signature, require_person(by), now
    session.flush()
    write_asks(session, entry, asks, now)
    return go_on_when_whole(session, entry, now)


def ask_keeper(session: WriteSession, now: datetime) -> None:
    """Ask for what is decided and not carried yet of the key that keeps the role now; what nobody keeps goes on.

    What the authority's key had signed before the exchange took the role back goes on under the exchange's key, and no
    second person is asked for it: the authority's person decided it, and that is on its way. What had not been signed
    waits for the second person where one is wanted (ADR 0019). What can come to nothing any more is given up: this runs
    in the block's transaction, which nothing here may stop.
    """
    waiting = select(EntryRow).where(
        col(EntryRow.state).in_((EntryState.RECORDED, EntryState.UNSIGNED)), col(EntryRow.kind).in_(OF_AUTHORITY)
    )
    for entry in session.exec(waiting.order_by(col(EntryRow.number))).all():
        deadline = _time_to_sign(session, entry, now)
        try:
            asks = wanted(session, entry, deadline=deadline, now=now)
        except KeyMissing:  # of a house: that entry has its own answer, and this must not stop the block
            continue
        slots = [ask.slot for ask in asks] + [row.slot for row in signatures_of(session, entry.id)]
        if any(is_of_role(slot) for slot in slots):
            _ask_another(session, entry, asks, deadline, now)
    session.flush()


def ask_again(session: WriteSession, entry: EntryRow, now: datetime) -> None:
    """Ask for what must be signed at this moment: keys come and go while an entry waits. Raises KeyMissing."""
    deadline = min(_deadlines(session, entry.id))
    write_asks(session, entry, wanted(session, entry, deadline=deadline, now=now), now)


def go_on_when_whole(session: WriteSession, entry: EntryRow, now: datetime) -> EntryState:
    """Let an entry go on that has every signature and every second person's word; return its state.

    Raises RegisterPaused while its register would refuse it: the last word is then to be given again later.
    """
    is_signed = all(one.signature is not None for one in signatures_of(session, entry.id))
    if is_signed and not confirmations_wanted(session, entry.id):
        require_open(session, EntryKind(entry.kind), act=entry.args.get("act", ""), now=now)
        _go_on(session, entry, now)
    return EntryState(entry.state)


def lapse_unsigned(session: WriteSession, *, entry_id: UUID, now: datetime) -> None:
    """Refuse an entry that was not signed or confirmed in time; whatever it held is free again. Idempotent."""
    entry = session.get_one(EntryRow, entry_id, with_for_update=True, populate_existing=True)
    asked = signatures_of(session, entry_id)
    if entry.state != EntryState.UNSIGNED or any(now.timestamp() < one for one in _deadlines(session, entry_id)):
        return
    is_signed = all(row.signature is not None for row in asked)
    give_up(session, entry, UNCONFIRMED_REASON if is_signed else UNSIGNED_REASON, now=now)


def list_given_up(session: ReadSession, *, by: Actor, now: datetime) -> tuple[GivenUp, ...]:
    """Return what one's house did not sign and was given up, newest first, of the last 30 days. Raises Forbidden."""
    house = _require_signer(by)
    statement = (
        select(EntryRow, SignatureRow.slot)
        .join(SignatureRow, col(SignatureRow.entry_id) == col(EntryRow.id))
        .where(
            SignatureRow.organisation_id == house, col(SignatureRow.signature).is_(None),
            col(EntryRow.reason).in_((UNSIGNED_REASON, OVERTAKEN_REASON)),
            col(EntryRow.confirmed_at) > now - _SHOWN_FOR,
        )
        .order_by(col(EntryRow.number).desc())
    )  # fmt: skip
    found = {entry.id: entry for entry, slot in session.exec(statement) if _may_sign(by, entry.kind, slot)}
    return tuple(
        GivenUp(EntryKind(entry.kind), say(session, entry), str(entry.reason), entry.confirmed_at or entry.created_at)
        for entry in found.values()
    )


def overtake(session: WriteSession, entry: EntryRow, *, now: datetime) -> None:
    """Give up an entry that waits, because something else was decided meanwhile that rules it out."""
    give_up(session, entry, OVERTAKEN_REASON, now=now)


def give_up(session: WriteSession, entry: EntryRow, reason: str, *, now: datetime) -> None:
    """Refuse an entry that waits, with what follows from that: whatever it held is free again."""
    from ledger.outcomes import refuse_entry  # it follows entries of every kind to their end, this one among them

    entry.confirmed_at = now
    refuse_entry(session, entry, reason)


def _require_signer(by: Actor) -> UUID:
    """Return the house of who signs for it, or for a role that its people keep. Raises Forbidden."""
    house = require_organisation(by)
    if not may(by, permissions.SIGN_ROLE):
        require(by, permissions.KEYS, organisation_id=house)
    return house


def _may_sign(by: Actor, kind: str, slot: str) -> bool:
    """Say whether this person may sign there: the authority's people for its role, the rights desk for the house."""
    if is_of_role(slot) or kind == EntryKind.ROLE:
        return may(by, permissions.SIGN_ROLE)
    return may(by, permissions.KEYS, organisation_id=by.organisation_id)


def _ask_another(session: WriteSession, entry: EntryRow, asks: Sequence[Ask], deadline: int, now: datetime) -> None:
    """Ask for an entry's signatures after a role has gone to another key; what that one signed is not asked again."""
    from ledger.projections import PROJECTIONS  # as above

    is_on_its_way = entry.state == EntryState.RECORDED
    if now.timestamp() >= deadline and (asks or not is_on_its_way):
        give_up(session, entry, UNSIGNED_REASON, now=now)
        return
    addresses = {ask.slot: ask.address for ask in asks}
    for row in signatures_of(session, entry.id):
        if is_of_role(row.slot) and row.address != addresses.get(row.slot):
            session.delete(row)
    session.flush()
    write_asks(session, entry, asks, now)
    if not is_on_its_way:
        wait_for = {row.organisation_id: row.asked_by for row in confirmations_wanted(session, entry.id)}
        tell_second_people(session, entry, wait_for, now=now)
        go_on_when_whole(session, entry, now)
    elif any(row.signature is None for row in signatures_of(session, entry.id)):
        PROJECTIONS[EntryKind(entry.kind)].held_back(session, entry)
        hold_back(session, entry, deadline)


def _time_to_sign(session: ReadSession, entry: EntryRow, now: datetime) -> int:
    """Return until when an entry waits, or would: what is on its way and has to be signed after all begins anew."""
    waits_until = _deadlines(session, entry.id) if entry.state == EntryState.UNSIGNED else []
    last, term = int((now + SIGN_WITHIN).timestamp()), end_of_term(session, entry)
    return min(waits_until, default=last if term is None else min(last, term))


def _go_on(session: WriteSession, entry: EntryRow, now: datetime) -> None:
    from ledger.projections import PROJECTIONS  # as above

    entry.state = EntryState.RECORDED
    move_to_the_end(session, entry)
    if (project := PROJECTIONS.get(EntryKind(entry.kind))) is not None:
        project.signed(session, entry, now)
    session.flush()
    submit_soon(session)


def _deadlines(session: ReadSession, entry_id: UUID) -> list[int]:
    """Return until when each signature and second person of an entry is waited for."""
    confirmations = select(ConfirmationRow.deadline).where(ConfirmationRow.act_id == entry_id)
    return [*(row.deadline for row in signatures_of(session, entry_id)), *session.exec(confirmations)]


def _signer(session: ReadSession, row: SignatureRow, signature: bytes, now: datetime) -> bytes:
    """Return whose key signed. Raises BadSignature unless it is the one that is asked for, and valid now."""
    try:
        address = recover_address(row.digest, signature)
    except ValueError as error:
        raise BadSignature from error
    if row.address is not None:
        allowed = {row.address}
    else:
        allowed = {key.address for key in speaking_keys(session, organisation_id=row.organisation_id, now=now)}
    if address not in allowed:
        raise BadSignature
    return address


def _of_entry(session: WriteSession, entry: EntryRow, house: UUID, now: datetime) -> list[Pending]:
    rows = signatures_of(session, entry.id)
    deadline = rows[0].deadline
    if now.timestamp() >= deadline:
        return []
    try:
        asks = wanted(session, entry, deadline=deadline, now=now)
    except KeyMissing:
        return []
    write_asks(session, entry, asks, now)
    said = say(session, entry)
    return [
        Pending(
            row.id, EntryId(entry.id), house, EntryKind(entry.kind), said, row.typed, row.digest, row.address,
            datetime.fromtimestamp(row.deadline, UTC), is_newcomer(row.slot) and entry.kind == EntryKind.KEY, row.slot,
        )
        for row in signatures_of(session, entry.id)
        if row.organisation_id == house and row.signature is None
    ]  # fmt: skip
