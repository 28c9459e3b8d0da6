"""JSON: disputes and royalty statements, read and acted on."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from asset_hub.accounts import require, require_person
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import find_asset
from asset_hub.core import clock
from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_
from ledger import case_views, permissions, statement_views
from ledger.case_errors import BadCase, StatementNotFound
from ledger.case_steps import Exhibit
from ledger.cases import (
    USUAL_DAYS,
    accept_settlement,
    answer_case,
    appeal_case,
    close_case,
    decide_case,
    freeze_case,
    lift_case,
    offer_settlement,
    open_case,
    open_licence_case,
    withdraw_case,
)
from ledger.house_keys import facts_of_keepers
from ledger.royalties import NewLine, object_to_statement, publish_statement, revise_statement

router = APIRouter(prefix="/api/v1", tags=["ledger"])
_SHA256 = r"^[0-9a-f]{64}$"


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewExhibit(_Closed):
    """Something shown, by the SHA-256 of its bytes."""

    name: str = Field(max_length=200)
    sha256: str = Field(pattern=_SHA256)


class Saying(_Closed):
    """What is said in a step; the ledger gets a salted digest of it."""

    text: str = Field(max_length=20_000)


class Showing(Saying):
    """The same with exhibits."""

    exhibits: list[NewExhibit] = Field(default=[], max_length=50)

    def shown(self) -> list[Exhibit]:
        """Return the exhibits as the domain takes them."""
        return [Exhibit(one.name, one.sha256) for one in self.exhibits]


class NewCase(Showing):
    """A dispute about a work (its number or id) or a licence (its number); `against` is the other house's id."""

    title: str = Field(max_length=200)
    asset: str = Field(default="", max_length=60)
    licence: int = Field(default=0, ge=0, lt=1 << 63)
    against: UUID | None = None
    answer_days: int = USUAL_DAYS


class Decision(Saying):
    """A decision; the days are for the appeal."""

    appeal_days: int = USUAL_DAYS


class Acceptance(_Closed):
    """The number of the other side's offer."""

    offer: int = Field(ge=1, lt=1 << 31)


class NewStatementLine(_Closed):
    """What a payee gets, in fen."""

    payee: UUID
    label: str = Field(max_length=200)
    fen: int = Field(ge=0, le=10**15)


class NewRevision(_Closed):
    """The lines of a statement and why they replace the earlier ones."""

    reason: str = Field(max_length=20_000)
    lines: list[NewStatementLine] = Field(min_length=1, max_length=10_000)


class NewStatement(_Closed):
    """A licensor's statement of a month, YYYY-MM."""

    licensor: UUID
    period: str = Field(max_length=7)
    lines: list[NewStatementLine] = Field(min_length=1, max_length=10_000)


class NewObjection(Saying):
    """An objection to the revision that stands."""

    revision: int = Field(ge=1, lt=1 << 31)


After = Annotated[UUID | None, Query(description="Where the page begins.")]


@router.get("/disputes")
def disputes(request: Request, by: CurrentActor, after: After = None) -> dict[str, Any]:
    """Return the disputes that are the caller's business, newest first."""
    with request.app.state.services.database.read() as session:
        page = case_views.list_cases(session, after=after, by=by)
    return {
        "disputes": [case_views.facts_of(one) for one in page.cases], "after": str(page.after) if page.after else None,
    }  # fmt: skip


@router.post("/disputes", status_code=201)
def new_dispute(request: Request, by: CurrentActor, asked: NewCase) -> dict[str, Any]:
    """Bring a dispute for the caller's house."""
    require(by, permissions.BRING_CASE, organisation_id=by.organisation_id)
    services, now = request.app.state.services, clock.now()
    if bool(asked.asset) == bool(asked.licence):
        raise BadCase(N_("Name either a work or a licence."))
    said: dict[str, Any] = {
        "title": asked.title, "text": asked.text, "exhibits": asked.shown(), "answer_days": asked.answer_days,
        "by": by, "now": now,
    }  # fmt: skip
    with services.database.write() as session:
        if asked.licence:
            case_id = open_licence_case(session, services.keys, number=asked.licence, **said)
        else:
            asset_id = find_asset(session, text=asked.asset)
            case_id = open_case(session, services.keys, asset_id=asset_id, respondent_id=asked.against, **said)
        return _case(session, case_id, by)


