"""The intake desk: open with a 密级, bring files in, watch their steps, finish, take the receipt."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile as FormFile

from asset_hub.accounts import Actor, Permission, may, require, require_organisation
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import Secrecy, get_assets, list_collections, parse_secrecy
from asset_hub.catalogue.errors import RefusedSecrecy
from asset_hub.catalogue.types import REFUSED_SECRECY
from asset_hub.core import clock
from asset_hub.core.errors import AssetHubError
from asset_hub.core.files import read_blob
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from asset_hub.web.texts import translator
from ingest import permissions
from ingest.accessions import encode_receipt, get_accession, list_accessions, list_items, receipt_of
from ingest.desk import finish_accession, is_working, item_page, retry_item
from ingest.errors import PublishNeedsOpen, UnknownHeading, UnreadableSheet, UploadsUnfinished
from ingest.opening import open_upload_accession, read_id
from ingest.plain import receive_files, receive_list_file, require_open
from ingest.tus import upload_folder
from ingest.types import STATUS_NAMES, AccessionId, AccessionView, Door, ItemStatus
from ingest.uploads import MAX_UPLOAD, unfinished_uploads
from ingest.workbooks import XLSX, write_receipt_workbook
from ledger.entries import provenance_of

_MAX_LIST = 64 << 20
router = APIRouter(include_in_schema=False)
_MOST_FILES = 1000
SECRECY_HINTS: dict[str, str] = {
    Secrecy.OPEN: N_("may be seen by everybody once it is published"),
    Secrecy.INTERNAL: N_("stays inside your house, also when published"),
    Secrecy.UNREVIEWED: N_("nobody has decided yet; it cannot be published before somebody does"),
    **dict.fromkeys(REFUSED_SECRECY, N_("a state secret: it will be refused here")),
}
DOOR_NAMES: dict[Door, str] = {
    Door.FOLDER: N_("Folder (command line)"),
    Door.SHEET: N_("List of records"),
    Door.UPLOAD: N_("Browser"),
}


@router.get("/intake")
def intakes_page(request: Request, by: CurrentActor) -> Response:
    """The intakes of the house, newest first."""
    require(by, permissions.READ, organisation_id=by.organisation_id)
    with request.app.state.services.database.read() as session:
        accessions = list_accessions(session, by=by)
    return render(
        request, "ingest/intakes.html", title=N_("Intake"), accessions=accessions, doors=DOOR_NAMES,
        states=_states(accessions), may_receive=_may(by, permissions.RECEIVE),
    )  # fmt: skip


@router.get("/intake/new")
def new_page(request: Request, by: CurrentActor) -> Response:
    """Ask for the level of secrecy first."""
    require(by, permissions.RECEIVE, organisation_id=by.organisation_id)
    return _new_form(request, by)


@router.post("/intake/new")
def new_posted(
    request: Request,
    by: CurrentActor,
    secrecy: Annotated[str, Form()] = "",
    collection: Annotated[str, Form()] = "",
    *,
    publish: Annotated[bool, Form()] = False,
) -> Response:
    """Open an intake; refuse state secrets before any byte."""
    require(by, permissions.RECEIVE, organisation_id=by.organisation_id)
    typed = {"secrecy": secrecy, "collection": collection, "publish": publish}
    if not secrecy.strip():
        return _new_form(request, by, unchosen=True, typed=typed)
    try:
        level = parse_secrecy(secrecy)
        with request.app.state.services.database.write() as session:
            accession_id = open_upload_accession(
                session, owner_id=require_organisation(by), secrecy=level,
                collection_id=read_id(collection), publish=publish, by=by, now=clock.now(),
            )  # fmt: skip
    except (RefusedSecrecy, PublishNeedsOpen) as error:
        return _new_form(request, by, error=error, typed=typed)
    return redirect(f"/intake/{accession_id}", said=Text(N_("The intake is open. Bring the files in.")))


@router.get("/intake/{accession_id}")
def intake_page(
    request: Request, by: CurrentActor, accession_id: UUID, status: ItemStatus | None = None, after: UUID | None = None
) -> Response:
    """One intake: bring in while it is open, watch, then the receipt."""
    return _intake(request, by, accession_id, status=status, after=after)


@router.post("/intake/{accession_id}/files", max_body_size=MAX_UPLOAD)
async def files_posted(request: Request, by: CurrentActor, accession_id: UUID) -> Response:
    """Take the files of the plain form, after asking whether they may come at all."""
    services = request.app.state.services
    await run_in_threadpool(require_open, services.database, accession_id=accession_id, by=by)
    async with request.form(max_files=_MOST_FILES, max_fields=10) as form:
        named = [
            (file.filename.encode("utf-8", "surrogateescape"), file.file)
            for file in form.getlist("files")
            if isinstance(file, FormFile) and file.filename
        ]
        received = await run_in_threadpool(
            receive_files, services.database, upload_folder(request), services.files, accession_id=accession_id,
            named=named,
        )  # fmt: skip
    if received.refused:
        said = Text(
            N_("{taken} files received, {refused} refused: {reason}"),
            {"taken": received.taken, "refused": len(received.refused), "reason": str(received.refused[0])},
        )
    else:
        said = Text(N_("{taken} files received."), {"taken": received.taken})
    return redirect(f"/intake/{accession_id}", said=said)


@router.post("/intake/{accession_id}/list", max_body_size=_MAX_LIST)
def list_posted(request: Request, by: CurrentActor, accession_id: UUID, sheet: UploadFile) -> Response:
    """Take the list of records; a sheet that cannot be read comes back with its reason, and nothing was taken."""
    database = request.app.state.services.database
    require_open(database, accession_id=accession_id, by=by)
    try:
        count = receive_list_file(
            database, accession_id=accession_id, name=sheet.filename or "", file=sheet.file, by=by, now=clock.now()
        )
    except (UnknownHeading, UnreadableSheet) as error:
        return _intake(request, by, accession_id, list_error=error, code=error.status)
    return redirect(f"/intake/{accession_id}", said=Text(N_("The list has {count} rows."), {"count": count}))


@router.post("/intake/{accession_id}/finish")
def finish_posted(
    request: Request, by: CurrentActor, accession_id: UUID, *, without: Annotated[bool, Form()] = False
) -> Response:
    """Say that nothing more comes; asks back when uploads are incomplete."""
    services = request.app.state.services
    try:
        finish_accession(
            services.database, upload_folder(request), services.files, accession_id=accession_id,
            without_unfinished=without, by=by, now=clock.now(),
        )  # fmt: skip
    except UploadsUnfinished as error:
        return _intake(request, by, accession_id, finish_error=error, code=error.status)
    return redirect(f"/intake/{accession_id}", said=Text(N_("Nothing more will come into this intake.")))


@router.post("/intake/{accession_id}/items/{item_id}/retry")
def retry_posted(request: Request, by: CurrentActor, accession_id: UUID, item_id: UUID) -> Response:
    """Examine an item again that could not be examined."""
    with request.app.state.services.database.write() as session:
        retry_item(session, accession_id=accession_id, item_id=item_id, by=by, now=clock.now())
    return redirect(f"/intake/{accession_id}", said=Text(N_("It is tried again.")))


@router.get("/intake/{accession_id}/receipt.json")
def receipt_json(request: Request, by: CurrentActor, accession_id: UUID) -> Response:
    """The receipt as issued, byte for byte; of an open intake, as it stands."""
    services = request.app.state.services
    with services.database.read() as session:
        view = get_accession(session, accession_id=accession_id, by=by)
        standing = encode_receipt(receipt_of(session, accession_id=accession_id, by=by))
    content = read_blob(services.files, view.receipt_sha256) if view.receipt_sha256 else standing
    return _download(content, "application/json", f"{view.number}.json")


@router.get("/intake/{accession_id}/receipt.xlsx")
def receipt_workbook(request: Request, by: CurrentActor, accession_id: UUID) -> Response:
    """The receipt as a workbook."""
    with request.app.state.services.database.read() as session:
        view = get_accession(session, accession_id=accession_id, by=by)
        receipt = receipt_of(session, accession_id=accession_id, by=by)
        items = list_items(session, accession_id=accession_id)
        ids = [item.asset_id for item in items if item.asset_id]
        numbers: dict[UUID, str] = {}
        for start in range(0, len(ids), 500):
            found = get_assets(session, asset_ids=ids[start : start + 500], by=by, now=clock.now())
            numbers |= {asset.id: asset.number for asset in found}
    content = write_receipt_workbook(receipt, items, numbers, translator(language_of(request)))
    return _download(content, XLSX, f"{view.number}.xlsx")


def _new_form(
    request: Request,
    by: Actor,
    *,
    error: AssetHubError | None = None,
    unchosen: bool = False,
    typed: Mapping[str, object] | None = None,
) -> Response:
    with request.app.state.services.database.read() as session:
        collections = list_collections(session, owner_id=by.organisation_id)
    return render(
        request, "ingest/new.html", status=error.status if error else 422 if unchosen else 200,
        title=N_("New intake"), unchosen=unchosen,
        levels=SECRECY_HINTS, refused=REFUSED_SECRECY, collections=collections, error=error,
        typed={"secrecy": "", "collection": "", "publish": False} | dict(typed or {}),
    )  # fmt: skip


def _intake(
    request: Request,
    by: Actor,
    accession_id: UUID,
    *,
    status: ItemStatus | None = None,
    after: UUID | None = None,
    list_error: AssetHubError | None = None,
    finish_error: AssetHubError | None = None,
    code: int = 200,
) -> Response:
    with request.app.state.services.database.read() as session:
        view = get_accession(session, accession_id=accession_id, by=by)
        page = item_page(session, accession_id=accession_id, status=status, after=after, by=by, now=clock.now())
        working = is_working(session, accession_id=accession_id)
        unfinished = unfinished_uploads(session, accession_id=accession_id)
        anchors = provenance_of(session, subject_ids=[accession_id])
    return render(
        request, "ingest/intake.html", status=code, title=view.number, accession=view, page=page, counts=_counts(view),
        names=STATUS_NAMES, chosen=status, working=working, unfinished=len(unfinished), anchors=anchors,
        list_error=list_error, finish_error=finish_error, may_receive=_may(by, permissions.RECEIVE),
        may_retry=_may(by, permissions.RETRY), state=_state(view), address=f"/intake/{accession_id}",
        live=_live(accession_id, status, after),
    )  # fmt: skip


def _live(accession_id: UUID, status: ItemStatus | None, after: UUID | None) -> str:
    asked = {"status": status, "after": after}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"/intake/{accession_id}" + (f"?{query}" if query else "")


def _counts(view: AccessionView) -> list[tuple[str, int]]:
    shown = [(STATUS_NAMES[s], view.counts[s]) for s in ItemStatus if s != ItemStatus.WAITING or view.counts[s]]
    return [(N_("Offered"), view.offered), *shown]


def _states(accessions: tuple[AccessionView, ...]) -> dict[AccessionId, tuple[str, str]]:
    return {view.id: _state(view) for view in accessions}


def _state(view: AccessionView) -> tuple[str, str]:
    if view.is_closed:
        return N_("Closed, receipt written"), "good"
    if view.is_sealed:
        return N_("Being examined"), "busy"
    return N_("Open"), ""


def _may(by: Actor, permission: Permission) -> bool:
    return may(by, permission, organisation_id=by.organisation_id)


def _download(content: bytes, mime: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return Response(content, media_type=mime, headers=headers)
