"""The fingerprint of any picture that this installation decodes, in its limited child; the bare verifier reads less."""

from pathlib import Path

from asset_hub.media import MediaKind, MediaRefused, draw_grey, identify, kind_of
from ledger.likeness import fingerprint_of
from ledger.rasters import Raster, cut_rows


def fingerprint_file(path: Path) -> str:
    """Return a picture's fingerprint in hex; empty for what is no picture, cannot be read, or is flat."""
    try:
        return fingerprint_picture(path, mime=identify(path).mime)
    except MediaRefused:
        return ""


def fingerprint_picture(path: Path, *, mime: str) -> str:
    """Return the fingerprint of a file of a known format; empty for what is no picture. Raises MediaRefused."""
    if kind_of(mime) != MediaKind.PICTURE:
        return ""
    grey = draw_grey(path, mime=mime)
    rows = cut_rows(grey.samples, columns=grey.width, count=grey.height)
    return fingerprint_of(Raster(grey.width, grey.height, rows))
