"""The acts of GrantLedger.sol as calls: licence, hold, hold confirmed, licence under a licence, end, compaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eth_abi.abi import encode

from asset_hub.core.db import ReadSession
from ledger.acts import Call, digest_in, flat, grant_op_id, heads, org_key, rolling_head, work_key
from ledger.calls import encode_call
from ledger.consents import title_on_chain
from ledger.grants import Words, is_exclusive, read_words
from ledger.merkle import keccak
from ledger.models import EntryRow, GrantRow
from ledger.signing import Keys
from ledger.sites import Site

_GRANT = "bytes32 opId,bytes32 work,bytes32 licensor,bytes32 licensee,uint256 w1,uint256 w2,uint256 w3,bytes32 terms"
_GRANT_TYPE = f"Grant({_GRANT},bool subjectTo,bytes32 disclosed,uint256 deadline)"
_CONFIRM_TYPE = f"Confirm({_GRANT},bool subjectTo,bytes32 disclosed,uint256 reservation,uint256 deadline)"
_END_TYPE = "Terminate(bytes32 opId,uint256 licence,bytes32 reason,uint256 deadline)"
_COMPACT_TYPE = "Compact(bytes32 opId,bytes32 work,bool ofExclusives,bytes32 head,uint256 deadline)"
_GRANT_TYPES = ["bytes32"] * 4 + ["uint256"] * 3 + ["bytes32", "bool", "bytes32"]
_NOTHING = b"\0" * 32
_SIDES = "(bytes32,bytes)[]"
_TITLE = "((bytes32,uint96,uint16)[],(bytes32,bytes32,uint96)[])"


def grant_call(session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """A licence: by itself, out of a hold, or under a licence; signed by both sides, co-owners and pledgees."""
    grant, words = _struct(entry.args)
    exclusives, others = heads(session, asset_id=UUID(entry.args["asset"]))
    subject_to = bool(entry.args.get("subject_to")) and bool(words[2] & 3)
    disclosed = rolling_head(others) if words[2] & 3 else _NOTHING
    op_id = grant_op_id(entry.op_id, int(entry.args["number"]))
    values: list[object] = [op_id, *grant, subject_to, disclosed]
    types, type_text = list(_GRANT_TYPES), _GRANT_TYPE
    if (hold := entry.args.get("hold")) is not None:
        types, type_text = [*types, "uint256"], _CONFIRM_TYPE
        values.append(int(hold))
    digest = digest_in(site, "GrantLedger", type_text, [*types, "uint256"], [*values, deadline])
    signed = _signed(session, keys, entry, digest, deadline)
    witness = (flat(exclusives), [] if subject_to or not words[2] & 3 else flat(others))
    above = hold if hold is not None else words[2] >> 48 & ((1 << 80) - 1) or None
    if above is not None:
        standing = _struct(_args_of(session, int(above)))[0]
        function = "confirm" if hold is not None else "sublicense"
        return _call(function, [op_id, grant, subject_to, disclosed, standing, witness, signed])
    if not is_exclusive(words):
        return _call("grantNonExclusive", [op_id, grant, flat(exclusives), signed])
    return _call("grantExclusive", [op_id, grant, subject_to, disclosed, witness, signed])


def hold_call(session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """A hold (预留), signed like an exclusive licence."""
    grant, _words = _struct(entry.args)
    exclusives, _others = heads(session, asset_id=UUID(entry.args["asset"]))
    op_id = grant_op_id(entry.op_id, int(entry.args["number"]))
    values = [op_id, *grant, False, _NOTHING, deadline]
    digest = digest_in(site, "GrantLedger", _GRANT_TYPE, [*_GRANT_TYPES, "uint256"], values)
    return _call("reserve", [op_id, grant, flat(exclusives), _signed(session, keys, entry, digest, deadline)])


def end_call(session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """The end of a licence or hold: both sides sign, or the authority where `by_authority`."""
    number, reason = int(entry.args["number"]), bytes.fromhex(entry.args["reason"])
    digest = digest_in(
        site, "GrantLedger", _END_TYPE, ["bytes32", "uint256", "bytes32", "uint256"],
        [entry.op_id, number, reason, deadline],
    )  # fmt: skip
    if entry.args.get("by_authority"):
        values = [entry.op_id, number, reason, deadline, keys.authority.sign(digest)]
        return _call("terminateByAuthority", values)
    args = _args_of(session, number)
    signed = (deadline, *(keys.organisation(UUID(args[side])).sign(digest) for side in ("licensor", "licensee")), b"")
    return _call("terminate", [entry.op_id, _struct(args)[0], reason, signed])


def compact_call(session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """What is dead leaves a list; signed by the registrar over the head as it stands."""
    work, of_exclusives = work_key(entry.subject_id), bool(entry.args["of_exclusives"])
    exclusives, others = heads(session, asset_id=entry.subject_id)
    words = flat(exclusives if of_exclusives else others)
    packed = keccak(b"".join(word.to_bytes(32, "big") for word in words))
    head = packed if of_exclusives else rolling_head(others)
    digest = digest_in(
        site, "GrantLedger", _COMPACT_TYPE, ["bytes32", "bytes32", "bool", "bytes32", "uint256"],
        [entry.op_id, work, of_exclusives, head, deadline],
    )  # fmt: skip
    return _call("compact", [entry.op_id, work, of_exclusives, words, deadline, keys.operator.sign(digest)])


def _signed(
    session: ReadSession, keys: Keys, entry: EntryRow, digest: bytes, deadline: int
) -> tuple[int, bytes, bytes, bytes]:
    args = entry.args
    licensor, licensee = (keys.organisation(UUID(args[side])).sign(digest) for side in ("licensor", "licensee"))
    title = title_on_chain(session, asset_id=UUID(args["asset"]))
    if title is None:
        return deadline, licensor, licensee, b""
    signers = sorted((org_key(UUID(one)), keys.organisation(UUID(one)).sign(digest)) for one in args["signers"])
    return deadline, licensor, licensee, encode([_TITLE, _SIDES], [title.encoded, signers])


def _struct(args: dict[str, Any]) -> tuple[tuple[Any, ...], Words]:
    """Return a grant as the contract's struct, and its words."""
    words = read_words(args["words"])
    parties = (org_key(UUID(args["licensor"])), org_key(UUID(args["licensee"])))
    return (work_key(UUID(args["asset"])), *parties, *words, bytes.fromhex(args["terms"])), words


def _args_of(session: ReadSession, number: int) -> dict[str, Any]:
    row = session.get_one(GrantRow, number)
    return {
        "asset": str(row.asset_id), "licensor": str(row.licensor_id), "licensee": str(row.licensee_id),
        "words": row.words, "terms": row.terms.hex(),
    }  # fmt: skip


def _call(function: str, values: Sequence[Any]) -> Call:
    return Call("GrantLedger", encode_call("GrantLedger", function, values))
