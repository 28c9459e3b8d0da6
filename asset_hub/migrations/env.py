"""Alembic's entry: always online, always on the connection it is handed."""

from typing import Literal

import sqlalchemy as sa
from alembic import context
from sqlmodel import AutoString

from asset_hub.core.db import UtcDateTime
from asset_hub.migrations.models import metadata


def compare_type(*compared: object) -> bool | None:
    """Own column types are stored as their plain implementation; let Alembic compare the rest."""
    return False if isinstance(compared[-1], UtcDateTime) else None


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own column types by name and SQLModel's strings as plain ones."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "db.UtcDateTime()"
    if isinstance(item, sa.JSON):
        return "db.JsonColumn"
    return "sa.String()" if isinstance(item, AutoString) else False


def include_object(_item: object, name: str | None, kind: str, _reflected: bool, _against: object) -> bool:
    """Look only at the packages' tables: a test may define its own beside them."""
    return kind != "table" or not (name or "").startswith("test_")


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=compare_type,
    render_item=render_item,
    include_object=include_object,
)
context.run_migrations()
