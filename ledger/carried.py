"""Signed acts as entries: written down when they are decided, signed and encoded when they are carried."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar
from uuid import UUID

from asset_hub.core.db import ReadSession
from ledger.disputes import Appeal, Claim, CloseCase, Decide, Interim, OpenCase, Respond, Settle, Withdraw
from ledger.models import EntryRow
from ledger.signed import SignedAct, sign_act
from ledger.signing import Keys, Signer
from ledger.sites import Site
from ledger.statements import Objection, Publish, Revise

OPERATOR = "operator"
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


_ACTS: Mapping[str, Callable[..., SignedAct]] = {
    act.__name__: act
    for act in (
        OpenCase, Respond, Interim, Decide, Appeal, CloseCase, Withdraw, Settle, Publish, Revise, Objection, SetStatus,
        AnchorRoot,
    )
}  # fmt: skip


def write_act(act: SignedAct, signers: Sequence[UUID | str]) -> dict[str, Any]:
    """Return an act as plain JSON without its opId; `signers` are organisations, or OPERATOR, in the act's order."""
    return {"act": type(act).__name__, "values": _write(act), "signers": [str(signer) for signer in signers]}


def read_act(args: Mapping[str, Any], op_id: bytes) -> SignedAct:
    """Undo `write_act`."""
    return _ACTS[args["act"]](op_id=op_id, **_read(args["values"]))


def build_signed(
    _session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int
) -> tuple[str, bytes]:  # fmt: skip
    """Sign an entry's act by the keys that the operator keeps; return the register's name and the calldata."""
    signers = [_key(keys, signer) for signer in entry.args["signers"]]
    return sign_act(read_act(entry.args, entry.op_id), site, deadline=deadline, signers=signers)


def _key(keys: Keys, signer: str) -> Signer:
    return keys.operator if signer == OPERATOR else keys.organisation(UUID(signer))


def _write(value: Any) -> dict[str, Any]:
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.name != "op_id"}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return _write(value) if isinstance(value, Claim) else value


def _read(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return bytes.fromhex(value)
    return Claim(**_read(value)) if isinstance(value, dict) else value
