"""The steps a file goes through, in this order; each leaves one preservation event with tool and outcome."""

from collections.abc import Callable

from ingest.stages import classify, derivatives, formats, shots, technical
from ingest.stages.work import Work

Stage = Callable[[Work], None]
STAGES: tuple[tuple[str, Stage], ...] = (
    ("format", formats.run),
    ("technical", technical.run),
    ("derivatives", derivatives.run),
    ("shots", shots.run),
    ("classify", classify.run),
)

__all__ = ["STAGES", "Stage", "Work"]
