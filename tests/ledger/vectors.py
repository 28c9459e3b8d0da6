"""Questions for a verifier, and what this product's own verifier answers: the stand-alone programs must agree."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from PIL import Image

from ledger.attest import countersign
from ledger.certificates import Sm2Signer
from ledger.papers import spell
from ledger.pictured import fingerprint_file
from ledger.verifier import Report, verify_certificate
from tests.ledger.attested import TOMORROW, Attested
from tests.ledger.authorities import Sm2Authority
from tests.ledger.issued import TODAY, Issued
from tests.media_files import paint

SIMILAR = "similar, not identical: {distance} of {bits} bits differ, at most {most} is similar; it is another file"
OTHER = "not the delivered file, nor similar to it: {distance} of {bits} bits differ"
UNREAD = "not the delivered file: bytes differ (likeness not checked: no picture read here)"
UNSTATED = "not the delivered file: bytes differ (likeness not checked: no fingerprint stated)"
Verdict = dict[str, bool | None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is handed to a verifier."""

    certificate: bytes
    media: Path | None
    trust: bytes | None
    status: bytes | None
    today: date = TODAY

    def answered(self) -> Report:
        return verify_certificate(
            self.certificate, media=self.media, trust=self.trust, status=self.status, today=self.today
        )


def verdict_of(report: Report) -> Verdict:
    return {check.name: check.ok for check in report.checks}


def questions(issued: Issued, other: Issued, folder: Path) -> Mapping[str, tuple[Question, set[str]]]:
    """Return each question by its name, with the checks that must fail."""
    wrong = folder / "wrong.jpg"
    content = bytearray(issued.media.read_bytes())
    content[700] ^= 1
    wrong.write_bytes(content)
    document = json.loads(issued.certificate)
    true = (issued.certificate, issued.media, issued.trust, issued.clear)
    return {
        "valid": (Question(*true), set()),
        "nothing given": (Question(issued.certificate, None, None, None), set()),
        "wrong file": (Question(issued.certificate, wrong, issued.trust, issued.clear), {"file"}),
        "changed letter": (
            Question(issued.certificate.replace(b"delivered.jpg", b"delivered.jpq"), *true[1:]), {"signature"},
        ),
        "foreign chain": (Question(other.certificate, other.media, issued.trust, other.clear), {"issuer"}),
        "reordered path": (
            Question(spell(reordered(document)), *true[1:]), {"signature", "licence recorded"},
        ),
        "expired": (Question(*true, today=date(2031, 12, 1)), {"period"}),
        "revoked": (Question(issued.certificate, issued.media, issued.trust, issued.revoked), {"revocation"}),
        "not pinned": (Question(issued.certificate, issued.media, other.trust, issued.clear), {"issuer"}),
        "status of another": (Question(issued.certificate, issued.media, issued.trust, other.clear), {"revocation"}),
        "no document": (Question(b"[]", None, None, None), {"form"}),
        "trust is none": (Question(issued.certificate, None, b"{}", b"null"), {"issuer", "revocation"}),
    }  # fmt: skip


def likeness_questions(issued: Issued, folder: Path) -> Mapping[str, tuple[Question, str]]:
    """Return questions about another file than the delivered picture, with what is said of it."""
    whole, near, far = folder / "whole.jpg", folder / "near.jpg", folder / "far.jpg"
    picture = paint(1, size=(900, 600))
    picture.save(whole, quality=95)
    picture.resize((520, 347)).save(near, quality=45)
    Image.radial_gradient("L").resize((640, 480)).save(far, quality=90)
    stated = issued.issue(delivered_fingerprint=fingerprint_file(whole))
    unstated, words = issued.issue(delivered_fingerprint=""), folder / "words.txt"
    words.write_text("no picture")
    given = (issued.trust, issued.clear)
    return {
        "re-compressed and smaller": (Question(stated, near, *given), SIMILAR),
        "another picture": (Question(stated, far, *given), OTHER),
        "no picture": (Question(stated, words, *given), UNREAD),
        "none stated": (Question(unstated, near, *given), UNSTATED),
    }


