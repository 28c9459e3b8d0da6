"""One Alembic history for every package's tables; upgraded, checked and downgraded on SQLite and PostgreSQL."""

from pathlib import Path

import alembic.command
from alembic.config import Config
from sqlalchemy import Connection

from asset_hub.core.db import Database


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration bound to a connection that is already in a transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to a revision in one transaction. Idempotent."""
    with database.write() as session:
        alembic.command.upgrade(alembic_config(session.connection()), revision)


def downgrade(database: Database, revision: str = "base") -> None:
    """Take the database back to a revision in one transaction."""
    with database.write() as session:
        alembic.command.downgrade(alembic_config(session.connection()), revision)


def check(database: Database) -> None:
    """Raise when the models say something else than the migrated database."""
    with database.write() as session:
        alembic.command.check(alembic_config(session.connection()))
