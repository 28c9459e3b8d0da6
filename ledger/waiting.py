"""Entries that wait for houses which keep their own keys: what each has to sign, and until when.

The operator cannot sign for such a house. What must be signed is found by building the call itself, so that whatever a
builder asks a house for is what the house is shown. Source: Guide in docs/ledger.md, ADR on keys of the houses.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from asset_hub.accounts import Role, people_with_role
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.jobs import Queue, enqueue
from asset_hub.core.text import N_, Text
from asset_hub.messages import notify
from ledger.builders import BUILDERS
from ledger.carried import AUTHORITY_SIGNS
from ledger.handed import SPEAKER, is_of_role, newcomer_slot, role_slot, signatures_of
from ledger.key_errors import KeyMissing, TooLateToSign
from ledger.key_models import KeyRow, RoleKeeperRow, SignatureRow
from ledger.models import EntryRow
from ledger.second_person import ask_second_people, confirmations_wanted, tell_second_people
from ledger.signing import AUTHORITY, Keys, Signable, Signer
from ledger.sites import find_site
from ledger.terms import end_of_term
from ledger.types import CustodyKind, EntryKind, EntryState, KeyState

LAPSE = "ledger.lapse_unsigned"
SIGN_WITHIN = timedelta(days=7)
LEAST_TO_SIGN = timedelta(minutes=1)
PURPOSE_ACTS, PURPOSE_COUNTERSIGN = 1, 2
_ASKED_OF_AUTHORITY = N_("Something waits for the signature of the authority’s own key.")
_NOBODY = b"\0" * 32
_BLANK = b"\0" * 65


@dataclass(frozen=True, slots=True)
class Ask:
    """A signature that a house must give; `address` is set where only that key will do."""

    organisation_id: UUID
    slot: str
    address: bytes | None
    digest: Signable


def wait_for_houses(session: WriteSession, entry: EntryRow, people: Mapping[UUID, UUID], now: datetime) -> bool:
    """Write down what houses must sign, or a second person confirm, before the entry goes on; say whether it waits.

    `people` are the houses that agreed by one person each. Those that sign themselves are asked to; for the others the
    operator's key signs, once a second person has confirmed. They have seven days, or until the act's own term ends.
    Raises TooLateToSign where that is at once, KeyMissing for a house without a valid key.
    """
    last, term = int((now + SIGN_WITHIN).timestamp()), end_of_term(session, entry)
    deadline = last if term is None else min(last, term)
    asks: list[Ask] = []
    if entry.kind in (EntryKind.KEY, EntryKind.ROLE) or not _operator_signs_everything(session):
        asks = wanted(session, entry, deadline=deadline, now=now)
    if asks and deadline < (now + LEAST_TO_SIGN).timestamp():
        raise TooLateToSign
    write_asks(session, entry, asks, now)
    ask_second_people(session, entry.id, people, deadline=deadline, now=now)
    wait_for = {row.organisation_id: row.asked_by for row in confirmations_wanted(session, entry.id)}
    tell_second_people(session, entry, wait_for, now=now)
    if asks or wait_for:
        hold_back(session, entry, deadline)
    session.flush()
    return bool(asks or wait_for)


def hold_back(session: WriteSession, entry: EntryRow, deadline: int) -> None:
    """Let an entry wait until a time (unix seconds), when it lapses."""
    entry.state = EntryState.UNSIGNED
    over = datetime.fromtimestamp(deadline + 1, UTC)
    enqueue(session, LAPSE, queue=Queue.CHAIN, run_after=over, entry_id=entry.id)


def kept_by_operator(session: ReadSession, people: Mapping[UUID, UUID], now: datetime) -> dict[UUID, UUID]:
    """Return those of these houses (house → who agreed) for which the operator's key signs. Raises KeyMissing."""
    return {
        house: person for house, person in people.items() if not speaking_keys(session, organisation_id=house, now=now)
    }


def wanted(session: ReadSession, entry: EntryRow, *, deadline: int, now: datetime) -> list[Ask]:
    """Return every signature that the entry's call needs from keys which the operator does not hold."""
    site = find_site(session)
    if site is None or entry.kind in (EntryKind.ADMIT, EntryKind.ANCHOR):
        return []
    asking = _Asking(session, now)
    BUILDERS[EntryKind(entry.kind)](session, Keys(_NOBODY, asking), site, entry, deadline)
    return list({(ask.organisation_id, ask.slot): ask for ask in asking.asks}.values())


def write_asks(session: WriteSession, entry: EntryRow, asks: Sequence[Ask], now: datetime) -> None:
    """Make the entry's signatures those that are asked for; what was signed in the same words stays.

    The authority's people are told of what is new to them.
    """
    held = {(row.organisation_id, row.slot): row for row in signatures_of(session, entry.id)}
    for ask in asks:
        row = held.pop((ask.organisation_id, ask.slot), None)
        if row is not None and (row.digest, row.address) == (ask.digest, ask.address):
            continue
        if row is not None:
            session.delete(row)
            session.flush()
        elif is_of_role(ask.slot) or entry.kind == EntryKind.ROLE:
            _tell_authority(session, now)
        data = ask.digest.data
        session.add(
            SignatureRow(
                id=new_id(), entry_id=entry.id, organisation_id=ask.organisation_id, slot=ask.slot,
                address=ask.address, digest=bytes(ask.digest), typed=data.as_json(),
                deadline=int(str(data.values[-1])), created_at=now,
            )
        )  # fmt: skip
    for row in held.values():
        session.delete(row)
    session.flush()


