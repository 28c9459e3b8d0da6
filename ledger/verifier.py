"""Checks a certificate offline: no database, no network, no web3; a trust file and a status list if given.

Every member of the document is closed and signed; one changed letter is refused, and the link that fails is named.
What is said about a link is an English message with its parameters apart, so that pages may say it in Chinese.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import rlp

from ledger.merkle import climb, keccak
from ledger.signing import recover_address
from ledger.trie import ProofRefused, value_in_proof

CERTIFICATE_TYPE = "asset_hub/licence-certificate/1"
TRUST_TYPE = "asset_hub/trust/1"
STATUS_TYPE = "asset_hub/status-list/1"
GRANTED = keccak(b"Granted(bytes32,bytes32,uint256,bytes32,bytes32,uint256,uint256,uint256,bytes32,bytes32,bytes32)")
ANCHORED = keccak(b"Anchored(bytes32,bytes32,uint32,uint8)")
_RECEIPTS_ROOT, _HEADER_TIME = 5, 11
_TERMS_WORD = 5
_MAX_CERTIFICATE = 1 << 20
_MAX_BRACKETS = 500
_BEIJING = timezone(timedelta(hours=8))
_PROOF = {"contract": str, "header": str, "index": int, "nodes": list}
_SHAPE: Mapping[str, Any] = {
    "type": str, "issued_at": str, "licence": str, "licence_salt": str, "signature": str,
    "issuer": {"name": str, "address": str, "custody": str, "witness": str},
    "chain": {"id": int, "genesis": str},
    "grant": _PROOF, "anchor": _PROOF,
    "delivery": {"sha256": str, "bytes": int, "name": str, "salt": str, "path": list},
}  # fmt: skip
_TRUST_SHAPE: Mapping[str, Any] = {"type": str, "issuers": list, "chains": list}
_STATUS_SHAPE: Mapping[str, Any] = {"type": str, "dated": str, "issuer": str, "revoked": list, "signature": str}
_HEX = set("0123456789abcdef")


def N_(message: str) -> str:
    """Mark an English message for translation elsewhere; this module imports nothing of the application."""
    return message


@dataclass(frozen=True, slots=True)
class Said:
    """What is said about a link: a message with braces and what fills them."""

    message: str
    params: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message.format(**self.params) if self.params else self.message


@dataclass(frozen=True, slots=True)
class Check:
    """One link: `ok` is None where it was not checked; `detail` is `message` in English, filled in."""

    name: str
    ok: bool | None
    detail: str
    message: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All links; the certificate holds when none is False."""

    checks: tuple[Check, ...]

    @property
    def is_valid(self) -> bool:
        return all(check.ok is not False for check in self.checks)


class Refused(ValueError):
    """A link that fails, in plain words."""

    def __init__(self, message: str, **params: str | int) -> None:
        self.said = Said(message, params)
        super().__init__(str(self.said))


_Outcome = tuple[bool | None, Said]
_FORM = N_("form")
_UNREADABLE = N_("it cannot be read: damaged or made up")


def verify_certificate(
    certificate: bytes,
    *,
    media: Path | None,
    trust: bytes | None,
    status: bytes | None,
    today: date,
    digest: str | None = None,
) -> Report:
    """Check every link that can be checked; never raises for anything a stranger may hand in.

    `digest` is the SHA-256 of the file in hex, for those who made it elsewhere and keep the file to themselves.
    """
    try:
        document = _read(certificate, _SHAPE, CERTIFICATE_TYPE)
        _check_words(document)
    except Refused as refusal:
        return Report((_told(_FORM, (False, refusal.said)),))
    links: tuple[tuple[str, Callable[[], _Outcome]], ...] = (
        (N_("signature"), lambda: _check_signature(document, document["issuer"]["address"])),
        (N_("issuer"), lambda: _check_issuer(document, trust)),
        (N_("licence recorded"), lambda: _check_grant(document)),
        (N_("delivery anchored"), lambda: _check_anchor(document)),
        (N_("file"), lambda: _check_media(document, media, digest)),
        (N_("period"), lambda: _check_period(document, today)),
        (N_("revocation"), lambda: _check_status(document, status)),
    )
    checks = [_told(_FORM, (True, Said(N_("canonical, closed"))))]
    return Report((*checks, *(_told(name, _try(link)) for name, link in links)))


