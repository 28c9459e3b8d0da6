"""Checks an evidence bundle (证据包) offline: one zip with a closed set of members, each under a signed manifest.

Everything is read into memory within bounds before anything is believed, and nothing is ever written. Pure.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ledger.blocks import digest_of, event_in, show_time
from ledger.likeness import read_fingerprint
from ledger.merkle import climb, keccak
from ledger.papers import (
    ATTESTED,
    N_,
    Outcome,
    Refused,
    Said,
    check_attestation,
    check_hex,
    check_shape,
    check_signature,
    holds_at,
    read_moment,
    spell,
)
from ledger.sm import has_fast_sm3, sm3
from ledger.verifier import ANCHORED, Check, Report, check_link, verify_certificate
from ledger.witnesses import check_countersignatures, check_stamp
from ledger.zips import LONGEST_IN_ALL, is_zip, read_zip

BUNDLE_TYPE, CAPTURE_PROOF_TYPE = "asset_hub/evidence-bundle/1", "asset_hub/capture-proof/2"
MANIFEST, CERTIFICATE, STATUS, CAPTURE = "manifest.json", "certificate.json", "status.json", "capture.json"
MEMBERS = frozenset(
    {
        CERTIFICATE, STATUS, CAPTURE, "certificate.pdf", "trust.json", "transactions.json", "review.json",
        "statement.json", "sbom.cdx.json", "verifier.pyz", "evidence.pdf", "README.txt",
    }
)  # fmt: skip
_SLOW_SM3 = 1 << 16
_SHAPE: Mapping[str, Any] = {
    "type": str, "made_at": str, "issuer": str, "licence": int, "members": list, "signature": str,
}  # fmt: skip
_MEMBER = {"name": str, "bytes": int, "sha256": str, "sm3": str}
_CAPTURE: Mapping[str, Any] = {
    "type": str, "session": str, "record": str,
    "salts": list, "paths": list,
    "anchor": ({"contract": str, "header": str, "index": int, "nodes": list},),
}  # fmt: skip
_CAPTURES = {
    CAPTURE_PROOF_TYPE: {**_CAPTURE, "attestation": ({**ATTESTED, "anchor": list},)},
    "asset_hub/capture-proof/1": _CAPTURE,
}


def is_bundle(path: Path) -> bool:
    """Say whether a file begins as a zip does."""
    with path.open("rb") as file:
        return is_zip(file.read(4))


def verify_bundle(
    content: Path, *, trust: bytes | None, media: Path | None, today: date, status: bytes | None = None,
    fingerprint: Callable[[Path], str] = read_fingerprint,
) -> Report:  # fmt: skip
    """Check a bundle: its zip, manifest, members, capture record, and its certificate with its own status list.

    Whom to trust comes from outside (`trust`): the bundle's own trust file is only what the issuer says of itself. A
    newer status list (`status`) takes the place of the bundle's own, which ends with the day it was made.
    """
    checks: list[Check] = []
    found: dict[str, bytes] = {}
    manifest: dict[str, Any] = {}

    def look(name: str, check: Callable[[], Outcome]) -> bool:
        checks.append(check_link(name, check))
        return checks[-1].ok is not False

    holds = (
        look(N_("bundle"), lambda: _read(content, found))
        and look(N_("manifest"), lambda: _check_manifest(found, manifest))
        and look(N_("members"), lambda: _check_members(found, manifest))
    )
    if not holds:
        return Report(tuple(checks))
    certificate = verify_certificate(
        found[CERTIFICATE], media=media, trust=trust, status=status or found[STATUS], today=today,
        fingerprint=fingerprint,
    )  # fmt: skip
    if certificate.checks[0].ok:
        look(N_("one issuer"), lambda: _check_issuer(found, manifest))
        look(N_("transactions"), lambda: _check_transactions(found))
        look(N_("capture record"), lambda: _check_capture(found))
        look(N_("capture time stamp"), lambda: check_stamp(_attested_capture(found), trust))
        look(N_("capture countersignatures"), lambda: check_countersignatures(_attested_capture(found), trust))
        look(N_("for reading"), lambda: (None, Said(N_("reports and lists are signed, their contents not examined"))))
    return Report((*checks, *certificate.checks))


def _read(content: Path, found: dict[str, bytes]) -> Outcome:
    with content.open("rb") as file:
        found |= read_zip(file.read(LONGEST_IN_ALL + 1), MEMBERS | {MANIFEST})
    return True, Said(N_("{count} members"), {"count": len(found)})


def _check_manifest(found: Mapping[str, bytes], manifest: dict[str, Any]) -> Outcome:
    document = json.loads(found[MANIFEST])
    check_shape(document, _SHAPE, "manifest")
    if spell(document) != found[MANIFEST] or document["type"] != BUNDLE_TYPE:
        raise Refused(N_("it is not written in its one spelling"))
    check_hex("issuer", document["issuer"], 40)
    check_hex("signature", document["signature"], 130)
    for member in document["members"]:
        check_shape(member, _MEMBER, "members")
        check_hex("sha256", member["sha256"], 64)
        check_hex("sm3", member["sm3"], 64)
    signer = check_signature(document, document["issuer"])
    manifest.update(document)
    return True, Said(N_("signed by 0x{signer}"), {"signer": signer})


def _check_members(found: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Outcome:
    listed = {member["name"]: member for member in manifest["members"]}
    if set(listed) != MEMBERS or len(listed) != len(manifest["members"]):
        raise Refused(N_("the manifest lists other members"))
    for name, member in listed.items():
        content = found[name]
        if (hashlib.sha256(content).hexdigest(), len(content)) != (member["sha256"], member["bytes"]):
            raise Refused(N_("“{name}” was changed: its SHA-256 differs"), name=name)
        if (has_fast_sm3() or len(content) <= _SLOW_SM3) and sm3(content).hex() != member["sm3"]:
            raise Refused(N_("“{name}” was changed: its SM3 differs"), name=name)
    return True, Said(N_("{count} members are as they were signed"), {"count": len(listed)})


def _check_issuer(found: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Outcome:
    certificate = json.loads(found[CERTIFICATE])
    keys = {certificate["issuer"]["address"], *(key["address"] for key in certificate["issuer"]["keys"])}
    if manifest["issuer"] not in keys:
        raise Refused(N_("the bundle is signed by another than the certificate's issuer"))
    spans = [key for key in certificate["issuer"]["keys"] if key["address"] == manifest["issuer"]]
    if not any(holds_at(span, int(read_moment(manifest["made_at"], "made_at").timestamp())) for span in spans):
        raise Refused(N_("the key that signed the bundle was not valid then"))
    if json.loads(certificate["licence"])["number"] != manifest["licence"]:
        raise Refused(N_("the bundle is of another licence than its certificate"))
    return True, Said(N_("bundle and certificate have one issuer"))


def _check_transactions(found: Mapping[str, bytes]) -> Outcome:
    """Each transaction hashes to its name, and those of grant and delivery stand in the certificate's blocks."""
    listed = json.loads(found["transactions.json"])["transactions"]
    for one in listed:
        if keccak(bytes.fromhex(one["raw"])).hex() != one["transaction"]:
            raise Refused(N_("a transaction is not the one that is named"))
    blocks = {one["block_hash"] for one in listed}
    certificate = json.loads(found[CERTIFICATE])
    if not {digest_of(certificate[name]).hex() for name in ("grant", "anchor")} <= blocks:
        raise Refused(N_("the transactions of licence and delivery are not among them"))
    return True, Said(N_("{count} transactions are as they are named"), {"count": len(listed)})


