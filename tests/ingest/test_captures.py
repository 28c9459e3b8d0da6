"""The capture record says by what process a file was received, which need not be the one that closed the intake."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from asset_hub.accounts import Actor, Role, require_organisation
from asset_hub.app import Services, open_home
from asset_hub.catalogue import Secrecy
from asset_hub.core import clock
from asset_hub.core.files import put_bytes, read_blob
from asset_hub.core.settings import Settings
from ingest.accessions import offer_file, open_accession, seal_accession
from ingest.captures import UNKNOWN, read_lines, receiving_process, reception_of
from ingest.folder import receive_folder
from ingest.models import AccessionRow
from ingest.types import Door
from ledger.papers import spell
from tests.builders import make_actor
from tests.media_files import make_picture
from tests.web.pages import client_for

ELSEWHERE = receiving_process() | {"device": {"name": "scanner-2"}}


@dataclass(frozen=True, slots=True)
class Intake:
    """A closed intake: its home, whose it is, its shared line and the line of each file by its name."""

    services: Services
    archivist: Actor
    accession_id: UUID
    shared: dict[str, Any]
    lines: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Intake:
    """One file by the folder door of this process, one that another machine had received, one from before."""
    folder = tmp_path_factory.mktemp("captures")
    media = folder / "media"
    media.mkdir()
    make_picture(media / "here.jpg")
    services = open_home(Settings(home=folder / "home"))
    with services.database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        accession_id = open_accession(
            session, owner_id=require_organisation(archivist), door=Door.FOLDER, secrecy=Secrecy.OPEN, publish=False,
            by=archivist, now=clock.now(),
        )  # fmt: skip
    receive_folder(services.database, services.files, media, accession_id=accession_id, sheet=None, now=clock.now())
    blobs = [
        put_bytes(services.files, make_picture(folder / f"{shade}.jpg", shade=shade).read_bytes())
        for shade in (90, 150)
    ]
    with services.database.write() as session:
        for key, blob, received in ((b"there.jpg", blobs[0], ELSEWHERE), (b"before.jpg", blobs[1], None)):
            offer_file(session, accession_id=accession_id, key=key, blob=blob, received=received)
        seal_accession(session, accession_id=accession_id, files=services.files, now=clock.now())
    services.run_jobs(threads=1)
    with services.database.read() as session:
        kept = session.get_one(AccessionRow, accession_id).captures_sha256
    assert kept is not None
    shared, *lines = map(json.loads, read_lines(read_blob(services.files, kept)))
    return Intake(services, archivist, accession_id, shared, {line["name"]: line for line in lines})


def test_each_file_s_record_names_the_process_that_received_it(intake: Intake) -> None:
    received = {name: reception_of(intake.shared, line) for name, line in intake.lines.items()}

    assert received["here.jpg"]["device"] == receiving_process()["device"]
    assert received["here.jpg"]["tools"] == receiving_process()["tools"]
    assert received["there.jpg"] == ELSEWHERE
    assert received["before.jpg"] == dict.fromkeys(("device", "clock", "tools"), UNKNOWN)
    assert set(intake.shared["closed_on"]) == {"device", "clock"}


def test_an_earlier_record_says_what_closed_the_intake() -> None:
    shared = {"device": {"name": "server"}, "clock": {}, "tools": {}}

    assert reception_of(shared, {"sha256": "00"}) == shared


def page_of(intake: Intake, name: str) -> str:
    page = client_for(intake.services, intake.archivist).get(f"/assets/{intake.lines[name]['number']}/capture")
    return str(page.text) if page.status_code == 200 else str(page.status_code)


def test_the_page_shows_by_what_process_a_file_was_received(intake: Intake) -> None:
    assert "scanner-2" in page_of(intake, "there.jpg")
    assert "pyvips" in page_of(intake, "here.jpg")
    assert page_of(intake, "before.jpg").count(f"<dd>{UNKNOWN}</dd>") == 3


def test_the_page_shows_an_earlier_record_too(intake: Intake) -> None:
    """Its shared line has what its files' lines have now."""
    shared = intake.shared | {"device": {"name": "server-1"}, "clock": {"offset_us": 7}, "tools": {"python": "3"}}
    lines = [{name: value for name, value in line.items() if name != "received"} for line in intake.lines.values()]
    blob = put_bytes(intake.services.files, b"\n".join(map(spell, [shared, *lines])))

    kept = keep(intake, blob.sha256)
    page = page_of(intake, "here.jpg")
    keep(intake, kept)

    assert "server-1" in page


def keep(intake: Intake, captures: str | None) -> str | None:
    """Put another capture record in the place of the intake's own; return which was there."""
    with intake.services.database.write() as session:
        row = session.get_one(AccessionRow, intake.accession_id)
        kept, row.captures_sha256 = row.captures_sha256, captures
    return kept
