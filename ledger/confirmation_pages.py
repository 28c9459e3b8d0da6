"""What waits for a second person (复核), as a page and as JSON: read it, then confirm or refuse it."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import Actor, party_names, require
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from ledger import confirmations, permissions
from ledger.confirmations import Confirmation, list_confirmations

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["ledger"])


@router.get("/confirmations")
def confirmations_page(request: Request, by: CurrentActor) -> Response:
    """What waits for the reader as the second person, and what the reader agreed to that waits for another."""
    _require_reader(by)
    with request.app.state.services.database.read() as session:
        waiting = list_confirmations(session, by=by, now=clock.now())
        houses = {one.organisation_id for one in waiting}
        names = party_names(session, organisation_ids=houses, language=language_of(request))
    return render(request, "ledger/confirmations.html", title=N_("Second person"), waiting=waiting, names=names)


@router.post("/confirmations/{confirmation_id}/confirm")
def confirm_here(request: Request, by: CurrentActor, confirmation_id: UUID) -> Response:
    """Confirm as the second person."""
    with request.app.state.services.database.write() as session:
        goes_on = confirmations.confirm(session, confirmation_id=confirmation_id, by=by, now=clock.now())
    said = N_("Confirmed; it goes on.") if goes_on else N_("Confirmed; others must still sign or confirm.")
    return redirect("/confirmations", said=Text(said))


@router.post("/confirmations/{confirmation_id}/refuse")
def refuse_here(request: Request, by: CurrentActor, confirmation_id: UUID) -> Response:
    """Refuse it; the act ends."""
    with request.app.state.services.database.write() as session:
        confirmations.refuse(session, confirmation_id=confirmation_id, by=by, now=clock.now())
    return redirect("/confirmations", said=Text(N_("Refused; the act has ended.")))


@api.get("/confirmations")
def list_them(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Return what waits for a second person of one's house, or of any house for the operator; oldest first."""
    _require_reader(by)
    with request.app.state.services.database.read() as session:
        return {"confirmations": [facts_of(one) for one in list_confirmations(session, by=by, now=clock.now())]}


@api.post("/confirmations/{confirmation_id}/confirmation")
def confirm(request: Request, by: CurrentActor, confirmation_id: UUID) -> dict[str, bool]:
    """Confirm as the second person; with the last word the act goes on (`goes_on`)."""
    with request.app.state.services.database.write() as session:
        return {
            "goes_on": confirmations.confirm(session, confirmation_id=confirmation_id, by=by, now=clock.now())
        }  # fmt: skip


@api.post("/confirmations/{confirmation_id}/refusal", status_code=204)
def refuse(request: Request, by: CurrentActor, confirmation_id: UUID) -> None:
    """Refuse it, as the second person or as who agreed; the act ends."""
    with request.app.state.services.database.write() as session:
        confirmations.refuse(session, confirmation_id=confirmation_id, by=by, now=clock.now())


def facts_of(one: Confirmation) -> dict[str, Any]:
    """Return what waits for a second person as plain JSON."""
    return {
        "id": str(one.id), "organisation": str(one.organisation_id), "text": {"zh": one.said.zh, "en": one.said.en},
        "deadline": one.deadline.isoformat(), "agreed_by": one.asked_by, "agreed_by_me": one.is_mine,
    }  # fmt: skip


def _require_reader(by: Actor) -> None:
    """Raises NotSignedIn, Forbidden for whoever is nobody's second person."""
    if by.roles & permissions.DECREE.roles:
        require(by, permissions.DECREE)
    elif by.roles & permissions.CONFIRM.roles:
        require(by, permissions.CONFIRM)
    else:
        require(by, permissions.DEED, organisation_id=by.organisation_id)
