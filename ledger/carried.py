"""Signed acts as entries: written down when they are decided, signed and encoded when they are carried."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, get_type_hints
from uuid import UUID

from asset_hub.core.db import ReadSession
from ledger.disputes import Appeal, CloseCase, Decide, Interim, OpenCase, Respond, Settle, Withdraw
from ledger.models import EntryRow
from ledger.settlements import (
    Accept,
    AttestPaid,
    AttestRefunded,
    Close,
    CloseTogether,
    ConfirmPaid,
    Deliver,
    Expire,
    OpenOrder,
)
from ledger.signed import SignedAct, sign_act
from ledger.signing import Keys, Signer
from ledger.sites import Site
from ledger.statements import Objection, Publish, Revise

OPERATOR, CASHIER, AUTHORITY_SIGNS = "operator", "cashier", "authority"
UNSIGNED = b"\0" * 32
"""The opId of an act that is only asked whether it is allowed; its entry gives it one."""


@dataclass(frozen=True, slots=True)
class SetStatus(SignedAct):
    """Signed by an authority: freeze a work, or let it be traded again (WorkRegistry.sol)."""

    contract: ClassVar[str] = "WorkRegistry"
    function: ClassVar[str] = "setStatus"
    type_text: ClassVar[str] = "SetStatus(bytes32 opId,bytes32 work,uint8 status,uint256 deadline)"
    op_id: bytes
    work: bytes
    status: int

    def members(self) -> list[object]:
        return [self.work, self.status]


@dataclass(frozen=True, slots=True)
class SetOrgStatus(SignedAct):
    """Signed by the registrar: suspend a house, or let it start acts again (OrgRegistry.sol)."""

    contract: ClassVar[str] = "OrgRegistry"
    function: ClassVar[str] = "setStatus"
    type_text: ClassVar[str] = "SetStatus(bytes32 opId,bytes32 org,uint8 status,uint256 deadline)"
    op_id: bytes
    org: bytes
    status: int

    def members(self) -> list[object]:
        return [self.org, self.status]


@dataclass(frozen=True, slots=True)
class AnchorRoot(SignedAct):
    """Signed by the notary: a root is seen (AnchorRegistry.sol)."""

    contract: ClassVar[str] = "AnchorRegistry"
    function: ClassVar[str] = "anchor"
    type_text: ClassVar[str] = "Anchor(bytes32 opId,bytes32 root,uint32 count,uint8 kind,uint256 deadline)"
    op_id: bytes
    root: bytes
    count: int
    kind: int

    def members(self) -> list[object]:
        return [self.root, self.count, self.kind]


_ACTS: Mapping[str, type[SignedAct]] = {
    act.__name__: act
    for act in (
        OpenCase, Respond, Interim, Decide, Appeal, CloseCase, Withdraw, Settle, Publish, Revise, Objection, SetStatus,
        SetOrgStatus, AnchorRoot, OpenOrder, AttestPaid, ConfirmPaid, AttestRefunded, Deliver, Accept, Close,
        CloseTogether, Expire,
    )
}  # fmt: skip


def write_act(act: SignedAct, signers: Sequence[UUID | str]) -> dict[str, Any]:
    """Return an act as plain JSON without its opId; `signers` are organisations or offices, in its order."""
    return {"act": type(act).__name__, "values": _write(act), "signers": [str(signer) for signer in signers]}


def read_act(args: Mapping[str, Any], op_id: bytes) -> SignedAct:
    """Undo `write_act`."""
    act = _ACTS[args["act"]]
    make: Callable[..., SignedAct] = act
    return make(op_id=op_id, **_read(act, args["values"]))


def build_signed(
    _session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int
) -> tuple[str, bytes]:  # fmt: skip
    """Sign an entry's act by the keys that the operator keeps; return the register's name and the calldata."""
    signers = [_key(keys, signer) for signer in entry.args["signers"]]
    return sign_act(read_act(entry.args, entry.op_id), site, deadline=deadline, signers=signers)


def signing_addresses(keys: Keys, entry: EntryRow) -> list[str]:
    """Return the keys of the exchange that sign an entry's act, in its order."""
    offices = (signer for signer in entry.args["signers"] if signer in (OPERATOR, CASHIER))
    return [_key(keys, signer).address.hex() for signer in offices]


def _key(keys: Keys, signer: str) -> Signer:
    if signer == CASHIER:
        return keys.cashier
    if signer == AUTHORITY_SIGNS:
        return keys.authority
    return keys.operator if signer == OPERATOR else keys.organisation(UUID(signer))


def _write(value: Any) -> dict[str, Any]:
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.name != "op_id"}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return _write(value) if is_dataclass(value) else value


def _read(made: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a class from plain JSON; a member that is a class of its own is read as that."""
    kinds = get_type_hints(made)
    return {name: _value(kinds[name], value) for name, value in values.items()}


def _value(kind: Any, value: Any) -> Any:
    if isinstance(value, str):
        return bytes.fromhex(value)
    return kind(**_read(kind, value)) if isinstance(value, dict) else value