def _attested_capture(found: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the capture's block with what is attested of its day, in the members that a certificate has."""
    proof, certificate = _read_capture(found), json.loads(found[CERTIFICATE])
    return {
        "attestation": proof["attestation"] if proof["anchor"] else None, "anchor": proof["anchor"],
        "issuer": certificate["issuer"], "chain": certificate["chain"],
    }  # fmt: skip


def _read_capture(found: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the capture's proof, its form checked; the earlier type has no attestation."""
    document: dict[str, Any] = json.loads(found[CAPTURE])
    shape = _CAPTURES.get(document["type"])
    if shape is None:
        raise Refused(N_("it is not written in its one spelling"))
    check_shape(document, shape, "capture")
    if document.setdefault("attestation", None) is not None:
        check_attestation(document["attestation"], ("anchor",))
    return document


def _check_capture(found: Mapping[str, bytes]) -> Outcome:
    document = _read_capture(found)
    if document["anchor"] is None:
        return None, Said(N_("no capture record is provided (未提供)"))
    record = json.loads(document["record"])
    if record["session"] != hashlib.sha256(document["session"].encode()).hexdigest():
        raise Refused(N_("the record names another intake"))
    if document["anchor"]["contract"] != json.loads(found[CERTIFICATE])["anchor"]["contract"]:
        raise Refused(N_("the record is anchored in another register than the delivery"))
    if record["number"] != json.loads(json.loads(found[CERTIFICATE])["licence"])["work"]["number"]:
        raise Refused(N_("the record is of another work than the licence"))
    topics, _data, time = event_in(document["anchor"], ANCHORED)
    for text, salt, path in zip(
        (document["session"], document["record"]), document["salts"], document["paths"], strict=True
    ):
        commitment = keccak(bytes.fromhex(salt) + hashlib.sha256(text.encode()).digest())
        if climb(commitment, [bytes.fromhex(node) for node in path]) != topics[2]:
            raise Refused(N_("the record is not under the anchored root"))
    return True, Said(
        N_("file {sha256}… taken in, anchored {time}, on the issuer's word"),
        {"sha256": record["sha256"][:16], "time": show_time(time)},
    )
