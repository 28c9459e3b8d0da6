"""Writes the evidence bundle (证据包) of a licence: one zip whose members are listed and signed; see ledger.bundles."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor
from asset_hub.catalogue import AssetView, read_for_index
from asset_hub.core.db import ReadSession
from asset_hub.core.files import FileStore, read_blob
from asset_hub.evidence.report import draw_report
from asset_hub.evidence.review import review_points
from asset_hub.evidence.sbom import write_sbom
from ingest.captures import read_lines, reception_of
from ingest.models import AccessionRow, ItemRow
from ingest.types import ItemStatus
from ledger.attest import NotAttested, attestation_of
from ledger.bundles import BUNDLE_TYPE, CAPTURE, CAPTURE_PROOF_TYPE, CERTIFICATE, MANIFEST, STATUS
from ledger.certificates import renew_certificate, signing_key, trust_file
from ledger.entries import capture_salt, receipt_commitments
from ledger.journal import prove_receipt
from ledger.merkle import path_of
from ledger.models import EntryRow, JournalRow
from ledger.papers import signing_digest, spell
from ledger.revoked import read_revoked
from ledger.signing import HomeKeys, Key
from ledger.sm import sm3
from ledger.sm_keys import sm2_signer_of
from ledger.standalone.packing import pack_archive
from ledger.types import EntryKind, EntryState
from ledger.verdicts import own_status_list
from marketplace.certificate_pdf import draw_certificate
from marketplace.errors import NotDelivered
from marketplace.licences import Licence, licence_in_evidence

_STAMP = (2026, 1, 1, 0, 0, 0)
_README = """\
证据包说明

本包由交易所软件写出，成员与摘要列于 manifest.json 并由运营者签名。
复核（任何装有 Python 3.11 以上的电脑，不需联网、不需安装）：
    先从包中取出 verifier.pyz（或向他人索取同一程序），再运行
    python verifier.pyz 本包.zip [--trust 信任文件] [--file 交付的文件]
信任文件应由复核者另行取得：包内 trust.json 只是运营者的自述。
evidence.pdf 供人阅读；以 JSON 成员为准。

What this is

An evidence bundle: its members and their digests are listed in manifest.json, which the operator signed.
To check it, on any computer with Python 3.11 or newer, without network or installation:
    take verifier.pyz out of the bundle (or get the same program from others), then run
    python verifier.pyz THIS.zip [--trust TRUST] [--file DELIVERED]
Get the trust file from elsewhere: trust.json in here is only what the operator says of itself.
evidence.pdf is for reading; the JSON members prevail.
"""


@dataclass(frozen=True, slots=True)
class Captured:
    """The capture record of an asset's file, with the shared line of its intake and the proof of both."""

    accession_id: UUID
    session: bytes
    record: bytes
    proof: Mapping[str, Any]


def export_bundle(
    session: ReadSession, files: FileStore, keys: HomeKeys, *, licence_id: UUID, home: Path, issuer: str, by: Actor,
    now: datetime,
) -> tuple[str, bytes]:  # fmt: skip
    """Return the bundle's name and bytes. Raises LicenceNotFound, NotDelivered; equal input gives equal bytes.

    A certificate that an earlier key of the exchange signed goes in as the present one signs it: NoPassphrase. While
    the key is being changed nothing is signed: KeyChanging.
    """
    licence = licence_in_evidence(session, licence_id=licence_id, by=by)
    if licence.certificate_sha256 is None or licence.pdf_sha256 is None:
        raise NotDelivered
    certificate, drawn = read_blob(files, licence.certificate_sha256), read_blob(files, licence.pdf_sha256)
    papers = signing_key(session, keys)
    if (
        json.loads(certificate)["issuer"]["address"] != papers.key.address.hex()
    ):  # a bundle has one issuer, also for who pins nobody
        sm2 = sm2_signer_of(home, keys, environ=os.environ)
        certificate = renew_certificate(session, keys, certificate, now=now, sm2=sm2)
        drawn = draw_certificate(certificate)
    document: dict[str, Any] = json.loads(certificate)
    ((asset, _held),) = read_for_index(session, asset_ids=[licence.asset_id], now=now)
    captured = read_capture(session, files, keys, asset_id=asset.id, contract=str(document["anchor"]["contract"]))
    word = _attested(session, home, captured)
    record = json.loads(captured.record) if captured else None
    facts = reception_of(json.loads(captured.session), record) if captured and record else None
    subjects = [licence.id, asset.id, *([captured.accession_id] if captured else [])]
    transactions = _transactions(session, subjects)
    points = review_points(document, capture=facts)
    members = {
        CERTIFICATE: certificate,
        "certificate.pdf": drawn,
        "trust.json": trust_file(session, keys, issuer_name=issuer),
        STATUS: own_status_list(session, keys, revoked=read_revoked(session, home), now=now),
        CAPTURE: spell({**(captured.proof if captured else _NOT_CAPTURED), "attestation": word}),
        "transactions.json": _pretty({"transactions": transactions}),
        "review.json": _pretty({"points": points}),
        "statement.json": _pretty(_statement(asset, licence, issuer=issuer, now=now)),
        "sbom.cdx.json": write_sbom(now=now),
        "verifier.pyz": pack_archive(),
        "evidence.pdf": draw_report(
            document, number=licence.number, capture=record, reception=facts,
            word=word, transactions=transactions, points=points, now=now,
        ),
        "README.txt": _README.encode(),
    }  # fmt: skip
    packed = _packed(members, papers.key, licence=licence.number, now=papers.dated(now))
    return f"evidence-{licence.number:06d}.zip", packed


