"""The capture record says by what process a file was received, which need not be the one that closed the intake."""

import json
from pathlib import Path

from asset_hub.accounts import Role, require_organisation
from asset_hub.app import open_home
from asset_hub.catalogue import Secrecy
from asset_hub.core import clock
from asset_hub.core.files import put_bytes, read_blob
from asset_hub.core.settings import Settings
from ingest.accessions import offer_file, open_accession, seal_accession
from ingest.captures import UNKNOWN, read_lines, receiving_process, reception_of
from ingest.folder import receive_folder
from ingest.models import AccessionRow
from ingest.types import Door
from tests.builders import make_actor
from tests.media_files import make_picture


def test_each_file_s_record_names_the_process_that_received_it(tmp_path: Path) -> None:
    """One file by the folder door of this process, one that another machine had received, one from before."""
    media = tmp_path / "media"
    media.mkdir()
    make_picture(media / "here.jpg")
    services = open_home(Settings(home=tmp_path / "home"))
    elsewhere = receiving_process() | {"device": {"name": "scanner-2"}}
    with services.database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST})
        accession_id = open_accession(
            session, owner_id=require_organisation(archivist), door=Door.FOLDER, secrecy=Secrecy.OPEN, publish=False,
            by=archivist, now=clock.now(),
        )  # fmt: skip
    receive_folder(services.database, services.files, media, accession_id=accession_id, sheet=None, now=clock.now())
    blobs = [
        put_bytes(services.files, make_picture(tmp_path / f"{shade}.jpg", shade=shade).read_bytes())
        for shade in (90, 150)
    ]
    with services.database.write() as session:
        for key, blob, received in ((b"there.jpg", blobs[0], elsewhere), (b"before.jpg", blobs[1], None)):
            offer_file(session, accession_id=accession_id, key=key, blob=blob, received=received)
        seal_accession(session, accession_id=accession_id, files=services.files, now=clock.now())
    services.run_jobs(threads=1)

    with services.database.read() as session:
        kept = session.get_one(AccessionRow, accession_id).captures_sha256
    assert kept is not None
    shared, *lines = map(json.loads, read_lines(read_blob(services.files, kept)))
    received = {line["name"]: reception_of(shared, line) for line in lines}
    assert received["here.jpg"]["device"] == receiving_process()["device"]
    assert received["here.jpg"]["tools"] == receiving_process()["tools"]
    assert received["there.jpg"] == elsewhere
    assert received["before.jpg"] == dict.fromkeys(("device", "clock", "tools"), UNKNOWN)
    assert set(shared["closed_on"]) == {"device", "clock"}


def test_an_earlier_record_says_what_closed_the_intake() -> None:
    shared = {"device": {"name": "server"}, "clock": {}, "tools": {}}

    assert reception_of(shared, {"sha256": "00"}) == shared
