"""The exchange's own keys and roles: changed by the administrator, two days after it was announced on the chain.

A rotation draws a new key, and when the two days are over gives it the old one's roles and takes them from that, in one
transaction. Until then anybody who may can withdraw it. A role may also be given to a key that is not the exchange's.
Source: ADR 0020.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import (
    Actor,
    Role,
    people_with_role,
    require,
    require_organisation,
    require_own_hand,
    require_person,
)
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import BadInput
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import Queue, enqueue
from asset_hub.core.text import N_, Text
from asset_hub.messages import notify
from ledger import permissions
from ledger.blocks import show_time
from ledger.deployment import ADMIN_DELAY_SECONDS, ADMIN_ROLE, OPERATOR_ROLES, RELAYER_ROLE
from ledger.engine import ANVIL
from ledger.entries import record_entry
from ledger.errors import EntryNotFound
from ledger.key_errors import ChangeClosed, ChangeNotFound, KeyTaken
from ledger.key_models import KeyRow, OfficeKeyRow, RoleChangeRow, RoleKeeperRow
from ledger.models import BlockRow, ChainRow, EntryRow
from ledger.office_notices import tell_outcome
from ledger.role_acts import ANNOUNCE, CARRY_OUT, ENDOW, WITHDRAW, Step
from ledger.roles import holders_of_roles
from ledger.signing import AUTHORITY, HomeKeys, Office, new_key
from ledger.sites import find_site
from ledger.types import CustodyKind, EntryKind, EntryState
from ledger.vault import note_first_keys, speaking

CARRY_OUT_CHANGE = "ledger.carry_out_change"
LONGEST_REASON = 500
ChangeId = NewType("ChangeId", UUID)
ROLE_CODES: Mapping[str, int] = {"ADMIN": ADMIN_ROLE, "RELAYER": RELAYER_ROLE, **OPERATOR_ROLES}
ROLES_OF: Mapping[Office, tuple[int, ...]] = {
    Office.RELAYER: (RELAYER_ROLE,),
    Office.OPERATOR: tuple(OPERATOR_ROLES.values()),
    Office.CASHIER: (OPERATOR_ROLES["PAYMENT_OPERATOR"],),
    Office.ADMINISTRATOR: (ADMIN_ROLE,),
}
HANDED_OVER = (AUTHORITY,)
OFFICE_NAMES: Mapping[Office, str] = {
    Office.RELAYER: N_("Carrier of transactions"),
    Office.OPERATOR: N_("Registrar, notary and authority"),
    Office.CASHIER: N_("Second key for payments"),
    Office.ADMINISTRATOR: N_("Administrator of roles"),
}
_ANNOUNCED = N_("Who has which role on the ledger changes on {at}. Withdraw it if it should not.")
_LEEWAY = timedelta(minutes=1)
_PAUSE = timedelta(minutes=10)
# AccessManager lets go of what nobody carried out within a week.
_LAPSES_AFTER = 7 * 86_400
_GONE = ("AccessManagerExpired", "AccessManagerNotScheduled")
# On a chain whose gas has a price and whose genesis is ours, a new carrier is given what it pays with, in wei: a
# thousand million acts. The first administrator, whom the genesis gave 10**30, pays it to every one of them.
GIFT = 10**25


class ChangeState(StrEnum):
    """Asked for here, announced on the chain, done, withdrawn, or refused."""

    ASKED = "asked"
    ANNOUNCED = "announced"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


_NOT_YET = 1 << 62
_OPEN = (ChangeState.ASKED, ChangeState.ANNOUNCED)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of roles; `ready_at` (UTC) is when it is carried out, None until it is announced.

    `is_on_its_way`: its announcement, its withdrawal or itself waits for the ledger.
    """

    id: ChangeId
    office: Office | None
    keeper_id: UUID | None
    steps: tuple[Step, ...]
    reason: str
    state: ChangeState
    ready_at: datetime | None
    refusal: str | None
    asked_at: datetime
    is_on_its_way: bool = False


@dataclass(frozen=True, slots=True)
class OfficeKey:
    """A key of the exchange; `since` is None until the chain has its roles, `until` while it speaks."""

    office: Office
    address: bytes
    since: datetime | None
    until: datetime | None


