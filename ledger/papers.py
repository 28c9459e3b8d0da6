"""Reads what a verifier is given: documents of a closed shape, each value in its one spelling. Pure.

A document that differs by one letter from what its signer wrote is either refused here or fails its signature.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from ledger.merkle import keccak
from ledger.recovery import recover_address

CERTIFICATE_TYPE, EARLIER_CERTIFICATE_TYPE = "asset_hub/licence-certificate/3", "asset_hub/licence-certificate/2"
FINGERPRINT_ALGORITHM = "asset_hub/picture/1"
TRUST_TYPE = "asset_hub/trust/2"
STATUS_TYPE = "asset_hub/status-list/2"
DAY_TYPE = "asset_hub/day/1"
COUNTERSIGNATURE_TYPE = "asset_hub/countersignature/1"
SELF_SIGNED = "自签"
_MAX_BYTES = 1 << 20
_MAX_BRACKETS = 500
_MAX_DIGITS = 80
_MAX_TIME = 1 << 32
_PROOF = {"contract": str, "header": str, "index": int, "nodes": list}
_SPAN = {"address": str, "from": int, "until": int}
_SM2 = {"public_key": str, "signature": str, "standing": str, "certificates": list}
_FINGERPRINT = {"algorithm": str, "value": str}
_DELIVERY = {"sha256": str, "sm3": str, "bytes": int, "name": str, "salt": str, "path": list}
ATTESTED = {"day": str, "stamp": str, "countersignatures": list}
_ATTESTATION = {**ATTESTED, "grant": list, "anchor": list}
CERTIFICATE_SHAPE: Mapping[str, Any] = {
    "type": str, "issued_at": str, "licence": str, "licence_salt": str, "signature": str,
    "issuer": {"name": str, "address": str, "custody": str, "witness": str, "keys": list},
    "chain": {"id": int, "genesis": str},
    "grant": _PROOF, "anchor": _PROOF,
    "delivery": {**_DELIVERY, "fingerprint": (_FINGERPRINT,)},
    "sm2": (_SM2,), "attestation": (_ATTESTATION,),
}  # fmt: skip
_CERTIFICATES = {
    CERTIFICATE_TYPE: CERTIFICATE_SHAPE, EARLIER_CERTIFICATE_TYPE: {**CERTIFICATE_SHAPE, "delivery": _DELIVERY},
}  # fmt: skip
TRUST_SHAPE: Mapping[str, Any] = {"type": str, "issuers": list, "chains": list, "authorities": list, "witnesses": list}
STATUS_SHAPE: Mapping[str, Any] = {
    "type": str, "dated": str, "issuer": str, "keys": list, "revoked": list, "signature": str,
}  # fmt: skip
_DAY_SHAPE = {
    "type": str, "day": str, "chain": {"id": int, "genesis": str}, "blocks": int, "head": str, "root": str,
}  # fmt: skip
_COUNTERSIGNATURE = {"address": str, "signed_at": str, "signature": str}
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


Outcome = tuple[bool | None, Said]


class Refused(ValueError):
    """A link that fails, in plain words."""

    def __init__(self, message: str, **params: str | int) -> None:
        self.said = Said(message, params)
        super().__init__(str(self.said))


@dataclass(frozen=True, slots=True)
class Licence:
    """What a verifier reads of a licence's text: its number, first and last day, both included."""

    number: int
    first: date
    last: date


