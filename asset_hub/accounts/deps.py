"""Who asks: the person of a browser session or of an API token, ANONYMOUS otherwise."""

from typing import Annotated

from fastapi import Depends, Request

from asset_hub.accounts.people import actor_of_secret
from asset_hub.accounts.roles import ANONYMOUS, Actor
from asset_hub.core import clock

SESSION_COOKIE = "session"


def current_actor(request: Request) -> Actor:
    """Return who is signed in, or the bearer of a token; looked up once per request."""
    known: Actor | None = getattr(request.state, "actor", None)
    if known is not None:
        return known
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    secret = token if scheme.lower() == "bearer" else request.cookies.get(SESSION_COOKIE, "")
    found = ANONYMOUS
    if secret:
        with request.app.state.services.database.read() as session:
            found = actor_of_secret(session, secret=secret, now=clock.now())
    request.state.actor = found
    return found


CurrentActor = Annotated[Actor, Depends(current_actor)]
