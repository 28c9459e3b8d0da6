"""Technical facts: size, duration, date of the camera."""

import re

from asset_hub.catalogue import AssetKind, ElementValue
from asset_hub.media import MediaKind, probe
from ingest.stages.work import Work

_CAMERA_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)")
_FIRST_PHOTOGRAPH = 1826


def run(work: Work) -> None:
    """Probe in a limited child. Raises TooManyPixels, TruncatedFile and other MediaRefused."""
    if work.path is None or work.format is None:
        return
    facts = probe(work.path, kind=MediaKind(work.kind.value), mime=work.format.mime)
    work.facts, work.kind = facts, AssetKind(facts.kind.value)
    work.leave("metadata extraction", facts.tool, "success")
    found = _CAMERA_DATE.match(facts.captured)
    if found and int(found[1]) >= _FIRST_PHOTOGRAPH and "00" not in (found[2], found[3]):
        day = f"{found[1]}-{found[2]}-{found[3]}"
        work.values.append(ElementValue("date", day, "file:embedded", confidence=0.8))
