"""镜头切分: the shots of a film, each with a still; people correct them later."""

from asset_hub.catalogue import AssetKind, ElementValue, FileRef, FileRole, PartLevel, PartSpec
from asset_hub.core.rational import Span
from asset_hub.media import draw_stills, find_shots
from ingest.stages.work import Work

_MAX_STILLS = 400


def run(work: Work) -> None:
    """Split a film in a limited child. Raises MediaRefused."""
    if work.path is None or work.facts is None or work.kind != AssetKind.FILM or work.facts.rate is None:
        return
    found = find_shots(work.path, rate=work.facts.rate)
    out = work.folder / "stills"
    out.mkdir()
    middles = [(shot.start + shot.end) // 2 for shot in found.shots][:_MAX_STILLS]
    stills = draw_stills(work.path, out, frames=middles)
    for index, shot in enumerate(found.shots):
        picture = None
        if index < len(stills):
            blob = work.store.put_path(stills[index])
            picture = FileRef(blob.sha256, blob.bytes_count, FileRole.SHOT, stills[index].name.encode(), "image/jpeg")
        opened = ElementValue("transition", shot.opened_by, found.tool, confidence=shot.confidence)
        work.shots.append(
            PartSpec(
                PartLevel.SHOT, Span(shot.start, shot.end), found.rate, (opened,), found.tool, shot.confidence, picture
            )
        )
    work.leave("shot detection", found.tool, "success", f"{len(found.shots)} shots in {found.frames} frames")
