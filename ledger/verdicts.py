"""What the verify page and its JSON answer: the verifier's links, this exchange's own word, and one sentence."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_
from ledger.certificates import recorded_keys, status_list, trust_file
from ledger.errors import EntryNotFound
from ledger.signing import HomeKeys
from ledger.vault import speaking
from ledger.verifier import Check, Refused, check_pin, licence_of, verify_certificate

THIS_EXCHANGE = N_("this exchange")
_HEX = frozenset("0123456789abcdef")
_DIGEST_LENGTH = 64
_ON_OWN_KEYS = (N_("key history"), N_("revocation"))


class BadDigest(BadInput):
    """A digest that is no SHA-256."""

    slug, title = "bad-digest", N_("A SHA-256 has 64 characters: 0–9 and a–f.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every check, and whether all that were made hold."""

    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(check.name for check in self.checks if check.ok is False)

    @property
    def is_valid(self) -> bool:
        return not self.failed

    @property
    def not_checked(self) -> tuple[str, ...]:
        return tuple(check.name for check in self.checks if check.ok is None)

    @property
    def is_only_unknown_here(self) -> bool:
        """Say whether the one thing wrong is that nobody vouches for the issuer."""
        return self.failed == (THIS_EXCHANGE,)

    def holds(self, name: str) -> bool:
        return any(check.name == name and check.ok for check in self.checks)


def judge(
    session: ReadSession, keys: HomeKeys, *, fields: Mapping[str, bytes], revoked: Sequence[int] = (), now: datetime
) -> Verdict:
    """Check what was handed in; without a trust file, also ask whether this exchange issued it. Raises BadDigest.

    `fields` may hold certificate, digest, trust and status; where nobody else is to be trusted, what this exchange
    itself issued is held against its own `revoked` numbers, whatever list is handed in. Nothing is written.
    """
    certificate, trust = fields.get("certificate", b""), fields.get("trust")
    given, own = fields.get("status"), _own_word(session, keys, certificate)
    listed = own_status_list(session, keys, revoked=revoked, now=now) if own.ok else None
    status = given if given is not None else listed
    check = partial(
        verify_certificate, certificate, media=None, today=beijing_date(now),
        digest=read_digest(fields.get("digest", b"").decode("utf-8", "replace")) or None,
    )  # fmt: skip
    report = check(trust=trust, status=status)
    if trust is not None or report.checks[0].ok is False:
        return Verdict(report.checks)
    if not own.ok:
        return Verdict((*report.checks, own))
    # What this exchange knows of its own keys says who may have signed its list: an earlier key of it, or a later one.
    known = partial(check, trust=trust_file(session, keys, issuer_name=""))
    own_links: dict[str, Check] = {}
    for one in chain.from_iterable(known(status=listing).checks for listing in (status, listed)):
        failed_before = one.name in own_links and own_links[one.name].ok is False
        if one.name in _ON_OWN_KEYS and not failed_before:
            own_links[one.name] = one
    return Verdict((*(own_links.get(one.name, one) for one in report.checks), own))


def own_status_list(session: ReadSession, keys: HomeKeys, *, revoked: Sequence[int], now: datetime) -> bytes:
    """Return this exchange's signed list of revoked licences as of now."""
    try:
        history = recorded_keys(session, keys)
    except EntryNotFound:
        history = ()
    return status_list(speaking(session, keys), revoked=list(revoked), now=now, history=history)


def read_digest(text: str) -> str:
    """Return a digest as tools print it, in its one spelling; empty stays empty. Raises BadDigest."""
    cleaned = "".join(text.lower().split()).removeprefix("sha256:").removeprefix("0x")
    if cleaned and (len(cleaned) != _DIGEST_LENGTH or not set(cleaned) <= _HEX):
        raise BadDigest
    return cleaned


def licence_in_words(certificate: bytes, language: str) -> list[tuple[str, str]]:
    """Return what a certificate says its licence is, as label and text; whatever has another shape is left out."""
    try:
        licence = licence_of(certificate)
        name = json.loads(certificate)["delivery"]["name"]
    except (Refused, ValueError, KeyError, TypeError, RecursionError):
        return []
    if not isinstance(licence, dict):
        return []
    facts = [
        (N_("Licence number"), _text(licence.get("number"))),
        (N_("Work"), _named(licence.get("work"), "title", language)),
        (N_("Licensor"), _named(licence.get("licensor"), "name", language)),
        (N_("Licensee"), _named(licence.get("licensee"), "name", language)),
        (N_("Uses"), _listed(licence.get("uses"), language)),
        (N_("Territories"), _listed(licence.get("territories"), language)),
        (N_("First day"), _text(licence.get("first_day"))),
        (N_("Last day, included"), _text(licence.get("last_day"))),
        (N_("Delivered file"), _text(name)),
    ]
    return [(label, text) for label, text in facts if text]


def _own_word(session: ReadSession, keys: HomeKeys, certificate: bytes) -> Check:
    message = N_("this exchange has recorded nothing yet")
    try:
        own = trust_file(session, keys, issuer_name="")
    except EntryNotFound:
        return Check(THIS_EXCHANGE, False, message, message)
    check = check_pin(certificate, name=THIS_EXCHANGE, trust=own)
    message = N_("issued here, says this exchange itself") if check.ok else N_("not issued by this exchange")
    return Check(THIS_EXCHANGE, check.ok, message, message)


def _text(value: Any) -> str:
    return str(value)[:200] if isinstance(value, str | int) else ""


def _named(value: Any, member: str, language: str) -> str:
    if not isinstance(value, dict):
        return ""
    return _text(value.get(f"{member}_{language}")) or _text(value.get(f"{member}_zh"))


def _listed(value: Any, language: str) -> str:
    if not isinstance(value, list):
        return ""
    words = [_text(one.get(language)) for one in value[:50] if isinstance(one, dict)]
    return ("、" if language == "zh" else ", ").join(filter(None, words))
