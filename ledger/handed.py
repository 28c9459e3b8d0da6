"""Signatures that houses gave by keys of their own, handed to the call that an entry becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import select

from asset_hub.core.db import ReadSession
from ledger.key_models import SignatureRow
from ledger.signing import Signer

SPEAKER = "speaker"
_ROLE, _NEWCOMER = "role:", "newcomer:"


def role_slot(role: str) -> str:
    """Return the name of the place where the key signs that keeps a role of the exchange."""
    return f"{_ROLE}{role}"


def stands_for_second_person(slot: str) -> bool:
    """Say whether who signs there decides, so that nobody else has to confirm it."""
    return slot == SPEAKER or is_of_role(slot)


def is_of_role(slot: str) -> bool:
    """Say whether a role's key signs there, no key of the house."""
    return slot.startswith(_ROLE)


def is_newcomer(slot: str) -> bool:
    """Say whether a key signs there that is not in use yet."""
    return slot.startswith(_NEWCOMER)


def newcomer_slot(address: bytes) -> str:
    """Return the name of the place where a key that is to be added signs."""
    return f"{_NEWCOMER}{address.hex()}"


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

    def keeper(self, role: str) -> Signer | None:
        slot = role_slot(role)
        return next((given for (_house, at), given in self._given.items() if at == slot), None)


def signatures_of(session: ReadSession, entry_id: UUID) -> Sequence[SignatureRow]:
    """Return the signatures that an entry waits for or has; none where the operator keeps every key of it."""
    return session.exec(select(SignatureRow).where(SignatureRow.entry_id == entry_id)).all()
