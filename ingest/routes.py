"""Intake for programs: open, list, look at, finish an accession; the upload endpoint is beside it."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from asset_hub.accounts import require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import parse_secrecy
from asset_hub.core import clock
from ingest import tus
from ingest.accessions import get_accession, list_accessions, receipt_of
from ingest.desk import finish_accession
from ingest.opening import open_upload_accession
from ingest.types import AccessionView

router = APIRouter()
router.include_router(tus.router)


class NewAccession(BaseModel):
    """What opens an intake; 秘密 and above is refused here, before any byte."""

    model_config = ConfigDict(extra="forbid")

    secrecy: str
    collection_id: UUID | None = None
    publish: bool = False


class Finish(BaseModel):
    """How an intake is finished while uploads are incomplete."""

    model_config = ConfigDict(extra="forbid")

    without_unfinished: bool = False


@router.post("/api/v1/accessions", status_code=201)
def accession_opened(request: Request, by: CurrentActor, new: NewAccession) -> dict[str, Any]:
    """Open an intake of the caller's house."""
    secrecy = parse_secrecy(new.secrecy)
    with request.app.state.services.database.write() as session:
        accession_id = open_upload_accession(
            session, owner_id=require_organisation(by), secrecy=secrecy, collection_id=new.collection_id,
            publish=new.publish, by=by, now=clock.now(),
        )  # fmt: skip
        return _facts(get_accession(session, accession_id=accession_id, by=by))


@router.get("/api/v1/accessions")
def accessions_listed(request: Request, by: CurrentActor, limit: int = 50) -> dict[str, Any]:
    """The newest intakes of the caller's house."""
    with request.app.state.services.database.read() as session:
        found = list_accessions(session, by=by, limit=max(1, min(limit, 500)))
    return {"accessions": [_facts(view) for view in found]}


@router.get("/api/v1/accessions/{accession_id}")
def accession_shown(request: Request, by: CurrentActor, accession_id: UUID) -> dict[str, Any]:
    """One intake with its receipt as it stands."""
    with request.app.state.services.database.read() as session:
        view = get_accession(session, accession_id=accession_id, by=by)
        return _facts(view) | {"receipt": receipt_of(session, accession_id=accession_id, by=by)}


@router.post("/api/v1/accessions/{accession_id}/seal")
def accession_sealed(
    request: Request, by: CurrentActor, accession_id: UUID, how: Finish | None = None
) -> dict[str, Any]:
    """Finish an intake; it closes with its receipt when every row has its outcome. Idempotent."""
    services = request.app.state.services
    finish_accession(
        services.database, tus.upload_folder(request), services.files, accession_id=accession_id,
        without_unfinished=how is not None and how.without_unfinished, by=by, now=clock.now(),
    )  # fmt: skip
    with services.database.read() as session:
        return _facts(get_accession(session, accession_id=accession_id, by=by))


def _facts(view: AccessionView) -> dict[str, Any]:
    return {
        "id": str(view.id), "number": view.number, "door": str(view.door), "secrecy": view.secrecy,
        "created_at": view.created_at.isoformat(), "is_sealed": view.is_sealed, "is_closed": view.is_closed,
        "receipt_sha256": view.receipt_sha256, "offered": view.offered,
        "counts": {str(status): count for status, count in view.counts.items()},
    }  # fmt: skip