def spell(document: Mapping[str, Any]) -> bytes:
    """Return the one spelling of a JSON document: sorted members, no spaces, characters as they are, UTF-8."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def signing_digest(document: Mapping[str, Any]) -> bytes:
    """Return the digest that an issuer signs: of the canonical document without its signature."""
    return keccak(spell({key: value for key, value in document.items() if key != "signature"}))


def check_signature(document: Mapping[str, Any], address: str) -> str:
    """Return the address in hex that signed a document. Raises Refused when it is not the one expected."""
    try:
        signer = recover_address(signing_digest(document), bytes.fromhex(document["signature"])).hex()
    except ValueError as error:
        raise Refused(N_("the signature fits no key")) from error
    if signer != address:
        raise Refused(N_("the signature is not the issuer's, or something in it was changed"))
    return signer


def read_certificate(content: bytes) -> dict[str, Any]:
    """Return a certificate whose form holds; one of the earlier type states no fingerprint. Raises Refused."""
    document = _read(content, _CERTIFICATES)
    delivery = document["delivery"]
    check_hex("signature", document["signature"], 130)
    check_hex("licence_salt", document["licence_salt"], 64)
    check_hex("issuer.address", document["issuer"]["address"], 40)
    _check_spans("issuer.keys", document["issuer"]["keys"], _SPAN)
    check_hex("chain.genesis", document["chain"]["genesis"], 64)
    check_hex("delivery.sha256", delivery["sha256"], 64)
    check_hex("delivery.sm3", delivery["sm3"], 64 if delivery["sm3"] else None)
    check_hex("delivery.salt", delivery["salt"], 64)
    _check_every("delivery.path", delivery["path"], 64)
    _check_fingerprint(delivery.get("fingerprint"))
    for name in ("grant", "anchor"):
        check_hex(f"{name}.contract", document[name]["contract"], 40)
        check_hex(f"{name}.header", document[name]["header"], None)
        _check_every(f"{name}.nodes", document[name]["nodes"], None)
    read_moment(document["issued_at"], "issued_at")
    _check_sm2(document["sm2"])
    if document["attestation"] is not None:
        check_attestation(document["attestation"], ("grant", "anchor"))
    return document


def _check_fingerprint(fingerprint: Mapping[str, Any] | None) -> None:
    if fingerprint is None:
        return
    check_hex("delivery.fingerprint", fingerprint["value"], 64)
    if fingerprint["algorithm"] != FINGERPRINT_ALGORITHM:
        raise Refused(N_("“{where}” is not of its type"), where="delivery.fingerprint")


def _check_sm2(sm2: Mapping[str, Any] | None) -> None:
    if sm2 is None:
        return
    check_hex("sm2.public_key", sm2["public_key"], 130)
    check_hex("sm2.signature", sm2["signature"], 128)
    _check_every("sm2.certificates", sm2["certificates"], None)
    if sm2["standing"] != ("" if sm2["certificates"] else SELF_SIGNED):
        raise Refused(N_("“{where}” is not of its type"), where="sm2.standing")


def check_attestation(attestation: Mapping[str, Any], proofs: Sequence[str]) -> None:
    """Require one spelling of what third parties say of a day, with a path for each of these proofs. Raises Refused."""
    check_hex("attestation.stamp", attestation["stamp"], None)
    for name in proofs:
        _check_every(f"attestation.{name}", attestation[name], 64)
    for one in attestation["countersignatures"]:
        check_shape(one, _COUNTERSIGNATURE, "countersignatures")
        check_hex("countersignatures.address", one["address"], 40)
        check_hex("countersignatures.signature", one["signature"], 130)
        read_moment(one["signed_at"], "signed_at")


def read_trust(content: bytes) -> dict[str, Any]:
    """Return a trust file whose form holds. Raises Refused."""
    document = _read(content, {TRUST_TYPE: TRUST_SHAPE})
    _check_spans("issuers", document["issuers"], {**_SPAN, "name": str})
    _check_spans("witnesses", document["witnesses"], {**_SPAN, "name": str})
    for chain in document["chains"]:
        check_shape(chain, {"id": int, "genesis": str}, "chains")
        check_hex("chains", chain["genesis"], 64)
    for authority in document["authorities"]:
        check_shape(authority, {"name": str, "sha256": str}, "authorities")
        check_hex("authorities", authority["sha256"], 64)
    return document


def read_status(content: bytes) -> dict[str, Any]:
    """Return a status list whose form holds. Raises Refused."""
    document = _read(content, {STATUS_TYPE: STATUS_SHAPE})
    check_hex("signature", document["signature"], 130)
    check_hex("issuer", document["issuer"], 40)
    _check_spans("keys", document["keys"], _SPAN)
    for number in document["revoked"]:
        check_shape(number, int, "revoked")
    read_moment(document["dated"], "dated")
    return document


def read_day(text: str) -> dict[str, Any]:
    """Return the statement of a day's blocks whose form holds. Raises Refused."""
    document = _read(text.encode("utf-8", "surrogatepass"), {DAY_TYPE: _DAY_SHAPE})
    check_hex("chain.genesis", document["chain"]["genesis"], 64)
    check_hex("head", document["head"], 64)
    check_hex("root", document["root"], 64)
    _day(document["day"])
    return document


def countersigned_digest(day: str, signed_at: str) -> bytes:
    """Return the digest that a member organisation signs: of the day's statement and of when it signed."""
    return keccak(spell({"type": COUNTERSIGNATURE_TYPE, "day": day, "signed_at": signed_at}))


def sm2_message(document: Mapping[str, Any]) -> bytes:
    """Return what SM2 signs of a certificate: all of it but the two signatures."""
    rest = {key: value for key, value in document.items() if key != "signature"}
    rest["sm2"] = {key: value for key, value in document["sm2"].items() if key != "signature"}
    return spell(rest)


