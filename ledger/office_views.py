"""The exchange's own keys, who has which role, and what changes of it, in words and as plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_, Text
from ledger.addresses import show_address
from ledger.office_keys import OFFICE_NAMES, ROLE_CODES, Change, ChangeState, OfficeKey, list_office_keys
from ledger.role_acts import Step
from ledger.roles import KeySpan, spans_of_roles
from ledger.signing import HomeKeys, Office
from ledger.types import DECLINED_REASON, UNCONFIRMED_REASON

_ROLE_NAMES: Mapping[int, str] = {code: name for name, code in ROLE_CODES.items()}
_STATE_WORDS: Mapping[tuple[ChangeState, bool], tuple[str, str]] = {
    (ChangeState.ASKED, False): (N_("waits for a second person"), "busy"),
    (ChangeState.ASKED, True): (N_("waits for the ledger"), "busy"),
    (ChangeState.ANNOUNCED, False): (N_("announced"), "warn"),
    (ChangeState.ANNOUNCED, True): (N_("announced; the next act is on its way"), "busy"),
    (ChangeState.DONE, False): (N_("carried out"), "good"),
    (ChangeState.WITHDRAWN, False): (N_("withdrawn"), ""),
    (ChangeState.REFUSED, False): (N_("came to nothing"), "bad"),
}
_REFUSALS: Mapping[str, str] = {
    DECLINED_REASON: N_("A second person refused it."),
    UNCONFIRMED_REASON: N_("No second person confirmed it in time."),
    "AccessManagerExpired": N_("Nobody carried it out within a week after its day."),
}


@dataclass(frozen=True, slots=True)
class RoleSpan:
    """From when until when a key has a role; `office` where it is a key of the exchange, `until` None is now."""

    role: str
    address: bytes
    office: Office | None
    since: datetime
    until: datetime | None


def list_roles(session: ReadSession, keys: HomeKeys) -> tuple[RoleSpan, ...]:
    """Return who has and had which role, as the chain records it: by role, those of today first, then the latest."""
    offices = {one.address: one.office for one in list_office_keys(session, keys)}
    found = [
        _role_span(_ROLE_NAMES[role], span, offices)
        for role, spans in sorted(spans_of_roles(session, keys).items())
        if role in _ROLE_NAMES
        for span in sorted(spans, key=lambda one: (one.until != 0, -one.since))
    ]
    return tuple(found)


def describe_change(change: Change) -> Text:
    """Say in words what a change does, and to which key."""
    first = change.steps[0]
    params: dict[str, object] = {"address": show_address(first.address), "role": _ROLE_NAMES[first.role]}
    if change.office is not None:
        params = {"office": Text(OFFICE_NAMES[change.office]), "address": params["address"]}
        return Text(N_("New key for “{office}”: {address}"), params)
    if change.keeper_id is not None:
        return Text(N_("The role {role} goes to {address}, a key of the authority"), params)
    if len(change.steps) > 1:
        return Text(N_("The role {role} goes back to the exchange’s own key {address}"), params)
    if first.is_grant:
        return Text(N_("The role {role} is given to {address}"), params)
    return Text(N_("The role {role} is taken from {address}"), params)


def word_of_change(change: Change) -> tuple[str, str]:
    """Say how a change stands in a word and its mark."""
    is_open = change.state in (ChangeState.ASKED, ChangeState.ANNOUNCED)
    return _STATE_WORDS[change.state, change.is_on_its_way and is_open]


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
        "since": _spelled(one.since), "until": _spelled(one.until),
    }  # fmt: skip


def facts_of_change(change: Change) -> dict[str, Any]:
    """Return a change of roles as plain JSON; `ready_at` is when it is carried out, null until it is announced."""
    return {
        "id": str(change.id), "office": str(change.office) if change.office else None,
        "steps": [_facts_of_step(step) for step in change.steps], "reason": change.reason, "state": str(change.state),
        "is_on_its_way": change.is_on_its_way, "asked_at": change.asked_at.isoformat(),
        "ready_at": _spelled(change.ready_at), "refusal": change.refusal,
    }  # fmt: skip


def _facts_of_step(step: Step) -> dict[str, str]:
    act = "give" if step.is_grant else "take"
    return {"act": act, "role": _ROLE_NAMES[step.role], "address": show_address(step.address)}


def _role_span(role: str, span: KeySpan, offices: Mapping[bytes, Office]) -> RoleSpan:
    address = bytes.fromhex(span.address)
    until = datetime.fromtimestamp(span.until, UTC) if span.until else None
    return RoleSpan(role, address, offices.get(address), datetime.fromtimestamp(span.since, UTC), until)


def _spelled(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
