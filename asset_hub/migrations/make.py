"""Writes a migration from the difference between the models and the newest revision."""

import sys
import tempfile
from pathlib import Path

import alembic.command

from asset_hub.core.db import Database
from asset_hub.migrations import alembic_config, upgrade


def main(name: str) -> None:
    """Compare on a fresh SQLite file; the file lands in versions/ and is then reviewed like code."""
    versions = Path(__file__).parent / "versions"
    versions.mkdir(exist_ok=True)
    number = f"{len(list(versions.glob('[0-9]*.py'))) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/compare.db")
        upgrade(database)
        with database.write() as session:
            alembic.command.revision(
                alembic_config(session.connection()), message=name, autogenerate=True, rev_id=number
            )


if __name__ == "__main__":
    main(sys.argv[1])
