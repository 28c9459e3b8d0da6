"""Holds (预留) to read: those a house has or has given, as a page and as JSON."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.accounts import party_names, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.text import N_
from asset_hub.web.shell import language_of, render
from ledger.entries import list_holds_of
from ledger.pages import STATE_WORDS
from marketplace.pages import shown_titles

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["marketplace"])


@router.get("/holds")
def holds_page(request: Request, by: CurrentActor) -> Response:
    """The holds of the reader's house, as buyer or seller, newest first."""
    house, language = require_organisation(by), language_of(request)
    with request.app.state.services.database.read() as session:
        holds = list_holds_of(session, organisation_id=house, now=clock.now())
        houses = {side for one in holds for side in (one.licensor_id, one.licensee_id)}
        names = party_names(session, organisation_ids=houses, language=language)
        titles = shown_titles(session, [one.asset_id for one in holds], by, language)
    return render(
        request, "marketplace/holds.html", title=N_("Holds"), holds=holds, names=names, titles=titles,
        entry_states=STATE_WORDS,
    )  # fmt: skip


@api.get("/holds")
def holds(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Return the holds of the caller's house, as buyer or seller, newest first."""
    house = require_organisation(by)
    with request.app.state.services.database.read() as session:
        found = list_holds_of(session, organisation_id=house, now=clock.now())
    return {
        "holds": [
            {
                "number": one.number, "asset": str(one.asset_id), "licensor": str(one.licensor_id),
                "licensee": str(one.licensee_id), "state": str(one.state), "is_live": one.is_live,
                "lapses_at": one.lapses_at.isoformat(),
            }
            for one in found
        ]
    }  # fmt: skip
