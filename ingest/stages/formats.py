"""Which format the bytes are in, whatever the name says."""

from asset_hub.catalogue import AssetKind
from asset_hub.core.text import N_
from asset_hub.media import UnsupportedFormat, identify, kind_of
from ingest.stages.work import Work


def run(work: Work) -> None:
    """Identify by PRONOM signatures. Raises MislabelledFile, EmptyFile, UnsupportedFormat."""
    if work.path is None:
        return
    work.format = identify(work.path, name=work.name)
    kind = kind_of(work.format.mime)
    if kind is None:
        found = work.format.name or work.format.mime
        raise UnsupportedFormat(N_("No stage can read this format: {format}."), format=found)
    work.kind = AssetKind(kind.value)
    work.leave("format identification", work.format.tool, "success", work.format.puid or work.format.mime)
