"""From an entry to a call that its parties have signed: who signs what, with which witness."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from ledger import codebook
from ledger.calls import encode_call
from ledger.grants import Words, read_words
from ledger.merkle import keccak
from ledger.models import EntryRow, GrantRow
from ledger.signing import Keys, Office, typed_digest
from ledger.sites import Site

DEADLINE_SECONDS = 3600
_NOTHING = b"\0" * 32


@dataclass(frozen=True, slots=True)
class Call:
    """Where a transaction goes and what it says; `contract` is the name of the register.

    `carrier` signs it and is the chain's sender. `to` is set where no contract is called, with what is sent in wei.
    """

    contract: str
    data: bytes
    carrier: Office = Office.RELAYER
    to: bytes = b""
    value: int = 0

    def target(self, site: Site) -> bytes:
        """Return the address that the transaction goes to."""
        return self.to or site.addresses[self.contract]


def work_key(asset_id: UUID) -> bytes:
    """Return the opaque name of a work on chain: its content commitment in this code book (WorkRegistry.workOf)."""
    return keccak(codebook.VERSION.to_bytes(32, "big") + _content(asset_id))


def org_key(organisation_id: UUID) -> bytes:
    """Return the opaque name of an organisation on chain."""
    return keccak(b"asset_hub/organisation:" + organisation_id.bytes)


def _content(asset_id: UUID) -> bytes:
    return keccak(b"asset_hub/work:" + asset_id.bytes)


def grant_op_id(op_id: bytes, number: int) -> bytes:
    """Return the act identifier of a grant on chain: it ends in the licence's number (GrantLedger.sol)."""
    return op_id[:22] + number.to_bytes(10, "big")


def admit_call(_session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """Signed by the registrar."""
    org, credential = org_key(entry.subject_id), bytes.fromhex(entry.args["credential"])
    address = "0x" + keys.organisation(entry.subject_id).address.hex()
    digest = digest_in(
        site, "OrgRegistry", "Admit(bytes32 opId,bytes32 org,bytes32 credential,address key,uint256 deadline)",
        ["bytes32", "bytes32", "bytes32", "address", "uint256"], [entry.op_id, org, credential, address, deadline],
    )  # fmt: skip
    values = [entry.op_id, org, credential, address, deadline, keys.operator.sign(digest)]
    return Call("OrgRegistry", encode_call("OrgRegistry", "admit", values))


def register_call(_session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """Signed by the house that registers."""
    registrar = UUID(entry.args["registrar"])
    org, claim = org_key(registrar), (_content(entry.subject_id), bytes.fromhex(entry.args["commitment"]))
    digest = digest_in(
        site, "WorkRegistry",
        "Register(bytes32 opId,uint16 codeBook,bytes32 content,bytes32 registrar,bytes32 statement,uint256 deadline)",
        ["bytes32", "uint16", "bytes32", "bytes32", "bytes32", "uint256"],
        [entry.op_id, codebook.VERSION, claim[0], org, claim[1], deadline],
    )  # fmt: skip
    values = [entry.op_id, codebook.VERSION, org, claim, deadline, keys.organisation(registrar).sign(digest)]
    return Call("WorkRegistry", encode_call("WorkRegistry", "register", values))


def anchor_call(_session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """Signed by the notary."""
    root, count, kind = bytes.fromhex(entry.args["root"]), int(entry.args["count"]), int(entry.args["kind"])
    digest = digest_in(
        site, "AnchorRegistry", "Anchor(bytes32 opId,bytes32 root,uint32 count,uint8 kind,uint256 deadline)",
        ["bytes32", "bytes32", "uint32", "uint8", "uint256"], [entry.op_id, root, count, kind, deadline],
    )  # fmt: skip
    values = [entry.op_id, root, count, kind, deadline, keys.operator.sign(digest)]
    return Call("AnchorRegistry", encode_call("AnchorRegistry", "anchor", values))


def heads(session: ReadSession, *, asset_id: UUID) -> tuple[list[Words], list[Words]]:
    """Return the lists behind the two heads of a work, in the order of the chain: exclusives, non-exclusives."""
    rows = session.exec(
        select(GrantRow)
        .where(GrantRow.asset_id == asset_id, col(GrantRow.is_in_head).is_(True))
        .order_by(col(GrantRow.position))
    ).all()
    exclusives = [read_words(row.words) for row in rows if row.is_exclusive]
    return exclusives, [read_words(row.words) for row in rows if not row.is_exclusive]


def rolling_head(words: Sequence[Words]) -> bytes:
    """Return the rolling hash that the contract keeps over its non-exclusive licences."""
    head = _NOTHING
    for grant in words:
        head = keccak(head + b"".join(word.to_bytes(32, "big") for word in grant))
    return head


def flat(words: Sequence[Words]) -> list[int]:
    """Return a list of grants as the contract takes it: three words each."""
    return [word for grant in words for word in grant]


def digest_in(site: Site, contract: str, type_text: str, types: Sequence[str], values: Sequence[object]) -> bytes:
    """Return the digest that the parties of an act sign for this register."""
    return typed_digest(contract, site.addresses[contract], site.chain_id, type_text, types, values)
