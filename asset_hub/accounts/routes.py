"""JSON: who asks, members and their admission."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from asset_hub.accounts.deps import CurrentActor
from asset_hub.accounts.parties import Party, PartyKind, apply_for_admission, check_application, list_parties
from asset_hub.accounts.roles import require_person
from asset_hub.core import clock

router = APIRouter(prefix="/api/v1", tags=["accounts"])


class NewApplication(BaseModel):
    """An application; `papers` are names and SHA-256 digests of scans, by kind (see PAPERS)."""

    model_config = ConfigDict(extra="forbid")

    kind: PartyKind
    name_zh: str
    name_en: str = ""
    credit_code: str | None = None
    papers: dict[str, str]


class NewCheck(BaseModel):
    """A checker's agreement."""

    model_config = ConfigDict(extra="forbid")

    note: str = ""


@router.get("/me")
def me(by: CurrentActor) -> dict[str, Any]:
    """Who asks, for which house, with which roles."""
    person_id = require_person(by)
    return {
        "person": str(person_id), "name": by.name, "organisation": str(by.organisation_id), "roles": sorted(by.roles),
        "scopes": sorted(by.scopes) if by.scopes is not None else None,
    }  # fmt: skip


@router.get("/members")
def list_them(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Every party, newest first."""
    with request.app.state.services.database.read() as session:
        return {"members": [_facts(party) for party in list_parties(session, by=by)]}


@router.post("/members", status_code=201)
def apply(request: Request, by: CurrentActor, application: NewApplication) -> dict[str, str]:
    """Apply for membership."""
    with request.app.state.services.database.write() as session:
        party_id = apply_for_admission(
            session, kind=application.kind, name_zh=application.name_zh, name_en=application.name_en,
            credit_code=application.credit_code, papers=application.papers, by=by, now=clock.now(),
        )  # fmt: skip
    return {"id": str(party_id)}


@router.post("/members/{party_id}/checks")
def check(request: Request, by: CurrentActor, party_id: UUID, given: NewCheck) -> dict[str, str]:
    """Agree to an application; the second checker's agreement admits."""
    with request.app.state.services.database.write() as session:
        state = check_application(session, organisation_id=party_id, note=given.note[:500], by=by, now=clock.now())
    return {"id": str(party_id), "state": str(state)}


def _facts(party: Party) -> dict[str, Any]:
    return {
        "id": str(party.id), "kind": str(party.kind), "state": str(party.state), "name_zh": party.name_zh,
        "name_en": party.name_en, "credit_code": party.credit_code, "checks": party.checks,
    }  # fmt: skip
