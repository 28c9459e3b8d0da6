"""JSON: the keys of a house, what waits for its signature, and the signatures."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from asset_hub.accounts import require, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from ledger import house_keys, permissions
from ledger.addresses import read_address
from ledger.key_errors import BadSignature
from ledger.key_views import count_held_up, facts_of_given_up, facts_of_keys, facts_of_pending
from ledger.pending import give_signature, list_given_up, list_pending
from ledger.waiting import PURPOSE_ACTS, PURPOSE_COUNTERSIGN

router = APIRouter(prefix="/api/v1", tags=["ledger"])


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewKey(_Closed):
    """A key by its address, what it is for and until when; its secret stays with the house."""

    address: str = Field(max_length=42)
    acts: bool = True
    countersign: bool = True
    valid_until: AwareDatetime | None = None


class NewRecovery(_Closed):
    """The house that lost its keys, and the address of the key that it is to have."""

    organisation: UUID
    address: str = Field(max_length=42)


class NewRenewal(_Closed):
    """The house whose key, kept by the exchange, is drawn anew."""

    organisation: UUID


class NewKeyEnd(_Closed):
    """The house, the address of its key that ends, and why: the house is told."""

    organisation: UUID
    address: str = Field(max_length=42)
    reason: str = Field(min_length=1, max_length=500)


class GivenSignature(_Closed):
    """A signature of 65 bytes in hex: r, s, v."""

    signature: str = Field(max_length=132)


@router.get("/keys")
def keys(request: Request, by: CurrentActor) -> dict[str, Any]:
    """The keys of one's own house, and whether the operator holds one that speaks for it."""
    house = require_organisation(by)
    require(by, permissions.KEYS, organisation_id=house)
    with request.app.state.services.database.read() as session:
        return facts_of_keys(session, house)


@router.post("/keys", status_code=201)
def add_key(request: Request, body: NewKey, by: CurrentActor) -> dict[str, Any]:
    """Ask for a key of one's own house; it waits for the key's own signature."""
    purpose = PURPOSE_ACTS * body.acts | PURPOSE_COUNTERSIGN * body.countersign
    until: datetime | None = body.valid_until
    with request.app.state.services.database.write() as session:
        house_keys.add_key(
            session, address=read_address(body.address), purpose=purpose, valid_until=until, by=by, now=clock.now()
        )
        return facts_of_keys(session, require_organisation(by))


@router.post("/keys/{address}/retire")
def retire_key(request: Request, address: str, by: CurrentActor) -> dict[str, Any]:
    """End a key of one's own house; another key of it signs."""
    with request.app.state.services.database.write() as session:
        house_keys.retire_key(session, address=read_address(address), by=by, now=clock.now())
        return facts_of_keys(session, require_organisation(by))


@router.post("/keys/{address}/objection")
def object_to_recovery(request: Request, address: str, by: CurrentActor) -> dict[str, Any]:
    """Object to a recovery of one's own house by this key; a live key of the house signs."""
    with request.app.state.services.database.write() as session:
        house_keys.cancel_recovery(session, address=read_address(address), by=by, now=clock.now())
        return facts_of_keys(session, require_organisation(by))


@router.post("/recoveries", status_code=201)
def propose_recovery(request: Request, body: NewRecovery, by: CurrentActor) -> dict[str, Any]:
    """Propose a new key for a house that lost its own; it has three days to object. The operator's act."""
    with request.app.state.services.database.write() as session:
        house_keys.propose_recovery(
            session, organisation_id=body.organisation, address=read_address(body.address), by=by, now=clock.now()
        )
        return facts_of_keys(session, body.organisation)


@router.post("/recoveries/{organisation_id}/{address}/completion")
def complete_recovery(request: Request, organisation_id: UUID, address: str, by: CurrentActor) -> dict[str, Any]:
    """Give a house the proposed key, once the three days have passed without an objection. The operator's act."""
    with request.app.state.services.database.write() as session:
        house_keys.recover(
            session, organisation_id=organisation_id, address=read_address(address), by=by, now=clock.now()
        )
        return facts_of_keys(session, organisation_id)


@router.post("/renewals", status_code=201)
def renew_custody(request: Request, body: NewRenewal, by: CurrentActor) -> dict[str, Any]:
    """Draw a new key for a house whose key the exchange keeps; it speaks once a second person has confirmed it."""
    services = request.app.state.services
    with services.database.write() as session:
        house_keys.renew_custody(
            session, services.keys, organisation_id=body.organisation, by=by, now=clock.now()
        )  # fmt: skip
        return facts_of_keys(session, body.organisation)


@router.post("/key-ends", status_code=201)
def end_key_of(request: Request, body: NewKeyEnd, by: CurrentActor) -> dict[str, Any]:
    """End a key of a house as registrar, be it the last; it ends once a second person has confirmed it."""
    with request.app.state.services.database.write() as session:
        house_keys.end_key_of(
            session, organisation_id=body.organisation, address=read_address(body.address), reason=body.reason,
            by=by, now=clock.now(),
        )  # fmt: skip
        return facts_of_keys(session, body.organisation)


@router.get("/signatures")
def signatures(request: Request, by: CurrentActor) -> dict[str, Any]:
    """What waits for a signature of one's own house: in words, and exactly as it is signed (EIP-712).

    `held_up` counts what nobody can sign now, as one of its houses has no valid key; `given_up` is what it did not
    sign in the last 30 days.
    """
    now = clock.now()
    with request.app.state.services.database.write() as session:
        pending, house = list_pending(session, by=by, now=now), require_organisation(by)
        return {
            "pending": [facts_of_pending(one) for one in pending],
            "held_up": count_held_up(session, organisation_id=house, pending=pending, now=now),
            "given_up": [facts_of_given_up(one) for one in list_given_up(session, by=by, now=now)],
        }


@router.post("/signatures/{signature_id}")
def sign(request: Request, signature_id: UUID, body: GivenSignature, by: CurrentActor) -> dict[str, str]:
    """Hand in a signature of one's own house; with the last one the act goes on to the ledger."""
    try:
        signature = bytes.fromhex(body.signature.removeprefix("0x"))
    except ValueError as error:
        raise BadSignature from error
    with request.app.state.services.database.write() as session:
        state = give_signature(session, pending_id=signature_id, signature=signature, by=by, now=clock.now())
    return {"state": str(state)}
