"""Third-party attestation: the statement of a day's end, its time stamp (RFC 3161), members' countersignatures.

A day's statement covers every block up to that day's last, so that any later day attests every earlier licence.
The operator cannot attest its own ledger: stamps come from an authority, countersignatures from members' own keys.
"""

import hashlib
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import col, select

from asset_hub.core.clock import BEIJING, beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.errors import BadInput, RuleRefused, Unavailable
from asset_hub.core.text import N_
from ledger.blocks import digest_of
from ledger.der import INTEGER, NULL, OCTETS, OID, SEQUENCE, read_der, write_der, write_whole
from ledger.entries import canonical
from ledger.errors import EntryNotFound
from ledger.merkle import path_of, root_of
from ledger.models import BlockRow
from ledger.papers import DAY_TYPE, Refused, check_shape, countersigned_digest, read_day
from ledger.recovery import recover_address
from ledger.signing import Signer
from ledger.sites import chain_name
from ledger.stamps import SHA256, StampRefused, read_stamp

FOLDER = "attested"
_MAX_ANSWER = 1 << 20
_GRANTED = {b"\0", b"\1"}
_BOOLEAN = 0x01


class DayNotOver(RuleRefused):
    """The day has not ended in Beijing; its last block is not known."""

    slug, title = "day-not-over", N_("This day has not ended yet.")


class NotAttested(RuleRefused):
    """No day that is attested covers these blocks."""

    slug, title = "not-attested", N_("No attested day covers this certificate yet.")


class AuthorityUnavailable(Unavailable):
    """The time stamping authority does not answer."""

    slug, title = "stamp-authority-unavailable", N_("The time stamping authority does not answer")


class AnswerRefused(BadInput):
    """What came back is no stamp of what was asked, or no signature of the member it names."""

    slug, title = "attestation-refused", N_("This attests something else, or nothing.")


@dataclass(frozen=True, slots=True)
class StampAuthority:
    """A service that stamps digests by RFC 3161 over HTTP."""

    url: str
    timeout_s: float = 20.0

    def stamp(self, statement: str) -> bytes:
        """Return the token over a statement. Raises AuthorityUnavailable, AnswerRefused."""
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise BadInput(N_("A time stamping authority has an http or https address."))
        digest, nonce = hashlib.sha256(statement.encode()).digest(), secrets.randbits(63)
        asked = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            self.url, data=stamp_request(digest, nonce=nonce), headers={"Content-Type": "application/timestamp-query"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=self.timeout_s) as answer:  # noqa: S310
                content = answer.read(_MAX_ANSWER + 1)
        except (urllib.error.URLError, OSError) as error:
            raise AuthorityUnavailable from error
        return read_answer(content, digest=digest, nonce=nonce)


def stamp_request(digest: bytes, *, nonce: int) -> bytes:
    """Return a request for a stamp over a SHA-256, the signer's certificate included. Source: RFC 3161, 2.4.1."""
    algorithm = write_der(SEQUENCE, write_der(OID, bytes.fromhex(SHA256)), write_der(NULL))
    imprint = write_der(SEQUENCE, algorithm, write_der(OCTETS, digest))
    return write_der(SEQUENCE, write_whole(1), imprint, write_whole(nonce), write_der(_BOOLEAN, b"\xff"))


def read_answer(content: bytes, *, digest: bytes, nonce: int) -> bytes:
    """Return the token of an authority's answer. Raises AnswerRefused unless it stamps this digest for this nonce."""
    try:
        status, *tokens = read_der(content).inside()
        code = status.inside()[0]
        if code.tag != INTEGER or code.body not in _GRANTED or len(tokens) != 1:
            raise AnswerRefused
        stamp = read_stamp(tokens[0].raw)
    except (StampRefused, ValueError, LookupError) as error:
        raise AnswerRefused from error
    if (stamp.imprint, stamp.nonce) != (digest, nonce) or stamp.is_signed is False:
        raise AnswerRefused
    return tokens[0].raw


def state_day(session: ReadSession, *, day: date, now: datetime) -> str:
    """Return the statement of a day's end in its one spelling. Raises DayNotOver, EntryNotFound without any block."""
    if beijing_date(now) <= day:
        raise DayNotOver
    hashes = _hashes(session, day)
    if not hashes:
        raise EntryNotFound
    return canonical(
        {
            "type": DAY_TYPE, "day": str(day), "chain": chain_name(session),
            "blocks": len(hashes), "head": hashes[-1].hex(), "root": root_of(hashes).hex(),
        }
    )  # fmt: skip


