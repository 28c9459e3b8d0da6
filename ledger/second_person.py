"""A second person for what the operator's key signs in the name of a house (平台托管): asked here, act by act.

Source: ADR 0018. A house that keeps its own key is asked for its signature instead (`waiting`).
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import select

from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from ledger.key_models import ConfirmationRow


def ask_second_people(
    session: WriteSession, act_id: UUID, people: Mapping[UUID, UUID], *, deadline: int, now: datetime
) -> None:
    """Write down that each of these houses needs a second person beside the one who agreed for it."""
    session.add_all(
        ConfirmationRow(
            id=new_id(), act_id=act_id, organisation_id=house, asked_by=person, deadline=deadline, created_at=now
        )
        for house, person in sorted(people.items())
    )
    session.flush()


def confirmations_of(session: ReadSession, act_id: UUID) -> list[ConfirmationRow]:
    """Return the confirmations that an entry or consent waits for or has."""
    return list(session.exec(select(ConfirmationRow).where(ConfirmationRow.act_id == act_id)))
