"""Links of a certificate beyond the chain: since when its keys held, SM2, time stamps, countersignatures. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ledger.blocks import BEIJING, digest_of, show_time, time_of
from ledger.der import Certificate, bits_of, read_certificate_der, read_der
from ledger.merkle import climb
from ledger.papers import (
    N_,
    Outcome,
    Refused,
    Said,
    check_signature,
    countersigned_digest,
    holds_at,
    read_day,
    read_moment,
    read_status,
    read_trust,
    sm2_message,
)
from ledger.recovery import recover_address
from ledger.sm import is_signed
from ledger.stamps import StampRefused, read_stamp

_SM2_WITH_SM3 = "2a811ccf55018375"
_CLOCK_SLACK = 3600
_MAX_CHAIN = 8


def check_keys(document: Mapping[str, Any], trust: bytes | None, status: bytes | None) -> Outcome:
    """Was the issuer's key valid when it signed: by its own list, and by what is known since."""
    issued = int(read_moment(document["issued_at"], "issued_at").timestamp())
    if max(time_of(document["grant"]), time_of(document["anchor"])) > issued:
        raise Refused(N_("the certificate is older than the blocks it names"))
    address = document["issuer"]["address"]
    own = _span_of(document["issuer"]["keys"], address)
    if own is None:
        raise Refused(N_("the signing key is not in the certificate's key list"))
    later = _known_later(document, trust, status)
    for span in (own, *later):
        if span["until"] and issued >= span["until"]:
            raise Refused(N_("the key was retired {time}, before this was signed"), time=show_time(span["until"]))
        if issued < span["from"]:
            raise Refused(N_("the key was valid only from {time}, after this was signed"), time=show_time(span["from"]))
    since: dict[str, str | int] = {"time": show_time(own["from"])}
    if not later:
        return None, Said(N_("by its own list valid from {time}; a later retirement was not checked"), since)
    return True, Said(N_("the key was valid when it signed, from {time}"), since)


def check_lister(document: Mapping[str, Any], listed: Mapping[str, Any], trust: bytes | None) -> None:
    """Require that a status list is signed by the certificate's issuer, or by a later key of the same, pinned as such.

    Raises Refused.
    """
    issuer, lister = document["issuer"]["address"], listed["issuer"]
    pinned = _trusted(trust)["issuers"]
    names = {span["address"]: span["name"] for span in pinned}
    if lister != issuer and (names.get(lister) is None or names.get(lister) != names.get(issuer)):
        raise Refused(N_("the status list is of another issuer"))
    check_signature(listed, lister)
    dated = int(read_moment(listed["dated"], "dated").timestamp())
    span = _span_of(pinned, lister)
    if span is not None and span["until"] and dated >= span["until"]:
        raise Refused(N_("the status list is signed by a key that was not valid then"))


def check_sm2(document: Mapping[str, Any], trust: bytes | None) -> Outcome:
    """Check the SM2 signature and the certificates it comes with."""
    sm2 = document["sm2"]
    if sm2 is None:
        return None, Said(N_("not signed with SM2"))
    public = bytes.fromhex(sm2["public_key"])
    if not is_signed(public, bytes.fromhex(sm2["signature"]), sm2_message(document)):
        raise Refused(N_("the SM2 signature is not that key's, or something was changed"))
    if not sm2["certificates"]:
        return True, Said(N_("signed with SM2 by a key of its own, without certificate"))
    moment = read_moment(document["issued_at"], "issued_at")
    root = _check_chain([bytes.fromhex(one) for one in sm2["certificates"]], public, moment)
    names = {one["sha256"]: one["name"] for one in _trusted(trust)["authorities"]}
    if root not in names:
        return None, Said(N_("signed with SM2; its certificates end at a root that no trust file names"))
    return True, Said(N_("signed with SM2, certified by {name}"), {"name": names[root][:80]})


def check_stamp(document: Mapping[str, Any], trust: bytes | None) -> Outcome:
    """Check the time stamp over the day's head, in a certificate or what has the same members."""
    attestation = document["attestation"]
    if attestation is None or not attestation["stamp"]:
        return None, Said(N_("no time stamp: not attested by a third party"))
    _check_day(document)
    try:
        stamp = read_stamp(bytes.fromhex(attestation["stamp"]))
    except StampRefused as error:
        raise Refused(N_("the time stamp is none, or its signature does not hold")) from error
    if stamp.imprint != hashlib.sha256(attestation["day"].encode()).digest():
        raise Refused(N_("the time stamp is of something else"))
    time = int(stamp.time.timestamp())
    if time + _CLOCK_SLACK < max(time_of(document[name]) for name in _proofs(document)):
        raise Refused(N_("the time stamp is older than the block"))
    names = {one["sha256"]: one["name"] for one in _trusted(trust)["authorities"]}
    said: dict[str, str | int] = {"time": show_time(time), "name": names.get(stamp.certificate_sha256, "")[:80]}
    if stamp.certificate_sha256 not in names:
        return None, Said(N_("stamped {time} by an authority that no trust file names"), {"time": show_time(time)})
    if not stamp.is_signed:
        return None, Said(
            N_("imprint and pinned certificate of {name} agree ({time}); its signature not checked"), said
        )
    return True, Said(N_("stamped {time} by {name}: imprint, signature and pinned certificate checked"), said)


