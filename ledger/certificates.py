"""Writes certificates: everything a stranger needs to check a licence, in one canonical JSON document.

A certificate has one spelling; every member is signed. `ledger.verifier` checks it without this package's database.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from ledger.blocks import time_of
from ledger.deployment import OPERATOR_ROLES
from ledger.entries import canonical, commitment_to
from ledger.errors import EntryNotFound
from ledger.house_keys import keeps_own_keys
from ledger.journal import prove_receipt
from ledger.key_errors import KeyChanging
from ledger.key_models import RoleChangeRow
from ledger.models import EntryRow, GrantRow
from ledger.papers import (
    CERTIFICATE_TYPE,
    FINGERPRINT_ALGORITHM,
    SELF_SIGNED,
    STATUS_TYPE,
    TRUST_TYPE,
    signing_digest,
    sm2_message,
)
from ledger.role_acts import CARRY_OUT
from ledger.roles import KeySpan, spans_of_roles
from ledger.signing import HomeKeys, Key, Keys, Office
from ledger.sites import chain_name, find_site
from ledger.sm import public_of, sign
from ledger.types import EntryKind, EntryState
from ledger.vault import addresses_of, speaking

CUSTODY = "平台托管"
OWN_KEYS = "成员自管密钥"
WITNESS = "未经第三方见证（单一运营者账本）"
WITNESSED = "经第三方见证"


@dataclass(frozen=True, slots=True)
class Sm2Signer:
    """An SM2 key with its certificates (DER), its own first; without any it is 自签."""

    secret: int
    certificates: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Pinned:
    """A party that a trust file names: an authority by its certificate's digest, or a member by its key."""

    name: str
    sha256: str = ""
    span: KeySpan | None = None


@dataclass(frozen=True, slots=True)
class Papers:
    """What signs papers at this moment, with every key that ever did, from when until when."""

    key: Key
    history: tuple[KeySpan, ...]

    def dated(self, now: datetime) -> datetime:
        """Return what a paper is dated: now, or as the block that gave the key its role where that is ahead."""
        return max(now, datetime.fromtimestamp(_since(self.history, self.key.address), UTC))


def signing_key(session: ReadSession, keys: HomeKeys) -> Papers:
    """Return what signs papers now; one and the same key signs a whole paper.

    Raises KeyChanging (try again) while a change of the key is on its way: a paper of the old one might be dated after
    its end. Raises EntryNotFound where the chain does not know the key.
    """
    key = speaking(session, keys).operator
    waiting = (
        select(EntryRow.args)
        .join(RoleChangeRow, col(RoleChangeRow.id) == col(EntryRow.subject_id))
        .where(
            EntryRow.kind == EntryKind.ROLE, EntryRow.state == EntryState.RECORDED,
            RoleChangeRow.office == Office.OPERATOR,
        )
    )  # fmt: skip
    if any(args["act"] == CARRY_OUT for args in session.exec(waiting)):
        raise KeyChanging
    history = recorded_keys(session, keys)
    if key.address.hex() not in {span.address for span in history}:
        raise EntryNotFound
    return Papers(key, history)


def issue_certificate(
    session: ReadSession,
    keys: HomeKeys,
    *,
    licence_id: UUID,
    delivered_sha256: str,
    delivered_bytes: int,
    delivered_name: str,
    issuer_name: str,
    now: datetime,
    delivered_sm3: str = "",
    delivered_fingerprint: str = "",
    sm2: Sm2Signer | None = None,
) -> bytes:
    """Return the certificate of a confirmed licence over its delivered file.

    It is dated `now`, or as its later block where the chain's clock is ahead: never before what it certifies.
    `delivered_fingerprint` is empty for what is no picture.
    Raises EntryNotFound before that, KeyChanging.
    """
    grant = session.exec(select(GrantRow).where(GrantRow.licence_id == licence_id)).first()
    if grant is None:
        raise EntryNotFound
    entries = session.exec(
        select(EntryRow).where(EntryRow.subject_id == licence_id, EntryRow.state == EntryState.CONFIRMED)
    ).all()
    proofs = {EntryKind(entry.kind): _proof(session, entry) for entry in entries}
    if not {EntryKind.GRANT, EntryKind.ANCHOR} <= proofs.keys():
        raise EntryNotFound
    papers = signing_key(session, keys)
    return _signed(
        papers.key,
        {
            "type": CERTIFICATE_TYPE,
            "issued_at": _dated(papers.dated(now), proofs[EntryKind.GRANT], proofs[EntryKind.ANCHOR]),
            "issuer": {
                "name": issuer_name, "address": papers.key.address.hex(),
                "custody": _custody(session, grant), "witness": WITNESS,
                "keys": [span.spelled() for span in papers.history],
            },
            "chain": chain_name(session),
            "licence": grant.document,
            "licence_salt": grant.salt.hex(),
            "grant": proofs[EntryKind.GRANT],
            "delivery": {
                "sha256": delivered_sha256, "sm3": delivered_sm3, "bytes": delivered_bytes, "name": delivered_name,
                "salt": delivery_salt(keys, licence_id).hex(), "path": [],
                "fingerprint": (
                    {"algorithm": FINGERPRINT_ALGORITHM, "value": delivered_fingerprint}
                    if delivered_fingerprint
                    else None
                ),
            },
            "anchor": proofs[EntryKind.ANCHOR],
            "attestation": None,
        },
        sm2,
    )  # fmt: skip


def _custody(session: ReadSession, grant: GrantRow) -> str:
    """Say who keeps the keys by which licensor and licensee speak on the ledger when the certificate is issued."""
    licensor, licensee = (keeper_words(session, house) for house in (grant.licensor_id, grant.licensee_id))
    return licensor if licensor == licensee else f"许可方{licensor}；被许可方{licensee}"


