"""The page of notices."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import require_own_hand
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.text import N_
from asset_hub.messages.notices import list_notices, mark_read
from asset_hub.web.shell import redirect, render

router = APIRouter(include_in_schema=False)


@router.get("/notices")
def notices(request: Request, by: CurrentActor) -> Response:
    """What happened while one was away, newest first."""
    with request.app.state.services.database.read() as session:
        found = list_notices(session, person_id=require_own_hand(by))
    return render(request, "messages/notices.html", title=N_("Notices"), notices=found)


@router.post("/notices")
def read_all(request: Request, by: CurrentActor) -> Response:
    """Mark all as read."""
    with request.app.state.services.database.write() as session:
        mark_read(session, person_id=require_own_hand(by), now=clock.now())
    return redirect("/notices")
