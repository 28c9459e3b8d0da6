"""Checks offline that a payee's lines are in a published royalty statement, and that its total is the published one.

One JSON document in its one spelling, closed and signed; needs no database and no network.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import rlp

from ledger.acts import org_key
from ledger.case_errors import BadProof
from ledger.merkle import keccak
from ledger.merklesum import SumProofRefused, read_proof, verify_line
from ledger.papers import N_
from ledger.recovery import recover_address
from ledger.signed import amount_commitment
from ledger.trie import ProofRefused, value_in_proof
from ledger.verifier import TRUST_TYPE, signing_digest

PROOF_TYPE = "asset_hub/statement-proof/1"
_PUBLISHED = keccak(b"Published(bytes32,bytes32,uint32,bytes32,bytes32)")
_REVISED = keccak(b"Revised(bytes32,bytes32,uint32,(uint32,bytes32,bytes32,bytes32),bytes32)")
_LABEL = b"asset_hub/statement-label:"
_RECEIPTS_ROOT, _HEADER_TIME = 5, 11
_MAX_BYTES, _MAX_BRACKETS = 16 << 20, 200_000
_SHAPE: Mapping[str, Any] = {
    "type": str, "payee": str, "signature": str, "lines": list,
    "issuer": {"address": str, "custody": str}, "chain": {"id": int, "genesis": str},
    "statement": {
        "licensor": str, "period": int, "revision": int, "root": str, "total_fen": int, "total_salt": str,
    },
    "published": {"contract": str, "header": str, "index": int, "nodes": list},
}  # fmt: skip
_LINE_SHAPE: Mapping[str, Any] = {"label": str, "label_salt": str, "proof": dict}
_UNREADABLE = N_("It cannot be read: damaged or made up.")


@dataclass(frozen=True, slots=True)
class ProvenLines:
    """What a proof proves: `lines` as label and fen; `is_pinned` where a trust file vouched for issuer and chain."""

    licensor_id: UUID
    payee_id: UUID
    period: int
    revision: int
    root: bytes
    total_fen: int
    lines: tuple[tuple[str, int], ...]
    published_at: datetime
    issuer: bytes
    is_pinned: bool


@dataclass(frozen=True, slots=True)
class _Published:
    licensor: bytes
    period: int
    revision: int
    root: bytes
    total: bytes
    time: int


def line_salt(label_salt: bytes, label: str) -> bytes:
    """Return the salt of a line: it binds the label, which nobody can guess without the label's salt."""
    return keccak(_LABEL + label_salt + label.encode())


def verify_statement_proof(content: bytes, *, trust: bytes | None = None, root: bytes | None = None) -> ProvenLines:
    """Check every link. `root` is what the reader knows from elsewhere; `trust` the exchange's trust file.

    Raises BadProof naming the link that fails, for anything a stranger may hand in.
    """
    try:
        return _verify(content, trust, root)
    except SumProofRefused as refusal:
        raise BadProof(N_("A line is not under the root: {reason}."), reason=str(refusal)) from refusal
    except ProofRefused as refusal:
        raise BadProof(N_("It does not lead to the block that it names.")) from refusal
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise BadProof(_UNREADABLE) from error
    except rlp.exceptions.RLPException as error:
        raise BadProof(_UNREADABLE) from error


def _verify(content: bytes, trust: bytes | None, root: bytes | None) -> ProvenLines:
    document = _read(content)
    said = document["statement"]
    _require(document["type"] == PROOF_TYPE, N_("This is no proof of a statement's line."))
    _check_signature(document)
    published = _published(document["published"])
    is_same = (published.licensor, published.period, published.revision, published.root.hex()) == (
        org_key(UUID(said["licensor"])), said["period"], said["revision"], said["root"],
    )  # fmt: skip
    _require(is_same, N_("The ledger published another statement."))
    _require(root in (None, published.root), N_("The root is not the one that you know."))
    total = amount_commitment(said["total_fen"], bytes.fromhex(said["total_salt"]))
    _require(published.total == total, N_("The total is not the published one."))
    lines = tuple(_line(document, line, published.root) for line in document["lines"])
    _require(bool(lines), N_("It proves no line."))
    return ProvenLines(
        UUID(said["licensor"]), UUID(document["payee"]), said["period"], said["revision"], published.root,
        said["total_fen"], lines, datetime.fromtimestamp(published.time, UTC),
        bytes.fromhex(document["issuer"]["address"]), _is_pinned(document, published.time, trust),
    )  # fmt: skip