def keeper_words(session: ReadSession, organisation_id: UUID) -> str:
    """Say who keeps the keys by which a house speaks, in the words of certificates and proofs."""
    return OWN_KEYS if keeps_own_keys(session, organisation_id=organisation_id) else CUSTODY


def attest_certificate(
    session: ReadSession, keys: HomeKeys, certificate: bytes, *, attestation: Mapping[str, Any], now: datetime,
    sm2: Sm2Signer | None = None,
) -> bytes:  # fmt: skip
    """Return a certificate again, with third parties' word about the day of its blocks, signed anew.

    Raises KeyChanging.
    """
    document = json.loads(certificate)
    witnessed = {**document["issuer"], "witness": WITNESSED}
    return _sign_again(session, keys, {**document, "attestation": dict(attestation), "issuer": witnessed}, now, sm2)


def renew_certificate(
    session: ReadSession, keys: HomeKeys, certificate: bytes, *, now: datetime, sm2: Sm2Signer | None = None
) -> bytes:
    """Return a certificate again, signed by the key that speaks now; the earlier one stays good. Raises KeyChanging."""
    return _sign_again(session, keys, json.loads(certificate), now, sm2)


def _sign_again(
    session: ReadSession, keys: HomeKeys, document: dict[str, Any], now: datetime, sm2: Sm2Signer | None
) -> bytes:
    papers = signing_key(session, keys)
    document["issued_at"] = _dated(papers.dated(now), document["grant"], document["anchor"])
    document["issuer"] = {
        **document["issuer"], "address": papers.key.address.hex(), "keys": [span.spelled() for span in papers.history],
    }  # fmt: skip
    return _signed(papers.key, document, sm2)


def recorded_keys(session: ReadSession, keys: HomeKeys) -> tuple[KeySpan, ...]:
    """Return every key of the exchange that ever was its notary's, from when until when, as the chain records it.

    Another's key that was given the role speaks for itself, not under this issuer's name. A key stands once in what
    verifiers read: with its last time, where it had the role more than once.

    Raises EntryNotFound where the chain does not know the key that signs now.
    """
    own = {one.hex() for one in (keys.first.operator.address, *addresses_of(session, Office.OPERATOR))}
    spans = spans_of_roles(session, keys).get(OPERATOR_ROLES["NOTARY"], ())
    found = {span.address: span for span in spans if span.address in own}
    if speaking(session, keys).operator.address.hex() not in found:
        raise EntryNotFound
    return tuple(found.values())


def delivery_salt(keys: HomeKeys, licence_id: UUID) -> bytes:
    """Return the salt of the commitment to a licence's delivered file."""
    return keys.salt(f"delivery:{licence_id}")


def delivery_commitment(keys: HomeKeys, licence_id: UUID, sha256: str) -> bytes:
    """Return what is anchored of a delivered file before its link opens."""
    return commitment_to(delivery_salt(keys, licence_id), bytes.fromhex(sha256))


def trust_file(
    session: ReadSession, keys: HomeKeys, *, issuer_name: str, authorities: Sequence[Pinned] = (),
    witnesses: Sequence[Pinned] = (),
) -> bytes:  # fmt: skip
    """Return what a verifier pins: this operator's keys, this chain's genesis, and who attests for others."""
    return canonical(
        {
            "type": TRUST_TYPE,
            "issuers": [{**span.spelled(), "name": issuer_name} for span in recorded_keys(session, keys)],
            "chains": [chain_name(session)],
            "authorities": [{"name": one.name, "sha256": one.sha256} for one in authorities],
            "witnesses": [{**one.span.spelled(), "name": one.name} for one in witnesses if one.span],
        }
    ).encode()


def status_list(keys: Keys, *, revoked: list[int], now: datetime, history: Sequence[KeySpan] = ()) -> bytes:
    """Return the dated, signed list of revoked licence numbers, and of this issuer's keys where they are given."""
    papers = Papers(keys.operator, tuple(history))
    document: dict[str, Any] = {
        "type": STATUS_TYPE, "dated": papers.dated(now).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "issuer": papers.key.address.hex(), "keys": [span.spelled() for span in history], "revoked": sorted(revoked),
    }  # fmt: skip
    document["signature"] = papers.key.sign(signing_digest(document)).hex()
    return canonical(document).encode()


def _signed(key: Key, document: dict[str, Any], sm2: Sm2Signer | None) -> bytes:
    document["sm2"] = None
    if sm2 is not None:
        document["sm2"] = {
            "public_key": public_of(sm2.secret).hex(), "standing": "" if sm2.certificates else SELF_SIGNED,
            "certificates": [one.hex() for one in sm2.certificates],
        }  # fmt: skip
        document["sm2"]["signature"] = sign(sm2.secret, sm2_message(document)).hex()
    document["signature"] = key.sign(signing_digest(document)).hex()
    return canonical(document).encode()


def _since(spans: Sequence[KeySpan], address: bytes) -> int:
    return next((span.since for span in spans if span.address == address.hex()), 0)


def _dated(now: datetime, *proofs: Mapping[str, Any]) -> str:
    latest = max(int(now.timestamp()), *(time_of(proof) for proof in proofs))
    return datetime.fromtimestamp(latest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _proof(session: ReadSession, entry: EntryRow) -> Mapping[str, Any]:
    """Return the proof that an entry's receipt is in its block: header, position, trie nodes, contract."""
    site = find_site(session)
    name = "GrantLedger" if entry.kind == EntryKind.GRANT else "AnchorRegistry"
    return {"contract": site.addresses[name].hex() if site else "", **prove_receipt(session, entry.tx_hash)}