def rotate_key(
    session: WriteSession, keys: HomeKeys, *, office: Office, reason: str, by: Actor, now: datetime
) -> ChangeId:
    """Draw a new key for an office of the exchange and have its roles announced for it; a second person confirms.

    Raises EntryNotFound before anything is on the ledger, ChangeOpen, BadInput without a short reason, Forbidden.
    """
    _require_may(by)
    _begin(session, keys, now)
    old, fresh = speaking(session, keys).office(office).address, new_key()
    delay = ADMIN_DELAY_SECONDS if office == Office.ADMINISTRATOR else 0
    away = {ROLE_CODES[row.role] for row in session.exec(select(RoleKeeperRow))}
    roles = [role for role in ROLES_OF[office] if office != Office.OPERATOR or role not in away]
    given = [Step(True, role, fresh.address, delay) for role in roles]
    taken = [Step(False, role, old) for role in roles]
    session.add(
        OfficeKeyRow(address=fresh.address, office=office, sealed=keys.seal(fresh.secret), created_at=now)
    )  # fmt: skip
    return _announce(session, [*given, *taken], office=office, reason=reason, by=by, now=now)


def give_role(
    session: WriteSession, keys: HomeKeys, *, role: str, address: bytes, reason: str, by: Actor, now: datetime
) -> ChangeId:
    """Have a role announced for a key that is not the exchange's; a second person confirms.

    Raises BadInput for a role that only the exchange's own keys have, or that was handed over: nobody is put beside
    the authority's own key. Raises KeyTaken, ChangeOpen, EntryNotFound, Forbidden.
    """
    _require_may(by)
    code = _read_role(role)
    _begin(session, keys, now)
    if _is_known(session, address) or (role, address) in _held(session, keys):
        raise KeyTaken
    if session.get(RoleKeeperRow, role, populate_existing=True) is not None:
        raise BadInput(N_("The authority keeps this role by its own key: nobody is put beside it."))
    return _announce(session, [Step(True, code, address)], office=None, reason=reason, by=by, now=now)


def take_role(
    session: WriteSession, keys: HomeKeys, *, role: str, address: bytes, reason: str, by: Actor, now: datetime
) -> ChangeId:
    """Have a role taken from a key that is not the exchange's; the exchange's own keys are rotated instead.

    Raises BadInput, ChangeOpen, EntryNotFound, Forbidden.
    """
    _require_may(by)
    code = _read_role(role)
    _begin(session, keys, now)
    if _is_known(session, address):
        raise BadInput(N_("This is a key of the exchange: rotate it instead."))
    if (role, address) not in _held(session, keys):
        raise BadInput(N_("This key does not have the role."))
    if session.exec(select(RoleKeeperRow).where(RoleKeeperRow.address == address)).first() is not None:
        raise BadInput(N_("This key keeps the role in the exchange's place: take it back instead."))
    return _announce(session, [Step(False, code, address)], office=None, reason=reason, by=by, now=now)


def hand_over_role(
    session: WriteSession, keys: HomeKeys, *, role: str, address: bytes, reason: str, by: Actor, now: datetime
) -> ChangeId:
    """Have a role announced for a key that people of the authority keep, and taken from whose it is now.

    The key accepts by a signature (`key pending`), and a second person confirms. Once it is carried out, acts of that
    role wait for that key. Raises BadInput for a role that the exchange needs itself, KeyTaken, ChangeOpen,
    EntryNotFound, Forbidden.
    """
    _require_may(by)
    code = _read_handed(role)
    _begin(session, keys, now)
    if _is_known(session, address) or (role, address) in _held(session, keys):
        raise KeyTaken
    steps = [Step(True, code, address), Step(False, code, _holder(session, keys, role))]
    keeper = require_organisation(by)
    return _announce(session, steps, office=None, keeper=keeper, reason=reason, by=by, now=now)


def take_back_role(
    session: WriteSession, keys: HomeKeys, *, role: str, reason: str, by: Actor, now: datetime
) -> ChangeId:
    """Have a role that was handed over announced for the exchange's own key again; a second person confirms.

    Raises BadInput for a role that is not handed over, ChangeOpen, EntryNotFound, Forbidden.
    """
    _require_may(by)
    code = _read_handed(role)
    _begin(session, keys, now)
    row = session.get(RoleKeeperRow, role, populate_existing=True)
    if row is None:
        raise BadInput(N_("The exchange's own key has this role."))
    own = speaking(session, keys).operator.address
    steps = [Step(True, code, own), Step(False, code, row.address)]
    return _announce(session, steps, office=None, reason=reason, by=by, now=now)


