"""The keys of a house: added, retired and recovered by acts of OrgRegistry.sol, and listed with who keeps them.

The first key of a house is kept by the operator (平台托管). A house that adds its own signs from then on itself; that
key then retires the operator's, by the house's own act. Here are addresses only: a secret that is not in custody never
comes to us. The operator renews the key that it keeps, and as registrar ends a key of any house.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlmodel import col, func, select

from asset_hub.accounts import (
    Actor,
    PartyState,
    Role,
    get_party,
    people_with_role,
    require,
    require_organisation,
    require_person,
)
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_, Text
from asset_hub.messages import notify
from ledger import permissions
from ledger.addresses import show_address
from ledger.entries import record_entry
from ledger.errors import EntryNotFound
from ledger.key_acts import AddKey, CancelRecovery, ProposeRecovery, Recover, RetireKey, write_key_act
from ledger.key_errors import (
    HouseSuspended,
    KeyActOpen,
    KeyNotFound,
    KeyTaken,
    NotInCustody,
    RecoveryOpposed,
)
from ledger.key_models import KeyRow
from ledger.models import EntryRow, OrgRow
from ledger.pending import overtake
from ledger.signing import HomeKeys, new_key
from ledger.sites import find_site
from ledger.types import CustodyKind, EntryId, EntryKind, EntryState, KeyState
from ledger.waiting import (
    PURPOSE_ACTS,
    PURPOSE_COUNTERSIGN,
    has_voice,
    is_kept_for,
    is_valid,
    speaking_keys,
)

RECOVERY_WAIT_SECONDS = 3 * 86_400
_EVERY_PURPOSE = PURPOSE_ACTS | PURPOSE_COUNTERSIGN
_MAX_REASON = 500
_PROPOSED = N_("The operator proposes the key {address} for your house, in three days. Object if it is not yours.")
_ENDED = N_("The exchange, as registrar, has ended the key {address} of your house. Why: {reason}")
_ENDED_LAST = N_(
    "The exchange, as registrar, has ended the key {address} of your house, which has no other: nobody can sign for it "
    "until the exchange recovers it with a new key of yours, and what waits for its signature lapses. Why: {reason}"
)
_IN_USE = frozenset({KeyState.ASKED, KeyState.LIVE, KeyState.RETIRED, KeyState.RECOVERING})


@dataclass(frozen=True, slots=True)
class HouseKey:
    """A key of a house as its people see it."""

    organisation_id: UUID
    address: bytes
    custody: CustodyKind
    purpose: int
    state: KeyState
    valid_from: datetime | None
    valid_until: datetime | None


def add_key(
    session: WriteSession, *, address: bytes, purpose: int = _EVERY_PURPOSE, valid_until: datetime | None = None,
    by: Actor, now: datetime,
) -> EntryId:  # fmt: skip
    """Ask for a key of one's own house; it waits for the new key's signature, and for that of a present own key.

    Raises KeyTaken, EntryNotFound for a house that is not on the ledger yet, KeyMissing, BadInput, Forbidden.
    """
    house = require_organisation(by)
    require(by, permissions.KEYS, organisation_id=house)
    until = int(valid_until.timestamp()) if valid_until else 0
    if not 0 < purpose <= _EVERY_PURPOSE or (until and until <= now.timestamp()):
        raise BadInput(N_("Say what the key is for, and a time to come."))
    _require_on_ledger(session, house)
    row = _fresh_row(session, house, address, now)
    row.purpose, row.state, row.valid_until = purpose, KeyState.ASKED, until or None
    args = write_key_act(AddKey, address, purpose=purpose, valid_until=until)
    return _record(session, row, args, now, people={house: require_person(by)})


def retire_key(session: WriteSession, *, address: bytes, by: Actor, now: datetime) -> EntryId:
    """End a key of one's own house, at once when the chain has it; a live key of the house signs.

    Raises KeyNotFound, BadInput for the last key that could sign, Forbidden.
    """
    house = require_organisation(by)
    require(by, permissions.KEYS, organisation_id=house)
    row = _row_in(session, house, address, KeyState.LIVE)
    ending = {address.hex(), *(entry.args["address"] for entry in _ends(session, house))}
    if all(one.address.hex() in ending for one in _live_rows(session, house)):
        raise BadInput(N_("This is the last key of the house; add the next one first."))
    people: dict[UUID, UUID] = {house: require_person(by)}
    return record_entry(session, EntryKind.KEY, house, write_key_act(RetireKey, row.address), now, people=people)


def end_key_of(
    session: WriteSession, *, organisation_id: UUID, address: bytes, reason: str, by: Actor, now: datetime
) -> EntryId:
    """End a key of a house as registrar, be it the last: then nobody signs for the house until it is recovered.

    The operator's act, for which two of its people are needed; the house's rights desk is told when it is done.
    Raises KeyNotFound, KeyActOpen, BadInput without a reason, Forbidden.
    """
    require(by, permissions.RECOVER_KEY)
    people: dict[UUID, UUID] = {require_organisation(by): require_person(by)}
    if not reason.strip():
        raise BadInput(N_("Say why."))
    row = _row_in(session, organisation_id, address, KeyState.LIVE)
    session.get_one(OrgRow, organisation_id, with_for_update=True)
    ends = [one.args for one in _ends(session, organisation_id) if one.args["by_registrar"]]
    if any(one["address"] == address.hex() for one in ends):
        raise KeyActOpen
    args = write_key_act(RetireKey, row.address, by_registrar=True, reason=reason.strip()[:_MAX_REASON])
    return record_entry(session, EntryKind.KEY, organisation_id, args, now, people=people)


def renew_custody(
    session: WriteSession, keys: HomeKeys, *, organisation_id: UUID, by: Actor, now: datetime
) -> EntryId:  # fmt: skip
    """Draw a new key for a house whose key the operator keeps; once the ledger has it, the one before ends.

    The operator's act, for which two of its people are needed. Raises EntryNotFound for a house that is not on the
    ledger, NotInCustody for one that keeps its own, KeyMissing for one without any, HouseSuspended, KeyActOpen,
    Forbidden.
    """
    require(by, permissions.RECOVER_KEY)
    people: dict[UUID, UUID] = {require_organisation(by): require_person(by)}
    _require_on_ledger(session, organisation_id)
    session.get_one(OrgRow, organisation_id, with_for_update=True)
    if speaking_keys(session, organisation_id=organisation_id, now=now):
        raise NotInCustody
    if get_party(session, organisation_id=organisation_id).state == PartyState.SUSPENDED:
        raise HouseSuspended
    if _renewals(session, organisation_id):
        raise KeyActOpen
    drawn = new_key()
    row = KeyRow(
        organisation_id=organisation_id, address=drawn.address, custody=CustodyKind.CUSTODY, purpose=_EVERY_PURPOSE,
        state=KeyState.ASKED, sealed=keys.seal(drawn.secret), created_at=now,
    )  # fmt: skip
    args = write_key_act(AddKey, drawn.address, purpose=_EVERY_PURPOSE, valid_until=0, custody=True)
    return _record(session, row, args, now, people=people)


def propose_recovery(
    session: WriteSession, *, organisation_id: UUID, address: bytes, by: Actor, now: datetime
) -> EntryId:
    """Propose a new key for a house that has lost its own; it has three days to object.

    The operator's act, for which two of its people are needed. Raises KeyTaken, EntryNotFound, Forbidden.
    """
    require(by, permissions.RECOVER_KEY)
    people: dict[UUID, UUID] = {require_organisation(by): require_person(by)}
    _require_on_ledger(session, organisation_id)
    row = _fresh_row(session, organisation_id, address, now)
    row.purpose, row.state = _EVERY_PURPOSE, KeyState.RECOVERING
    return _record(session, row, write_key_act(ProposeRecovery, address, by_registrar=True), now, people=people)


def cancel_recovery(session: WriteSession, *, address: bytes, by: Actor, now: datetime) -> EntryId:
    """Object to a recovery of one's own house: a live key of it signs, or where it has none the registrar's.

    Else whoever ends a house's keys and then recovers it by a key of their choice would meet no objection. Raises
    KeyNotFound, Forbidden.
    """
    house = require_organisation(by)
    require(by, permissions.KEYS, organisation_id=house)
    row = _row_in(session, house, address, KeyState.RECOVERING)
    is_mute = not has_voice(session, organisation_id=house, now=now)
    args = write_key_act(CancelRecovery, row.address, by_registrar=is_mute)
    return record_entry(session, EntryKind.KEY, house, args, now)


def recover(session: WriteSession, *, organisation_id: UUID, address: bytes, by: Actor, now: datetime) -> EntryId:
    """Give the house the proposed key; the contract refuses it before the three days are over. The operator's act.

    Raises KeyNotFound, RecoveryOpposed while the house's objection is signed and on its way, Forbidden.
    """
    require(by, permissions.RECOVER_KEY)
    row = _row_in(session, organisation_id, address, KeyState.RECOVERING)
    waiting = select(EntryRow).where(
        EntryRow.kind == EntryKind.KEY, EntryRow.subject_id == organisation_id,
        EntryRow.state == EntryState.RECORDED,
    )  # fmt: skip
    if any(one.args["act"] == CancelRecovery.__name__ for one in session.exec(waiting)):
        raise RecoveryOpposed
    return record_entry(
        session, EntryKind.KEY, organisation_id, write_key_act(Recover, row.address, by_registrar=True), now
    )


def list_keys(session: ReadSession, *, organisation_id: UUID) -> tuple[HouseKey, ...]:
    """Return the keys of a house, oldest first. They are public: the chain shows them to everybody."""
    rows = session.exec(
        select(KeyRow).where(KeyRow.organisation_id == organisation_id).order_by(col(KeyRow.created_at))
    )
    return tuple(
        HouseKey(
            row.organisation_id, row.address, CustodyKind(row.custody), row.purpose, KeyState(row.state),
            _time(row.valid_from), _time(row.valid_until),
        )
        for row in rows
    )  # fmt: skip


def is_in_custody(session: ReadSession, *, organisation_id: UUID) -> bool:
    """Say whether the operator holds a key that still speaks for this house."""
    return is_kept_for(session.exec(select(KeyRow).where(KeyRow.organisation_id == organisation_id)).all())


def keeps_own_keys(session: ReadSession, *, organisation_id: UUID) -> bool:
    """Say whether nobody but this house can sign for it; a house that is not on the ledger keeps none."""
    found = keepers_of(session, organisation_ids=[organisation_id])
    return found.get(organisation_id) == CustodyKind.OWN


def keepers_of(session: ReadSession, *, organisation_ids: Collection[UUID]) -> dict[UUID, CustodyKind]:
    """Return who signs for these houses: the operator where it can, else the house; left out where nobody does yet."""
    rows = session.exec(
        select(KeyRow.organisation_id, KeyRow.custody)
        .where(col(KeyRow.organisation_id).in_(organisation_ids), KeyRow.state == KeyState.LIVE)
        .order_by(col(KeyRow.custody).desc())  # the operator's word comes last and stands
    )
    return {house: CustodyKind(custody) for house, custody in rows}


def facts_of_keepers(session: ReadSession, organisation_ids: Collection[UUID]) -> dict[str, str]:
    """Return the same as plain JSON, by the ids of the houses."""
    found = keepers_of(session, organisation_ids=organisation_ids)
    return {str(house): str(kind) for house, kind in found.items()}


def count_keepers(session: ReadSession) -> dict[CustodyKind, int]:
    """Return for how many houses the operator can sign, and how many sign for themselves alone."""
    live = select(KeyRow.organisation_id, func.min(KeyRow.custody).label("keeper")).where(KeyRow.state == KeyState.LIVE)
    houses = live.group_by(col(KeyRow.organisation_id)).subquery()
    counts = session.exec(select(houses.c.keeper, func.count()).group_by(houses.c.keeper)).all()
    return dict.fromkeys(CustodyKind, 0) | {CustodyKind(keeper): count for keeper, count in counts}


def house_that_countersigns(session: ReadSession, *, address: bytes, now: datetime) -> UUID | None:
    """Return whose own key this is, if it may countersign days now; one in custody attests nothing."""
    rows = session.exec(select(KeyRow).where(KeyRow.address == address, KeyRow.custody == CustodyKind.OWN))
    return next(
        (
            row.organisation_id
            for row in rows
            if row.state == KeyState.LIVE and row.purpose & PURPOSE_COUNTERSIGN and is_valid(row, now)
        ),
        None,
    )


def key_confirmed(session: WriteSession, entry: EntryRow, time: int) -> None:
    """Do to our rows what the contract did; a new key for acts is asked at once to retire those of the operator."""
    row = session.get_one(KeyRow, (entry.subject_id, bytes.fromhex(entry.args["address"])))
    act = entry.args["act"]
    if act in (AddKey.__name__, Recover.__name__):
        row.state, row.valid_from = KeyState.LIVE, time
        session.flush()
        _retire_custody(session, row, datetime.fromtimestamp(time, UTC))
    elif act == RetireKey.__name__:
        row.state, row.valid_until = KeyState.RETIRED, time
        session.flush()
        _follow_end(session, row, entry, datetime.fromtimestamp(time, UTC))
    elif act == CancelRecovery.__name__:
        row.state = KeyState.REFUSED
    else:
        row.valid_from = time + RECOVERY_WAIT_SECONDS
        facts: dict[str, object] = {"address": show_address(row.address)}
        _tell_desk(session, row.organisation_id, Text(_PROPOSED, facts), datetime.fromtimestamp(time, UTC))


def key_refused(session: WriteSession, entry: EntryRow) -> None:
    """Let a key be asked for again that the chain did not take; one that was drawn for it is gone with its secret."""
    row = session.get(KeyRow, (entry.subject_id, bytes.fromhex(entry.args["address"])))
    if row is None or row.entry_id != entry.id or row.state not in (KeyState.ASKED, KeyState.RECOVERING):
        return
    if row.custody == CustodyKind.CUSTODY:
        session.delete(row)
    else:
        row.state = KeyState.REFUSED


def _retire_custody(session: WriteSession, row: KeyRow, now: datetime) -> None:
    """End the operator's keys: all of them once the house has its own for acts, else all but the one that came."""
    if not row.purpose & PURPOSE_ACTS:
        return
    house, live = row.organisation_id, _live_rows(session, row.organisation_id)
    has_own = any(one.custody == CustodyKind.OWN for one in live)
    if row.custody == CustodyKind.CUSTODY:
        session.get_one(OrgRow, house).address = row.address
    if has_own:
        _overtake_renewals(session, house, now)
    if not has_voice(session, organisation_id=house, now=now):
        return
    on_its_way = {end.args["address"] for end in _ends(session, house) if end.state == EntryState.RECORDED}
    for one in live:
        is_replaced = one.custody == CustodyKind.CUSTODY and (has_own or one.address != row.address)
        if is_replaced and one.address.hex() not in on_its_way:
            record_entry(session, EntryKind.KEY, house, write_key_act(RetireKey, one.address), now)


