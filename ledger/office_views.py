"""The exchange's own keys, who has which role, and what changes of it, in words and as plain JSON."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_, Text
from ledger.addresses import show_address
from ledger.blocks import show_time
from ledger.handed import signatures_of
from ledger.key_errors import ChangeOpen
from ledger.key_models import ConfirmationRow, RoleChangeRow, RoleKeeperRow
from ledger.models import EntryRow
from ledger.office_keys import (
    OFFICE_NAMES,
    ROLE_CODES,
    Change,
    ChangeId,
    ChangeState,
    OfficeKey,
    list_office_keys,
    steps_of,
)
from ledger.office_notices import EXPIRED
from ledger.role_acts import Step
from ledger.roles import KeySpan, spans_of_roles
from ledger.second_person import confirmations_wanted
from ledger.signing import AUTHORITY, HomeKeys, Office
from ledger.types import DECLINED_REASON, UNCONFIRMED_REASON, UNSIGNED_REASON, EntryState

_ROLE_NAMES: Mapping[int, str] = {code: name for name, code in ROLE_CODES.items()}
_ROLE_WORDS: Mapping[str, str] = {
    "ADMIN": N_("ADMIN"),
    "RELAYER": N_("RELAYER"),
    "REGISTRAR": N_("REGISTRAR"),
    "NOTARY": N_("NOTARY"),
    "AUTHORITY": N_("AUTHORITY"),
    "PAYMENT_OPERATOR": N_("PAYMENT_OPERATOR"),
    "PAUSER": N_("PAUSER"),
}
_WITHOUT_AUTHORITY = N_("Registrar and notary")
_OVERDUE_AFTER, _LAPSES_AFTER = timedelta(minutes=5), timedelta(days=7)
_PERSON, _KEY = "second-person", "key"
_WAITING_WORDS: Mapping[tuple[str, ...], str] = {
    (): N_("waits for the ledger"),
    (_PERSON,): N_("waits for a second person"),
    (_KEY,): N_("waits for the key to accept"),
    (_PERSON, _KEY): N_("waits for a second person, and for the key to accept"),
}
_STATE_WORDS: Mapping[tuple[ChangeState, bool], tuple[str, str]] = {
    (ChangeState.ANNOUNCED, False): (N_("announced"), "warn"),
    (ChangeState.ANNOUNCED, True): (N_("announced; the next act is on its way"), "busy"),
    (ChangeState.DONE, False): (N_("carried out"), "good"),
    (ChangeState.WITHDRAWN, False): (N_("withdrawn"), ""),
    (ChangeState.REFUSED, False): (N_("came to nothing"), "bad"),
}
_REFUSALS: Mapping[str, str] = {
    DECLINED_REASON: N_("A second person refused it."),
    UNCONFIRMED_REASON: N_("No second person confirmed it in time."),
    UNSIGNED_REASON: N_("The key did not accept in time."),
    EXPIRED: N_("Nobody carried it out within a week after its day."),
}


@dataclass(frozen=True, slots=True)
class RoleSpan:
    """From when until when a key has a role; `until` None is now.

    `office` is set where it is a key of the exchange; `is_authoritys` where people of the authority keep it.
    """

    role: str
    address: bytes
    office: Office | None
    since: datetime
    until: datetime | None
    is_authoritys: bool = False


def list_roles(session: ReadSession, keys: HomeKeys) -> tuple[RoleSpan, ...]:
    """Return who has and had which role, as the chain records it: by role, those of today first, then the latest."""
    offices = {one.address: one.office for one in list_office_keys(session, keys)}
    handed = set(session.exec(select(RoleKeeperRow.role, RoleKeeperRow.address))) | _once_handed(session)
    found = [
        _role_span(_ROLE_NAMES[role], span, offices, handed)
        for role, spans in sorted(spans_of_roles(session, keys).items())
        if role in _ROLE_NAMES
        for span in sorted(spans, key=lambda one: (one.until != 0, -one.since))
    ]
    return tuple(found)


def names_of_keys(session: ReadSession, keys: Sequence[OfficeKey]) -> list[tuple[OfficeKey, str]]:
    """Pair the exchange's keys with what they are for."""
    kept = session.get(RoleKeeperRow, AUTHORITY)
    return [(one, _name_of_office(one.office, one.until, kept)) for one in keys]