def read_capture(
    session: ReadSession, files: FileStore, keys: HomeKeys, *, asset_id: UUID, contract: str
) -> Captured | None:
    """Return the capture record by which an asset came in; None where it has none, or its anchor is not final yet."""
    statement = (
        select(AccessionRow)
        .join(ItemRow, col(ItemRow.accession_id) == col(AccessionRow.id))
        .where(ItemRow.asset_id == asset_id, ItemRow.status == ItemStatus.ACCEPTED)
    )
    accession = session.exec(statement).first()
    if accession is None or accession.captures_sha256 is None or accession.receipt_sha256 is None:
        return None
    content = read_blob(files, accession.captures_sha256)
    lines = read_lines(content)
    places = [number for number, line in enumerate(lines) if json.loads(line).get("asset") == str(asset_id)]
    entry = session.exec(
        select(EntryRow).where(
            EntryRow.kind == EntryKind.ANCHOR,
            EntryRow.subject_id == accession.id,
            EntryRow.state == EntryState.CONFIRMED,
        )
    ).first()
    if not places or entry is None:
        return None
    commitments = receipt_commitments(keys, accession.id, accession.receipt_sha256, content)
    numbers = (0, places[0])
    proof = {
        "type": CAPTURE_PROOF_TYPE, "session": lines[0].decode(), "record": lines[places[0]].decode(),
        "salts": [capture_salt(keys, accession.id, number).hex() for number in numbers],
        "paths": [[node.hex() for node in path_of(commitments, number + 1)] for number in numbers],
        "anchor": {"contract": contract, **prove_receipt(session, entry.tx_hash)},
    }  # fmt: skip
    return Captured(accession.id, lines[0], lines[places[0]], proof)


def _attested(session: ReadSession, home: Path, captured: Captured | None) -> dict[str, Any] | None:
    """Return what third parties say of a day that covers the block of a capture record; None where none does yet."""
    if captured is None:
        return None
    try:
        return attestation_of(session, home, {"anchor": captured.proof["anchor"]})
    except NotAttested:
        return None


_NOT_CAPTURED: Mapping[str, Any] = {
    "type": CAPTURE_PROOF_TYPE, "session": "", "record": "", "salts": [], "paths": [], "anchor": None,
}  # fmt: skip


def _transactions(session: ReadSession, subjects: Sequence[UUID]) -> list[dict[str, Any]]:
    statement = (
        select(EntryRow, JournalRow)
        .join(JournalRow, col(JournalRow.tx_hash) == col(EntryRow.tx_hash))
        .where(col(EntryRow.subject_id).in_(subjects), EntryRow.state == EntryState.CONFIRMED)
        .order_by(col(EntryRow.number))
    )
    return [
        {
            "act": entry.kind, "transaction": row.tx_hash.hex(), "block": row.block_number,
            "block_hash": row.block_hash.hex(), "block_time": row.block_time, "raw": row.raw.hex(),
            "receipt": row.receipt.hex(),
        }
        for entry, row in session.exec(statement)
    ]  # fmt: skip


def _statement(asset: AssetView, licence: Licence, *, issuer: str, now: datetime) -> dict[str, Any]:
    return {
        "issuer": issuer, "made_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "asset": asset.number,
        "masters": [file.sha256 for file in asset.files if file.role == "master"],
        "delivered": {"sha256": licence.sha256, "sm3": licence.sm3, "bytes": licence.bytes_count},
        "done": [
            {"act": event.kind, "tool": event.tool, "outcome": event.outcome, "at": event.at.isoformat()}
            for event in asset.events
        ],
        "says": "以上为本软件对该作品文件所做的处理，由软件按发生顺序记录。",
    }  # fmt: skip


def _packed(members: Mapping[str, bytes], issuer: Key, *, licence: int, now: datetime) -> bytes:
    manifest: dict[str, Any] = {
        "type": BUNDLE_TYPE, "made_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "licence": licence,
        "issuer": issuer.address.hex(),
        "members": [
            {
                "name": name, "bytes": len(members[name]), "sha256": hashlib.sha256(members[name]).hexdigest(),
                "sm3": sm3(members[name]).hex(),
            }
            for name in sorted(members)
        ],
    }  # fmt: skip
    manifest["signature"] = issuer.sign(signing_digest(manifest)).hex()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((MANIFEST, spell(manifest)), *sorted(members.items())):
            archive.writestr(zipfile.ZipInfo(name, _STAMP), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _pretty(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1).encode()