def _overtake_renewals(session: WriteSession, house: UUID, now: datetime) -> None:
    """Give up the renewals that wait for a second person: the house has a key of its own now, or none that signs."""
    for row in _renewals(session, house):
        entry = session.get_one(EntryRow, row.entry_id)
        if entry.state == EntryState.UNSIGNED:
            overtake(session, entry, now=now)


def _follow_end(session: WriteSession, row: KeyRow, entry: EntryRow, now: datetime) -> None:
    """Tell a house's desk what the registrar ended; without any key nothing of it can be renewed."""
    has_other = has_voice(session, organisation_id=row.organisation_id, now=now)
    if not has_other:
        _overtake_renewals(session, row.organisation_id, now)
    if not entry.args["by_registrar"]:
        return
    facts = {"address": show_address(row.address), "reason": entry.args["reason"]}
    told = Text(_ENDED if has_other else _ENDED_LAST, facts)
    _tell_desk(session, row.organisation_id, told, now)


def _tell_desk(session: WriteSession, house: UUID, text: Text, now: datetime) -> None:
    for person_id in people_with_role(session, Role.RIGHTS_DESK, organisation_id=house):
        notify(session, person_id=person_id, text=text, link="/keys", now=now)


def _record(
    session: WriteSession, row: KeyRow, args: dict[str, object], now: datetime, *, people: Mapping[UUID, UUID]
) -> EntryId:
    session.add(row)
    session.flush()
    entry_id = record_entry(session, EntryKind.KEY, row.organisation_id, args, now, people=people)
    row.entry_id = entry_id
    session.flush()
    return entry_id


