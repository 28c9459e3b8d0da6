"""A certificate says valid, or which link fails; one changed letter is refused; nothing crashes the verifier."""

import json
import random
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.verifier import Report, verify_certificate
from tests.drill import grown
from tests.ledger.issued import TODAY, Issued


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return Issued(tmp_path_factory.mktemp("issued"))


def failing(report: Report) -> list[str]:
    return [check.name for check in report.checks if check.ok is False]


def test_a_true_certificate_holds_in_every_link(issued: Issued) -> None:
    report = issued.verify()
    assert report.is_valid
    assert all(check.ok for check in report.checks)


def test_what_was_not_given_is_said_not_to_be_checked(issued: Issued) -> None:
    report = verify_certificate(issued.certificate, media=None, trust=None, status=None, today=TODAY)
    assert report.is_valid
    assert {check.name: check.detail for check in report.checks if check.ok is None} == {
        "issuer": "issuer not pinned", "file": "no file given", "revocation": "revocation not checked",
    }  # fmt: skip


def test_each_broken_link_is_named(issued: Issued, tmp_path: Path) -> None:
    altered = tmp_path / "altered.jpg"
    content = bytearray(issued.media.read_bytes())
    content[700] ^= 1
    altered.write_bytes(content)
    other = Issued(tmp_path / "other")

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
