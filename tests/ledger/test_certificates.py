"""A certificate says valid, or which link fails; one changed letter is refused; nothing crashes the verifier."""

import json
import random
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asset_hub.core.clock import beijing_date
from asset_hub.core.period import DateRange
from ledger.calls import encode_call, sign_transaction
from ledger.certificates import recorded_keys, status_list, trust_file
from ledger.codebook import GrantKind
from ledger.deployment import ADMIN_DELAY_SECONDS
from ledger.grants import GrantTerms
from ledger.key_models import OfficeKeyRow
from ledger.papers import spell
from ledger.roles import KeySpan
from ledger.signing import Key, Keys, Office
from ledger.sites import find_site
from ledger.submit import _write_journal, open_chain
from ledger.verifier import Report, signing_digest, verify_certificate
from tests.drill import grown
from tests.ledger.houses import NOW
from tests.ledger.issued import TODAY, Issued


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return Issued(tmp_path_factory.mktemp("issued"))


def failing(report: Report) -> list[str]:
    return [check.name for check in report.checks if check.ok is False]


def test_a_true_certificate_holds_in_every_link(issued: Issued) -> None:
    report = issued.verify()
    assert report.is_valid
    assert {check.name for check in report.checks if check.ok is None} == {
        "SM3", "SM2 signature", "time stamp", "countersignatures",
    }  # fmt: skip


def test_what_was_not_given_is_said_not_to_be_checked(issued: Issued) -> None:
    report = verify_certificate(issued.certificate, media=None, trust=None, status=None, today=TODAY)
    assert report.is_valid
    told = {check.name: check.detail for check in report.checks if check.ok is None}
    assert re.fullmatch("by its own list valid from .*; a later retirement was not checked", told.pop("key history"))
    assert told == {
        "issuer": "issuer not pinned", "file": "no file given", "revocation": "revocation not checked",
        "SM3": "the certificate states no SM3 digest", "SM2 signature": "not signed with SM2",
        "time stamp": "no time stamp: not attested by a third party",
        "countersignatures": "no countersignature: not attested by a third party",
    }  # fmt: skip


def test_each_broken_link_is_named(issued: Issued, tmp_path: Path) -> None:
    altered = tmp_path / "altered.jpg"
    content = bytearray(issued.media.read_bytes())
    content[700] ^= 1
    altered.write_bytes(content)
    other = Issued(tmp_path / "other", is_foreign=True)

    def verify(**given_: object) -> list[str]:
        arguments = {"media": issued.media, "trust": issued.trust, "status": issued.clear, "today": TODAY} | given_
        return failing(verify_certificate(issued.certificate, **arguments))  # type: ignore[arg-type]

    assert verify(media=altered) == ["file"]
    assert verify(today=date(2031, 12, 1)) == ["period"]
    assert verify(today=date(2031, 11, 30)) == []
    assert verify(status=issued.revoked) == ["revocation"]
    assert verify(status=other.clear) == ["revocation"]
    assert verify(trust=other.trust) == ["issuer"]
    assert verify(trust=b"{}") == ["issuer"]


def test_any_one_changed_letter_is_refused(issued: Issued) -> None:
    text = issued.certificate.decode()
    rng = random.Random(5)
    for position in rng.sample(range(len(text)), grown(300, len(text))):
        letter = rng.choice([c for c in '0123456789abcdefABCxyz" ,:}三' if c != text[position]])
        changed = text[:position] + letter + text[position + 1 :]
        assert not issued.verify(changed.encode()).is_valid, (position, text[position], letter)


def test_any_one_changed_letter_of_a_fingerprint_is_refused(issued: Issued) -> None:
    text = issued.certificate.decode()
    start = text.index('"fingerprint":')
    for position in range(start, text.index("}", start) + 1):
        for letter in {"0", "F", "/", "2"} - {text[position]}:
            changed = text[:position] + letter + text[position + 1 :]
            assert not issued.verify(changed.encode()).is_valid, (position, text[position], letter)


def earlier(certificate: bytes, keys: Keys) -> bytes:
    """Return the certificate as the version before would have issued it."""
    document = json.loads(certificate)
    del document["delivery"]["fingerprint"]
    document["type"] = "asset_hub/licence-certificate/2"
    return spell({**document, "signature": keys.operator.sign(signing_digest(document)).hex()})


def test_a_certificate_of_the_earlier_version_holds_and_each_version_has_its_own_members(issued: Issued) -> None:
    before = earlier(issued.certificate, issued.keys.first)
    stated = json.loads(issued.certificate)
    crossed = [{**stated, "type": "asset_hub/licence-certificate/2"}, {**json.loads(before), "type": stated["type"]}]
    crossed.append({**stated, "type": "asset_hub/licence-certificate/4"})

    assert issued.verify(before).is_valid
    for document in crossed:
        signed = {**document, "signature": issued.keys.first.operator.sign(signing_digest(document)).hex()}
        assert failing(issued.verify(spell(signed))) == ["form"]


