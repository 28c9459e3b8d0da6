"""The acts of OrgRegistry.sol on keys: add, retire, and help a house that has lost its own.

A key is added by a present key of the house, and the new one shows that somebody holds it: the house, or, where the
operator renews the key that it keeps for a house (`custody` in the entry), the operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from asset_hub.core.db import ReadSession
from ledger.acts import Call, org_key
from ledger.models import EntryRow
from ledger.signed import SignedAct, sign_act
from ledger.signing import Keys, Signer
from ledger.sites import Site


@dataclass(frozen=True, slots=True)
class AddKey(SignedAct):
    """Signed by a present key of the house, and by the key that is added; `valid_until` 0 is open."""

    contract: ClassVar[str] = "OrgRegistry"
    function: ClassVar[str] = "addKey"
    type_text: ClassVar[str] = (
        "AddKey(bytes32 opId,bytes32 org,address key,uint8 purpose,uint64 validFrom,uint64 validUntil,uint256 deadline)"
    )
    op_id: bytes
    org: bytes
    key: bytes
    purpose: int
    valid_until: int

    def members(self) -> list[object]:
        return [self.org, _hex(self.key), self.purpose, 0, self.valid_until]

    def arguments(self) -> list[object]:
        return [self.org, (_hex(self.key), self.purpose, 0, self.valid_until)]


@dataclass(frozen=True, slots=True)
class RetireKey(SignedAct):
    """Signed by a live key of the house, or by the registrar."""

    contract: ClassVar[str] = "OrgRegistry"
    function: ClassVar[str] = "retireKey"
    type_text: ClassVar[str] = "RetireKey(bytes32 opId,bytes32 org,address key,uint256 deadline)"
    op_id: bytes
    org: bytes
    key: bytes

    def members(self) -> list[object]:
        return [self.org, _hex(self.key)]


@dataclass(frozen=True, slots=True)
class ProposeRecovery(RetireKey):
    """Signed by the registrar: a new key for a house that has lost its own, in three days."""

    function: ClassVar[str] = "proposeRecovery"
    type_text: ClassVar[str] = "ProposeRecovery(bytes32 opId,bytes32 org,address key,uint256 deadline)"


@dataclass(frozen=True, slots=True)
class CancelRecovery(RetireKey):
    """Signed by a live key of the house, or by the registrar."""

    function: ClassVar[str] = "cancelRecovery"
    type_text: ClassVar[str] = "CancelRecovery(bytes32 opId,bytes32 org,address key,uint256 deadline)"


@dataclass(frozen=True, slots=True)
class Recover(RetireKey):
    """Signed by the registrar when the three days have passed."""

    function: ClassVar[str] = "recover"
    type_text: ClassVar[str] = "Recover(bytes32 opId,bytes32 org,address key,uint256 deadline)"


_PLAIN: Mapping[str, type[RetireKey]] = {
    act.__name__: act for act in (RetireKey, ProposeRecovery, CancelRecovery, Recover)
}


def key_call(_session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """An act on a key, signed by whom its `args` name: the house, or the operator as registrar."""
    args, house = entry.args, entry.subject_id
    key, org = bytes.fromhex(args["address"]), org_key(house)
    act: SignedAct
    if args["act"] == AddKey.__name__:
        act = AddKey(entry.op_id, org, key, int(args["purpose"]), int(args["valid_until"]))
        new = keys.custody(house, key) if args.get("custody") else keys.newcomer(house, key)
        signers: list[Signer] = [keys.organisation(house), new]
    else:
        act = _PLAIN[args["act"]](entry.op_id, org, key)
        signers = [keys.operator if args["by_registrar"] else keys.organisation(house)]
    return Call(*sign_act(act, site, deadline=deadline, signers=signers))


def write_key_act(
    act: type[SignedAct], address: bytes, *, by_registrar: bool = False, **more: object
) -> dict[str, Any]:
    """Return an act on a key as the plain JSON of its entry."""
    return {"act": act.__name__, "address": address.hex(), "by_registrar": by_registrar, **more}


def _hex(address: bytes) -> str:
    return "0x" + address.hex()
