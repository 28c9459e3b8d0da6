"""The papers of the demo's applications: one page each that says that it is made up, always the same bytes."""

import hashlib
import io

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from asset_hub.core.files import FileStore, put_bytes
from asset_hub.demo.collection import Holder

_FONT = "STSong-Light"
_TITLES = {"licence_scan_sha256": "营业执照（演示）", "authorisation_sha256": "经办人授权委托书（演示）"}


def papers_of(holder: Holder, *, code: str) -> dict[str, str]:
    """Return what an organisation of the demo shows: digests of its pages, and names."""
    pages = {name: hashlib.sha256(page).hexdigest() for name, page in _pages_of(holder, code).items()}
    return pages | {"legal_representative": "演示法人", "agent_name": "演示经办人"}


def store_papers(files: FileStore, *, holder: Holder, code: str) -> None:
    """Store the pages, so that a checker can open them. Idempotent."""
    for page in _pages_of(holder, code).values():
        put_bytes(files, page)


def _pages_of(holder: Holder, code: str) -> dict[str, bytes]:
    return {name: _draw(title, [holder.name_zh, holder.name_en, code]) for name, title in _TITLES.items()}


def _draw(title: str, lines: list[str]) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.setTitle(title)
    canvas.setFont(_FONT, 24)
    canvas.drawCentredString(A4[0] / 2, A4[1] - 50 * mm, title)
    canvas.setFont(_FONT, 13)
    for number, line in enumerate([*lines, "机构与证照均为虚构，仅供演示。", "Made up for a demonstration."]):
        canvas.drawString(30 * mm, A4[1] - (80 + 12 * number) * mm, line)
    canvas.showPage()
    canvas.save()
    return out.getvalue()
