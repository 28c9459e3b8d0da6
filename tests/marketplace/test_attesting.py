"""Certificates of sold licences: SM3 and SM2 from the start, third parties' word once it is there, ended ones fail."""

import dataclasses
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from asset_hub.accounts import Actor, Role
from asset_hub.core.clock import beijing_date
from asset_hub.core.events import emit
from asset_hub.core.files import put_bytes, read_blob
from asset_hub.core.jobs import JobRow, enqueue
from asset_hub.core.sealed import NoPassphrase
from ledger.attest import StampAuthority, countersign, keep_attestation, state_day
from ledger.attest_jobs import STAMP
from ledger.certificates import Pinned, Sm2Signer, trust_file
from ledger.deeds import propose_end
from ledger.events import DayAttested
from ledger.models import BlockRow
from ledger.revoked import read_revoked
from ledger.roles import KeySpan
from ledger.signing import Key
from ledger.sm import sm3
from ledger.sm_keys import make_sm2_key, sm2_signer_of
from ledger.verdicts import own_status_list
from ledger.verifier import Report, verify_certificate
from marketplace.attesting import attest_certificates
from marketplace.certificate_pdf import sm2_of, witness_of
from marketplace.delivery import draw_papers, finish_delivery
from marketplace.licences import Licence, LicenceState, get_licence
from marketplace.models import LicenceRow
from tests.builders import make_actor
from tests.ledger.authorities import Stamping
from tests.ledger.houses import carry_out
from tests.marketplace.shop import NOW, make_shop, make_terms
from tests.web.pages import client_for

MEMBER = Key(b"\x11" * 32)
TOMORROW = datetime.now(UTC) + timedelta(days=1, hours=1)


class Sold:
    """A shop that sold one licence, and what a verifier says of its certificate."""

    def __init__(self, folder: Path) -> None:
        self.shop = make_shop(folder)
        self.services = self.shop.services
        self.buyer = self.shop.make_buyer()
        self.licence_id = self.shop.buy(self.buyer, make_terms()).id
        self.authority = Stamping(folder / "authority")

    def licence(self) -> Licence:
        with self.services.database.read() as session:
            return get_licence(session, licence_id=self.licence_id, by=self.buyer)

    def certificate(self) -> bytes:
        return read_blob(self.services.files, str(self.licence().certificate_sha256))

    def attest(self) -> None:
        self.keep_word()
        self.tell()

    def keep_word(self) -> None:
        with self.services.database.read() as session:
            day = beijing_date(self.licence().recorded_at)
            statement = state_day(session, day=day, now=TOMORROW)
        with self.authority.serving() as url:
            stamp = StampAuthority(url).stamp(statement)
        signed = countersign(MEMBER, statement, now=TOMORROW)
        keep_attestation(self.services.settings.home, statement, stamp=stamp, countersignatures=[signed])

    def tell(self) -> None:
        with self.services.database.write() as session:
            emit(session, DayAttested(str(beijing_date(self.licence().recorded_at))))
        self.services.run_jobs(threads=1)

    def countersign_too(self) -> None:
        with self.services.database.read() as session:
            statement = state_day(session, day=beijing_date(self.licence().recorded_at), now=TOMORROW)
        signed = countersign(Key(b"\x12" * 32), statement, now=TOMORROW)
        keep_attestation(self.services.settings.home, statement, countersignatures=[signed])
        self.tell()

    def verify(self) -> Report:
        services, licence = self.services, self.licence()
        with services.database.read() as session:
            status = own_status_list(
                session, services.keys, revoked=read_revoked(session, services.settings.home), now=TOMORROW
            )
            trust = trust_file(
                session, services.keys, issuer_name=services.settings.issuer,
                authorities=[Pinned("本地时间戳", sha256=self.authority.sha256)],
                witnesses=[Pinned("重庆档案馆", span=KeySpan(MEMBER.address.hex(), 1))],
            )  # fmt: skip
        with services.files.as_path(str(licence.sha256)) as media:
            return verify_certificate(
                self.certificate(), media=media, trust=trust, status=status, today=beijing_date(NOW)
            )


@pytest.fixture
def sold(tmp_path: Path) -> Sold:
    return Sold(tmp_path)


def outcomes(report: Report) -> dict[str, bool | None]:
    return {check.name: check.ok for check in report.checks}


def test_what_somebody_else_issued_again_meanwhile_is_left_to_them(sold: Sold) -> None:
    sold.keep_word()
    other = put_bytes(sold.services.files, sold.certificate() + b" ").sha256

    def issue_meanwhile() -> Sm2Signer:
        with sold.services.database.write() as session:
            session.get_one(LicenceRow, sold.licence_id).certificate_sha256 = other
        return Sm2Signer(7)

    count = attest_certificates(
        sold.services.database, sold.services.files, sold.services.keys, day=str(beijing_date(NOW)),
        home=sold.services.settings.home, sm2=issue_meanwhile, now=TOMORROW,
    )  # fmt: skip

    assert (count, sold.licence().certificate_sha256) == (0, other)