def withdraw_change(session: WriteSession, *, change_id: UUID, by: Actor, now: datetime) -> None:
    """Withdraw a change that is announced and not carried out yet: at once, by one person.

    Raises ChangeNotFound, ChangeClosed, Forbidden.
    """
    require(by, permissions.WITHDRAW_ROLE)
    row = _change_row(session, change_id)
    if row.state != ChangeState.ANNOUNCED or _is_on_its_way(session, change_id):
        raise ChangeClosed
    record_entry(session, EntryKind.ROLE, row.id, {"act": WITHDRAW, "steps": row.steps}, now)


def carry_out(session: WriteSession, *, change_id: UUID, now: datetime) -> None:
    """Carry out a change whose two days are over; nothing where it was withdrawn or is on its way. Idempotent."""
    row = _change_row(session, change_id)
    if row.state != ChangeState.ANNOUNCED or row.ready_at is None or now.timestamp() < row.ready_at:
        return
    if _is_on_its_way(session, change_id):
        return
    if (gift := _gift(session, row)) is not None:
        record_entry(session, EntryKind.ROLE, row.id, gift, now)
    record_entry(session, EntryKind.ROLE, row.id, {"act": CARRY_OUT, "steps": row.steps}, now)


def list_changes(session: ReadSession, *, by: Actor, limit: int = 50) -> tuple[Change, ...]:
    """Return the changes of roles, newest first. Raises Forbidden."""
    require(by, permissions.OVERSEE)
    rows = session.exec(select(RoleChangeRow).order_by(col(RoleChangeRow.id).desc()).limit(limit)).all()
    moving = _on_their_way(session, {row.id for row in rows})
    return tuple(
        Change(
            ChangeId(row.id), Office(row.office) if row.office else None, row.keeper_id, steps_of(row), row.reason,
            ChangeState(row.state), _time(row.ready_at), row.refusal, row.created_at, row.id in moving,
        )
        for row in rows
    )  # fmt: skip


def announced_times(session: ReadSession) -> tuple[int, ...]:
    """Return when (unix seconds) what is announced is carried out, the next first. It is public: the chain says it."""
    is_announced = RoleChangeRow.state == ChangeState.ANNOUNCED
    found = session.exec(select(RoleChangeRow.ready_at).where(is_announced).order_by(col(RoleChangeRow.ready_at)))
    return tuple(time for time in found if time is not None)


def list_office_keys(session: ReadSession, keys: HomeKeys) -> tuple[OfficeKey, ...]:
    """Return every key that the exchange has or had, by office, oldest first. They are public."""
    rows = sorted(session.exec(select(OfficeKeyRow)), key=lambda row: row.valid_from or _NOT_YET)
    found = [OfficeKey(Office(row.office), row.address, _time(row.valid_from), _time(row.valid_until)) for row in rows]
    noted = {one.office for one in found}
    began = _time(_first_block_time(session))
    first = [OfficeKey(one, keys.first.office(one).address, began, None) for one in Office if one not in noted]
    return tuple(sorted([*found, *first], key=lambda one: list(Office).index(one.office)))


def steps_of(row: RoleChangeRow) -> tuple[Step, ...]:
    """Return the steps of a change in their order."""
    return tuple(Step.read(one) for one in row.steps)


def role_confirmed(session: WriteSession, entry: EntryRow, time: int) -> None:
    """Do to our rows what the manager did: announced, carried out or withdrawn."""
    act = entry.args["act"]
    if act == ENDOW:
        return
    row = _change_row(session, entry.subject_id)
    if act == ANNOUNCE:
        row.state, row.ready_at = ChangeState.ANNOUNCED, time + ADMIN_DELAY_SECONDS
        _carry_out_at(session, row, datetime.fromtimestamp(row.ready_at, UTC) + _LEEWAY)
        _tell(session, show_time(row.ready_at), datetime.fromtimestamp(time, UTC))
    elif act == WITHDRAW:
        row.state = ChangeState.WITHDRAWN
        _forget_key(session, row)
    else:
        row.state = ChangeState.DONE
        if row.office:
            _replace_key(session, row, time)
        else:
            _change_keeper(session, row, time)
    tell_outcome(session, row, datetime.fromtimestamp(time, UTC))
    session.flush()


def role_refused(session: WriteSession, entry: EntryRow) -> None:
    """Close a change that is not announced or not any more; what still stands on the chain is tried again later."""
    row, act = _change_row(session, entry.subject_id), entry.args["act"]
    if act == ANNOUNCE or (act == CARRY_OUT and _is_over(session, row, entry)):
        row.state, row.refusal = ChangeState.REFUSED, entry.reason or ""
        _forget_key(session, row)
        tell_outcome(session, row, entry.confirmed_at or entry.created_at)
    elif act in (CARRY_OUT, WITHDRAW):
        early = _too_early(session, row, entry)
        _carry_out_at(session, row, (entry.confirmed_at or entry.created_at) + (early + _LEEWAY if early else _PAUSE))
    session.flush()


