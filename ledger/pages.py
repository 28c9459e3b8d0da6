"""The public page that verifies a certificate."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import Response

from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.web.shell import render
from ledger.verifier import verify_certificate

router = APIRouter()
_MAX = 1 << 20


@router.get("/verify")
def verify_form(request: Request) -> Response:
    """Ask for a certificate and, if wanted, the digest of the file."""
    return render(request, "ledger/verify.html", report=None, title="Verify a certificate")


@router.post("/verify")
def verify_posted(
    request: Request, certificate: Annotated[UploadFile, File()], digest: Annotated[str, Form()] = ""
) -> Response:
    """Check what was handed in; nothing of it is kept."""
    content = certificate.file.read(_MAX + 1)
    report = verify_certificate(
        content,
        media=None,
        trust=None,
        status=None,
        today=beijing_date(clock.now()),
        digest=digest.strip().lower() or None,
    )
    return render(request, "ledger/verify.html", report=report, title="Verify a certificate")
