"""Documents, in the limited child: the first page of a PDF as a picture; other documents are kept as they are."""

from pathlib import Path
from typing import Any

from PIL import Image

from asset_hub.media.programs import run_program


def probe_document(path: Path, mime: str) -> dict[str, Any]:
    """Return page count and title facts of a PDF; nothing of other documents."""
    technical: dict[str, Any] = {}
    if mime == "application/pdf":
        for line in run_program(["pdfinfo", str(path)]).decode("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            if key in ("Pages", "Producer", "PDF version", "Encrypted", "Page size"):
                technical[key.lower().replace(" ", "_")] = value.strip()
    return {"kind": "document", "technical": technical, "tool": "poppler" if technical else "none"}


def derive_document(path: Path, mime: str, out: Path) -> list[dict[str, Any]]:
    """Write preview.jpg and thumbnail.jpg of the first page of a PDF; nothing for other documents."""
    if mime != "application/pdf":
        return []
    run_program(
        ["pdftoppm", "-f", "1", "-l", "1", "-scale-to", "1600", "-jpeg", "-singlefile", str(path), str(out / "preview")]
    )
    with Image.open(out / "preview.jpg") as page:
        size = page.size
        page.thumbnail((480, 480))
        page.save(out / "thumbnail.jpg", quality=82)
        small = page.size
    return [
        {
            "role": "preview",
            "path": str(out / "preview.jpg"),
            "mime": "image/jpeg",
            "width": size[0],
            "height": size[1],
        },
        {
            "role": "thumbnail",
            "path": str(out / "thumbnail.jpg"),
            "mime": "image/jpeg",
            "width": small[0],
            "height": small[1],
        },
    ]
