"""What waits for a signature as the file that its signer takes to where the key is, and how much waits for a key."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

from asset_hub.core.db import ReadSession
from ledger.addresses import show_address
from ledger.house_keys import HouseKey, is_in_custody, list_keys
from ledger.key_errors import SignatureNotFound
from ledger.key_models import SignatureRow
from ledger.models import EntryRow
from ledger.pending import GivenUp, Pending
from ledger.types import EntryState
from ledger.waiting import PURPOSE_ACTS, PURPOSE_COUNTERSIGN

TO_SIGN_TYPE = "asset_hub/to-sign/1"
SIGNED_TYPE = "asset_hub/signed/1"


def facts_of_pending(one: Pending) -> dict[str, Any]:
    """Return what is to be signed as plain JSON: in words, exactly (EIP-712), by whom, until when."""
    return {
        "type": TO_SIGN_TYPE, "id": str(one.id), "kind": str(one.kind), "text": {"zh": one.said.zh, "en": one.said.en},
        "deadline": one.deadline.isoformat(), "by": show_address(one.address) if one.address else None,
        "digest": one.digest.hex(), "typed_data": one.typed,
    }  # fmt: skip


def count_held_up(
    session: ReadSession, *, organisation_id: UUID, pending: Collection[Pending], now: datetime
) -> int:  # fmt: skip
    """Return how many acts wait for this house's signature that are not among `pending`: a valid key is missing."""
    statement = select(func.count(func.distinct(SignatureRow.entry_id))).where(
        SignatureRow.entry_id == EntryRow.id, EntryRow.state == EntryState.UNSIGNED,
        SignatureRow.organisation_id == organisation_id, col(SignatureRow.signature).is_(None),
        SignatureRow.deadline > now.timestamp(), col(SignatureRow.id).not_in({one.id for one in pending}),
    )  # fmt: skip
    return session.exec(statement).one()


def facts_of_given_up(one: GivenUp) -> dict[str, Any]:
    """Return what a house did not sign as plain JSON."""
    return {
        "kind": str(one.kind), "text": {"zh": one.said.zh, "en": one.said.en}, "reason": one.reason,
        "at": one.at.isoformat(),
    }  # fmt: skip


def facts_of_keys(session: ReadSession, organisation_id: UUID) -> dict[str, Any]:
    """Return the keys of a house as plain JSON, and whether the operator still holds one that speaks for it."""
    return {
        "organisation": str(organisation_id),
        "operator_can_sign": is_in_custody(session, organisation_id=organisation_id),
        "keys": [_facts_of_key(one) for one in list_keys(session, organisation_id=organisation_id)],
    }


def read_signed(content: bytes) -> tuple[UUID, bytes]:
    """Return which request a signature file answers, and the signature. Raises SignatureNotFound for another file."""
    try:
        document = json.loads(content)
        if document["type"] != SIGNED_TYPE:
            raise SignatureNotFound
        return UUID(document["id"]), bytes.fromhex(document["signature"].removeprefix("0x"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SignatureNotFound from error


def _facts_of_key(one: HouseKey) -> dict[str, Any]:
    purposes = {"acts": PURPOSE_ACTS, "countersign": PURPOSE_COUNTERSIGN}
    return {
        "address": show_address(one.address), "custody": str(one.custody), "state": str(one.state),
        "purposes": [name for name, bit in purposes.items() if one.purpose & bit],
        "valid_from": one.valid_from.isoformat() if one.valid_from else None,
        "valid_until": one.valid_until.isoformat() if one.valid_until else None,
    }  # fmt: skip
