"""Checks a certificate offline: no database, no network, no web3; a trust file and a status list if given.

Every member of the document is closed and signed; one changed letter is refused, and the link that fails is named.
What is said about a link is an English message with its parameters apart, so that pages may say it in Chinese.
The stand-alone programs are packed from this module and what it imports: nothing here needs an installed package.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ledger.blocks import BEIJING, event_in, show_time, time_of
from ledger.likeness import FINGERPRINT_BITS, MOST_SIMILAR, distance_of, read_fingerprint
from ledger.merkle import climb, keccak
from ledger.papers import (
    CERTIFICATE_TYPE,
    N_,
    STATUS_TYPE,
    TRUST_TYPE,
    Outcome,
    Refused,
    Said,
    check_signature,
    read_certificate,
    read_licence,
    read_status,
    read_trust,
    signing_digest,
)
from ledger.sm import sm3_of_file
from ledger.trie import ProofRefused
from ledger.witnesses import check_countersignatures, check_keys, check_lister, check_sm2, check_stamp

__all__ = [
    "CERTIFICATE_TYPE", "STATUS_TYPE", "TRUST_TYPE", "Check", "Refused", "Report", "check_pin", "licence_of",
    "signing_digest", "verify_certificate",
]  # fmt: skip
GRANTED = keccak(b"Granted(bytes32,bytes32,uint256,bytes32,bytes32,uint256,uint256,uint256,bytes32,bytes32,bytes32)")
ANCHORED = keccak(b"Anchored(bytes32,bytes32,uint32,uint8)")
_TERMS_WORD = 5


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
    fingerprint: Callable[[Path], str] = read_fingerprint,
) -> Report:
    """Check every link that can be checked; never raises for anything a stranger may hand in.

    `digest` is the SHA-256 of the file in hex, for those who made it elsewhere and keep the file to themselves.
    `fingerprint` says how similar another file is: it gives a picture's in hex, empty for what it cannot read.
    """
    try:
        document = read_certificate(certificate)
    except Refused as refusal:
        return Report((_told(_FORM, (False, refusal.said)),))
    links: tuple[tuple[str, Callable[[], Outcome]], ...] = (
        (N_("signature"), lambda: _check_signer(document)),
        (N_("issuer"), lambda: _check_issuer(document, trust)),
        (N_("key history"), lambda: check_keys(document, trust, status)),
        (N_("licence recorded"), lambda: _check_grant(document)),
        (N_("delivery anchored"), lambda: _check_anchor(document)),
        (N_("file"), lambda: _check_media(document, media, digest, fingerprint)),
        (N_("SM3"), lambda: _check_sm3(document, media)),
        (N_("period"), lambda: _check_period(document, today)),
        (N_("revocation"), lambda: _check_status(document, trust, status)),
        (N_("SM2 signature"), lambda: check_sm2(document, trust)),
        (N_("time stamp"), lambda: check_stamp(document, trust)),
        (N_("countersignatures"), lambda: check_countersignatures(document, trust)),
    )
    checks = [_told(_FORM, (True, Said(N_("canonical, closed"))))]
    return Report((*checks, *(check_link(name, link) for name, link in links)))


def check_link(name: str, link: Callable[[], Outcome]) -> Check:
    """Return what a link says; whatever a stranger made up is a link that fails, never a crash."""
    return _told(name, _try(link))


def check_pin(certificate: bytes, *, name: str, trust: bytes) -> Check:
    """Check only whether the issuer and the chain are in a trust file, under a name of its own."""
    try:
        document = read_certificate(certificate)
    except Refused as refusal:
        return _told(name, (False, refusal.said))
    return check_link(name, lambda: _check_issuer(document, trust))


def licence_of(certificate: bytes) -> dict[str, Any]:
    """Return the licence that a certificate is about, unchecked. Raises Refused for another document."""
    licence: dict[str, Any] = json.loads(read_certificate(certificate)["licence"])
    return licence


def _try(link: Callable[[], Outcome]) -> Outcome:
    try:
        return link()
    except Refused as refusal:
        return False, refusal.said
    except ProofRefused:
        return False, Said(N_("the proof does not lead to the block it names"))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, OSError):
        return False, Said(_UNREADABLE)


def _told(name: str, outcome: Outcome) -> Check:
    ok, said = outcome
    return Check(name, ok, str(said), said.message, said.params)


def _check_signer(document: Mapping[str, Any]) -> Outcome:
    signer = check_signature(document, document["issuer"]["address"])
    return True, Said(N_("signed by {address}"), {"address": f"0x{signer}"})


def _check_issuer(document: Mapping[str, Any], trust: bytes | None) -> Outcome:
    if trust is None:
        return None, Said(N_("issuer not pinned"))
    pinned = read_trust(trust)
    issuers = {entry["address"]: entry["name"] for entry in pinned["issuers"]}
    if document["issuer"]["address"] not in issuers:
        raise Refused(N_("the issuer is not in the trust file"))
    if document["chain"] not in pinned["chains"]:
        raise Refused(N_("the chain is not in the trust file"))
    return True, Said(N_("pinned: {name}"), {"name": issuers[document["issuer"]["address"]][:80]})


def _check_grant(document: Mapping[str, Any]) -> Outcome:
    topics, data, time = event_in(document["grant"], GRANTED)
    licence = read_licence(document["licence"])
    if int.from_bytes(topics[3], "big") != licence.number:
        raise Refused(N_("the recorded licence has another number"))
    words = [data[offset : offset + 32] for offset in range(0, len(data), 32)]
    commitment = keccak(bytes.fromhex(document["licence_salt"]) + document["licence"].encode())
    if words[_TERMS_WORD] != commitment:
        raise Refused(N_("the terms are not the recorded ones"))
    return True, Said(N_("licence {number} recorded {time}"), {"number": licence.number, "time": show_time(time)})


def _check_anchor(document: Mapping[str, Any]) -> Outcome:
    topics, _data, time = event_in(document["anchor"], ANCHORED)
    delivery = document["delivery"]
    commitment = keccak(bytes.fromhex(delivery["salt"]) + bytes.fromhex(delivery["sha256"]))
    if climb(commitment, [bytes.fromhex(node) for node in delivery["path"]]) != topics[2]:
        raise Refused(N_("the delivered file's digest is not under the anchored root"))
    return True, Said(N_("anchored {time}"), {"time": show_time(time)})


def _check_media(
    document: Mapping[str, Any], media: Path | None, given: str | None, fingerprint: Callable[[Path], str]
) -> Outcome:
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
        return False, _likeness(document["delivery"].get("fingerprint"), media, fingerprint)
    return True, Said(N_("its SHA-256 agrees"))


def _likeness(stated: Mapping[str, Any] | None, media: Path, fingerprint: Callable[[Path], str]) -> Said:
    """Say of another file whether it looks like the delivered one; it is another file all the same."""
    if stated is None:
        return Said(N_("not the delivered file: bytes differ (likeness not checked: no fingerprint stated)"))
    found = fingerprint(media)
    if not found:
        return Said(N_("not the delivered file: bytes differ (likeness not checked: no picture read here)"))
    distance = distance_of(found, stated["value"])
    params: dict[str, str | int] = {"distance": distance, "bits": FINGERPRINT_BITS, "most": MOST_SIMILAR}
    if distance > MOST_SIMILAR:
        return Said(N_("not the delivered file, nor similar to it: {distance} of {bits} bits differ"), params)
    return Said(
        N_("similar, not identical: {distance} of {bits} bits differ, at most {most} is similar; it is another file"),
        params,
    )


def _check_sm3(document: Mapping[str, Any], media: Path | None) -> Outcome:
    stated = document["delivery"]["sm3"]
    if not stated:
        return None, Said(N_("the certificate states no SM3 digest"))
    if media is None:
        return None, Said(N_("no file given"))
    found = sm3_of_file(media)
    if not found:
        return None, Said(N_("this Python has no SM3, and the file is too long to do without"))
    if found != stated:
        raise Refused(N_("the file is not the delivered one: its SM3 differs"))
    return True, Said(N_("its SM3 agrees"))


def _check_period(document: Mapping[str, Any], today: date) -> Outcome:
    licence = read_licence(document["licence"])
    first, last = licence.first, licence.last
    if today > last:
        raise Refused(N_("expired: the last day was {last}"), last=str(last))
    recorded = datetime.fromtimestamp(time_of(document["grant"]), BEIJING).date()
    if recorded > last:
        raise Refused(N_("recorded on {recorded}, after its last day {last}"), recorded=str(recorded), last=str(last))
    days: dict[str, str | int] = {"first": str(first), "last": str(last)}
    if today < first:
        return True, Said(N_("{first} – {last}, last day included (not begun yet)"), days)
    return True, Said(N_("{first} – {last}, last day included"), days)


def _check_status(document: Mapping[str, Any], trust: bytes | None, status: bytes | None) -> Outcome:
    if status is None:
        return None, Said(N_("revocation not checked"))
    listed = read_status(status)
    check_lister(document, listed, trust)
    if read_licence(document["licence"]).number in listed["revoked"]:
        raise Refused(N_("revoked, as of the list dated {dated}"), dated=listed["dated"])
    return True, Said(N_("not revoked as of {dated}"), {"dated": listed["dated"]})