def check_countersignatures(document: Mapping[str, Any], trust: bytes | None) -> Outcome:
    """Check the member organisations' signatures over the day's head."""
    attestation = document["attestation"]
    if attestation is None or not attestation["countersignatures"]:
        return None, Said(N_("no countersignature: not attested by a third party"))
    _check_day(document)
    witnesses = _trusted(trust)["witnesses"]
    own = {document["issuer"]["address"], *(span["address"] for span in document["issuer"]["keys"])}
    names = []
    for one in attestation["countersignatures"]:
        _check_countersignature(attestation["day"], one, own)
        span = _span_of(witnesses, one["address"])
        if span is not None:
            if not holds_at(span, int(read_moment(one["signed_at"], "signed_at").timestamp())):
                raise Refused(N_("a countersigner's key was not valid then"))
            names.append(span["name"])
    if not names:
        return None, Said(N_("countersigned by keys that no trust file names"))
    return True, Said(N_("countersigned by {names}"), {"names": "、".join(sorted(set(names)))[:200]})


def _check_countersignature(day: str, one: Mapping[str, Any], own: set[str]) -> None:
    try:
        signer = recover_address(countersigned_digest(day, one["signed_at"]), bytes.fromhex(one["signature"])).hex()
    except ValueError as error:
        raise Refused(N_("a countersignature is not that key's")) from error
    if signer != one["address"]:
        raise Refused(N_("a countersignature is not that key's"))
    if signer in own:
        raise Refused(N_("the issuer cannot countersign its own ledger"))


def _proofs(document: Mapping[str, Any]) -> list[str]:
    """Return which proofs of blocks a document has: a certificate two, a capture record one."""
    return [name for name in ("grant", "anchor") if name in document]


def _check_day(document: Mapping[str, Any]) -> None:
    """Require that the day's statement is of this chain and covers every block."""
    attestation = document["attestation"]
    day = read_day(attestation["day"])
    if day["chain"] != document["chain"]:
        raise Refused(N_("the day's statement is of another chain"))
    for name in _proofs(document):
        root = climb(digest_of(document[name]), [bytes.fromhex(node) for node in attestation[name]])
        if root.hex() != day["root"] or _day_of(document[name]) > day["day"]:
            raise Refused(N_("the day's statement does not cover the block"))


def _day_of(proof: Mapping[str, Any]) -> str:
    return str(datetime.fromtimestamp(time_of(proof), BEIJING).date())


def _known_later(document: Mapping[str, Any], trust: bytes | None, status: bytes | None) -> Sequence[Mapping[str, Any]]:
    """Return what trust file and status list say of the signing key; those that do not hold say nothing."""
    found = [_span_of(_trusted(trust)["issuers"], document["issuer"]["address"])]
    try:
        listed = read_status(status or b"")
        check_lister(document, listed, trust)
        found.append(_span_of(listed["keys"], document["issuer"]["address"]))
    except Refused:
        pass
    return [span for span in found if span is not None]


def _trusted(trust: bytes | None) -> Mapping[str, Any]:
    """Return a trust file, an empty one where there is none; that a given one is broken is said by its own check."""
    try:
        return read_trust(trust or b"")
    except Refused:
        return {"issuers": [], "authorities": [], "witnesses": []}


def _span_of(spans: Sequence[Mapping[str, Any]], address: str) -> Mapping[str, Any] | None:
    return next((span for span in spans if span["address"] == address), None)


def _check_chain(chain: Sequence[bytes], public: bytes, moment: datetime) -> str:
    """Return the digest of the last certificate after checking each by the next. Raises Refused."""
    try:
        certificates = [read_certificate_der(one) for one in chain[:_MAX_CHAIN]]
        holds = len(chain) <= _MAX_CHAIN and bits_of(certificates[0].key.inside()[1]) == public
        holds = holds and all(one.holds_at(moment.astimezone(UTC)) for one in certificates)
        above = [*certificates[1:], certificates[-1]]
        holds = holds and all(_is_certified(one, by) for one, by in zip(certificates, above, strict=True))
    except (ValueError, LookupError) as error:
        raise Refused(N_("the SM2 certificates do not hold")) from error
    if not holds:
        raise Refused(N_("the SM2 certificates do not hold"))
    return hashlib.sha256(chain[-1]).hexdigest()


def _is_certified(certificate: Certificate, by: Certificate) -> bool:
    if (certificate.algorithm, certificate.issuer) != (_SM2_WITH_SM3, by.subject) or not by.is_authority:
        return False
    r, s = read_der(certificate.signature).inside()
    numbers = [int.from_bytes(node.body, "big") for node in (r, s)]
    if max(number.bit_length() for number in numbers) > 256:
        return False
    signature = b"".join(number.to_bytes(32, "big") for number in numbers)
    return is_signed(bits_of(by.key.inside()[1]), signature, certificate.signed)
