"""Which of the keys that this home holds speak now: the first ones, or those that were drawn in their place since.

Source: ADR 0020. A drawn secret lies in the database under the seal of the home's secret.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.core.db import ReadSession, WriteSession
from ledger.key_models import KeyRow, OfficeKeyRow
from ledger.signing import HomeKeys, Keys, Office
from ledger.types import CustodyKind, KeyState


def speaking(session: ReadSession, keys: HomeKeys) -> Keys:
    """Return the keys that speak at this moment, as this transaction sees them; do not keep them beyond it."""
    return keys.later(_Vault(session, keys))


def note_first_keys(session: WriteSession, keys: HomeKeys, *, since: int, now: datetime) -> None:
    """Write down the exchange's first keys, from when (unix seconds) they speak. Idempotent."""
    for office in Office:
        if session.exec(select(OfficeKeyRow).where(OfficeKeyRow.office == office)).first() is None:
            address = keys.first.office(office).address
            session.add(OfficeKeyRow(address=address, office=office, valid_from=since, created_at=now))
    session.flush()


def addresses_of(session: ReadSession, office: Office) -> set[bytes]:
    """Return every key that ever was the exchange's for an office, as far as it is written down."""
    return set(session.exec(select(OfficeKeyRow.address).where(OfficeKeyRow.office == office)))


@dataclass(frozen=True, slots=True)
class _Vault:
    session: ReadSession
    keys: HomeKeys

    def office(self, office: Office) -> bytes | None:
        sealed = self.session.exec(
            select(OfficeKeyRow.sealed).where(
                OfficeKeyRow.office == office, col(OfficeKeyRow.valid_from).is_not(None),
                col(OfficeKeyRow.valid_until).is_(None),
            )
        ).first()  # fmt: skip
        return self.keys.unseal(sealed) if sealed else None

    def house(self, organisation_id: UUID, address: bytes | None) -> bytes | None:
        rows = select(KeyRow.sealed).where(
            KeyRow.organisation_id == organisation_id, KeyRow.custody == CustodyKind.CUSTODY
        )
        if address is not None:
            sealed = self.session.exec(rows.where(KeyRow.address == address)).first()
        else:
            newest = (col(KeyRow.valid_from).desc(), col(KeyRow.created_at).desc())
            sealed = self.session.exec(rows.where(KeyRow.state == KeyState.LIVE).order_by(*newest)).first()
        return self.keys.unseal(sealed) if sealed else None