def check_pin(certificate: bytes, *, name: str, trust: bytes) -> Check:
    """Check only whether the issuer and the chain are in a trust file, under a name of its own."""
    try:
        document = _read(certificate, _SHAPE, CERTIFICATE_TYPE)
    except Refused as refusal:
        return _told(name, (False, refusal.said))
    return _told(name, _try(lambda: _check_issuer(document, trust)))


def _try(link: Callable[[], _Outcome]) -> _Outcome:
    """Return what a link says; whatever a stranger made up is a link that fails, never a crash."""
    try:
        return link()
    except Refused as refusal:
        return False, refusal.said
    except ProofRefused:
        return False, Said(N_("the proof does not lead to the block it names"))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, OSError):
        return False, Said(_UNREADABLE)
    except rlp.exceptions.RLPException:
        return False, Said(_UNREADABLE)


def _told(name: str, outcome: _Outcome) -> Check:
    ok, said = outcome
    return Check(name, ok, str(said), said.message, said.params)


def signing_digest(document: Mapping[str, Any]) -> bytes:
    """Return the digest that the issuer signs: of the canonical document without its signature."""
    rest = {key: value for key, value in document.items() if key != "signature"}
    return keccak(json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


def licence_of(certificate: bytes) -> dict[str, Any]:
    """Return the licence that a certificate is about, unchecked. Raises Refused for another document."""
    document = _read(certificate, _SHAPE, CERTIFICATE_TYPE)
    licence: dict[str, Any] = json.loads(document["licence"])
    return licence


def _read(content: bytes, shape: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if len(content) > _MAX_CERTIFICATE:
        raise Refused(N_("longer than any certificate"))
    if content.count(b"[") + content.count(b"{") > _MAX_BRACKETS:
        raise Refused(N_("nested deeper than any certificate"))
    try:
        document = json.loads(content.decode("utf-8"))
        spelled = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise Refused(N_("not a JSON document in UTF-8")) from error
    if spelled != content:
        raise Refused(N_("not in its one canonical spelling"))
    _check_shape(document, shape, "")
    if document["type"] != kind:
        raise Refused(N_("another type of document: {type}"), type=document["type"][:60])
    return dict(document)


def _check_shape(value: Any, shape: Any, where: str) -> None:
    if isinstance(shape, Mapping):
        if not isinstance(value, dict) or value.keys() != shape.keys():
            message = N_("other members than expected in “{where}”") if where else N_("other members than expected")
            raise Refused(message, **({"where": where} if where else {}))
        for name, inner in shape.items():
            _check_shape(value[name], inner, name)
    elif type(value) is not shape:
        raise Refused(N_("“{where}” is not of its type"), where=where)


def _check_words(document: Mapping[str, Any]) -> None:
    """Hex is lower case and of its length: one value has one spelling."""
    delivery = document["delivery"]
    for name, text, length in (
        ("signature", document["signature"], 130), ("licence_salt", document["licence_salt"], 64),
        ("issuer.address", document["issuer"]["address"], 40), ("chain.genesis", document["chain"]["genesis"], 64),
        ("delivery.sha256", delivery["sha256"], 64), ("delivery.salt", delivery["salt"], 64),
        *((f"{proof}.contract", document[proof]["contract"], 40) for proof in ("grant", "anchor")),
        *((f"{proof}.header", document[proof]["header"], None) for proof in ("grant", "anchor")),
        *((f"{proof}.nodes", node, None) for proof in ("grant", "anchor") for node in document[proof]["nodes"]),
        *(("delivery.path", node, 64) for node in delivery["path"]),
    ):  # fmt: skip
        if not isinstance(text, str) or not set(text) <= _HEX or len(text) % 2 or (length and len(text) != length):
            raise Refused(N_("“{where}” is not lower-case hex of its length"), where=name)


def _check_signature(document: Mapping[str, Any], address: str) -> _Outcome:
    try:
        signer = recover_address(signing_digest(document), bytes.fromhex(document["signature"])).hex()
    except ValueError as error:
        raise Refused(N_("the signature fits no key")) from error
    if signer != address:
        raise Refused(N_("the signature is not the issuer's, or something in it was changed"))
    return True, Said(N_("signed by {address}"), {"address": f"0x{signer}"})


def _check_issuer(document: Mapping[str, Any], trust: bytes | None) -> _Outcome:
    if trust is None:
        return None, Said(N_("issuer not pinned"))
    pinned = _read(trust, _TRUST_SHAPE, TRUST_TYPE)
    issuers = {entry["address"]: entry["name"] for entry in pinned["issuers"]}
    if document["issuer"]["address"] not in issuers:
        raise Refused(N_("the issuer is not in the trust file"))
    if document["chain"] not in pinned["chains"]:
        raise Refused(N_("the chain is not in the trust file"))
    return True, Said(N_("pinned: {name}"), {"name": str(issuers[document["issuer"]["address"]])[:80]})


def _check_grant(document: Mapping[str, Any]) -> _Outcome:
    topics, data, time = _event(document["grant"], GRANTED)
    licence = json.loads(document["licence"])
    if int.from_bytes(topics[3], "big") != licence["number"]:
        raise Refused(N_("the recorded licence has another number"))
    words = [data[offset : offset + 32] for offset in range(0, len(data), 32)]
    commitment = keccak(bytes.fromhex(document["licence_salt"]) + document["licence"].encode())
    if words[_TERMS_WORD] != commitment:
        raise Refused(N_("the terms are not the recorded ones"))
    return True, Said(N_("licence {number} recorded {time}"), {"number": licence["number"], "time": _show(time)})


def _check_anchor(document: Mapping[str, Any]) -> _Outcome:
    topics, _data, time = _event(document["anchor"], ANCHORED)
    delivery = document["delivery"]
    commitment = keccak(bytes.fromhex(delivery["salt"]) + bytes.fromhex(delivery["sha256"]))
    if climb(commitment, [bytes.fromhex(node) for node in delivery["path"]]) != topics[2]:
        raise Refused(N_("the delivered file's digest is not under the anchored root"))
    return True, Said(N_("anchored {time}"), {"time": _show(time)})


def _event(proof: Mapping[str, Any], signature: bytes) -> tuple[list[bytes], bytes, int]:
    """Return topics and data of the one event in a proven receipt, and its block's time."""
    header = rlp.decode(bytes.fromhex(proof["header"]))
    receipt = rlp.decode(
        value_in_proof(header[_RECEIPTS_ROOT], proof["index"], [bytes.fromhex(node) for node in proof["nodes"]])
    )
    if receipt[0] != b"\x01":
        raise Refused(N_("the transaction was refused"))
    for address, topics, data in receipt[3]:
        if address == bytes.fromhex(proof["contract"]) and topics[0] == signature:
            return list(topics), data, int.from_bytes(header[_HEADER_TIME], "big")
    raise Refused(N_("the receipt has no such event of this contract"))


def _check_media(document: Mapping[str, Any], media: Path | None, given: str | None) -> _Outcome:
    if media is None and given is None:
        return None, Said(N_("no file given"))
    if media is None:
        if given != document["delivery"]["sha256"]:
            raise Refused(N_("the file is not the delivered one: at least one byte differs"))
        return True, Said(N_("its SHA-256 agrees"))
    digest, count = hashlib.sha256(), 0
    with media.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            count += len(chunk)
    if (digest.hexdigest(), count) != (document["delivery"]["sha256"], document["delivery"]["bytes"]):
        raise Refused(N_("the file is not the delivered one: at least one byte differs"))
    return True, Said(N_("its SHA-256 agrees"))


def _check_period(document: Mapping[str, Any], today: date) -> _Outcome:
    licence = json.loads(document["licence"])
    first, last = date.fromisoformat(licence["first_day"]), date.fromisoformat(licence["last_day"])
    if today > last:
        raise Refused(N_("expired: the last day was {last}"), last=str(last))
    days: dict[str, str | int] = {"first": str(first), "last": str(last)}
    if today < first:
        return True, Said(N_("{first} – {last}, last day included (not begun yet)"), days)
    return True, Said(N_("{first} – {last}, last day included"), days)


def _check_status(document: Mapping[str, Any], status: bytes | None) -> _Outcome:
    if status is None:
        return None, Said(N_("revocation not checked"))
    listed = _read(status, _STATUS_SHAPE, STATUS_TYPE)
    if listed["issuer"] != document["issuer"]["address"]:
        raise Refused(N_("the status list is of another issuer"))
    _check_signature(listed, listed["issuer"])
    if json.loads(document["licence"])["number"] in listed["revoked"]:
        raise Refused(N_("revoked, as of the list dated {dated}"), dated=listed["dated"][:40])
    return True, Said(N_("not revoked as of {dated}"), {"dated": listed["dated"][:40]})


def _show(time: int) -> str:
    return datetime.fromtimestamp(time, _BEIJING).strftime("%Y-%m-%d %H:%M:%S +08:00")