def test_a_fingerprint_has_one_spelling(issued: Issued) -> None:
    for value in ("AB" * 32, "ab" * 31, "", "zz" * 32):
        assert failing(issued.verify(issued.issue(delivered_fingerprint=value or "00"))) == ["form"], value
    assert json.loads(issued.issue(delivered_fingerprint=""))["delivery"]["fingerprint"] is None


@settings(deadline=None, max_examples=grown(200, 5000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_mutation_crashes_the_verifier(issued: Issued, data: st.DataObject) -> None:
    document = json.loads(issued.certificate)
    key = data.draw(st.sampled_from(sorted(document)))
    junk = st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.lists(st.integers(), max_size=3),
        st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2), st.just("00" * 65), st.just("ff" * 32),
    )  # fmt: skip
    if isinstance(document[key], dict) and data.draw(st.booleans()):
        inner = data.draw(st.sampled_from(sorted(document[key])))
        document[key][inner] = data.draw(junk)
    else:
        document[key] = data.draw(junk)
    changed = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    assert changed == issued.certificate or not issued.verify(changed).is_valid


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"type":"x"}', b"[" * 100_000])
def test_what_is_no_certificate_is_refused(issued: Issued, content: bytes) -> None:
    assert failing(issued.verify(content)) == ["form"]


EARLIER, LATER = Key(b"\x31" * 32), Key(b"\x32" * 32)


