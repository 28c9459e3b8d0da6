"""Every key that the exchange keeps for houses, renewed together: one person asks for it, another confirms it at once.

Each house is an act of its own on the ledger; only the two words are shared.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, require, require_own_hand, require_person
from asset_hub.core.db import ReadSession, WriteSession
from ledger import permissions
from ledger.confirmations import confirm
from ledger.house_keys import renew_custody
from ledger.key_errors import HouseSuspended, KeyActOpen, KeyMissing, NotInCustody
from ledger.key_models import ConfirmationRow, KeyRow
from ledger.models import EntryRow
from ledger.signing import HomeKeys
from ledger.types import CustodyKind, EntryState, KeyState


def renew_every_custody(session: WriteSession, keys: HomeKeys, *, by: Actor, now: datetime) -> tuple[UUID, ...]:
    """Ask for a new key for every house whose key the operator keeps; return the houses.

    Left out are those that are suspended, have a renewal open, or a key of their own. Raises EntryNotFound, Forbidden.
    """
    require(by, permissions.RECOVER_KEY)
    kept = select(KeyRow.organisation_id).where(
        KeyRow.custody == CustodyKind.CUSTODY, KeyRow.state == KeyState.LIVE
    )  # fmt: skip
    houses = session.exec(kept.distinct().order_by(col(KeyRow.organisation_id))).all()
    return tuple(house for house in houses if _renew(session, keys, house, by, now))


def confirm_renewals(session: WriteSession, *, by: Actor, now: datetime) -> int:
    """Confirm, as the second person, every renewal that another person asked for; return how many go on.

    Raises ConfirmationClosed, Forbidden.
    """
    require(by, permissions.CONFIRM_OFFICE)
    require_own_hand(by)
    waiting = _waiting_renewals(session, by=by, now=now)
    return sum(confirm(session, confirmation_id=one, by=by, now=now) for one in waiting)


def _renew(session: WriteSession, keys: HomeKeys, house: UUID, by: Actor, now: datetime) -> bool:
    try:
        renew_custody(session, keys, organisation_id=house, by=by, now=now)
    except (NotInCustody, KeyMissing, KeyActOpen, HouseSuspended):
        return False
    return True


def _waiting_renewals(session: ReadSession, *, by: Actor, now: datetime) -> list[UUID]:
    statement = (
        select(ConfirmationRow.id)
        .join(EntryRow, col(EntryRow.id) == col(ConfirmationRow.act_id))
        .join(KeyRow, col(KeyRow.entry_id) == col(EntryRow.id))
        .where(
            KeyRow.custody == CustodyKind.CUSTODY, KeyRow.state == KeyState.ASKED,
            EntryRow.state == EntryState.UNSIGNED, col(ConfirmationRow.confirmed_at).is_(None),
            ConfirmationRow.asked_by != require_person(by), ConfirmationRow.deadline > now.timestamp(),
        )
        .order_by(col(EntryRow.number))
    )  # fmt: skip
    return list(session.exec(statement))
