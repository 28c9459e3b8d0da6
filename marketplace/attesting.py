"""Certificates that were issued before a third party spoke carry its word once it has."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlmodel import col, select

from asset_hub.core.db import Database
from asset_hub.core.files import FileStore, put_bytes, read_blob
from ledger.attest import NotAttested, attestation_for
from ledger.certificates import Sm2Signer, attest_certificate
from ledger.signing import HomeKeys
from marketplace.certificate_pdf import draw_certificate
from marketplace.licences import LicenceState
from marketplace.models import LicenceRow


def attest_certificates(
    database: Database, files: FileStore, keys: HomeKeys, *, day: str, home: Path, sm2: Callable[[], Sm2Signer],
    now: datetime,
) -> int:  # fmt: skip
    """Issue every certificate again that says less than what is attested of its day by now; return how many.

    `day` is the one of which something came in: certificates without any word are looked at, and those of that day.
    The earlier document stays valid: it says less, nothing else. Idempotent; a certificate that somebody else issued
    again meanwhile is left to them. Nothing is drawn while anything is locked.
    """
    with database.read() as session:
        waiting = session.exec(
            select(LicenceRow.id)
            .where(LicenceRow.state == LicenceState.DELIVERED, col(LicenceRow.attested_day).in_(("", day)))
            .order_by(col(LicenceRow.number))
        ).all()
    return sum(_attest(database, files, keys, licence_id, home, sm2, now) for licence_id in waiting)


def _attest(
    database: Database, files: FileStore, keys: HomeKeys, licence_id: UUID, home: Path, sm2: Callable[[], Sm2Signer],
    now: datetime,
) -> bool:  # fmt: skip
    with database.read() as reading:
        earlier_sha256 = reading.get_one(LicenceRow, licence_id).certificate_sha256
        if earlier_sha256 is None:
            return False
        earlier = read_blob(files, earlier_sha256)
        try:
            word = attestation_for(reading, home, earlier)
        except NotAttested:
            return False
        if json.loads(earlier)["attestation"] == word:
            return False
        certificate = attest_certificate(reading, keys, earlier, attestation=word, now=now, sm2=sm2())
    made = put_bytes(files, certificate).sha256, put_bytes(files, draw_certificate(certificate)).sha256
    with database.write() as session:
        row = session.get_one(LicenceRow, licence_id, with_for_update=True)
        if row.certificate_sha256 != earlier_sha256:
            return False
        row.certificate_sha256, row.pdf_sha256 = made
        row.attested_day = json.loads(word["day"])["day"]
    return True
