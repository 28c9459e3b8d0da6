"""Serves stored files, whole or by byte range, so that films can be sought (RFC 9110, section 14)."""

import re

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from asset_hub.core.files import FileStore

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def serve_blob(request: Request, files: FileStore, sha256: str, *, mime: str, name: str = "") -> Response:
    """Answer with a stored file; a range that cannot be had is 416. Content never changes under its digest."""
    size = files.size(sha256)
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{sha256}"', "Cache-Control": "private, max-age=3600"}
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    asked = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or not any(asked.groups()):
        headers["Content-Length"] = str(size)
        return StreamingResponse(files.stream(sha256), media_type=mime, headers=headers)
    start, end = _bounds(asked, size)
    if start >= end:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    headers |= {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Content-Length": str(end - start)}
    return StreamingResponse(files.stream(sha256, start, end), status_code=206, media_type=mime, headers=headers)


def _bounds(asked: "re.Match[str]", size: int) -> tuple[int, int]:
    first, last = asked.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size