def test_a_certificate_is_made_while_others_write_and_a_delivery_opens_once(sold: Sold) -> None:
    before = sold.licence()
    with sold.services.database.write() as session:
        session.get_one(LicenceRow, sold.licence_id).state = LicenceState.CONFIRMED

    def deliver_meanwhile() -> Sm2Signer:
        with sold.services.database.write() as session:
            session.get_one(LicenceRow, sold.licence_id).state = LicenceState.DELIVERED
        return Sm2Signer(7)

    drawn = [
        draw_papers(
            sold.services.database, sold.services.files, sold.services.keys, licence_id=sold.licence_id,
            issuer="asset_hub", now=TOMORROW, sm2=deliver_meanwhile,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert drawn[0] is not None
    with sold.services.database.write() as session:
        is_opened = finish_delivery(session, licence_id=sold.licence_id, papers=drawn[0], now=TOMORROW)

    assert (is_opened, drawn[1]) == (False, None)
    assert drawn[0].certificate_sha256 != before.certificate_sha256
    assert sold.licence() == before


def test_a_certificate_states_sm3_and_is_signed_by_sm2(sold: Sold) -> None:
    document: dict[str, Any] = json.loads(sold.certificate())
    file = read_blob(sold.services.files, str(sold.licence().sha256))

    assert document["delivery"]["sm3"] == sm3(file).hex() == sold.licence().sm3
    assert (document["delivery"]["sha256"], document["sm2"]["standing"]) == (hashlib.sha256(file).hexdigest(), "自签")
    found = outcomes(sold.verify())
    assert (found["SM3"], found["SM2 signature"], found["time stamp"]) == (True, True, None)
    assert ("自签" in sm2_of(document), "未经第三方见证" in witness_of(document)) == (True, True)


def test_once_a_third_party_spoke_the_certificate_carries_its_word(sold: Sold) -> None:
    before = sold.licence()
    sold.attest()
    after = sold.licence()

    found = outcomes(sold.verify())
    page = client_for(sold.services, sold.buyer, language="zh").get(f"/licences/{sold.licence_id}/certificate").text
    assert (bool(before.attested_day), bool(after.attested_day)) == (False, True)
    assert before.certificate_sha256 != after.certificate_sha256
    assert before.pdf_sha256 != after.pdf_sha256
    assert (found["time stamp"], found["countersignatures"]) == (True, True)
    assert all(ok is not False for ok in found.values())
    assert ("RFC 3161" in page, "经第三方见证" in page, "成员副署" in page, "未经第三方见证" in page) == (
        True,
        True,
        True,
        False,
    )
    sold.tell()
    assert sold.licence().certificate_sha256 == after.certificate_sha256
    sold.countersign_too()
    assert len(json.loads(sold.certificate())["attestation"]["countersignatures"]) == 2


def test_the_nightly_stamp_reaches_the_certificates_and_a_missing_authority_is_asked_again(sold: Sold) -> None:
    services = sold.services
    with services.database.write() as session:
        session.execute(sa.update(BlockRow).values(time=BlockRow.time - 86_400))  # the sale was yesterday
    with sold.authority.serving() as url:
        for address in ("http://127.0.0.1:9/", url):
            at = dataclasses.replace(services, settings=services.settings.model_copy(update={"stamp_url": address}))
            with services.database.write() as session:
                enqueue(session, STAMP, dedupe_key=STAMP, run_after=NOW)
            at.run_jobs(threads=1)
            with services.database.write() as session:
                session.execute(sa.update(JobRow).where(col(JobRow.state) == "queued").values(run_after=NOW))

    document = json.loads(sold.certificate())
    assert (bool(sold.licence().attested_day), bool(document["attestation"]["stamp"])) == (True, True)


def test_a_licence_that_was_ended_on_the_ledger_is_on_the_list_and_hands_out_nothing(sold: Sold) -> None:
    services, page = sold.services, client_for(sold.services, sold.buyer)
    before = page.get(f"/api/v1/licences/{sold.licence_id}").json()["download"]
    with services.database.write() as session:
        court: Actor = make_actor(session, roles={Role.REGULATOR})
        propose_end(session, services.keys, number=sold.licence().number, reason="生效判决", by=court, now=NOW)
    carry_out(services)

    failed = [name for name, ok in outcomes(sold.verify()).items() if ok is False]
    after = page.get(f"/api/v1/licences/{sold.licence_id}").json()["download"]

    assert failed == ["revocation"]
    assert (bool(before), bool(after)) == (True, False)
    assert page.get(before).status_code in (403, 404, 409, 410)


def test_a_key_file_signs_in_place_of_the_self_made_key_and_needs_its_passphrase(tmp_path: Path) -> None:
    shop = make_shop(tmp_path)
    home, keys = shop.services.settings.home, shop.services.keys
    own = sm2_signer_of(home, keys, environ={})
    make_sm2_key(home, passphrase="a long enough one")

    with pytest.raises(NoPassphrase):
        sm2_signer_of(home, keys, environ={})
    kept = sm2_signer_of(home, keys, environ={"ASSET_HUB_KEY_PASSPHRASE": "a long enough one"})

    assert own == sm2_signer_of(tmp_path, keys, environ={})
    assert kept.secret != own.secret