def countersign(key: Signer, statement: str, *, now: datetime) -> dict[str, str]:
    """Return a member's signature over a day's statement, made where the member keeps its key. Raises AnswerRefused."""
    _day_of(statement)
    signed_at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = key.sign(countersigned_digest(statement, signed_at))
    return {"address": key.address.hex(), "signed_at": signed_at, "signature": signature.hex()}


def keep_attestation(
    home: Path, statement: str, *, stamp: bytes = b"", countersignatures: Sequence[Mapping[str, str]] = ()
) -> Path:
    """Add third parties' word on a day to what the home keeps; return the file. Raises AnswerRefused for a false one.

    A new stamp takes the place of an earlier one; a member's countersignature that of its earlier one.
    """
    day = _day_of(statement)
    if stamp:
        _check_stamp(stamp, statement)
    for one in countersignatures:
        _check_countersignature(one, statement)
    kept = read_attestation(home, date.fromisoformat(day)) or {"day": statement, "stamp": "", "countersignatures": []}
    if kept["day"] != statement:
        raise AnswerRefused
    members = {one["address"]: dict(one) for one in (*kept["countersignatures"], *countersignatures)}
    kept = {**kept, "countersignatures": [members[address] for address in sorted(members)]}
    kept["stamp"] = stamp.hex() or kept["stamp"]
    target = home / FOLDER / f"{day}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    fresh.write_text(canonical(kept), encoding="utf-8")
    fresh.replace(target)
    return target


def read_countersignature(content: bytes) -> dict[str, str]:
    """Return a member's countersignature as its file says it, unchecked. Raises AnswerRefused for another document."""
    try:
        signed = json.loads(content)
        check_shape(signed, {"address": str, "signed_at": str, "signature": str}, "")
    except ValueError as error:
        raise AnswerRefused from error
    return dict(signed)


def read_attestation(home: Path, day: date) -> dict[str, Any] | None:
    """Return what the home keeps about a day."""
    path = home / FOLDER / f"{day}.json"
    if not path.is_file():
        return None
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def attestation_for(session: ReadSession, home: Path, certificate: bytes) -> dict[str, Any]:
    """Return the attestation that a certificate carries: the first attested day after its blocks, with their paths.

    Raises NotAttested.
    """
    document = json.loads(certificate)
    return attestation_of(session, home, {name: document[name] for name in ("grant", "anchor")})


def attestation_of(session: ReadSession, home: Path, proofs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the first attested day says that covers the blocks of all proofs, with a path for each.

    Raises NotAttested.
    """
    blocks = {name: digest_of(proof) for name, proof in proofs.items()}
    for path in sorted((home / FOLDER).glob("????-??-??.json")):
        day = date.fromisoformat(path.stem)
        kept, hashes = read_attestation(home, day), _hashes(session, day)
        if kept and set(blocks.values()) <= set(hashes):
            paths = {name: path_of(hashes, hashes.index(block)) for name, block in blocks.items()}
            return {**kept, **{name: [node.hex() for node in nodes] for name, nodes in paths.items()}}
    raise NotAttested


def _hashes(session: ReadSession, day: date) -> list[bytes]:
    """Return the hashes of all blocks up to the end of a day, block 1 first."""
    end = int((datetime(day.year, day.month, day.day, tzinfo=BEIJING) + timedelta(days=1)).timestamp())
    statement = select(BlockRow.hash).where(BlockRow.number > 0, BlockRow.time < end).order_by(col(BlockRow.number))
    return list(session.exec(statement))


def _day_of(statement: str) -> str:
    try:
        return str(read_day(statement)["day"])
    except Refused as error:
        raise AnswerRefused from error


def _check_stamp(stamp: bytes, statement: str) -> None:
    try:
        read = read_stamp(stamp)
    except StampRefused as error:
        raise AnswerRefused from error
    if read.imprint != hashlib.sha256(statement.encode()).digest():
        raise AnswerRefused


def _check_countersignature(one: Mapping[str, str], statement: str) -> None:
    try:
        signer = recover_address(countersigned_digest(statement, one["signed_at"]), bytes.fromhex(one["signature"]))
    except (ValueError, LookupError, TypeError) as error:
        raise AnswerRefused from error
    if signer.hex() != one["address"]:
        raise AnswerRefused