def _fresh_row(session: ReadSession, house: UUID, address: bytes, now: datetime) -> KeyRow:
    """Return the row of a key that is not in use. Raises KeyTaken.

    Another house's mere wish does not block it: the key's own signature decides whose it is.
    """
    for row in session.exec(select(KeyRow).where(KeyRow.address == address)):
        is_wish = row.state in (KeyState.ASKED, KeyState.RECOVERING)
        if row.state in _IN_USE and not (is_wish and row.organisation_id != house):
            raise KeyTaken
    held = session.get(KeyRow, (house, address))
    return held or KeyRow(
        organisation_id=house, address=address, custody=CustodyKind.OWN, purpose=0, state=KeyState.ASKED,
        created_at=now,
    )  # fmt: skip


def _live_rows(session: ReadSession, house: UUID) -> list[KeyRow]:
    """Return the keys that sign acts of the house."""
    statement = select(KeyRow).where(KeyRow.organisation_id == house, KeyRow.state == KeyState.LIVE)
    return [row for row in session.exec(statement) if row.purpose & PURPOSE_ACTS]


def _renewals(session: ReadSession, house: UUID) -> list[KeyRow]:
    """Return the keys that the operator has drawn for a house and the ledger does not have yet."""
    asked = select(KeyRow).where(
        KeyRow.organisation_id == house, KeyRow.custody == CustodyKind.CUSTODY, KeyRow.state == KeyState.ASKED
    )
    return list(session.exec(asked))


def _ends(session: ReadSession, house: UUID) -> list[EntryRow]:
    """Return the acts that end a key of a house and are asked for or on their way."""
    open_acts = select(EntryRow).where(
        EntryRow.kind == EntryKind.KEY, EntryRow.subject_id == house,
        col(EntryRow.state).in_((EntryState.UNSIGNED, EntryState.RECORDED)),
    )  # fmt: skip
    return [entry for entry in session.exec(open_acts) if entry.args["act"] == RetireKey.__name__]


def _row_in(session: ReadSession, house: UUID, address: bytes, state: KeyState) -> KeyRow:
    row = session.get(KeyRow, (house, address), populate_existing=True)
    if row is None or row.state != state:
        raise KeyNotFound
    return row


def _require_on_ledger(session: ReadSession, house: UUID) -> None:
    if session.get(OrgRow, house) is None or find_site(session) is None:
        raise EntryNotFound(N_("This house is not on the ledger yet."))


def _time(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
