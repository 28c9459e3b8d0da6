"""What the stages share about one file under examination."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from asset_hub.catalogue import AssetKind, ElementValue, FileRef, PartSpec
from asset_hub.core.files import Blob, FileStore
from asset_hub.media import Format, Probe


@dataclass(frozen=True, slots=True)
class StageEvent:
    """One thing done to the file."""

    kind: str
    tool: str
    outcome: str
    detail: str = ""


@dataclass(slots=True)
class Work:
    """One file, or one record without a file, and what was found out; written to the catalogue at the end, at once."""

    name: str
    path: Path | None
    blob: Blob | None
    folder: Path
    store: FileStore
    on_progress: Callable[[float], None] = lambda _share: None
    kind: AssetKind = AssetKind.RECORD
    format: Format | None = None
    facts: Probe | None = None
    files: list[FileRef] = field(default_factory=list)
    shots: list[PartSpec] = field(default_factory=list)
    values: list[ElementValue] = field(default_factory=list)
    events: list[StageEvent] = field(default_factory=list)

    def leave(self, kind: str, tool: str, outcome: str, detail: str = "") -> None:
        self.events.append(StageEvent(kind, tool, outcome, detail))

    def texts(self, element: str) -> list[str]:
        return [value.value for value in self.values if value.element == element]
