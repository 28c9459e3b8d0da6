"""Third parties' word: a day's statement, its stamp by a real authority, members' signatures, all checked offline."""

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from typer.main import get_command

from asset_hub.core.clock import beijing_date
from asset_hub.core.errors import BadInput
from ledger.attest import (
    AnswerRefused,
    AuthorityUnavailable,
    DayNotOver,
    NotAttested,
    StampAuthority,
    attestation_for,
    countersign,
    keep_attestation,
    read_answer,
    read_attestation,
    stamp_request,
    state_day,
)
from ledger.attest_cli import attest
from ledger.certificates import Pinned, trust_file
from ledger.errors import EntryNotFound
from ledger.models import BlockRow
from ledger.papers import spell
from ledger.stamps import StampRefused, read_stamp
from ledger.standalone.packing import write_verifier
from ledger.verifier import signing_digest, verify_certificate
from tests.drill import grown
from tests.ledger.attested import MEMBER, STRANGER, TOMORROW, Attested
from tests.ledger.authorities import Stamping, openssl
from tests.ledger.issued import TODAY, Issued


@pytest.fixture(scope="module")
def attested(tmp_path_factory: pytest.TempPathFactory) -> Attested:
    return Attested(tmp_path_factory.mktemp("attested"))


def test_without_third_parties_the_certificate_says_so(attested: Attested) -> None:
    document = json.loads(attested.issued.certificate)
    assert document["issuer"]["witness"].startswith("未经第三方见证")
    for name in ("time stamp", "countersignatures"):
        ok, message = attested.outcome(attested.issued.certificate, name)
        assert (ok, message.split(": ")[1]) == (None, "not attested by a third party")


def test_stamp_and_countersignature_are_checked_offline(attested: Attested) -> None:
    assert json.loads(attested.certificate)["issuer"]["witness"] == "经第三方见证"
    assert attested.outcome(attested.certificate, "time stamp") == (
        True, "stamped {time} by {name}: imprint, signature and pinned certificate checked",
    )  # fmt: skip
    assert attested.outcome(attested.certificate, "countersignatures") == (True, "countersigned by {names}")