def _tell_authority(session: WriteSession, now: datetime) -> None:
    for person_id in people_with_role(session, Role.REGULATOR):
        notify(session, person_id=person_id, text=Text(_ASKED_OF_AUTHORITY), link="/keys", now=now)


def speaking_keys(session: ReadSession, *, organisation_id: UUID, now: datetime) -> list[KeyRow]:
    """Return the house's own keys that may sign acts at this moment; empty where the operator keeps its key.

    Raises KeyMissing for a house that had a key, its own or a kept one, and has none now.
    """
    rows = session.exec(select(KeyRow).where(KeyRow.organisation_id == organisation_id)).all()
    acting = [row for row in rows if row.purpose & PURPOSE_ACTS and row.state in (KeyState.LIVE, KeyState.RETIRED)]
    own = [row for row in acting if row.custody == CustodyKind.OWN]
    if not acting or (is_kept_for(rows) and all(row.state == KeyState.RETIRED for row in own)):
        return []
    valid = [row for row in own if row.state == KeyState.LIVE and is_valid(row, now)]
    if not valid:
        raise KeyMissing
    return valid


def has_voice(session: ReadSession, *, organisation_id: UUID, now: datetime) -> bool:
    """Say whether anybody can sign for this house now: the operator, or a valid key of its own."""
    try:
        speaking_keys(session, organisation_id=organisation_id, now=now)
    except KeyMissing:
        return False
    return True


def awaited_houses(session: ReadSession, *, subject_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Return the houses whose signature is missing, by what it is about; what waits for nobody is left out."""
    statement = (
        select(EntryRow.subject_id, SignatureRow.organisation_id)
        .join(EntryRow, col(EntryRow.id) == col(SignatureRow.entry_id))
        .where(
            col(EntryRow.subject_id).in_(subject_ids), EntryRow.state == EntryState.UNSIGNED,
            col(SignatureRow.signature).is_(None),
        )
        .order_by(col(EntryRow.number))
    )  # fmt: skip
    found: dict[UUID, dict[UUID, None]] = {}
    for subject_id, house in session.exec(statement):
        found.setdefault(subject_id, {})[house] = None
    return {subject_id: tuple(houses) for subject_id, houses in found.items()}


def is_kept_for(rows: Sequence[KeyRow]) -> bool:
    """Say whether the operator still keeps a live key for this house."""
    return any(row.custody == CustodyKind.CUSTODY and row.state == KeyState.LIVE for row in rows)


def is_valid(row: KeyRow, now: datetime) -> bool:
    """Say whether a key's time is not over."""
    return row.valid_until is None or now.timestamp() < row.valid_until


def houses_of(session: ReadSession, signers: Sequence[UUID | str]) -> set[UUID]:
    """Return the houses behind the signers of an act, that of a role's keeper too."""
    found = {one for one in signers if isinstance(one, UUID)}
    keeper = session.get(RoleKeeperRow, AUTHORITY) if AUTHORITY_SIGNS in signers else None
    return found | ({keeper.organisation_id} if keeper else set())


def waits_for_signature(session: ReadSession, signers: Sequence[UUID | str], now: datetime) -> bool:
    """Say whether one of these signs by a key that the operator does not hold. Raises KeyMissing."""
    if AUTHORITY_SIGNS in signers and session.get(RoleKeeperRow, AUTHORITY) is not None:
        return True
    houses = (one for one in signers if isinstance(one, UUID))
    return any(speaking_keys(session, organisation_id=house, now=now) for house in houses)


def _operator_signs_everything(session: ReadSession) -> bool:
    """Say whether no house has a key of its own, none was left without one, and no role was handed over."""
    if session.exec(select(RoleKeeperRow.role).limit(1)).first() is not None:
        return False
    kept = aliased(KeyRow)
    is_kept = sa.exists().where(
        col(kept.organisation_id) == col(KeyRow.organisation_id), col(kept.custody) == CustodyKind.CUSTODY,
        col(kept.state) == KeyState.LIVE,
    )  # fmt: skip
    is_left = sa.and_(col(KeyRow.state) == KeyState.RETIRED, ~is_kept)
    other = select(KeyRow.address).where(sa.or_(col(KeyRow.custody) == CustodyKind.OWN, is_left)).limit(1)
    return session.exec(other).first() is None


@dataclass(frozen=True, slots=True)
class _Asked:
    """Signs nothing: notes that it was asked, and for what."""

    asking: "_Asking"
    organisation_id: UUID
    slot: str
    wants: bytes | None = None

    @property
    def address(self) -> bytes:
        return self.wants or b"\0" * 20

    def sign(self, digest: bytes) -> bytes:
        if not isinstance(digest, Signable):
            raise TypeError("only typed data is signed elsewhere")
        self.asking.asks.append(Ask(self.organisation_id, self.slot, self.wants, digest))
        return _BLANK


@dataclass(frozen=True, slots=True)
class _Asking:
    session: ReadSession
    now: datetime
    asks: list[Ask] = field(default_factory=list)

    def speaker(self, organisation_id: UUID) -> Signer | None:
        is_own = speaking_keys(self.session, organisation_id=organisation_id, now=self.now)
        return _Asked(self, organisation_id, SPEAKER) if is_own else None

    def newcomer(self, organisation_id: UUID, address: bytes) -> Signer:
        return _Asked(self, organisation_id, newcomer_slot(address), address)

    def keeper(self, role: str) -> Signer | None:
        row = self.session.get(RoleKeeperRow, role, populate_existing=True)
        return _Asked(self, row.organisation_id, role_slot(role), row.address) if row else None
