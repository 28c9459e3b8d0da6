"""The words of the ledger."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from asset_hub.core.text import N_

EntryId = NewType("EntryId", UUID)


class EntryKind(StrEnum):
    """What is recorded."""

    ADMIT = "admit"
    REGISTER = "register"
    ANCHOR = "anchor"
    GRANT = "grant"
    TITLE = "title"
    HOLD = "hold"
    END = "end"
    CASE = "case"
    STATEMENT = "statement"
    ORDER = "order"
    COMPACT = "compact"
    KEY = "key"
    OFFICE = "office"
    ROLE = "role"


KIND_NAMES: dict[EntryKind, str] = {
    EntryKind.ADMIT: N_("Organisation admitted"),
    EntryKind.REGISTER: N_("Work registered"),
    EntryKind.ANCHOR: N_("Digest anchored"),
    EntryKind.GRANT: N_("Licence recorded"),
    EntryKind.TITLE: N_("Title changed"),
    EntryKind.HOLD: N_("Rights held for a buyer"),
    EntryKind.END: N_("Licence or hold ended"),
    EntryKind.CASE: N_("Step of a dispute"),
    EntryKind.STATEMENT: N_("Statement published"),
    EntryKind.ORDER: N_("Step of an order"),
    EntryKind.COMPACT: N_("What has ended left the list"),
    EntryKind.KEY: N_("Key of a house changed"),
    EntryKind.OFFICE: N_("Order of the exchange"),
    EntryKind.ROLE: N_("Roles and keys of the exchange changed"),
}


class EntryState(StrEnum):
    """Waiting for a house's own signature, decided here, confirmed by the chain, or refused by it."""

    UNSIGNED = "unsigned"
    RECORDED = "recorded"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


UNSIGNED_REASON, UNCONFIRMED_REASON = "SignatureMissing", "ConfirmationMissing"
DECLINED_REASON, OVERTAKEN_REASON = "ConfirmationRefused", "Overtaken"
"""Why an entry is refused that never went to the ledger: its time to sign passed, or something else took its place."""


class CustodyKind(StrEnum):
    """Who keeps a key's secret: the operator (平台托管), or the house itself."""

    CUSTODY = "custody"
    OWN = "own"


class KeyState(StrEnum):
    """Asked for, speaking, ended, refused by the chain; or a recovery that waits its three days."""

    ASKED = "asked"
    LIVE = "live"
    RETIRED = "retired"
    REFUSED = "refused"
    RECOVERING = "recovering"


class AnchorKind(StrEnum):
    """Whose digest an anchor holds."""

    RECEIPT = "receipt"
    DELIVERY = "delivery"


ANCHOR_CODES = {AnchorKind.RECEIPT: 1, AnchorKind.DELIVERY: 2}


class DeedKind(StrEnum):
    """What several sides agree to."""

    RECORD = "record"
    TRANSFER = "transfer"
    PLEDGE = "pledge"
    RELEASE = "release"
    CORRECT = "correct"
    CONSENT = "consent"
    TERMINATE = "terminate"


DEED_NAMES: dict[DeedKind, str] = {
    DeedKind.RECORD: N_("Record a title"),
    DeedKind.TRANSFER: N_("Transfer rights"),
    DeedKind.PLEDGE: N_("Pledge rights"),
    DeedKind.RELEASE: N_("Release a pledge"),
    DeedKind.CORRECT: N_("Correct a title by decision"),
    DeedKind.CONSENT: N_("Agree to licences by another holder"),
    DeedKind.TERMINATE: N_("End a licence"),
}


class DeedState(StrEnum):
    """Waiting for a side, agreed to by all, declined by one, or past its time."""

    OPEN = "open"
    AGREED = "agreed"
    DECLINED = "declined"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class ProvenanceEntry:
    """One line of an asset's history on the ledger."""

    id: EntryId
    kind: EntryKind
    state: EntryState
    tx_hash: str | None
    block_number: int | None
    reason: str | None
    created_at: datetime
    confirmed_at: datetime | None
