"""Royalty statements on chain: publish, revise, object (StatementLedger.sol). Pure: no database, no chain.

The root and the total's commitment come from `ledger.merklesum`; amounts stay outside.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from ledger.signed import SignedAct, refuse

_NOTHING = b"\0" * 32


@dataclass(frozen=True, slots=True)
class StatementRecord:
    """A statement as the contract holds it; `published_at` in unix seconds is that of the revision."""

    root: bytes
    total: bytes
    published_at: int
    revision: int
    objections: int


@dataclass(frozen=True, slots=True)
class Publish(SignedAct):
    """Signed by the notary. `period` is written YYYYMM; `total` commits to the sum of all lines."""

    contract: ClassVar[str] = "StatementLedger"
    function: ClassVar[str] = "publish"
    type_text: ClassVar[str] = (
        "Publish(bytes32 opId,bytes32 licensor,uint32 period,bytes32 root,bytes32 total,uint256 deadline)"
    )
    op_id: bytes
    licensor: bytes
    period: int
    root: bytes
    total: bytes

    def members(self) -> list[object]:
        return [self.licensor, self.period, self.root, self.total]

    def after(self, record: StatementRecord | None, *, time: int) -> StatementRecord:
        """Return the statement afterwards. Raises ActRefused under the contract's name of the rule."""
        if _NOTHING in (self.licensor, self.root, self.total) or self.period == 0:
            raise refuse("Malformed")
        if record is not None:
            raise refuse("StatementTaken")
        return StatementRecord(self.root, self.total, time, 1, 0)


@dataclass(frozen=True, slots=True)
class Revise(SignedAct):
    """Signed by the notary. `number` is the revision this makes; `reason` a salted digest of why."""

    contract: ClassVar[str] = "StatementLedger"
    function: ClassVar[str] = "revise"
    type_text: ClassVar[str] = (
        "Revise(bytes32 opId,bytes32 licensor,uint32 period,uint32 number,bytes32 root,bytes32 total,bytes32 reason,"
        "uint256 deadline)"
    )
    op_id: bytes
    licensor: bytes
    period: int
    number: int
    root: bytes
    total: bytes
    reason: bytes

    def members(self) -> list[object]:
        return [self.licensor, self.period, self.number, self.root, self.total, self.reason]

    def arguments(self) -> list[object]:
        return [self.licensor, self.period, (self.number, self.root, self.total, self.reason)]

    def after(self, record: StatementRecord | None, *, time: int) -> StatementRecord:
        """Return the statement afterwards; objections stay counted. Raises ActRefused."""
        if record is None:
            raise refuse("UnknownStatement")
        if self.number != record.revision + 1:
            raise refuse("NotNextRevision")
        if _NOTHING in (self.root, self.total, self.reason) or self.root == record.root:
            raise refuse("Malformed")
        return replace(record, root=self.root, total=self.total, published_at=time, revision=self.number)


@dataclass(frozen=True, slots=True)
class Objection(SignedAct):
    """Signed by the licensor's organisation, against the revision that stands; `grounds` is a salted digest."""

    contract: ClassVar[str] = "StatementLedger"
    function: ClassVar[str] = "objection"
    type_text: ClassVar[str] = (
        "Objection(bytes32 opId,bytes32 licensor,uint32 period,uint32 revision,bytes32 grounds,uint256 deadline)"
    )
    op_id: bytes
    licensor: bytes
    period: int
    revision: int
    grounds: bytes

    def members(self) -> list[object]:
        return [self.licensor, self.period, self.revision, self.grounds]

    def after(self, record: StatementRecord | None) -> StatementRecord:
        """Return the statement afterwards. Raises ActRefused."""
        if record is None:
            raise refuse("UnknownStatement")
        if self.revision != record.revision:
            raise refuse("NotThatRevision")
        if self.grounds == _NOTHING:
            raise refuse("Malformed")
        return replace(record, objections=record.objections + 1)


StatementAct = Publish | Revise | Objection


def advance_statement(record: StatementRecord | None, act: StatementAct, *, time: int) -> StatementRecord:
    """Return a statement after an act at `time`, None before the first; who may sign is not looked at here.

    Raises ActRefused whose member `rule` is the name of the contract's error.
    """
    return act.after(record) if isinstance(act, Objection) else act.after(record, time=time)
