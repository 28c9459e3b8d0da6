"""Tables of messages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from asset_hub.core.db import JsonColumn, UtcDateTime


class NoticeRow(SQLModel, table=True):
    """A notice for one person: a message id with its parameters, translated when it is read."""

    __tablename__ = "messages_notice"

    id: UUID = Field(primary_key=True)
    person_id: UUID = Field(index=True)
    message: str
    params: dict[str, Any] = Field(default_factory=dict, sa_type=JsonColumn)
    link: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