def moment(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def resigned(issued: Issued, key: Key, *, at: int, spans: Sequence[KeySpan]) -> bytes:
    """Return the certificate as this key would have signed it at a time, with this key list."""
    document = json.loads(issued.certificate)
    document["issued_at"] = moment(at)
    document["issuer"] |= {"address": key.address.hex(), "keys": [span.spelled() for span in spans]}
    document["signature"] = key.sign(signing_digest(document)).hex()
    return spell(document)


def pinning(issued: Issued, spans: Sequence[KeySpan]) -> bytes:
    document = json.loads(issued.trust)
    return spell({**document, "issuers": [{**span.spelled(), "name": "测试交易所"} for span in spans]})


def listing(key: Key, spans: Sequence[KeySpan], *, at: int) -> bytes:
    document: dict[str, Any] = {
        "type": "asset_hub/status-list/2", "dated": moment(at), "issuer": key.address.hex(),
        "keys": [span.spelled() for span in spans], "revoked": [],
    }  # fmt: skip
    return spell({**document, "signature": key.sign(signing_digest(document)).hex()})


def test_a_retired_key_s_earlier_signature_holds_and_its_later_one_is_refused(issued: Issued) -> None:
    signed = issued.issued_at()
    open_span = KeySpan(EARLIER.address.hex(), 1)
    certificate = resigned(issued, EARLIER, at=signed, spans=[open_span])

    def verify(until: int, *, trust: bool, status: bool) -> tuple[list[str], bool | None]:
        known = [KeySpan(EARLIER.address.hex(), 1, until), KeySpan(LATER.address.hex(), until)]
        report = verify_certificate(
            certificate, media=None, trust=pinning(issued, known if trust else [open_span]), today=TODAY,
            status=listing(EARLIER, known, at=signed + 9) if status else None,
        )  # fmt: skip
        return failing(report), next(check.ok for check in report.checks if check.name == "key history")

    assert verify(signed + 1, trust=True, status=False) == ([], True)
    assert verify(signed, trust=True, status=False) == (["key history"], False)
    assert verify(signed + 1, trust=False, status=True) == ([], True)
    assert verify(signed, trust=False, status=True) == (["key history"], False)


def test_a_certificate_s_own_key_list_is_held_against_it(issued: Issued) -> None:
    signed, address = issued.issued_at(), EARLIER.address.hex()
    for spans, ok in (
        ([KeySpan(address, signed)], None), ([KeySpan(address, signed + 1)], False), ([], False),
        ([KeySpan(address, 1, signed)], False), ([KeySpan(address, 1, signed + 1)], None),
        ([KeySpan(LATER.address.hex(), 1)], False),
    ):  # fmt: skip
        certificate = resigned(issued, EARLIER, at=signed, spans=spans)
        report = verify_certificate(certificate, media=None, trust=None, status=None, today=TODAY)
        told = {check.name: check.ok for check in report.checks}
        assert (told["signature"], told["key history"]) == (True, ok), spans


def test_a_certificate_cannot_be_older_than_its_blocks(issued: Issued) -> None:
    span = [KeySpan(EARLIER.address.hex(), 1)]
    for at, fails in ((issued.issued_at() - 1, ["key history"]), (issued.issued_at(), [])):
        certificate = resigned(issued, EARLIER, at=at, spans=span)
        report = verify_certificate(certificate, media=None, trust=None, status=None, today=TODAY)
        assert failing(report) == fails


def test_a_status_list_of_the_next_key_counts_only_where_both_are_pinned_as_one_issuer(issued: Issued) -> None:
    signed = issued.issued_at()
    spans = [KeySpan(EARLIER.address.hex(), 1, signed + 5), KeySpan(LATER.address.hex(), signed + 5)]
    certificate = resigned(issued, EARLIER, at=signed, spans=spans[:1])

    def verify(status: bytes, trust: bytes) -> list[str]:
        return failing(verify_certificate(certificate, media=None, trust=trust, status=status, today=TODAY))

    both, one = pinning(issued, spans), pinning(issued, spans[:1])
    assert verify(listing(LATER, spans, at=signed + 9), both) == []
    assert verify(listing(LATER, spans, at=signed + 9), one) == ["revocation"]
    assert verify(listing(EARLIER, spans, at=signed + 9), both) == ["revocation"]
    assert verify(listing(EARLIER, spans, at=signed + 4), both) == []


def test_the_chain_itself_records_when_a_signing_key_came_and_went(tmp_path: Path) -> None:
    issued = Issued(tmp_path)
    keys: Keys = issued.keys.first
    with issued.session() as session:
        [before] = recorded_keys(session, keys)
    with issued.house.services.database.write() as session:
        session.add(OfficeKeyRow(address=LATER.address, office=Office.OPERATOR, created_at=NOW))
        chain, site = open_chain(session, keys), find_site(session)
        assert site is not None
        to = site.addresses["AccessManager"]
        data = [
            encode_call("AccessManager", "grantRole", [12, "0x" + LATER.address.hex(), 0]),
            encode_call("AccessManager", "revokeRole", [12, "0x" + keys.operator.address.hex()]),
        ]
        planned = [encode_call("AccessManager", "schedule", ["0x" + to.hex(), one, 0]) for one in data]
        for calls, wait in ((planned, 100), (data, ADMIN_DELAY_SECONDS + 1)):
            nonce = chain.nonce_of(keys.admin.address)
            raws = [sign_transaction(keys.admin, nonce=nonce + at, to=to, data=one) for at, one in enumerate(calls)]
            block = chain.execute(raws, time=int(chain.head.timestamp) + wait)
            assert [executed.status for executed in block.executed] == [1, 1]
            _write_journal(session, raws, block)

    with issued.session() as session:
        spans = recorded_keys(session, keys)
        trust = trust_file(session, keys, issuer_name="测试交易所")

    assert (before.address, before.until) == (keys.operator.address.hex(), 0)
    assert spans == (
        KeySpan(before.address, before.since, block.time), KeySpan(LATER.address.hex(), block.time),
    )  # fmt: skip
    status = status_list(keys, revoked=[], now=NOW, history=spans)
    assert failing(verify_certificate(issued.certificate, media=None, trust=trust, status=status, today=TODAY)) == []
    late = resigned(issued, keys.operator, at=block.time, spans=[before])
    assert failing(verify_certificate(late, media=None, trust=trust, status=status, today=TODAY)) == ["key history"]


def test_a_status_list_that_its_issuer_did_not_sign_is_refused(issued: Issued) -> None:
    document = json.loads(issued.clear)
    forged = spell({**document, "revoked": [], "signature": EARLIER.sign(signing_digest(document)).hex()})
    older = spell({**document, "dated": "2026-01-01T00:00:00Z"})
    for status in (forged, older, issued.clear.replace(b'"revoked":[', b'"revoked":[1.0,'), b"{}", b""):
        report = verify_certificate(issued.certificate, media=None, trust=issued.trust, status=status, today=TODAY)
        assert failing(report) == ["revocation"], status


def test_a_licence_recorded_after_its_last_day_never_was_in_force(tmp_path: Path) -> None:
    begun = beijing_date(NOW) - timedelta(800)
    ended = GrantTerms(("streaming",), ("CN",), DateRange.years_from(begun, 1), GrantKind.NON_EXCLUSIVE)
    issued = Issued(tmp_path, terms=ended)

    while_it_ran = issued.verify(today=begun + timedelta(30))

    assert failing(while_it_ran) == ["period"]
    told = next(check for check in while_it_ran.checks if check.name == "period")
    assert told.message == "recorded on {recorded}, after its last day {last}"
    assert failing(issued.verify(today=begun + timedelta(500))) == ["period"]


def test_no_member_has_a_second_spelling(issued: Issued) -> None:
    text = issued.certificate.decode()
    document = json.loads(text)
    address = document["issuer"]["address"]
    name = '"name":"delivered.jpg"'
    others = [
        text.replace(address, address.upper()), text.replace(address, "0x" + address),
        text.replace(name, f"{name},{name}"), text.replace(name, '"name":"delivered\\u002ejpg"'),
        text.replace('"bytes":', '"bytes":0'), text.replace('"bytes":1900', '"bytes":1900.0'),
        text.replace('"bytes":1900', '"bytes":1.9e3'), text.replace('"bytes":1900', '"bytes":true'),
        text.replace(":", ": ", 1), text + "\n", "\ufeff" + text, json.dumps(document, sort_keys=True),
        json.dumps(dict(reversed(document.items())), ensure_ascii=False, separators=(",", ":")),
    ]  # fmt: skip
    for other in others:
        assert other != text
        assert failing(issued.verify(other.encode())) == ["form"], other[:80]