@router.get("/disputes/{case_id}")
def dispute(request: Request, by: CurrentActor, case_id: UUID) -> dict[str, Any]:
    """Return a dispute with its steps, and who may act next until when."""
    with request.app.state.services.database.read() as session:
        return _case(session, case_id, by)


@router.post("/disputes/{case_id}/answer")
def answer(request: Request, by: CurrentActor, case_id: UUID, said: Showing) -> dict[str, Any]:
    """Answer as the respondent."""
    return _step(request, answer_case, case_id, by, text=said.text, exhibits=said.shown())


@router.post("/disputes/{case_id}/freeze")
def freeze(request: Request, by: CurrentActor, case_id: UUID, said: Saying) -> dict[str, Any]:
    """Order as the authority that the work is not traded while the dispute lasts."""
    return _step(request, freeze_case, case_id, by, text=said.text)


@router.post("/disputes/{case_id}/lift")
def lift(request: Request, by: CurrentActor, case_id: UUID, said: Saying) -> dict[str, Any]:
    """Lift the interim order."""
    return _step(request, lift_case, case_id, by, text=said.text)


@router.post("/disputes/{case_id}/decide")
def decide(request: Request, by: CurrentActor, case_id: UUID, said: Decision) -> dict[str, Any]:
    """Decide as the authority."""
    return _step(request, decide_case, case_id, by, text=said.text, appeal_days=said.appeal_days)


@router.post("/disputes/{case_id}/appeal")
def appeal(request: Request, by: CurrentActor, case_id: UUID, said: Showing) -> dict[str, Any]:
    """Appeal as one of the two sides."""
    return _step(request, appeal_case, case_id, by, text=said.text, exhibits=said.shown())


@router.post("/disputes/{case_id}/offers")
def offer(request: Request, by: CurrentActor, case_id: UUID, said: Saying) -> dict[str, Any]:
    """Offer a settlement to the other side."""
    return _step(request, offer_settlement, case_id, by, text=said.text)


@router.post("/disputes/{case_id}/settle")
def settle(request: Request, by: CurrentActor, case_id: UUID, accepted: Acceptance) -> dict[str, Any]:
    """Accept the other side's newest offer; the dispute is closed."""
    return _step(request, accept_settlement, case_id, by, offer=accepted.offer)


@router.post("/disputes/{case_id}/withdraw")
def withdraw(request: Request, by: CurrentActor, case_id: UUID, said: Saying) -> dict[str, Any]:
    """Give up as the claimant."""
    return _step(request, withdraw_case, case_id, by, text=said.text)


@router.post("/disputes/{case_id}/close")
def close(request: Request, by: CurrentActor, case_id: UUID, said: Saying) -> dict[str, Any]:
    """Close a dispute whose decision stands."""
    return _step(request, close_case, case_id, by, text=said.text)


@router.get("/statements")
def statements(request: Request, by: CurrentActor, after: After = None) -> dict[str, Any]:
    """Return the statements that are the caller's business, newest first."""
    with request.app.state.services.database.read() as session:
        page = statement_views.list_statements(session, after=after, by=by)
    return {
        "statements": [statement_views.facts_of(one) for one in page.statements],
        "after": str(page.after) if page.after else None,
    }


@router.post("/statements", status_code=201)
def new_statement(request: Request, by: CurrentActor, made: NewStatement) -> dict[str, Any]:
    """Publish a licensor's statement for a month."""
    services = request.app.state.services
    with services.database.write() as session:
        statement_id = publish_statement(
            session, services.keys, licensor_id=made.licensor, period=made.period, lines=_lines(made.lines), by=by,
            now=clock.now(),
        )  # fmt: skip
        return _statement(session, statement_id, by)


