"""Opens the web application of a home as one person, without a browser and without workers."""

from starlette.testclient import TestClient

from asset_hub.accounts import Actor, open_session
from asset_hub.accounts.deps import SESSION_COOKIE
from asset_hub.app import Services, create_app
from asset_hub.core import clock


def client_for(
    services: Services, actor: Actor | None = None, *, language: str = "en", address: str = "192.0.2.1"
) -> TestClient:
    """Return a client that is signed in as this person, or as nobody; it does not follow redirects."""
    client = TestClient(
        create_app(services, with_worker=False), follow_redirects=False, raise_server_exceptions=True,
        client=(address, 50_000),
    )  # fmt: skip
    client.headers["accept-language"] = language
    if actor is not None and actor.person_id is not None:
        with services.database.write() as session:
            client.cookies[SESSION_COOKIE] = open_session(session, person_id=actor.person_id, now=clock.now())
    return client