def test_openssl_itself_accepts_the_stamp(attested: Attested, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(attested.stamp)
    (tmp_path / "statement").write_text(attested.statement, encoding="utf-8")
    said = openssl(
        tmp_path, "ts", "-verify", "-in", "token", "-token_in", "-data", "statement", "-CAfile",
        attested.authority.folder / "cert.pem",
    )  # fmt: skip
    assert "Verification: OK" in said


def test_a_bare_python_checks_them_too(attested: Attested, tmp_path: Path) -> None:
    write_verifier(tmp_path / "verifier.pyz")
    (tmp_path / "certificate.json").write_bytes(attested.certificate)
    (tmp_path / "trust.json").write_bytes(attested.trust)

    ran = subprocess.run(
        [sys.executable, "-I", "-S", "verifier.pyz", "certificate.json", "--trust", "trust.json", "--on", "2027-01-01"],
        capture_output=True, text=True, cwd=tmp_path, env={}, timeout=60, encoding="utf-8",
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "✓ 成立  可信时间戳" in ran.stdout
    assert "会签者：重庆档案馆" in ran.stdout


def test_who_is_not_pinned_proves_nothing_yet(attested: Attested) -> None:
    unpinned = attested.issued.trust
    assert attested.outcome(attested.certificate, "time stamp", trust=unpinned) == (
        None, "stamped {time} by an authority that no trust file names",
    )  # fmt: skip
    assert attested.outcome(attested.certificate, "countersignatures", trust=unpinned) == (
        None, "countersigned by keys that no trust file names",
    )  # fmt: skip


def test_a_stamp_of_something_else_is_refused(attested: Attested) -> None:
    with attested.authority.serving() as url:
        other = StampAuthority(url).stamp(attested.statement + " ")
    certificate = attested.attest({"stamp": other.hex()})

    assert attested.outcome(certificate, "time stamp") == (False, "the time stamp is of something else")
    with pytest.raises(AnswerRefused):
        keep_attestation(attested.home, attested.statement, stamp=other)
    assert attested.attest(None) == attested.certificate


def test_no_changed_byte_of_a_stamp_moves_what_it_says(attested: Attested) -> None:
    true = read_stamp(attested.stamp)
    step = grown(5, 1)
    refused = 0
    for at in range(0, len(attested.stamp), step):
        changed = bytes([*attested.stamp[:at], attested.stamp[at] ^ 1, *attested.stamp[at + 1 :]])
        try:
            read = read_stamp(changed)
        except StampRefused:
            refused += 1
            continue
        assert (read.imprint, read.time, read.nonce) == (true.imprint, true.time, true.nonce), at
    assert refused > len(attested.stamp) // step // 2


@pytest.mark.parametrize("content", [b"", b"0", b"\x30\x00", b"\x30\x80\x00\x00", b"\x30" * 4000, bytes(300)])
def test_what_is_no_stamp_is_refused(attested: Attested, content: bytes) -> None:
    with pytest.raises(StampRefused):
        read_stamp(content)
    if content:
        certificate = attested.attest({"stamp": content.hex()})
        assert attested.outcome(certificate, "time stamp")[0] is False


def test_a_certificate_that_is_not_for_stamping_stamps_nothing(attested: Attested, tmp_path: Path) -> None:
    other = Stamping(tmp_path / "other")
    token = openssl_token(other, attested.statement)
    read_stamp(token)
    swapped = token.replace(bytes.fromhex("06082b06010505070308"), bytes.fromhex("06082b06010505070303"))
    assert swapped != token
    with pytest.raises(StampRefused):
        read_stamp(swapped)


def openssl_token(authority: Stamping, statement: str) -> bytes:
    digest = hashlib.sha256(statement.encode()).digest()
    return read_answer(authority.answer(stamp_request(digest, nonce=5)), digest=digest, nonce=5)


def test_an_algorithm_we_do_not_check_is_said_not_to_be_checked(attested: Attested, tmp_path: Path) -> None:
    curve = Stamping(tmp_path / "curve", kind=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
    certificate = attested.attest({"stamp": openssl_token(curve, attested.statement).hex()})
    with attested.issued.session() as session:
        trust = trust_file(
            session, attested.issued.keys, issuer_name="测试交易所", authorities=[Pinned("曲线", curve.sha256)]
        )

    assert attested.outcome(certificate, "time stamp", trust=trust) == (
        None, "imprint and pinned certificate of {name} agree ({time}); its signature not checked",
    )  # fmt: skip


def test_an_answer_for_another_question_is_refused(attested: Attested) -> None:
    digest = hashlib.sha256(attested.statement.encode()).digest()
    answer = attested.authority.answer(stamp_request(digest, nonce=7))

    assert read_stamp(read_answer(answer, digest=digest, nonce=7)).imprint == digest
    for other_digest, other_nonce in ((b"\0" * 32, 7), (digest, 8)):
        with pytest.raises(AnswerRefused):
            read_answer(answer, digest=other_digest, nonce=other_nonce)
    for content in (b"", b"\x30\x03\x02\x01\x02", b"\x30\x05\x30\x03\x02\x01\x02"):
        with pytest.raises(AnswerRefused):
            read_answer(content, digest=digest, nonce=7)


def test_an_authority_that_is_away_is_said_to_be() -> None:
    with pytest.raises(AuthorityUnavailable):
        StampAuthority("http://127.0.0.1:9/none", timeout_s=2).stamp("x")
    with pytest.raises(BadInput):
        StampAuthority("file:///etc/hostname").stamp("x")


def test_a_countersignature_must_be_its_key_s_and_not_the_issuer_s(attested: Attested) -> None:
    own = countersign(attested.issued.keys.first.operator, attested.statement, now=TOMORROW)
    cases = [
        ({**attested.signed, "address": STRANGER.address.hex()}, "a countersignature is not that key's"),
        ({**attested.signed, "signed_at": "2026-01-01T00:00:00Z"}, "a countersignature is not that key's"),
        ({**attested.signed, "signature": "00" * 65}, "a countersignature is not that key's"),
        (own, "the issuer cannot countersign its own ledger"),
    ]
    for one, message in cases:
        certificate = attested.attest({"countersignatures": [one]})
        assert attested.outcome(certificate, "countersignatures") == (False, message)
    for one, _ in cases[:3]:
        with pytest.raises(AnswerRefused):
            keep_attestation(attested.home, attested.statement, countersignatures=[one])


def test_a_retired_member_key_attests_earlier_days_only(attested: Attested) -> None:
    signed_at = int(TOMORROW.timestamp())
    assert attested.outcome(attested.certificate, "countersignatures", trust=attested.trusting(until=signed_at + 1))[0]
    assert attested.outcome(attested.certificate, "countersignatures", trust=attested.trusting(until=signed_at)) == (
        False, "a countersigner's key was not valid then",
    )  # fmt: skip


def test_a_statement_of_another_chain_or_without_the_block_is_refused(attested: Attested) -> None:
    statement = json.loads(attested.statement)
    for changes, message in (
        ({"chain": {**statement["chain"], "id": 1}}, "the day's statement is of another chain"),
        ({"root": "ab" * 32}, "the day's statement does not cover the block"),
        ({"day": "2026-01-01"}, "the day's statement does not cover the block"),
    ):
        day = spell({**statement, **changes}).decode()
        certificate = attested.attest({"day": day, "countersignatures": [countersign(MEMBER, day, now=TOMORROW)]})
        assert attested.outcome(certificate, "countersignatures") == (False, message)
    path = json.loads(attested.certificate)["attestation"]["grant"]
    assert len(path) > 1
    turned = attested.attest({"grant": path[::-1]})
    assert attested.outcome(turned, "time stamp") == (False, "the day's statement does not cover the block")


def test_a_day_is_stated_only_when_it_is_over_and_has_blocks(attested: Attested) -> None:
    with attested.issued.session() as session:
        with pytest.raises(DayNotOver):
            state_day(session, day=attested.day, now=TOMORROW - timedelta(days=1))
        with pytest.raises(EntryNotFound):
            state_day(session, day=attested.day - timedelta(days=400), now=TOMORROW)
        blocks = session.exec(select(BlockRow.hash).where(BlockRow.number > 0)).all()
    statement = json.loads(attested.statement)
    assert (statement["blocks"], statement["day"]) == (len(blocks), str(attested.day))
    assert bytes.fromhex(statement["head"]) in blocks


def test_no_attested_day_before_the_licence_covers_it(attested: Attested, tmp_path: Path) -> None:
    with attested.issued.session() as session, pytest.raises(NotAttested):
        attestation_for(session, tmp_path, attested.issued.certificate)


def test_what_is_kept_grows_member_by_member(attested: Attested, tmp_path: Path) -> None:
    keep_attestation(tmp_path, attested.statement, countersignatures=[attested.signed])
    keep_attestation(tmp_path, attested.statement, stamp=attested.stamp)
    again = countersign(MEMBER, attested.statement, now=TOMORROW + timedelta(hours=1))
    other = countersign(STRANGER, attested.statement, now=TOMORROW)
    keep_attestation(tmp_path, attested.statement, countersignatures=[again, other])

    kept = read_attestation(tmp_path, attested.day)

    assert kept is not None
    assert kept["stamp"] == attested.stamp.hex()
    assert {one["address"]: one for one in kept["countersignatures"]} == {
        again["address"]: again,
        other["address"]: other,
    }
    with pytest.raises(AnswerRefused):
        keep_attestation(tmp_path, spell({**json.loads(attested.statement), "blocks": 1}).decode())


def test_the_attested_certificate_is_signed_as_a_whole(attested: Attested) -> None:
    document = json.loads(attested.certificate)
    document["attestation"]["stamp"] = ""
    report = verify_certificate(spell(document), media=None, trust=attested.trust, status=None, today=TODAY)
    assert [check.name for check in report.checks if check.ok is False] == ["signature"]
    document["signature"] = attested.issued.keys.first.operator.sign(signing_digest(document)).hex()
    assert attested.outcome(spell(document), "time stamp")[0] is None


def test_the_commands_lead_from_a_day_to_an_attested_certificate(
    attested: Attested, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSET_HUB_KEY_PASSPHRASE", "the member's own words")
    issued = Issued(tmp_path / "issued")
    plain, key, statement = tmp_path / "plain.json", tmp_path / "key.json", tmp_path / "statement.json"
    signature, target = tmp_path / "signature.json", tmp_path / "attested.json"
    plain.write_bytes(issued.certificate)
    with issued.session() as session:
        day = beijing_date(datetime.fromtimestamp(issued.issued_at(), UTC))
        statement.write_text(state_day(session, day=day, now=TOMORROW), encoding="utf-8")

    def run(*arguments: object) -> str:
        get_command(attest).main(
            [str(one) for one in arguments], obj=lambda: issued.house.services, standalone_mode=False
        )
        return capsys.readouterr().out.strip()

    with pytest.raises(NotAttested):
        run("certificate", plain, target)
    assert not target.exists()
    address = run("new-key", key)
    with pytest.raises(DayNotOver):
        run("statement", day + timedelta(days=1), tmp_path / "unfinished.json")
    run("countersign", statement, key, signature)
    for content in (b"", b"[]", b"{}", signature.read_bytes().replace(b'"address"', b'"adress"')):
        (tmp_path / "broken.json").write_bytes(content)
        with pytest.raises(AnswerRefused):
            run("add", statement, tmp_path / "broken.json")
    with pytest.raises(AnswerRefused):
        run("add", plain, signature)
    run("add", statement, signature)
    with attested.authority.serving() as url:
        run("stamp", statement, "--url", url)
    run("certificate", plain, target)

    document = json.loads(target.read_bytes())
    assert [one["address"] for one in document["attestation"]["countersignatures"]] == [address]
    assert document["issuer"]["witness"] == "经第三方见证"
    report = verify_certificate(target.read_bytes(), media=None, trust=issued.trust, status=None, today=TODAY)
    told = {check.name: (check.ok, check.message) for check in report.checks}
    assert told["time stamp"] == (None, "stamped {time} by an authority that no trust file names")
    assert told["countersignatures"] == (None, "countersigned by keys that no trust file names")
    assert report.is_valid