def names_of_holders(session: ReadSession, roles: Sequence[RoleSpan]) -> list[tuple[RoleSpan, str]]:
    """Pair who has and had which role with whose key that is."""
    kept = session.get(RoleKeeperRow, AUTHORITY)
    return [(one, _name_of_holder(one, kept)) for one in roles]


def describe_change(change: Change) -> Text:
    """Say in words what a change does, and to which key."""
    first = change.steps[0]
    params: dict[str, object] = {
        "address": show_address(first.address), "role": Text(_ROLE_WORDS[_ROLE_NAMES[first.role]])
    }  # fmt: skip
    if change.office is not None:
        is_without = change.office == Office.OPERATOR and ROLE_CODES[AUTHORITY] not in {
            step.role for step in change.steps
        }
        name = _WITHOUT_AUTHORITY if is_without else OFFICE_NAMES[change.office]
        params = {"office": Text(name), "address": params["address"]}
        return Text(N_("New key for “{office}”: {address}"), params)
    if change.keeper_id is not None:
        return Text(N_("The role {role} goes to {address}, a key of the authority"), params)
    if len(change.steps) > 1:
        return Text(N_("The role {role} goes back to the exchange’s own key {address}"), params)
    if first.is_grant:
        return Text(N_("The role {role} is given to {address}"), params)
    return Text(N_("The role {role} is taken from {address}"), params)


def waits_of_changes(session: ReadSession, changes: Collection[Change]) -> dict[ChangeId, tuple[str, ...]]:
    """Return what each change that is asked for waits for: “second-person”, “key” (which is to accept), both."""
    asked = [one.id for one in changes if one.state == ChangeState.ASKED]
    rows = session.exec(select(RoleChangeRow).where(col(RoleChangeRow.id).in_(asked))).all()
    return {ChangeId(row.id): _waits_of(session, row) for row in rows}


def word_of_change(change: Change, waits: Mapping[ChangeId, tuple[str, ...]]) -> tuple[str, str]:
    """Say how a change stands in a word and its mark; `waits` is what those that are asked for wait for."""
    if change.state == ChangeState.ASKED:
        return _WAITING_WORDS[waits.get(change.id, ())], "busy"
    return _STATE_WORDS[change.state, change.is_on_its_way and change.state == ChangeState.ANNOUNCED]


def describe_coming(ready_at: int, *, now: datetime) -> Text:
    """Say when (unix seconds) an announced change is carried out, or that it should have been."""
    ready = datetime.fromtimestamp(ready_at, UTC)
    if now < ready + _OVERDUE_AFTER:
        return Text(N_("Who has which role on the ledger changes on {at}."), {"at": show_time(ready_at)})
    lapses = int((ready + _LAPSES_AFTER).timestamp())
    return Text(
        N_("A change of roles is overdue since {at}; is a worker running (asset-hub work)? It lapses on {lapses}."),
        {"at": show_time(ready_at), "lapses": show_time(lapses)},
    )


def open_change(session: ReadSession, row: RoleChangeRow) -> ChangeOpen:
    """Return the refusal of a change that this one stands in the way of: which it is, and how to end it."""
    office = Office(row.office) if row.office else None
    change = Change(
        ChangeId(row.id), office, row.keeper_id, steps_of(row), row.reason, ChangeState(row.state), None, None,
        row.created_at,
    )  # fmt: skip
    members: dict[str, object] = {"change": str(row.id)}
    what = describe_change(change)
    if change.state == ChangeState.ANNOUNCED:
        message = N_("Another change is open: {what}. Wait for it, or withdraw it: asset-hub ledger role withdraw {id}")
        return ChangeOpen(message, members=members, what=what, id=row.id)
    waiting = select(ConfirmationRow.id).where(
        ConfirmationRow.act_id == row.entry_id, col(ConfirmationRow.confirmed_at).is_(None)
    )
    if (confirmation := session.exec(waiting).first()) is not None:
        message = N_("Another change is open: {what}. Wait for it, or take it back: asset-hub confirm refuse {id}")
        return ChangeOpen(message, members=members, what=what, id=confirmation)
    return ChangeOpen(N_("Another change is open: {what}. Wait for it."), members=members, what=what)


