"""JSON: verify a certificate, how the ledger is, the trail of an asset."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from asset_hub.accounts import may, party_names, require, require_person
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import find_asset, get_asset
from asset_hub.core import clock
from asset_hub.core.text import N_
from ledger import office, permissions
from ledger.certificates import WITNESS
from ledger.errors import BadCertificate
from ledger.health import describe_health, read_health
from ledger.house_keys import facts_of_keepers
from ledger.pauses import Pause, paused_registers
from ledger.revoked import read_revoked
from ledger.trails import trail_of
from ledger.types import ProvenanceEntry
from ledger.uploads import PostedBody
from ledger.verdicts import judge

router = APIRouter(prefix="/api/v1", tags=["ledger"])
_MEMBERS = ("certificate", "digest", "trust", "status")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object", "required": ["certificate"], "additionalProperties": False,
                    "properties": {name: {"type": "string"} for name in _MEMBERS},
                }
            }
        },
    }
}  # fmt: skip


class NewPause(BaseModel):
    """Which registers to pause, for how long, and why; a pause cannot be prolonged."""

    model_config = ConfigDict(extra="forbid")

    registers: list[str] = Field(default=list(office.TRADE), min_length=1, max_length=len(office.TRADE))
    hours: int = Field(ge=1, le=71)
    reason: str = Field(min_length=1, max_length=500)


@router.post("/certificates/verify", openapi_extra=_BODY)
def verify(request: Request, body: PostedBody) -> dict[str, Any]:
    """Check a certificate; every member is the text of a file as it is, `digest` the SHA-256 of the media in hex.

    Nothing is kept. Without `trust`, this exchange's own word is one more check.
    """
    services = request.app.state.services
    with services.database.read() as session:
        revoked = read_revoked(session, services.settings.home)
        verdict = judge(session, services.keys, fields=_members(body), revoked=revoked, now=clock.now())
    checks = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in verdict.checks]
    return {"valid": verdict.is_valid, "failed": list(verdict.failed), "checks": checks}


@router.get("/ledger")
def health(request: Request, by: CurrentActor) -> dict[str, Any]:
    """How the ledger is."""
    require_person(by)
    services = request.app.state.services
    facts, now = services.chain.facts(), clock.now()
    with services.database.read() as session:
        found = read_health(session, services.keys, node=facts)
        paused = [_pause(one) for one in paused_registers(session, now=now)]
        names = party_names(session, organisation_ids=set(found.unsigned.houses), language="zh")
    unsigned: dict[str, Any] = {
        "count": found.unsigned.count, "oldest_hours": found.unsigned.hours(now),
        "of_authority": found.unsigned.of_authority,
    }  # fmt: skip
    if may(by, permissions.OVERSEE_UNSIGNED):
        unsigned |= {"houses": [{"id": str(one), "name": names.get(one, "")} for one in found.unsigned.houses]}
    head = (
        {"number": found.head.number, "hash": found.head.hash, "time": found.head.time.isoformat()}
        if found.head
        else None
    )
    return {
        "engine": found.engine, "finality": found.finality, "chain_id": found.chain_id, "genesis": found.genesis,
        "head": head, "transactions": found.transactions,
        "entries": {"waiting": found.waiting, "confirmed": found.confirmed, "refused": found.refused},
        "unsigned": unsigned,
        "contracts": dict(found.contracts), "operator": found.operator,
        "custody": {str(kind): count for kind, count in found.keepers.items()},
        "witness": WITNESS,
        "gas": [asdict(one) for one in found.gas], "is_stalled": found.is_stalled(now),
        "node": [str(text) for text in describe_health(found, now=now)], "paused": paused,
    }  # fmt: skip


@router.post("/ledger/pauses", status_code=201)
def pause(request: Request, by: CurrentActor, said: NewPause) -> dict[str, Any]:
    """Pause trade for some hours (暂停交易): no new licence, hold or title; what ends something goes on."""
    require(by, permissions.PAUSE)
    with request.app.state.services.database.write() as session:
        done = office.pause_registers(
            session, registers=said.registers, hours=said.hours, reason=said.reason, by=by, now=clock.now()
        )
        return {"paused": [_pause(one) for one in done]}


@router.delete("/ledger/pauses")
def resume(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Let trade go on; return which registers were paused."""
    with request.app.state.services.database.write() as session:
        return {"resumed": list(office.resume_registers(session, by=by, now=clock.now()))}


@router.get("/assets/{number}/provenance")
def provenance(request: Request, number: str, by: CurrentActor) -> dict[str, Any]:
    """The trail of an asset; its licences only to its own house."""
    with request.app.state.services.database.read() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
        trail = trail_of(session, asset=asset, by=by)
        custody = facts_of_keepers(session, [asset.owner_id])
    found: dict[str, Any] = {
        "number": asset.number, "state": trail.state, "commitment": trail.commitment or None, "custody": custody,
        "witness": WITNESS, "entries": [_entry(one) for one in trail.entries],
    }  # fmt: skip
    if trail.licences:
        found["licences"] = [
            {"number": one.number, "entries": [_entry(entry) for entry in one.entries]} for one in trail.licences
        ]
    return found


def _pause(one: Pause) -> dict[str, str]:
    return {"register": one.register, "until": one.until.isoformat(), "reason": one.reason}


def _members(body: bytes) -> Mapping[str, bytes]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadCertificate(N_("The body is no JSON document.")) from error
    if not isinstance(document, dict) or not set(document) <= set(_MEMBERS) or "certificate" not in document:
        raise BadCertificate(N_("Members are certificate, digest, trust and status; certificate must be there."))
    if not all(isinstance(value, str) for value in document.values()):
        raise BadCertificate(N_("Each member is the text of a file, as a string."))
    return {name: value.encode("utf-8", "replace") for name, value in document.items() if value}


def _entry(entry: ProvenanceEntry) -> dict[str, Any]:
    return {
        "kind": entry.kind, "state": entry.state, "block": entry.block_number, "transaction": entry.tx_hash,
        "reason": entry.reason, "recorded_at": entry.created_at.isoformat(),
        "confirmed_at": entry.confirmed_at.isoformat() if entry.confirmed_at else None,
    }  # fmt: skip
