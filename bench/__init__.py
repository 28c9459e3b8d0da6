"""What the benchmarks share: figures of one run, printed as a table or as JSON. Nothing here asserts a time."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _HERE]  # it would hide ledger and search

from asset_hub.app import Services, open_home  # noqa: E402
from asset_hub.core.settings import Settings  # noqa: E402


@dataclass(slots=True)
class Figures:
    """Named figures, in the order they were measured."""

    values: dict[str, object] = field(default_factory=dict)

    def put(self, name: str, value: float, note: str = "") -> None:
        """Keep a figure; say it at once unless JSON is asked for."""
        self.values[name] = round(value, 4)
        if "--json" not in sys.argv:
            print(f"{value:12.3f}  {name:<40} {note}", flush=True)

    def finish(self) -> None:
        if "--json" in sys.argv:
            print(json.dumps(self.values, ensure_ascii=False))


class Watch:
    """Seconds of a measured block."""

    seconds = 0.0


@contextmanager
def measured() -> Iterator[Watch]:
    watch, started = Watch(), time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - started


@contextmanager
def fresh_home() -> Iterator[Services]:
    """Open a new home in a temporary folder, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        services = open_home(Settings(home=Path(folder) / "home", database_url="", files_url=""))
        try:
            yield services
        finally:
            services.database.dispose()