def holds_at(span: Mapping[str, Any], time: int) -> bool:
    """Say whether a key was valid at a time; `until` 0 is open, the end itself is outside."""
    return bool(span["from"] <= time and (span["until"] == 0 or time < span["until"]))


def read_licence(text: str) -> Licence:
    """Return what a licence's text says. Raises Refused."""
    licence = _parsed(text.encode("utf-8", "surrogatepass"))
    if not isinstance(licence, dict):
        raise Refused(N_("the licence is not a JSON document"))
    number = licence.get("number")
    if type(number) is not int:
        raise Refused(N_("the licence has no number"))
    return Licence(number, _day(licence.get("first_day")), _day(licence.get("last_day")))


def read_moment(text: str, where: str) -> datetime:
    """Return a moment in UTC, spelled 2026-11-25T08:30:00Z. Raises Refused for any other spelling."""
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        moment = None
    if moment is None or f"{moment.isoformat()}Z" != text:
        raise Refused(N_("“{where}” is no moment in UTC"), where=where)
    return moment.replace(tzinfo=UTC)


def check_shape(value: Any, shape: Any, where: str) -> None:
    """Require exactly the members of a shape, each of its type; a shape in a tuple may be null. Raises Refused."""
    if isinstance(shape, Mapping):
        if not isinstance(value, dict) or value.keys() != shape.keys():
            message = N_("other members than expected in “{where}”") if where else N_("other members than expected")
            raise Refused(message, **({"where": where} if where else {}))
        for name, inner in shape.items():
            check_shape(value[name], inner, name)
    elif isinstance(shape, tuple):
        if value is not None:
            check_shape(value, shape[0], where)
    elif type(value) is not shape:
        raise Refused(N_("“{where}” is not of its type"), where=where)


def check_hex(where: str, text: Any, length: int | None) -> None:
    """Require lower-case hex of a length in characters, any where it is None. Raises Refused."""
    if not isinstance(text, str) or not set(text) <= _HEX or len(text) % 2 or (length and len(text) != length):
        raise Refused(N_("“{where}” is not lower-case hex of its length"), where=where)


def _read(content: bytes, shapes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a document of one of these types; what names none of them must have the members of the first."""
    document = _parsed(content)
    kind = document.get("type") if isinstance(document, dict) else None
    shape = shapes.get(kind) if isinstance(kind, str) else None
    check_shape(document, shape or next(iter(shapes.values())), "")
    if shape is None:
        raise Refused(N_("another type of document: {type}"), type=document["type"][:60])
    return dict(document)


def _parsed(content: bytes) -> Any:
    """Return a JSON value that is in its one spelling, whole numbers only; a repeated member is another spelling."""
    if content.startswith(b"%PDF"):
        raise Refused(N_("this is the certificate to print; choose the JSON file that came with it"))
    if len(content) > _MAX_BYTES:
        raise Refused(N_("longer than any certificate"))
    if content.count(b"[") + content.count(b"{") > _MAX_BRACKETS:
        raise Refused(N_("nested deeper than any certificate"))
    try:
        value = json.loads(content.decode("utf-8"), parse_int=_whole, parse_float=_no_number, parse_constant=_no_number)
        spelled = spell(value)
    except (ValueError, RecursionError) as error:
        raise Refused(N_("not a JSON document in UTF-8")) from error
    if spelled != content:
        raise Refused(N_("not in its one canonical spelling"))
    return value


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("no whole number has so many digits")
    return int(digits)


def _no_number(text: str) -> float:
    raise ValueError(f"not a whole number: {text[:40]}")


def _check_spans(where: str, spans: list[Any], shape: Mapping[str, Any]) -> None:
    for span in spans:
        check_shape(span, shape, where)
        check_hex(where, span["address"], 40)
        if not (0 <= span["from"] < _MAX_TIME and 0 <= span["until"] < _MAX_TIME):
            raise Refused(N_("“{where}” is not of its type"), where=where)
    if len({span["address"] for span in spans}) != len(spans):
        raise Refused(N_("a key stands twice in “{where}”"), where=where)


def _check_every(where: str, texts: list[Any], length: int | None) -> None:
    for text in texts:
        check_hex(where, text, length)


def _day(text: Any) -> date:
    try:
        day = date.fromisoformat(text)
    except (TypeError, ValueError):
        day = None
    if day is None or str(day) != text:
        raise Refused(N_("a day of the licence is not written YYYY-MM-DD"))
    return day