def _read(content: bytes) -> dict[str, Any]:
    _require(len(content) <= _MAX_BYTES, N_("It is longer than any proof."))
    _require(content.count(b"[") + content.count(b"{") <= _MAX_BRACKETS, N_("It is longer than any proof."))
    document = json.loads(content.decode("utf-8"))
    spelled = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    _require(spelled == content, N_("It is not in its one spelling."))
    _check_shape(document, _SHAPE)
    return dict(document)


def _check_shape(value: Any, shape: Any) -> None:
    if not isinstance(shape, Mapping):
        _require(type(value) is shape, _UNREADABLE)
        return
    _require(isinstance(value, dict) and value.keys() == shape.keys(), _UNREADABLE)
    for name, inner in shape.items():
        _check_shape(value[name], inner)


def _check_signature(document: Mapping[str, Any]) -> None:
    signature = bytes.fromhex(document["signature"])
    signer = recover_address(signing_digest(document), signature)
    is_own = signature.hex() == document["signature"] and signer.hex() == document["issuer"]["address"]
    _require(is_own, N_("The signature is not the issuer's, or something was changed."))


def _published(proof: Mapping[str, Any]) -> _Published:
    """Return what the one event in the proven receipt says."""
    header = rlp.decode(bytes.fromhex(proof["header"]))
    nodes = [bytes.fromhex(node) for node in proof["nodes"]]
    receipt = rlp.decode(value_in_proof(header[_RECEIPTS_ROOT], proof["index"], nodes))
    contract, time = bytes.fromhex(proof["contract"]), int.from_bytes(header[_HEADER_TIME], "big")
    for address, topics, data in receipt[3]:
        if address != contract or receipt[0] != b"\x01" or topics[0] not in (_PUBLISHED, _REVISED):
            continue
        words = [data[at : at + 32] for at in range(0, len(data), 32)]
        revision, root, total = (b"\1", *words[:2]) if topics[0] == _PUBLISHED else words[:3]
        period, number = int.from_bytes(topics[3], "big"), int.from_bytes(revision, "big")
        return _Published(topics[2], period, number, root, total, time)
    raise BadProof(N_("The ledger published another statement."))


def _line(document: Mapping[str, Any], line: Any, root: bytes) -> tuple[str, int]:
    _check_shape(line, _LINE_SHAPE)
    proof = read_proof(json.dumps(line["proof"], sort_keys=True, separators=(",", ":")).encode())
    verify_line(root, proof)
    _require(str(proof.line.payee) == document["payee"], N_("A line is another payee's."))
    _require(proof.total_fen == document["statement"]["total_fen"], N_("The total is not the published one."))
    is_bound = proof.line.salt == line_salt(bytes.fromhex(line["label_salt"]), line["label"])
    _require(is_bound, N_("A line has another label."))
    return line["label"], proof.line.fen


def _is_pinned(document: Mapping[str, Any], published: int, trust: bytes | None) -> bool:
    """Say whether the trust file knows issuer and chain. Raises BadProof, also for a key that had ended before."""
    if trust is None:
        return False
    pinned = json.loads(trust.decode("utf-8"))
    spans = [one for one in pinned["issuers"] if one["address"] == document["issuer"]["address"]]
    is_known = pinned["type"] == TRUST_TYPE and bool(spans) and document["chain"] in pinned["chains"]
    _require(is_known, N_("The issuer or the chain is not in the trust file."))
    had_ended = all(one["until"] and one["until"] <= published for one in spans)
    _require(not had_ended, N_("The issuer's key had ended before the statement was published."))
    return True


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise BadProof(message)
