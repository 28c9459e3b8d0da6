"""From an entry to a call that its parties have signed: who signs what, with which witness."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from ledger import codebook
from ledger.calls import encode_call
from ledger.carried import build_signed
from ledger.chain import CHAIN_ID
from ledger.grants import Words, read_words
from ledger.merkle import keccak
from ledger.models import EntryRow, GrantRow
from ledger.signing import Keys, typed_digest
from ledger.sites import Site
from ledger.types import EntryKind

DEADLINE_SECONDS = 3600
_GRANT_TYPE = (
    "Grant(bytes32 opId,bytes32 work,bytes32 licensor,bytes32 licensee,uint256 w1,uint256 w2,uint256 w3,"
    "bytes32 terms,bool subjectTo,bytes32 disclosed,uint256 deadline)"
)
_NOTHING = b"\0" * 32


@dataclass(frozen=True, slots=True)
class Call:
    """Where a transaction goes and what it says; `contract` is the name of the register."""

    contract: str
    data: bytes


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


def build_call(session: ReadSession, keys: Keys, site: Site, entry: EntryRow, *, time: int) -> Call:
    """Sign an entry by its parties' keys and encode it; `time` is that of the block to come."""
    deadline = time + DEADLINE_SECONDS
    return BUILDERS[EntryKind(entry.kind)](session, keys, site, entry, deadline)


def _admit(_session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    org, credential = org_key(entry.subject_id), bytes.fromhex(entry.args["credential"])
    address = "0x" + keys.organisation(entry.subject_id).address.hex()
    digest = _digest(
        site, "OrgRegistry", "Admit(bytes32 opId,bytes32 org,bytes32 credential,address key,uint256 deadline)",
        ["bytes32", "bytes32", "bytes32", "address", "uint256"], [entry.op_id, org, credential, address, deadline],
    )  # fmt: skip
    values = [entry.op_id, org, credential, address, deadline, keys.operator.sign(digest)]
    return Call("OrgRegistry", encode_call("OrgRegistry", "admit", values))


def _register(_session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    registrar = UUID(entry.args["registrar"])
    org, claim = org_key(registrar), (_content(entry.subject_id), bytes.fromhex(entry.args["commitment"]))
    digest = _digest(
        site, "WorkRegistry",
        "Register(bytes32 opId,uint16 codeBook,bytes32 content,bytes32 registrar,bytes32 statement,uint256 deadline)",
        ["bytes32", "uint16", "bytes32", "bytes32", "bytes32", "uint256"],
        [entry.op_id, codebook.VERSION, claim[0], org, claim[1], deadline],
    )  # fmt: skip
    values = [entry.op_id, codebook.VERSION, org, claim, deadline, keys.organisation(registrar).sign(digest)]
    return Call("WorkRegistry", encode_call("WorkRegistry", "register", values))


def _anchor(_session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    root, count, kind = bytes.fromhex(entry.args["root"]), int(entry.args["count"]), int(entry.args["kind"])
    digest = _digest(
        site, "AnchorRegistry", "Anchor(bytes32 opId,bytes32 root,uint32 count,uint8 kind,uint256 deadline)",
        ["bytes32", "bytes32", "uint32", "uint8", "uint256"], [entry.op_id, root, count, kind, deadline],
    )  # fmt: skip
    values = [entry.op_id, root, count, kind, deadline, keys.operator.sign(digest)]
    return Call("AnchorRegistry", encode_call("AnchorRegistry", "anchor", values))


def _grant(session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    asset_id = UUID(entry.args["asset"])
    licensor, licensee = UUID(entry.args["licensor"]), UUID(entry.args["licensee"])
    words, terms = read_words(entry.args["words"]), bytes.fromhex(entry.args["terms"])
    exclusives, others = heads(session, asset_id=asset_id)
    is_exclusive = bool(words[2] & 3)
    disclosed = rolling_head(others) if is_exclusive else _NOTHING
    work, seller, buyer = work_key(asset_id), org_key(licensor), org_key(licensee)
    op_id = grant_op_id(entry.op_id, int(entry.args["number"]))
    digest = _digest(
        site, "GrantLedger", _GRANT_TYPE,
        ["bytes32"] * 4 + ["uint256"] * 3 + ["bytes32", "bool", "bytes32", "uint256"],
        [op_id, work, seller, buyer, *words, terms, False, disclosed, deadline],
    )  # fmt: skip
    signed = (deadline, keys.organisation(licensor).sign(digest), keys.organisation(licensee).sign(digest), b"")
    grant = (work, seller, buyer, *words, terms)
    if not is_exclusive:
        return Call(
            "GrantLedger",
            encode_call("GrantLedger", "grantNonExclusive", [op_id, grant, _flat(exclusives), signed]),
        )
    values = [op_id, grant, False, disclosed, (_flat(exclusives), _flat(others)), signed]
    return Call("GrantLedger", encode_call("GrantLedger", "grantExclusive", values))


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


def _flat(words: Sequence[Words]) -> list[int]:
    return [word for grant in words for word in grant]


def _digest(site: Site, contract: str, type_text: str, types: Sequence[str], values: Sequence[object]) -> bytes:
    return typed_digest(contract, site.addresses[contract], CHAIN_ID, type_text, types, values)


BUILDERS: Mapping[EntryKind, Callable[[ReadSession, Keys, Site, EntryRow, int], Call]] = {
    EntryKind.ADMIT: _admit, EntryKind.REGISTER: _register, EntryKind.ANCHOR: _anchor, EntryKind.GRANT: _grant,
    EntryKind.CASE: lambda *given: Call(*build_signed(*given)),
    EntryKind.STATEMENT: lambda *given: Call(*build_signed(*given)),
}  # fmt: skip