def why_refused(change: Change) -> str:
    """Say why a change came to nothing, in words where we have them; empty where it did not."""
    reason = change.refusal or ""
    return _REFUSALS.get(reason.partition("(")[0], reason)


def facts_of_key(one: OfficeKey) -> dict[str, Any]:
    """Return a key of the exchange as plain JSON."""
    return {
        "office": str(one.office), "address": show_address(one.address), "since": _spelled(one.since),
        "until": _spelled(one.until),
    }  # fmt: skip


def facts_of_role(one: RoleSpan) -> dict[str, Any]:
    """Return a key's time with a role as plain JSON; `office` is null for a key that is not the exchange's."""
    return {
        "role": one.role, "address": show_address(one.address), "office": str(one.office) if one.office else None,
        "since": _spelled(one.since), "until": _spelled(one.until), "is_authoritys": one.is_authoritys,
    }  # fmt: skip


def facts_of_change(change: Change, waits: Mapping[ChangeId, tuple[str, ...]]) -> dict[str, Any]:
    """Return a change of roles as plain JSON; `ready_at` is when it is carried out, null until it is announced."""
    return {
        "id": str(change.id), "office": str(change.office) if change.office else None,
        "steps": [_facts_of_step(step) for step in change.steps], "reason": change.reason, "state": str(change.state),
        "is_on_its_way": change.is_on_its_way, "asked_at": change.asked_at.isoformat(),
        "ready_at": _spelled(change.ready_at), "refusal": change.refusal, "waits_for": list(waits.get(change.id, ())),
    }  # fmt: skip


def _facts_of_step(step: Step) -> dict[str, str]:
    act = "give" if step.is_grant else "take"
    return {"act": act, "role": _ROLE_NAMES[step.role], "address": show_address(step.address)}


def _name_of_holder(one: RoleSpan, kept: RoleKeeperRow | None) -> str:
    if one.office is not None:
        return _name_of_office(one.office, one.until, kept)
    return N_("the authority’s own key") if one.is_authoritys else N_("another key")


def _name_of_office(office: Office, until: datetime | None, kept: RoleKeeperRow | None) -> str:
    """The operator's key is not the authority's any more once that role was handed over."""
    is_without = kept is not None and (until is None or until.timestamp() > kept.since)
    return _WITHOUT_AUTHORITY if office == Office.OPERATOR and is_without else OFFICE_NAMES[office]


def _waits_of(session: ReadSession, row: RoleChangeRow) -> tuple[str, ...]:
    entry = session.get(EntryRow, row.entry_id) if row.entry_id else None
    if entry is None or entry.state != EntryState.UNSIGNED:
        return ()
    is_unsigned = any(one.signature is None for one in signatures_of(session, entry.id))
    is_unconfirmed = bool(confirmations_wanted(session, entry.id))
    return (*([_PERSON] if is_unconfirmed else []), *([_KEY] if is_unsigned else []))


def _once_handed(session: ReadSession) -> set[tuple[str, bytes]]:
    """Return the keys of the authority that had a role before its key of today."""
    rows = session.exec(
        select(RoleChangeRow).where(col(RoleChangeRow.keeper_id).is_not(None), RoleChangeRow.state == ChangeState.DONE)
    )
    return {(_ROLE_NAMES[steps_of(row)[0].role], steps_of(row)[0].address) for row in rows}


def _role_span(
    role: str, span: KeySpan, offices: Mapping[bytes, Office], handed: Collection[tuple[str, bytes]]
) -> RoleSpan:
    address = bytes.fromhex(span.address)
    until = datetime.fromtimestamp(span.until, UTC) if span.until else None
    since = datetime.fromtimestamp(span.since, UTC)
    return RoleSpan(role, address, offices.get(address), since, until, (role, address) in handed)


def _spelled(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
