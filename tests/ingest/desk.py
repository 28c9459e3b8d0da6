"""What tests of the intake desk share: a home with one archivist, an open intake, uploads as a browser sends them."""

import base64
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from starlette.testclient import TestClient

from asset_hub.accounts import Actor, Role
from asset_hub.app import Services, open_home
from asset_hub.core.settings import Settings
from tests.builders import make_actor
from tests.web.pages import client_for

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}


@dataclass(frozen=True, slots=True)
class Desk:
    """A home, its archivist, and that archivist's browser."""

    services: Services
    archivist: Actor
    client: TestClient


def open_desk(tmp_path: Path, *, language: str = "en") -> Desk:
    """Make a home with one archivist who is signed in."""
    services = open_home(Settings(home=tmp_path / "home"))
    with services.database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
    return Desk(services, archivist, client_for(services, archivist, language=language))


def open_intake(client: TestClient, secrecy: str = "公开", **form: str) -> UUID:
    """Open an intake through the form and return its id."""
    answer = client.post("/intake/new", data={"secrecy": secrecy, **form})
    assert answer.status_code == 303, answer.text
    return UUID(answer.headers["location"].rsplit("/", 1)[1])


def metadata(accession: UUID | str, path: bytes) -> str:
    """Return Upload-Metadata as a client writes it."""
    pairs = {"accession": str(accession).encode(), "path": path}
    return ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in pairs.items())


def begin_upload(client: TestClient, accession: UUID, path: bytes, length: int) -> str:
    """Announce a file and return the address of its upload."""
    headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": metadata(accession, path)}
    answer = client.post("/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def send(client: TestClient, url: str, content: bytes, offset: int = 0) -> int:
    """Send bytes and return the status."""
    answer = client.patch(url, headers={**BYTES, "Upload-Offset": str(offset)}, content=content)
    return int(answer.status_code)


def upload(client: TestClient, accession: UUID, path: bytes, content: bytes) -> None:
    """Upload a whole file."""
    url = begin_upload(client, accession, path, len(content))
    if content:
        assert send(client, url, content) == 204
