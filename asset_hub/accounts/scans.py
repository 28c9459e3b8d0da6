"""Scans of papers: stored under their digest; only PDF, JPEG and PNG by their first bytes, at most 20 MB."""

from collections.abc import Mapping

from starlette.datastructures import UploadFile

from asset_hub.accounts.errors import BadScan
from asset_hub.core.files import FileStore, put_bytes

MAX_SCAN_BYTES = 20 << 20
_HEAD = 8
MAGIC: Mapping[bytes, str] = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG": "image/png",
}


def store_scan(files: FileStore, scan: UploadFile) -> str:
    """Store an uploaded scan and return its SHA-256. Raises BadScan."""
    return store_scan_bytes(files, scan.file.read(MAX_SCAN_BYTES + 1))


def store_scan_bytes(files: FileStore, content: bytes) -> str:
    """Store a scan that is in memory and return its SHA-256. Raises BadScan."""
    if len(content) > MAX_SCAN_BYTES or mime_of_scan(content[:_HEAD]) is None:
        raise BadScan
    return put_bytes(files, content).sha256


def mime_of_scan(head: bytes) -> str | None:
    """Return the type of a scan by its first bytes; None for anything that is not accepted."""
    return next((mime for magic, mime in MAGIC.items() if head.startswith(magic)), None)
