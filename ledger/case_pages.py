"""Pages of disputes and royalty statements: to read; acts are commands and API."""

from collections.abc import Iterable
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import Actor, party_names
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import get_assets
from asset_hub.catalogue.types import AssetView
from asset_hub.core import clock
from asset_hub.core.db import ReadSession
from asset_hub.core.money import Money
from asset_hub.core.text import N_
from asset_hub.web.shell import language_of, render
from ledger import case_views, statement_views
from ledger.house_keys import keepers_of
from ledger.pages import STATE_WORDS, word_of

router = APIRouter(include_in_schema=False)


@router.get("/disputes")
def disputes_page(request: Request, by: CurrentActor, after: UUID | None = None) -> Response:
    """The disputes that are the reader's business."""
    with request.app.state.services.database.read() as session:
        page = case_views.list_cases(session, after=after, by=by)
        names = _names(session, request, {side for one in page.cases for side in (one.claimant_id, one.respondent_id)})
    following = {one.id: case_views.next_steps(one, now=clock.now())[:1] for one in page.cases}
    return render(
        request, "ledger/cases.html", title=N_("Disputes"), cases=page.cases, after=page.after, names=names,
        following=following, acts=case_views.NEXT_NAMES, sides=case_views.SIDE_NAMES,
    )  # fmt: skip


@router.get("/disputes/{case_id}")
def dispute_page(request: Request, by: CurrentActor, case_id: UUID) -> Response:
    """A dispute: where it stands, who may act next until when, what was said."""
    with request.app.state.services.database.read() as session:
        case = case_views.get_case(session, case_id=case_id, by=by)
        steps = case_views.steps_of(session, case=case)
        names = _names(session, request, {case.claimant_id, case.respondent_id, *(s.organisation_id for s in steps)})
        keepers = keepers_of(session, organisation_ids=[case.claimant_id, case.respondent_id])
        asset = _asset(session, case.asset_id, by)
    return render(
        request, "ledger/case.html", title=N_("Dispute"), case=case, steps=steps, names=names, asset=asset,
        unsigned_by="、".join(names.get(one, "–") for one in case.unsigned_by), keepers=keepers,
        following=case_views.next_steps(case, now=clock.now()),
        acts=case_views.NEXT_NAMES, done=case_views.ACT_NAMES, sides=case_views.SIDE_NAMES, word_of=word_of,
        offer=case_views.standing_offer(steps) if case.state.name not in ("CLOSED", "NONE") else None,
    )  # fmt: skip


@router.get("/statements")
def statements_page(request: Request, by: CurrentActor, after: UUID | None = None) -> Response:
    """The royalty statements that are the reader's business."""
    with request.app.state.services.database.read() as session:
        page = statement_views.list_statements(session, after=after, by=by)
        names = _names(session, request, {one.licensor_id for one in page.statements})
    return render(
        request, "ledger/statements.html", title=N_("Royalty statements"), statements=page.statements,
        after=page.after, names=names,
    )  # fmt: skip


@router.get("/statements/{statement_id}")
def statement_page(request: Request, by: CurrentActor, statement_id: UUID) -> Response:
    """A statement: the lines that the reader may see, its revisions and objections, and the proof to take along."""
    with request.app.state.services.database.read() as session:
        statement = statement_views.get_statement(session, statement_id=statement_id, by=by)
        revisions = statement_views.revisions_of(session, statement=statement)
        lines = statement_views.shown_lines(session, statement=statement, by=by)
        objections = statement_views.objections_of(session, statement=statement, by=by)
        houses = {*(one.payee_id for one in lines), *(one.organisation_id for one in objections)}
        names = _names(session, request, {statement.licensor_id, *houses})
        keeper = keepers_of(session, organisation_ids=[statement.licensor_id]).get(statement.licensor_id)
    return render(
        request, "ledger/statement.html", title=N_("Royalty statement"), statement=statement, revisions=revisions,
        lines=[(one, Money(one.fen)) for one in lines], total=Money(revisions[0].total_fen), objections=objections,
        names=names, entry_states=STATE_WORDS, house=by.organisation_id, keeper=keeper,
        has_own=any(one.payee_id == by.organisation_id for one in lines),
    )  # fmt: skip


def _names(session: ReadSession, request: Request, ids: Iterable[UUID]) -> dict[UUID, str]:
    return party_names(session, organisation_ids=set(ids), language=language_of(request))


def _asset(session: ReadSession, asset_id: UUID, by: Actor) -> AssetView | None:
    """Return the work of a dispute, None where this reader may not know of it now."""
    found = get_assets(session, asset_ids=[asset_id], by=by, now=clock.now())
    return found[0] if found else None