def attested_questions(attested: Attested, root: Sm2Authority) -> Mapping[str, tuple[Question, set[str]]]:
    """Return questions about a certificate with all there is: SM3, SM2 with a chain, stamp, countersignature."""
    issued, trust = attested.issued, attested.trusting(until=0, roots=(root.root_sha256,))
    full = full_certificate(attested, root)
    false = attested.attest(None, of=issued.issue(delivered_sm3="ab" * 32), sm2=Sm2Signer(root.secret, root.chain[:1]))
    retired = attested.trusting(until=1, roots=(root.root_sha256,))
    own = countersign(issued.keys.first.operator, attested.statement, now=TOMORROW)
    alone = attested.attest(
        {"stamp": (attested.stamp[:-1] + bytes([attested.stamp[-1] ^ 1])).hex(), "countersignatures": [own]}
    )
    given = (issued.media, trust, issued.clear)
    return {
        "full": (Question(full, *given), set()),
        "nothing pinned": (Question(full, issued.media, None, None), set()),
        "false": (Question(false, *given), {"SM3", "SM2 signature"}),
        "self-signed": (Question(issued.issue(sm2=Sm2Signer(root.root_secret)), *given), set()),
        "broken stamp, own countersignature": (Question(alone, *given), {"time stamp", "countersignatures"}),
        "countersigner retired": (Question(full, issued.media, retired, issued.clear), {"countersignatures"}),
        "other day": (
            Question(attested.attest({"day": attested.statement.replace('"blocks":', '"blocks":1')}), *given),
            {"time stamp", "countersignatures"},
        ),
        "no day": (Question(attested.attest({"day": "{}"}), *given), {"time stamp", "countersignatures"}),
    }  # fmt: skip


def full_certificate(attested: Attested, root: Sm2Authority) -> bytes:
    sm3 = hashlib.new("sm3", attested.issued.media.read_bytes()).hexdigest()
    certificate = attested.issued.issue(delivered_sm3=sm3)
    return attested.attest(None, of=certificate, sm2=Sm2Signer(root.secret, root.chain))


def reordered(document: dict[str, Any]) -> dict[str, Any]:
    """Turn the proof's nodes round; where there is only one, it is said twice."""
    nodes = document["grant"]["nodes"]
    turned = nodes[::-1] if len(nodes) > 1 else nodes * 2
    return {**document, "grant": {**document["grant"], "nodes": turned}}


def mutations(certificate: bytes) -> st.SearchStrategy[bytes]:
    """Return certificates that differ: another letter, another value in a member, a member more or less."""
    return st.one_of(_letters(certificate), _values(certificate))


@st.composite
def _letters(draw: st.DrawFn, certificate: bytes) -> bytes:
    text = certificate.decode()
    at = draw(st.integers(0, len(text) - 1))
    kept = draw(st.sampled_from(["", text[at]]))
    letter = draw(st.sampled_from('0123456789abcdefABCxyz" ,:{}[]三\\\n'))
    return (text[:at] + kept + letter + text[at + 1 :]).encode()


@st.composite
def _values(draw: st.DrawFn, certificate: bytes) -> bytes:
    document = json.loads(certificate)
    junk: st.SearchStrategy[Any] = st.one_of(
        st.none(), st.booleans(), st.integers(), st.integers(-(10**90), 10**90), st.floats(), st.text(max_size=8),
        st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
        st.just("00" * 65), st.just("ff" * 32), st.just("c0"), st.just("f" * 40), st.just(["ab" * 32]),
        st.just('{"first_day":"2026-12-01","last_day":"2031-11-30","number":1}'), st.just('{"number":1.0}'),
    )  # fmt: skip
    member = draw(st.sampled_from(sorted(document)))
    inside = document[member]
    if isinstance(inside, dict) and draw(st.integers(0, 3)):
        inside[draw(st.sampled_from([*sorted(inside), "extra"]))] = draw(junk)
    else:
        document[draw(st.sampled_from([member, "extra"]))] = draw(junk)
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(errors="replace")
