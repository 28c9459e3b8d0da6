"""The upload endpoint, tus 1.0.0 (creation, termination): bytes go to disk as they come and are synced before 204.

A request that dies leaves what came; the next one asks with HEAD where to go on.
"""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from asset_hub.accounts import Actor
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.core.errors import AssetHubError
from asset_hub.core.text import N_
from ingest.errors import BadUpload, WrongContentType, WrongVersion
from ingest.uploads import (
    MAX_UPLOAD,
    Part,
    Upload,
    abandon_upload,
    complete_upload,
    create_upload,
    get_upload,
    stored_length,
)

VERSION = "1.0.0"
_BUFFER = 1 << 20
_SILENCE_SECONDS = 20.0
_MOST_HEADER = 16_384


class TusRoute(APIRoute):
    """Says the protocol's version on every answer, and refuses clients of another one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                if request.method != "OPTIONS" and request.headers.get("tus-resumable") != VERSION:
                    raise WrongVersion
                response = await handle(request)
            except AssetHubError as error:
                response = await request.app.exception_handlers[AssetHubError](request, error)
            response.headers["Tus-Resumable"] = VERSION
            if response.status_code == WrongVersion.status:
                response.headers["Tus-Version"] = VERSION
            return response

        return answer


router = APIRouter(prefix="/uploads", route_class=TusRoute, include_in_schema=False)


@router.options("")
@router.options("/{upload_id}")
def describe_server() -> Response:
    """What this server can do."""
    headers = {"Tus-Version": VERSION, "Tus-Extension": "creation,termination", "Tus-Max-Size": str(MAX_UPLOAD)}
    return Response(status_code=204, headers=headers)


@router.post("", max_body_size=MAX_UPLOAD)
def begin_upload(request: Request, by: CurrentActor) -> Response:
    """Announce a file; an empty one is complete at once."""
    length = _number(request, "upload-length")
    told = read_metadata(request.headers.get("upload-metadata", ""))
    services = request.app.state.services
    with services.database.write() as session:
        upload_id = create_upload(
            session, accession_id=_accession(told), key=told.get("path", b"") or told.get("filename", b""),
            length=length, by=by, now=clock.now(),
        )  # fmt: skip
    if length == 0:
        _complete(request, _upload(request, upload_id, by))
    return Response(status_code=201, headers={"Location": f"/uploads/{upload_id}", "Upload-Offset": "0"})


@router.head("/{upload_id}")
def tell_offset(request: Request, by: CurrentActor, upload_id: UUID) -> Response:
    """Where to go on; an upload whose server died after its last byte is written down now."""
    upload = _upload(request, upload_id, by)
    stands = stored_length(upload_folder(request), upload)
    if upload.item_id is None and stands == upload.length:
        _complete(request, upload)
    headers = {"Upload-Offset": str(stands), "Upload-Length": str(upload.length), "Cache-Control": "no-store"}
    return Response(status_code=200, headers=headers)


@router.patch("/{upload_id}", max_body_size=MAX_UPLOAD)
async def append(request: Request, by: CurrentActor, upload_id: UUID) -> Response:
    """Take bytes from Upload-Offset on."""
    if request.headers.get("content-type") != "application/offset+octet-stream":
        raise WrongContentType
    offset = _number(request, "upload-offset")
    upload = await run_in_threadpool(_upload, request, upload_id, by)
    if upload.item_id is None:
        stands = await _receive(request, upload, offset)
        if stands == upload.length:
            await run_in_threadpool(_complete, request, upload)
    elif offset != upload.length:
        raise BadUpload(N_("This upload is complete."))
    else:
        stands = upload.length
    return Response(status_code=204, headers={"Upload-Offset": str(stands)})


@router.delete("/{upload_id}")
def terminate(request: Request, by: CurrentActor, upload_id: UUID) -> Response:
    """Give an upload up; its bytes go."""
    with request.app.state.services.database.write() as session:
        abandon_upload(session, upload_folder(request), upload_id=upload_id, by=by)
    return Response(status_code=204)


def upload_folder(request: Request) -> Path:
    """Return where unfinished uploads of this home lie."""
    home: Path = request.app.state.services.settings.home
    folder = home / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def read_metadata(header: str) -> dict[str, bytes]:
    """Read Upload-Metadata: keys with base64 values, kept as bytes. Raises BadUpload."""
    if len(header) > _MOST_HEADER:
        raise BadUpload(N_("Upload-Metadata is too long."))
    found: dict[str, bytes] = {}
    for pair in header.split(",") if header.strip() else []:
        key, _, value = pair.strip().partition(" ")
        try:
            content = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadUpload(N_("Upload-Metadata: “{key}” is not base64."), key=key[:40]) from error
        if not key or key in found:
            raise BadUpload(N_("Upload-Metadata: a key is empty or there twice."))
        found[key] = content
    return found


def _accession(told: dict[str, bytes]) -> UUID:
    if not (told.get("path") or told.get("filename")):
        raise BadUpload(N_("Upload-Metadata has no path."))
    try:
        return UUID(told.get("accession", b"").decode("ascii"))
    except ValueError as error:
        raise BadUpload(N_("Upload-Metadata names no intake.")) from error


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadUpload(N_("The header {header} is missing or no number."), header=header)
    return int(text)


def _upload(request: Request, upload_id: UUID, by: Actor) -> Upload:
    with request.app.state.services.database.read() as session:
        return get_upload(session, upload_id=upload_id, by=by)


def _complete(request: Request, upload: Upload) -> None:
    services = request.app.state.services
    complete_upload(services.database, upload_folder(request), services.files, upload=upload)


async def _receive(request: Request, upload: Upload, offset: int) -> int:
    """Write what comes until it ends, breaks off or falls silent; what came is synced whatever happens."""
    part = await run_in_threadpool(Part, upload_folder(request), upload, offset=offset)
    stands = offset
    try:
        async for chunk in _pieces(request):
            await run_in_threadpool(part.write, chunk)
    finally:
        with anyio.CancelScope(shield=True):
            stands = await run_in_threadpool(part.close)
    return stands


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream()
    buffer = bytearray()
    try:
        while chunk := await asyncio.wait_for(anext(stream, b""), _SILENCE_SECONDS):
            buffer += chunk
            if len(buffer) >= _BUFFER:
                yield bytes(buffer)
                buffer.clear()
    except (ClientDisconnect, TimeoutError):
        pass
    if buffer:
        yield bytes(buffer)