def _is_over(session: ReadSession, row: RoleChangeRow, entry: EntryRow) -> bool:
    """Say whether nothing of a change is scheduled any more; a network need not say why it refused."""
    block = session.get(BlockRow, entry.block_number) if entry.block_number is not None else None
    is_old = block is not None and block.time >= (row.ready_at or 0) + _LAPSES_AFTER
    return is_old or (entry.reason or "").startswith(_GONE)


def _too_early(session: ReadSession, row: RoleChangeRow, entry: EntryRow) -> timedelta:
    """Return how much too early it came by the chain's clock: that may be behind ours."""
    block = session.get(BlockRow, entry.block_number) if entry.block_number is not None else None
    return timedelta(seconds=max(0, (row.ready_at or 0) - block.time)) if block else timedelta()


def _require_may(by: Actor) -> None:
    require(by, permissions.CHANGE_ROLES)
    require_own_hand(by)


def _begin(session: WriteSession, keys: HomeKeys, now: datetime) -> None:
    """Have the exchange's keys written down, and let one change be decided at a time."""
    if find_site(session) is None:
        raise EntryNotFound(N_("There is nothing on the ledger yet."))
    note_first_keys(session, keys, since=_first_block_time(session) or int(now.timestamp()), now=now)
    session.exec(select(OfficeKeyRow).with_for_update()).all()


def _first_block_time(session: ReadSession) -> int | None:
    return session.exec(select(BlockRow.time).where(BlockRow.number > 0).order_by(col(BlockRow.number))).first()


def _announce(
    session: WriteSession, steps: Sequence[Step], *, office: Office | None, reason: str, by: Actor, now: datetime,
    keeper: UUID | None = None,
) -> ChangeId:  # fmt: skip
    why = _read_reason(reason)
    _require_none_open(session, steps, office)
    change = RoleChangeRow(
        id=new_id(), office=office or "", keeper_id=keeper, steps=[step.plain() for step in steps], reason=why,
        state=ChangeState.ASKED, created_at=now,
    )  # fmt: skip
    session.add(change)
    session.flush()
    people: dict[UUID, UUID] = {require_organisation(by): require_person(by)}
    args: dict[str, Any] = {"act": ANNOUNCE, "steps": change.steps} | ({"keeper": str(keeper)} if keeper else {})
    change.entry_id = record_entry(session, EntryKind.ROLE, change.id, args, now, people=people)
    session.flush()
    return ChangeId(change.id)


def _read_reason(reason: str) -> str:
    why = reason.strip()
    if not 1 <= len(why) <= LONGEST_REASON:
        raise BadInput(N_("Say why, in at most {count} characters."), count=LONGEST_REASON)
    return why


def _require_none_open(session: ReadSession, steps: Sequence[Step], office: Office | None) -> None:
    """Changes that touch each other go one after the other; while the administrator changes, nothing else does."""
    rows = session.exec(select(RoleChangeRow).where(col(RoleChangeRow.state).in_(_OPEN))).all()
    touched = {(step.role, step.address) for step in steps}
    for row in rows:
        theirs = {(step.role, step.address) for step in steps_of(row)}
        is_same = bool(office) and office == row.office
        is_crossing = _concerns_operator(office, steps) and _concerns_operator(row.office, steps_of(row))
        if Office.ADMINISTRATOR in (office, row.office) or touched & theirs or is_same or is_crossing:
            from ledger.office_views import open_change  # it says in words what a change does

            raise open_change(session, row)


def _concerns_operator(office: str | None, steps: Sequence[Step]) -> bool:
    """Say whether a change is of the operator's key, or moves a role from it or to it."""
    return office == Office.OPERATOR or (not office and len(steps) > 1)


def _read_role(role: str) -> int:
    if role not in OPERATOR_ROLES:
        raise BadInput(
            N_("“{role}” is no role that can be given: {known}."), role=role, known=", ".join(OPERATOR_ROLES)
        )  # fmt: skip
    return OPERATOR_ROLES[role]


def _read_handed(role: str) -> int:
    if role not in HANDED_OVER:
        raise BadInput(
            N_("“{role}” is no role that is handed over: {known}."), role=role, known=", ".join(HANDED_OVER)
        )  # fmt: skip
    return ROLE_CODES[role]


