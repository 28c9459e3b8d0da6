"""Alembic's entry: always online, always on the connection it is handed."""

from alembic import context

from asset_hub.core.db import UtcDateTime
from asset_hub.migrations.models import metadata


def compare_type(*compared: object) -> bool | None:
    """Own column types are stored as their plain implementation; let Alembic compare the rest."""
    return False if isinstance(compared[-1], UtcDateTime) else None


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=compare_type,
    user_module_prefix="db.",
)
context.run_migrations()
