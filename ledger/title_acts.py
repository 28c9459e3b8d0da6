"""The acts of TitleLedger.sol as calls: record, transfer, pledge, release, correct."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from asset_hub.core.db import ReadSession
from ledger.acts import Call, digest_in, org_key, work_key
from ledger.calls import encode_call
from ledger.models import EntryRow
from ledger.signing import Keys, types_of
from ledger.sites import Site
from ledger.titles import TitleList, read_title
from ledger.types import DeedKind

_RECORD = "RecordTitle(bytes32 opId,bytes32 work,bytes32 head,bytes32 instrument,uint256 deadline)"
_CORRECT = "CorrectTitle(bytes32 opId,bytes32 work,bytes32 head,bytes32 decision,uint256 deadline)"
_TRANSFER = (
    "TransferTitle(bytes32 opId,bytes32 work,bytes32 head,uint96 rights,bytes32 from,bytes32 to,uint16 bps,"
    "bytes32 instrument,uint256 deadline)"
)
_PLEDGE = (
    "PledgeTitle(bytes32 opId,bytes32 work,bytes32 head,uint96 rights,bytes32 pledgor,bytes32 pledgee,"
    "bytes32 instrument,uint256 deadline)"
)
_RELEASE = "ReleasePledge(bytes32 opId,bytes32 work,bytes32 head,uint256 index,bytes32 instrument,uint256 deadline)"


def title_call(_session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """An act on a title, signed by every side of its deed, or by the authority."""
    args, work = entry.args, work_key(UUID(entry.args["asset"]))
    before = read_title(args["before"]["shares"], args["before"]["pledges"]) if args.get("before") else None
    after = read_title(args["after"]["shares"], args["after"]["pledges"])
    instrument = bytes.fromhex(args["instrument"])
    kind = DeedKind(args["act"])
    if before is None or kind == DeedKind.CORRECT:
        return _listed(keys, site, entry, kind, work, after, instrument, deadline)
    if kind == DeedKind.RELEASE:
        return _release(keys, site, entry, work, before, instrument, deadline)
    return _move(keys, site, entry, kind, work, before, instrument, deadline)


def _listed(
    keys: Keys, site: Site, entry: EntryRow, kind: DeedKind, work: bytes, title: TitleList, instrument: bytes,
    deadline: int,
) -> Call:  # fmt: skip
    is_correction = kind == DeedKind.CORRECT
    digest = _digest(
        site, _CORRECT if is_correction else _RECORD,
        [entry.op_id, work, title.head, instrument, deadline],
    )  # fmt: skip
    if is_correction:
        values = [entry.op_id, work, title.encoded, instrument, deadline, keys.authority.sign(digest)]
        return _call("courtCorrect", values)
    consent = (deadline, _sides(keys, entry.args, digest))
    return _call("record", [entry.op_id, work, title.encoded, instrument, consent])


def _move(
    keys: Keys, site: Site, entry: EntryRow, kind: DeedKind, work: bytes, before: TitleList, instrument: bytes,
    deadline: int,
) -> Call:  # fmt: skip
    args, is_pledge = entry.args, kind == DeedKind.PLEDGE
    rights, bps = int(args["rights"], 16), 0 if is_pledge else int(args["bps"])
    giver, taker = org_key(UUID(args["giver"])), org_key(UUID(args["taker"]))
    parts = [rights, giver, taker] if is_pledge else [rights, giver, taker, bps]
    digest = _digest(
        site, _PLEDGE if is_pledge else _TRANSFER,
        [entry.op_id, work, before.head, *parts, instrument, deadline],
    )  # fmt: skip
    move = (work, rights, giver, taker, bps, instrument)
    consent = (deadline, _sides(keys, args, digest))
    return _call("pledge" if is_pledge else "transferTitle", [entry.op_id, move, before.encoded, consent])


def _release(
    keys: Keys, site: Site, entry: EntryRow, work: bytes, before: TitleList, instrument: bytes, deadline: int
) -> Call:
    index = int(entry.args["index"])
    digest = _digest(site, _RELEASE, [entry.op_id, work, before.head, index, instrument, deadline])
    signature = keys.organisation(before.pledges[index].pledgee).sign(digest)
    return _call("release", [entry.op_id, work, index, instrument, before.encoded, deadline, signature])


def _sides(keys: Keys, args: Mapping[str, Any], digest: bytes) -> list[tuple[bytes, bytes]]:
    return sorted((org_key(UUID(side)), keys.organisation(UUID(side)).sign(digest)) for side in args["sides"])


def _digest(site: Site, type_text: str, values: Sequence[object]) -> bytes:
    return digest_in(site, "TitleLedger", type_text, types_of(type_text), values)


def _call(function: str, values: Sequence[Any]) -> Call:
    return Call("TitleLedger", encode_call("TitleLedger", function, values))