def _holder(session: ReadSession, keys: HomeKeys, role: str) -> bytes:
    """Return whose key signs acts of a role now: its keeper's, or the exchange's own."""
    row = session.get(RoleKeeperRow, role, populate_existing=True)
    return row.address if row else speaking(session, keys).operator.address


def _change_keeper(session: WriteSession, row: RoleChangeRow, time: int) -> None:
    """Follow who keeps a role; what was decided and is not on the ledger yet is asked of the key that has it now."""
    names = {code: name for name, code in ROLE_CODES.items()}
    first, *more = steps_of(row)
    role = names[first.role]
    held = session.get(RoleKeeperRow, role, with_for_update=True, populate_existing=True)
    if row.keeper_id is not None:
        kept = held or RoleKeeperRow(role=role, address=b"", organisation_id=row.keeper_id, since=0)
        kept.address, kept.organisation_id, kept.since = first.address, row.keeper_id, time
        session.add(kept)
    elif held is not None and any(not step.is_grant and step.address == held.address for step in (first, *more)):
        session.delete(held)
    else:
        return
    session.flush()
    from ledger.pending import ask_keeper  # with what follows from an entry

    ask_keeper(session, datetime.fromtimestamp(time, UTC))


def _held(session: ReadSession, keys: HomeKeys) -> set[tuple[str, bytes]]:
    names = {code: name for name, code in ROLE_CODES.items()}
    return {(names[role], address) for role, address in holders_of_roles(session, keys)}


def _is_known(session: ReadSession, address: bytes) -> bool:
    """Say whether it is, or was, a key of the exchange, or one that it keeps for a house."""
    kept = select(KeyRow).where(KeyRow.address == address, KeyRow.custody == CustodyKind.CUSTODY)
    return session.get(OfficeKeyRow, address) is not None or session.exec(kept).first() is not None


def _change_row(session: WriteSession, change_id: UUID) -> RoleChangeRow:
    row = session.get(RoleChangeRow, change_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise ChangeNotFound
    return row


def _is_on_its_way(session: ReadSession, change_id: UUID) -> bool:
    return change_id in _on_their_way(session, {change_id})


def _on_their_way(session: ReadSession, change_ids: Collection[UUID]) -> set[UUID]:
    """Return which changes have an act that waits for the ledger."""
    is_moving = (col(EntryRow.subject_id).in_(change_ids), EntryRow.state == EntryState.RECORDED)
    return set(session.exec(select(EntryRow.subject_id).where(*is_moving)))


def _gift(session: ReadSession, row: RoleChangeRow) -> dict[str, Any] | None:
    """Return the entry by which a new carrier gets gas where the chain's genesis is ours; elsewhere its node does."""
    chain = session.exec(select(ChainRow)).first()
    if row.office not in (Office.RELAYER, Office.ADMINISTRATOR) or (chain is not None and chain.engine != ANVIL):
        return None
    before = select(EntryRow).where(EntryRow.subject_id == row.id, EntryRow.state == EntryState.CONFIRMED)
    if any(entry.args["act"] == ENDOW for entry in session.exec(before)):
        return None
    address = next(step.address for step in steps_of(row) if step.is_grant)
    return {"act": ENDOW, "address": address.hex(), "wei": str(GIFT)}


def _replace_key(session: WriteSession, row: RoleChangeRow, time: int) -> None:
    old = next(step.address for step in steps_of(row) if not step.is_grant)
    new = next(step.address for step in steps_of(row) if step.is_grant)
    session.get_one(OfficeKeyRow, old).valid_until = time
    session.get_one(OfficeKeyRow, new).valid_from = time


def _forget_key(session: WriteSession, row: RoleChangeRow) -> None:
    """Let go of the key that was drawn for a change which comes to nothing."""
    for step in steps_of(row):
        key = session.get(OfficeKeyRow, step.address) if step.is_grant else None
        if key is not None and key.valid_from is None:
            session.delete(key)


def _carry_out_at(session: WriteSession, row: RoleChangeRow, at: datetime) -> None:
    enqueue(session, CARRY_OUT_CHANGE, queue=Queue.CHAIN, run_after=at, change_id=row.id)


def _tell(session: WriteSession, ready: str, now: datetime) -> None:
    text = Text(_ANNOUNCED, {"at": ready})
    for person_id in {*people_with_role(session, Role.OPERATOR), *people_with_role(session, Role.REGULATOR)}:
        notify(session, person_id=person_id, text=text, link="/ledger", now=now)


def _time(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
