"""Signatures that houses gave by keys of their own, handed to the call that an entry becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import select

from asset_hub.core.db import ReadSession
from ledger.key_models import SignatureRow
from ledger.signing import Signer

SPEAKER = "speaker"


def newcomer_slot(address: bytes) -> str:
    """Return the name of the place where a key that is to be added signs."""
    return f"newcomer:{address.hex()}"


@dataclass(frozen=True, slots=True)
class Given:
    """A signature that is at hand; whatever digest it is asked for, it is the one that the house gave."""

    address: bytes
    signature: bytes

    def sign(self, digest: bytes) -> bytes:
        """Return the signature; the contract refuses it should the words have changed since."""
        del digest
        return self.signature


class Handed:
    """The given signatures of one entry."""

    def __init__(self, rows: Sequence[SignatureRow]) -> None:
        self._given = {
            (row.organisation_id, row.slot): Given(row.signed_by, row.signature)
            for row in rows
            if row.signature is not None and row.signed_by is not None
        }

    def speaker(self, organisation_id: UUID) -> Signer | None:
        return self._given.get((organisation_id, SPEAKER))

    def newcomer(self, organisation_id: UUID, address: bytes) -> Signer:
        return self._given[organisation_id, newcomer_slot(address)]


def signatures_of(session: ReadSession, entry_id: UUID) -> Sequence[SignatureRow]:
    """Return the signatures that an entry waits for or has; none where the operator keeps every key of it."""
    return session.exec(select(SignatureRow).where(SignatureRow.entry_id == entry_id)).all()
