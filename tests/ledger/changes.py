"""Changes of the exchange's keys some time ago or to come: the chain's clock goes where the acts say, never back."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Role, require_organisation
from asset_hub.app import Services
from ledger.carry import carry_round
from ledger.confirmations import confirm, list_confirmations
from ledger.deployment import ADMIN_DELAY_SECONDS
from ledger.entries import admit_organisation
from ledger.key_models import RoleChangeRow
from ledger.models import EntryRow
from ledger.office_keys import ROLES_OF, ChangeState, rotate_key
from ledger.roles import holders_of_roles
from ledger.signing import Office
from ledger.submit import submit_next
from ledger.types import EntryKind, EntryState
from ledger.vault import speaking
from tests.builders import make_actor

REASON = "年度更换"
DELAY = timedelta(seconds=ADMIN_DELAY_SECONDS)


def carry_at(services: Services, now: datetime) -> None:
    """Carry what is recorded, at this time of the chain."""
    if services.chain.is_embedded:
        with services.database.write() as session:
            while submit_next(session, services.keys, now=now):
                pass
        return
    with services.chain.opened(services.database) as engine:
        while carry_round(services.database, engine, services.keys, now=now).is_progress:
            pass


def begin(services: Services, now: datetime) -> None:
    """Put something on the ledger, so that there are contracts and roles."""
    with services.database.write() as session:
        house = require_organisation(make_actor(session, roles={Role.PRODUCER}))
        admit_organisation(session, services.keys, organisation_id=house, now=now)
    carry_at(services, now)


def decide_rotation(services: Services, office: Office, now: datetime) -> UUID:
    """Have two people of the operator decide that an office gets a new key; nothing is carried yet."""
    with services.database.write() as session:
        first, second = (make_actor(session, roles={Role.OPERATOR}) for _ in range(2))
        change = rotate_key(session, services.keys, office=office, reason=REASON, by=first, now=now)
        for one in list_confirmations(session, by=second, now=now):
            confirm(session, confirmation_id=one.id, by=second, now=now)
    return change


def announce(services: Services, *offices: Office, now: datetime) -> list[UUID]:
    """Have new keys announced on the chain at this time."""
    changes = [decide_rotation(services, office, now) for office in offices]
    carry_at(services, now)
    return changes


def state_of(services: Services, change: UUID) -> ChangeState:
    with services.database.read() as session:
        return ChangeState(session.get_one(RoleChangeRow, change).state)


def reasons_of(services: Services) -> list[str]:
    """Return why changes of roles were refused, oldest first."""
    with services.database.read() as session:
        rows = select(EntryRow).where(EntryRow.kind == EntryKind.ROLE, EntryRow.state == EntryState.REFUSED)
        return [(row.reason or "").split("(")[0] for row in session.exec(rows.order_by(col(EntryRow.number)))]


def address_of(services: Services, office: Office) -> bytes:
    with services.database.read() as session:
        return speaking(session, services.keys).office(office).address


def do_keys_and_chain_agree(services: Services) -> bool:
    """Say whether exactly the keys that speak have the roles."""
    with services.database.read() as session:
        speaks = speaking(session, services.keys)
        ours = {(role, speaks.office(office).address) for office, roles in ROLES_OF.items() for role in roles}
        return holders_of_roles(session, services.keys) == ours
