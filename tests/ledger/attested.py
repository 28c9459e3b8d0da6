"""A certificate that third parties attest: stamped by a local authority, countersigned by a member."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from asset_hub.core.clock import beijing_date
from ledger.attest import StampAuthority, attestation_for, countersign, keep_attestation, state_day
from ledger.certificates import Pinned, Sm2Signer, attest_certificate, trust_file
from ledger.models import BlockRow
from ledger.roles import KeySpan
from ledger.signing import Key
from ledger.verifier import verify_certificate
from tests.ledger.authorities import Stamping
from tests.ledger.issued import TODAY, Issued

TOMORROW = datetime.now(UTC) + timedelta(days=1, hours=1)
MEMBER, STRANGER = Key(b"\x11" * 32), Key(b"\x22" * 32)


class Attested:
    """An exchange with a certificate, and one day that an authority stamped and a member countersigned."""

    def __init__(self, folder: Path) -> None:
        self.issued = Issued(folder / "issued")
        self.home = self.issued.house.services.settings.home
        with self.issued.session() as session:
            time = session.exec(select(BlockRow.time).order_by(col(BlockRow.number).desc())).first()
            self.day = beijing_date(datetime.fromtimestamp(time or 0, UTC))
            self.statement = state_day(session, day=self.day, now=TOMORROW)
        self.authority = Stamping(folder / "authority")
        with self.authority.serving() as url:
            self.stamp = StampAuthority(url).stamp(self.statement)
        self.signed = countersign(MEMBER, self.statement, now=TOMORROW)
        keep_attestation(self.home, self.statement, stamp=self.stamp, countersignatures=[self.signed])
        self.certificate = self.attest(None)
        self.trust = self.trusting(until=0)

    def attest(self, changes: Mapping[str, Any] | None, *, of: bytes = b"", sm2: Sm2Signer | None = None) -> bytes:
        certificate = of or self.issued.certificate
        with self.issued.session() as session:
            attestation = attestation_for(session, self.home, certificate) | dict(changes or {})
            return attest_certificate(
                session, self.issued.keys, certificate, attestation=attestation, now=TOMORROW, sm2=sm2
            )

    def trusting(self, *, until: int, roots: tuple[str, ...] = ()) -> bytes:
        member = Pinned("重庆档案馆", span=KeySpan(MEMBER.address.hex(), 1, until))
        authority = Pinned("本地时间戳", sha256=self.authority.sha256)
        with self.issued.session() as session:
            return trust_file(
                session, self.issued.keys, issuer_name="测试交易所", witnesses=[member],
                authorities=[authority, *(Pinned("国密根", sha256=root) for root in roots)],
            )  # fmt: skip

    def outcome(self, certificate: bytes, name: str, *, trust: bytes | None = None) -> tuple[bool | None, str]:
        report = verify_certificate(
            certificate, media=self.issued.media, trust=trust or self.trust, status=self.issued.clear, today=TODAY
        )
        assert report.checks[1].ok
        return next((check.ok, check.message) for check in report.checks if check.name == name)
