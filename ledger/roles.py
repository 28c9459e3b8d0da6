"""Who has and had which role on the ledger, and from when until when: read from the administrator's transactions."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from ledger.merkle import keccak
from ledger.models import JournalRow
from ledger.signing import HomeKeys, Office
from ledger.sites import find_site
from ledger.standalone.native import rlp_decode
from ledger.vault import addresses_of

_GRANTED = keccak(b"RoleGranted(uint64,address,uint32,uint48,bool)")
_REVOKED = keccak(b"RoleRevoked(uint64,address)")


@dataclass(frozen=True, slots=True)
class KeySpan:
    """From when until when a key speaks, in unix seconds; `until` 0 is open, the end itself is outside."""

    address: str
    since: int
    until: int = 0

    def spelled(self) -> dict[str, str | int]:
        return {"address": self.address, "from": self.since, "until": self.until}


def spans_of_roles(session: ReadSession, keys: HomeKeys) -> dict[int, tuple[KeySpan, ...]]:
    """Return every key that ever had a role, by the role's code, as the chain records it; twice given, twice there."""
    site = find_site(session)
    manager = site.addresses["AccessManager"] if site else b""
    administrators = {keys.first.admin.address, *addresses_of(session, Office.ADMINISTRATOR)}
    rows = session.exec(
        select(JournalRow.receipt, JournalRow.block_time)
        .where(col(JournalRow.sender).in_(administrators))
        .order_by(col(JournalRow.number))
    )
    found: dict[int, list[KeySpan]] = defaultdict(list)
    for receipt, time in rows:
        for event, role, address in _changes(receipt, manager):
            spans = found[role]
            open_at = next((at for at, span in enumerate(spans) if span.address == address and not span.until), None)
            if event == _GRANTED and open_at is None:
                spans.append(KeySpan(address, time))
            elif event == _REVOKED and open_at is not None:
                spans[open_at] = KeySpan(address, spans[open_at].since, time)
    return {role: tuple(spans) for role, spans in found.items()}


def holders_of_roles(session: ReadSession, keys: HomeKeys) -> set[tuple[int, bytes]]:
    """Return who has which role now, as (code, address)."""
    return {
        (role, bytes.fromhex(span.address))
        for role, spans in spans_of_roles(session, keys).items()
        for span in spans
        if not span.until
    }


def _changes(receipt: bytes, manager: bytes) -> Iterator[tuple[bytes, int, str]]:
    """Yield the event, the role and the key of each change of a role in a receipt."""
    fields: Any = rlp_decode(receipt)
    for address, topics, _data in fields[3]:
        if address == manager and topics[0] in (_GRANTED, _REVOKED):
            yield topics[0], int.from_bytes(topics[1], "big"), topics[2][-20:].hex()
