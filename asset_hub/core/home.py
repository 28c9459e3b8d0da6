"""What a package's command line gets from the composition root above it: the opened engines of one home."""

from pathlib import Path
from typing import Protocol, cast

import typer

from asset_hub.core.db import Database
from asset_hub.core.files import FileStore
from asset_hub.core.settings import Settings


class Home(Protocol):
    """The engines every command may need; packages with engines of their own extend this protocol."""

    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def files(self) -> FileStore: ...

    def run_jobs(self, *, threads: int = 2) -> int: ...


def home_of(context: typer.Context) -> Home:
    """Open the home this command works on; made or migrated when it is new."""
    return cast(Home, context.find_root().obj())


def upload_folder(settings: Settings) -> Path:
    """Return the folder of unfinished uploads, made if missing."""
    folder = settings.home / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
