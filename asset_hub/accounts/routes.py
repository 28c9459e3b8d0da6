"""JSON: who asks, members and their admission."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from asset_hub.accounts import permissions
from asset_hub.accounts.applications import is_scan
from asset_hub.accounts.deps import CurrentActor
from asset_hub.accounts.parties import (
    MAX_NAME,
    PAPERS,
    Party,
    PartyKind,
    PartyState,
    apply_for_admission,
    check_application,
    list_parties,
)
from asset_hub.accounts.roles import Role, require, require_person
from asset_hub.accounts.scans import MAX_SCAN_BYTES, store_scan_bytes
from asset_hub.core import clock
from asset_hub.core.files import FileStore

_MAX_BODY = 120 << 20
router = APIRouter(prefix="/api/v1", tags=["accounts"])
_BASE64_BYTES = MAX_SCAN_BYTES * 4 // 3 + 8


class Me(BaseModel):
    """Who asks; `scopes` are the acts a token is narrowed to, null for a browser session."""

    person: UUID
    name: str
    organisation: UUID | None
    roles: list[Role]
    scopes: list[str] | None


class MemberFacts(BaseModel):
    """A party as its checkers see it in a list; two checks admit."""

    id: UUID
    kind: PartyKind
    state: PartyState
    name_zh: str
    name_en: str
    credit_code: str | None
    checks: int


class MemberList(BaseModel):
    """Every party, newest first."""

    members: list[MemberFacts]


class NewApplication(BaseModel):
    """An application. `papers` are words and `scans` files in Base64 (PDF, JPEG or PNG), both by their name."""

    model_config = ConfigDict(extra="forbid")

    kind: PartyKind
    name_zh: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    name_en: Annotated[str, Field(max_length=MAX_NAME)] = ""
    credit_code: str | None = None
    papers: dict[str, Annotated[str, Field(max_length=500)]] = {}
    scans: dict[str, Annotated[Base64Bytes, Field(max_length=_BASE64_BYTES)]] = {}


class NewCheck(BaseModel):
    """A checker's agreement."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(max_length=500)] = ""


class Outcome(BaseModel):
    """An application and its state."""

    id: UUID
    state: PartyState


@router.get("/me")
def me(by: CurrentActor) -> Me:
    """Who asks, for which house, with which roles."""
    return Me(
        person=require_person(by), name=by.name, organisation=by.organisation_id, roles=sorted(by.roles),
        scopes=None if by.scopes is None else sorted(by.scopes),
    )  # fmt: skip


@router.get("/members")
def list_them(request: Request, by: CurrentActor) -> MemberList:
    """Every party, newest first."""
    with request.app.state.services.database.read() as session:
        return MemberList(members=[_facts(party) for party in list_parties(session, by=by)])


@router.post("/members", status_code=201, max_body_size=_MAX_BODY)
def apply(request: Request, by: CurrentActor, application: NewApplication) -> Outcome:
    """Apply for membership; which papers a kind needs is in its refusal."""
    require(by, permissions.APPLY)
    services = request.app.state.services
    papers = _papers_of(services.files, application)
    with services.database.write() as session:
        party_id = apply_for_admission(
            session, kind=application.kind, name_zh=application.name_zh, name_en=application.name_en,
            credit_code=application.credit_code, papers=papers, by=by, now=clock.now(),
        )  # fmt: skip
    return Outcome(id=party_id, state=PartyState.APPLIED)


@router.post("/members/{party_id}/checks")
def check(request: Request, by: CurrentActor, party_id: UUID, given: NewCheck) -> Outcome:
    """Agree to an application; the second checker's agreement admits."""
    with request.app.state.services.database.write() as session:
        state = check_application(session, organisation_id=party_id, note=given.note, by=by, now=clock.now())
    return Outcome(id=party_id, state=state)


def _papers_of(files: FileStore, application: NewApplication) -> dict[str, str]:
    """Return the papers with every scan stored; a digest alone is no paper."""
    papers = {name: text.strip() for name, text in application.papers.items() if not is_scan(name)}
    for name in PAPERS[application.kind]:
        if is_scan(name) and name in application.scans:
            papers[name] = store_scan_bytes(files, application.scans[name])
    return papers


def _facts(party: Party) -> MemberFacts:
    return MemberFacts(
        id=party.id, kind=party.kind, state=party.state, name_zh=party.name_zh, name_en=party.name_en,
        credit_code=party.credit_code, checks=party.checks,
    )  # fmt: skip
