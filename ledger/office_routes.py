"""JSON: the exchange's own keys, who has which role on the ledger, and changes of it."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from asset_hub.accounts import require_person
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_
from ledger import office_keys
from ledger.addresses import read_address
from ledger.office_keys import LONGEST_REASON, list_changes, list_office_keys
from ledger.office_views import facts_of_change, facts_of_key, facts_of_role, list_roles, waits_of_changes
from ledger.signing import Office

router = APIRouter(prefix="/api/v1/ledger", tags=["ledger"])
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RoleAct(StrEnum):
    """A role is given to a key, or taken from it; or handed over to the authority's own, and taken back."""

    GIVE = "give"
    TAKE = "take"
    HAND_OVER = "hand-over"
    TAKE_BACK = "take-back"


_ACTS: Mapping[RoleAct, Callable[..., office_keys.ChangeId]] = {
    RoleAct.GIVE: office_keys.give_role,
    RoleAct.TAKE: office_keys.take_role,
    RoleAct.HAND_OVER: office_keys.hand_over_role,
    RoleAct.TAKE_BACK: office_keys.take_back_role,
}


class NewRotation(_Closed):
    """Why a key of the exchange is changed."""

    reason: Reason


class NewRoleChange(_Closed):
    """A role that a key which is not the exchange's gets or loses, and why; to take back, no address is named."""

    role: str = Field(max_length=40)
    address: str = Field(default="", max_length=42)
    act: RoleAct
    reason: Reason


@router.get("/keys")
def keys(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Every key that the exchange has or had: its office, from when until when it speaks (null: not yet, now)."""
    require_person(by)
    services = request.app.state.services
    with services.database.read() as session:
        return {"keys": [facts_of_key(one) for one in list_office_keys(session, services.keys)]}


@router.post("/keys/{office}/rotation", status_code=201)
def rotate(request: Request, office: Office, body: NewRotation, by: CurrentActor) -> dict[str, str]:
    """Draw a new key for an office: a second person confirms, and two days after its announcement it speaks.

    No token does this.
    """
    services = request.app.state.services
    with services.database.write() as session:
        change = office_keys.rotate_key(
            session, services.keys, office=office, reason=body.reason, by=by, now=clock.now()
        )  # fmt: skip
    return {"id": str(change)}


@router.get("/roles")
def roles(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Who has and had which role, from when until when, as the chain records it."""
    require_person(by)
    services = request.app.state.services
    with services.database.read() as session:
        return {"roles": [facts_of_role(one) for one in list_roles(session, services.keys)]}


@router.get("/role-changes")
def changes(request: Request, by: CurrentActor) -> dict[str, Any]:
    """The changes of keys and roles, newest first: how each stands and when it is carried out."""
    with request.app.state.services.database.read() as session:
        found = list_changes(session, by=by)
        waits = waits_of_changes(session, found)
    return {"changes": [facts_of_change(one, waits) for one in found]}


@router.post("/role-changes", status_code=201)
def change_role(request: Request, body: NewRoleChange, by: CurrentActor) -> dict[str, str]:
    """Give a role to a key that is not the exchange's, or take it: a second person confirms, then two days pass.

    No token does this.
    """
    if body.act == RoleAct.TAKE_BACK and body.address:
        raise BadInput(N_("To take a role back, name no address: it goes to the exchange’s own key."))
    services = request.app.state.services
    named: dict[str, Any] = {"address": read_address(body.address)} if body.act != RoleAct.TAKE_BACK else {}
    with services.database.write() as session:
        change = _ACTS[body.act](
            session, services.keys, role=body.role, reason=body.reason, by=by, now=clock.now(), **named
        )
    return {"id": str(change)}


@router.post("/role-changes/{change_id}/withdrawal", status_code=204)
def withdraw(request: Request, change_id: UUID, by: CurrentActor) -> None:
    """Withdraw a change that is announced and not carried out yet: one person's act."""
    with request.app.state.services.database.write() as session:
        office_keys.withdraw_change(session, change_id=change_id, by=by, now=clock.now())
