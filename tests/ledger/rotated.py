"""Changes a key of the exchange as its people would, with the two days passed over."""

from datetime import datetime, timedelta
from uuid import UUID

from asset_hub.accounts import Role
from asset_hub.app import Services
from ledger.deployment import ADMIN_DELAY_SECONDS
from ledger.key_models import RoleChangeRow
from ledger.office_keys import ChangeState, carry_out, rotate_key
from ledger.signing import Office
from ledger.submit import submit_next
from tests.builders import make_actor
from tests.ledger.houses import NOW, confirm_all

READY = NOW + timedelta(seconds=ADMIN_DELAY_SECONDS + 7200)


def submit(services: Services, *, now: datetime = NOW) -> None:
    with services.database.write() as session:
        while submit_next(session, services.keys, now=now):
            pass


def announce(services: Services, office: Office, *, now: datetime = NOW) -> UUID:
    """Have a new key announced for an office, with a second person's word."""
    with services.database.write() as session:
        operator = make_actor(session, roles={Role.OPERATOR})
        change = rotate_key(session, services.keys, office=office, reason="年度更换", by=operator, now=now)
        confirm_all(session)
    submit(services, now=now)
    return change


def finish(services: Services, change: UUID, *, now: datetime = READY) -> ChangeState:
    """Carry a change out at a time, if it may be; return what it came to."""
    with services.database.write() as session:
        carry_out(session, change_id=change, now=now)
    submit(services, now=now)
    with services.database.read() as session:
        return ChangeState(session.get_one(RoleChangeRow, change).state)


def rotate(services: Services, office: Office, *, now: datetime = NOW) -> datetime:
    """Change a key; return the time at which the new one speaks."""
    ready = now + timedelta(seconds=ADMIN_DELAY_SECONDS + 7200)
    assert finish(services, announce(services, office, now=now), now=ready) == ChangeState.DONE
    return ready
