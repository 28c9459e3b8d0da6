"""An issued certificate with everything its verifier may be given: file, trust file, status lists."""

import json
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from asset_hub.core.db import ReadSession
from asset_hub.core.files import put_bytes
from ledger.certificates import issue_certificate, status_list, trust_file
from ledger.errors import EntryNotFound
from ledger.grants import GrantTerms
from ledger.verifier import Report, verify_certificate
from tests.ledger.houses import NOW, anchor_delivery, grant, make_foreign_house, make_house, make_terms

TODAY = date(2027, 1, 1)
FINGERPRINT = "1f2e3d4c5b6a7988" * 4


class Issued:
    """A certificate with what its verifier may be given."""

    def __init__(
        self, folder: Path, *, content: bytes = b"the delivered bytes" * 100, terms: GrantTerms | None = None,
        is_foreign: bool = False,
    ) -> None:  # fmt: skip
        self.house = make_foreign_house(folder) if is_foreign else make_house(folder)
        self.keys = self.house.services.keys
        self.media = folder / "delivered.jpg"
        self.media.write_bytes(content)
        self.blob = put_bytes(self.house.services.files, content)
        self.licence_id = grant(self.house, terms or make_terms())
        with pytest.raises(EntryNotFound):
            self.issue()
        anchor_delivery(self.house, self.licence_id, self.blob.sha256)
        self.house.run()
        self.certificate = self.issue()
        with self.session() as session:
            self.trust = trust_file(session, self.keys, issuer_name="测试交易所")
        self.number = json.loads(json.loads(self.certificate)["licence"])["number"]
        self.clear = status_list(self.keys.first, revoked=[self.number + 1], now=NOW)
        self.revoked = status_list(self.keys.first, revoked=[self.number], now=NOW)

    def session(self) -> AbstractContextManager[ReadSession]:
        return self.house.services.database.read()

    def issue(self, **more: Any) -> bytes:
        given: dict[str, Any] = {
            "delivered_fingerprint": FINGERPRINT, "delivered_sha256": self.blob.sha256,
            "delivered_bytes": self.blob.bytes_count,
        }  # fmt: skip
        with self.session() as session:
            return issue_certificate(
                session, self.keys, licence_id=self.licence_id, delivered_name="delivered.jpg",
                issuer_name="测试交易所", now=NOW, **(given | more),
            )  # fmt: skip

    def issued_at(self) -> int:
        """Return when the certificate was issued, in unix seconds."""
        return int(datetime.fromisoformat(json.loads(self.certificate)["issued_at"]).timestamp())

    def verify(self, certificate: bytes | None = None, *, today: date = TODAY) -> Report:
        return verify_certificate(
            certificate if certificate is not None else self.certificate, media=self.media, trust=self.trust,
            status=self.clear, today=today,
        )  # fmt: skip
