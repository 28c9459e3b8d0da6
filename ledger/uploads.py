"""Reads what strangers hand in to be verified: capped before it is parsed, kept nowhere."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.types import Message

from asset_hub.core.errors import TooLarge
from asset_hub.core.text import N_

MAX_BYTES = 4 << 20
_MEGABYTE = 1 << 20
_FIELDS = ("certificate", "digest", "trust", "status")


async def read_body(request: Request) -> bytes:
    """Return the body of a request. Raises TooLarge before it is longer than MAX_BYTES."""
    declared = request.headers.get("content-length", "0")
    if len(declared) > 15 or (declared.isdecimal() and int(declared) > MAX_BYTES):
        raise _too_large()
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BYTES:
            raise _too_large()
    return bytes(content)


async def read_fields(request: Request) -> Mapping[str, bytes]:
    """Return the fields of a posted form by name, files and texts alike; what was not filled in is left out."""
    body = await read_body(request)

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    found: dict[str, bytes] = {}
    async with Request(request.scope, receive).form(max_files=8, max_fields=8) as form:
        for name in _FIELDS:
            value = form.get(name)
            content = await value.read() if isinstance(value, UploadFile) else (value or "").encode("utf-8", "replace")
            if content:
                found[name] = content
    return found


def _too_large() -> TooLarge:
    return TooLarge(
        N_("At most {count} MB in all: the media file itself is not uploaded."), count=MAX_BYTES // _MEGABYTE
    )


PostedBody = Annotated[bytes, Depends(read_body)]
PostedFields = Annotated[Mapping[str, bytes], Depends(read_fields)]
