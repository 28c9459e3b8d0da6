"""A house that took a folder in and published it, the way the command line does."""

from dataclasses import dataclass
from pathlib import Path

from asset_hub.accounts import Actor, Role, require_organisation
from asset_hub.app import Services, open_home
from asset_hub.catalogue import Secrecy
from asset_hub.core import clock
from asset_hub.core.settings import Settings
from ingest.accessions import open_accession, seal_accession
from ingest.folder import receive_folder
from ingest.types import Door
from tests.builders import make_actor


@dataclass(frozen=True, slots=True)
class House:
    """A home with one archivist whose intake is done."""

    services: Services
    archivist: Actor


def take_in(home: Path, media: Path, *, publish: bool = True) -> House:
    """Take a folder in to the end, every job run."""
    services = open_home(Settings(home=home))
    with services.database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST, Role.RIGHTS_DESK})
        accession_id = open_accession(
            session, owner_id=require_organisation(archivist), door=Door.FOLDER, secrecy=Secrecy.OPEN, publish=publish,
            by=archivist, now=clock.now(),
        )  # fmt: skip
    receive_folder(
        services.database, services.files, media, accession_id=accession_id, sheet=None, now=clock.now()
    )  # fmt: skip
    with services.database.write() as session:
        seal_accession(session, accession_id=accession_id, files=services.files, now=clock.now())
    services.run_jobs(threads=2)
    return House(services, archivist)
