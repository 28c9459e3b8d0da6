"""An issued certificate with everything its verifier may be given: file, trust file, status lists."""

import json
from datetime import date
from pathlib import Path

import pytest

from asset_hub.core.files import put_bytes
from ledger.certificates import issue_certificate, status_list, trust_file
from ledger.errors import EntryNotFound
from ledger.signing import Keys
from ledger.verifier import Report, verify_certificate
from tests.ledger.houses import NOW, anchor_delivery, grant, make_house, make_terms

TODAY = date(2027, 1, 1)


class Issued:
    """A certificate with what its verifier may be given."""

    def __init__(self, folder: Path, *, content: bytes = b"the delivered bytes" * 100) -> None:
        house = make_house(folder)
        self.media = folder / "delivered.jpg"
        self.media.write_bytes(content)
        blob = put_bytes(house.services.files, self.media.read_bytes())
        licence_id = grant(house, make_terms())
        keys = house.services.keys
        with house.services.database.read() as session, pytest.raises(EntryNotFound):
            self._issue(session, keys, licence_id, blob.sha256, blob.bytes_count)
        anchor_delivery(house, licence_id, blob.sha256)
        house.run()
        with house.services.database.read() as session:
            self.certificate = self._issue(session, keys, licence_id, blob.sha256, blob.bytes_count)
            self.trust = trust_file(session, keys, issuer_name="测试交易所")
        self.number = json.loads(json.loads(self.certificate)["licence"])["number"]
        self.clear = status_list(keys, revoked=[self.number + 1], now=NOW)
        self.revoked = status_list(keys, revoked=[self.number], now=NOW)

    def _issue(self, session: object, keys: Keys, licence_id: object, sha256: str, count: int) -> bytes:
        return issue_certificate(
            session, keys, licence_id=licence_id, delivered_sha256=sha256, delivered_bytes=count,  # type: ignore[arg-type]
            delivered_name="delivered.jpg", issuer_name="测试交易所", now=NOW,
        )  # fmt: skip

    def verify(self, certificate: bytes | None = None, *, today: date = TODAY) -> Report:
        return verify_certificate(
            certificate if certificate is not None else self.certificate, media=self.media, trust=self.trust,
            status=self.clear, today=today,
        )  # fmt: skip
