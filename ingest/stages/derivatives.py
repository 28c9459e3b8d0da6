"""What pages show: preview, thumbnail, pyramid of a picture; proxy, poster of a film."""

from pathlib import Path

from asset_hub.catalogue import FileRef, FileRole
from asset_hub.media import Derivative, derive
from ingest.stages.work import Work


def run(work: Work) -> None:
    """Derive in a limited child and store the results under their digests. Raises MediaRefused."""
    if work.path is None or work.facts is None or work.format is None:
        return
    out = work.folder / "derived"
    out.mkdir()
    made = derive(
        work.path, out, kind=work.facts.kind, mime=work.format.mime, facts=work.facts, on_progress=work.on_progress
    )
    work.files += [keep(work, derivative) for derivative in made]
    work.leave("derivation", work.facts.tool, "success", ", ".join(d.role for d in made))


def keep(work: Work, derivative: Derivative) -> FileRef:
    """Store a derivative; its digest is on disk before anybody hears of it."""
    blob = work.store.put_path(derivative.path)
    return FileRef(
        blob.sha256, blob.bytes_count, FileRole(derivative.role), Path(derivative.path).name.encode(), derivative.mime,
        technical={"width": derivative.width, "height": derivative.height},
    )  # fmt: skip