@router.get("/statements/{statement_id}")
def statement(request: Request, by: CurrentActor, statement_id: UUID) -> dict[str, Any]:
    """Return a statement with the lines that the caller may see."""
    with request.app.state.services.database.read() as session:
        return _statement(session, statement_id, by)


@router.get("/statements/{statement_id}/proof")
def proof(request: Request, by: CurrentActor, statement_id: UUID, payee: UUID | None = None) -> Response:
    """Return the proof of a payee's lines, of the caller's house if none is named; verify it offline."""
    require_person(by)
    whose, services = payee or by.organisation_id, request.app.state.services
    if whose is None:
        raise StatementNotFound
    with services.database.read() as session:
        content = statement_views.proof_for(
            session, services.keys, statement_id=statement_id, payee_id=whose, by=by
        )  # fmt: skip
        found = statement_views.get_statement(session, statement_id=statement_id, by=by)
    name = statement_views.proof_name(found, whose)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return Response(content, media_type="application/json", headers=headers)


@router.post("/statements/{statement_id}/revisions", status_code=201)
def new_revision(request: Request, by: CurrentActor, statement_id: UUID, made: NewRevision) -> dict[str, Any]:
    """Replace a statement's lines for a reason."""
    services = request.app.state.services
    with services.database.write() as session:
        revise_statement(
            session, services.keys, statement_id=statement_id, lines=_lines(made.lines), reason=made.reason, by=by,
            now=clock.now(),
        )  # fmt: skip
        return _statement(session, statement_id, by)


@router.post("/statements/{statement_id}/objections", status_code=201)
def new_objection(request: Request, by: CurrentActor, statement_id: UUID, made: NewObjection) -> dict[str, Any]:
    """Object as the licensor or a payee."""
    services = request.app.state.services
    with services.database.write() as session:
        object_to_statement(
            session, services.keys, statement_id=statement_id, revision=made.revision, text=made.text, by=by,
            now=clock.now(),
        )  # fmt: skip
        return _statement(session, statement_id, by)


def _step(request: Request, act: Any, case_id: UUID, by: CurrentActor, **said: Any) -> dict[str, Any]:
    services = request.app.state.services
    with services.database.write() as session:
        act(session, services.keys, case_id=case_id, by=by, now=clock.now(), **said)
        return _case(session, case_id, by)


def _case(session: ReadSession, case_id: UUID, by: CurrentActor) -> dict[str, Any]:
    found = case_views.get_case(session, case_id=case_id, by=by)
    steps = case_views.steps_of(session, case=found)
    return case_views.facts_of(found) | {
        "custody": facts_of_keepers(session, [found.claimant_id, found.respondent_id]),
        "steps": [case_views.facts_of_step(step) for step in steps],
        "next": [case_views.facts_of_next(step) for step in case_views.next_steps(found, now=clock.now())],
    }  # fmt: skip


def _statement(session: ReadSession, statement_id: UUID, by: CurrentActor) -> dict[str, Any]:
    found = statement_views.get_statement(session, statement_id=statement_id, by=by)
    revisions = statement_views.revisions_of(session, statement=found)
    lines = statement_views.shown_lines(session, statement=found, by=by)
    objections = statement_views.objections_of(session, statement=found, by=by)
    return statement_views.facts_of(found) | {
        "custody": facts_of_keepers(session, [found.licensor_id]),
        "revisions": [statement_views.facts_of_revision(one) for one in revisions],
        "lines": [statement_views.facts_of_line(one) for one in lines],
        "objections": [statement_views.facts_of_objection(one) for one in objections],
    }  # fmt: skip


def _lines(lines: list[NewStatementLine]) -> list[NewLine]:
    return [(one.payee, one.label, one.fen) for one in lines]
