"""Pages of the ledger: how it is, the trail of an asset, and verifying a certificate without trusting us."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from asset_hub.accounts import Actor, get_party, may, party_names, require_person
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import AssetView, find_asset, get_asset
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from asset_hub.web.story import read_story
from ledger import office_keys, permissions
from ledger.addresses import show_address
from ledger.certificates import trust_file
from ledger.health import describe_authority, describe_changes, describe_network, read_health
from ledger.house_keys import keepers_of
from ledger.lineage import lineage_of, may_see_lineage
from ledger.lineage_graph import draw_lineage, licences_given
from ledger.office_views import (
    describe_change,
    list_roles,
    names_of_holders,
    names_of_keys,
    waits_of_changes,
    why_refused,
    word_of_change,
)
from ledger.orders import ACT_NAMES, OrderStep, orders_of_asset, steps_of_orders
from ledger.orders import STATE_WORDS as ORDER_WORDS
from ledger.pauses import REGISTER_NAMES, paused_registers
from ledger.revoked import read_revoked
from ledger.signing import HomeKeys, Office
from ledger.trails import trail_of
from ledger.types import (
    DEED_NAMES,
    KIND_NAMES,
    OVERTAKEN_REASON,
    UNSIGNED_REASON,
    EntryKind,
    EntryState,
    ProvenanceEntry,
)  # fmt: skip
from ledger.uploads import PostedFields
from ledger.verdicts import BadDigest, Verdict, judge, licence_in_words, own_status_list

router = APIRouter(include_in_schema=False)
STATE_WORDS: dict[EntryState, tuple[str, str]] = {
    EntryState.UNSIGNED: (N_("waits for a house’s signature"), "busy"),
    EntryState.RECORDED: (N_("waits for the ledger"), "busy"),
    EntryState.CONFIRMED: (N_("on the ledger"), "good"),
    EntryState.REFUSED: (N_("refused by the ledger"), "bad"),
}
REFUSAL_WORDS: dict[str | None, tuple[str, str]] = {
    UNSIGNED_REASON: (N_("not signed in time"), "warn"),
    OVERTAKEN_REASON: (N_("not signed; another act took its place"), "warn"),
}
SEALS: dict[EntryState | None, str] = {
    EntryState.CONFIRMED: N_("On the ledger"),
    EntryState.RECORDED: N_("On its way"),
    EntryState.UNSIGNED: N_("Waits for a signature"),
    EntryState.REFUSED: N_("Refused"),
    None: N_("Not recorded"),
}
MARKS: dict[bool | None, tuple[str, str]] = {
    True: (N_("✓ holds"), "good"), False: (N_("✕ fails"), "bad"), None: (N_("– not checked"), ""),
}  # fmt: skip


@router.get("/ledger")
def ledger_page(request: Request, by: CurrentActor) -> Response:
    """How the ledger is, in plain words, and what it proves and does not."""
    require_person(by)
    services = request.app.state.services
    facts, now = services.chain.facts(), clock.now()
    with services.database.read() as session:
        health = read_health(session, services.keys, node=facts)
        paused = paused_registers(session, now=now)
        houses = health.unsigned.houses if may(by, permissions.OVERSEE_UNSIGNED) else ()
        names = party_names(session, organisation_ids=set(houses), language=language_of(request))
        offices = _offices(session, services.keys, by=by)
    replayed = read_story(services.settings.home).get("ledger verify")
    said = (replayed.detail_zh if language_of(request) == "zh" else replayed.detail_en) if replayed else ""
    return render(
        request, "ledger/health.html", health=health, paused=paused, registers=REGISTER_NAMES,
        kinds=KIND_NAMES, replayed=said, is_stalled=health.is_stalled(now), hours=health.unsigned.hours(now),
        unsigned_by="、".join(names.get(one, "–") for one in houses), title=N_("Ledger"),
        words=list(describe_network(health, now=now)), coming=list(describe_changes(health, now=now)),
        of_authority=list(describe_authority(health)), may_sign=may(by, permissions.SIGN_ROLE), **offices,
    )  # fmt: skip


@router.post("/ledger/keys/rotation")
def rotation_posted(
    request: Request, by: CurrentActor, office: Annotated[str, Form()] = "", reason: Annotated[str, Form()] = ""
) -> Response:
    """Ask for a new key of the exchange; a second person confirms."""
    if office not in list(Office):
        raise BadInput(N_("Choose which key."))
    services = request.app.state.services
    with services.database.write() as session:
        office_keys.rotate_key(
            session, services.keys, office=Office(office), reason=reason, by=by, now=clock.now()
        )  # fmt: skip
    return redirect("/ledger", said=Text(N_("Asked for. A second person confirms it under “Second person”.")))


@router.post("/ledger/role-changes/{change_id}/withdrawal")
def withdrawal_posted(request: Request, change_id: UUID, by: CurrentActor) -> Response:
    """Withdraw an announced change of keys or roles."""
    with request.app.state.services.database.write() as session:
        office_keys.withdraw_change(session, change_id=change_id, by=by, now=clock.now())
    return redirect("/ledger", said=Text(N_("The withdrawal is on its way to the ledger.")))


@router.get("/ledger/trust.json")
def trust_json(request: Request) -> Response:
    """What a verifier pins: the operator's address and the chain. Raises EntryNotFound before the first entry."""
    services = request.app.state.services
    with services.database.read() as session:
        content = trust_file(session, services.keys, issuer_name=services.settings.issuer)
    return _download(content, "trust.json")


@router.get("/ledger/status.json")
def status_json(request: Request) -> Response:
    """The signed list of revoked licences as the operator keeps it in the home, dated now."""
    services, now = request.app.state.services, clock.now()
    with services.database.read() as session:
        revoked = read_revoked(session, services.settings.home)
        content = own_status_list(session, services.keys, revoked=revoked, now=now)
    return _download(content, f"status-{beijing_date(now)}.json")


@router.get("/assets/{number}/ledger")
def trail_page(request: Request, number: str, by: CurrentActor) -> Response:
    """The trail of an asset: a page of its own, and a section of the asset's page."""
    services = request.app.state.services
    with services.database.read() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
        trail = trail_of(session, asset=asset, by=by)
        holder = get_party(session, organisation_id=asset.owner_id)
        keeper = keepers_of(session, organisation_ids=[asset.owner_id]).get(asset.owner_id)
        language = language_of(request)
        sees_shares = may_see_lineage(session, asset_id=asset.id, owner_id=asset.owner_id, by=by)
        lineage = lineage_of(session, asset_id=asset.id, language=language) if sees_shares else ()
        orders = _orders(session, services.keys, asset_id=asset.id, by=by)
        given = licences_given(session, asset_id=asset.id, language=language) if trail.licences else ()
    return render(
        request, "ledger/trail.html", number=asset.number, asset_title=asset.title(language), trail=trail,
        holder=holder.name(language), keeper=keeper, seal=SEALS[trail.state],
        entries=[_entry(one) for one in trail.entries],
        licences=[(one.number, [_entry(entry) for entry in one.entries]) for one in trail.licences],
        title=N_("What the ledger says about it"), lineage=lineage, deed_names=DEED_NAMES,
        orders=orders, graph=draw_lineage(lineage, given), sees_capture=_sees_capture(asset, by),
    )  # fmt: skip


@router.get("/verify")
def verify_form(request: Request, digest: str = "") -> Response:
    """Ask for a certificate and, if wanted, the digest of the file."""
    return _verify_page(request, digest=digest[:80])


@router.post("/verify")
def verify_posted(request: Request, fields: PostedFields) -> Response:
    """Check what was handed in; nothing of it is kept."""
    services = request.app.state.services
    typed = fields.get("digest", b"").decode("utf-8", "replace")[:80]
    if "certificate" not in fields:
        return _verify_page(request, digest=typed, missing=Text(N_("Choose the certificate first.")), status=422)
    try:
        with services.database.read() as session:
            verdict = judge(
                session,
                services.keys,
                fields=fields,
                revoked=read_revoked(session, services.settings.home),
                now=clock.now(),
            )
    except BadDigest as error:
        return _verify_page(request, digest=typed, bad_digest=error.text, status=422)
    certificate = fields["certificate"] if verdict.holds("signature") else b""
    return _verify_page(request, digest=typed, verdict=verdict, certificate=certificate)


def _verify_page(
    request: Request, *, digest: str = "", verdict: Verdict | None = None, certificate: bytes = b"",
    missing: Text | None = None, bad_digest: Text | None = None, status: int = 200,
) -> Response:  # fmt: skip
    checks = [
        {"name": check.name, "mark": MARKS[check.ok], "detail": Text(check.message, dict(check.params))}
        for check in (verdict.checks if verdict else ())
    ]
    about = licence_in_words(certificate, language_of(request)) if certificate else []
    return render(
        request, "ledger/verify.html", verdict=verdict, checks=checks, about=about, digest_value=digest,
        missing=missing or "", bad_digest=bad_digest or "", title=N_("Verify a certificate"), status=status,
    )  # fmt: skip


def word_of(state: EntryState, reason: str | None) -> tuple[str, str]:
    """Say how an entry stands in a word and its mark; what was never signed was not refused by the ledger."""
    return REFUSAL_WORDS.get(reason, STATE_WORDS[state])


def order_step(step: OrderStep) -> dict[str, Any]:
    """Return an act of an order as the template of steps takes it."""
    word, mark = word_of(step.state, step.reason)
    return {
        "kind": ACT_NAMES[step.act], "word": word, "mark": mark, "at": step.at, "block": step.block,
        "transaction": step.transaction, "reason": step.reason,
    }  # fmt: skip


def _sees_capture(asset: AssetView, by: Actor) -> bool:
    """Say whether the reader may open the capture record: the asset's houses, and those who oversee."""
    is_own = by.organisation_id is not None and by.organisation_id in (asset.owner_id, asset.custodian_id)
    return is_own or may(by, permissions.OVERSEE)


def _offices(session: ReadSession, keys: HomeKeys, *, by: Actor) -> dict[str, Any]:
    """Return the exchange's keys, who has which role, and to those who oversee it what changes."""
    found = office_keys.list_office_keys(session, keys)
    changes = office_keys.list_changes(session, by=by) if may(by, permissions.OVERSEE) else ()
    waits = waits_of_changes(session, changes)
    is_open = (office_keys.ChangeState.ASKED, office_keys.ChangeState.ANNOUNCED)
    return {
        "present_keys": names_of_keys(session, [one for one in found if one.since and not one.until]),
        "past_keys": names_of_keys(session, [one for one in found if one.until]),
        "roles": names_of_holders(session, list_roles(session, keys)), "waits": waits,
        "open_changes": [one for one in changes if one.state in is_open],
        "past_changes": [one for one in changes if one.state not in is_open],
        "offices": office_keys.OFFICE_NAMES, "longest_reason": office_keys.LONGEST_REASON,
        "describe": describe_change, "word_of_change": word_of_change, "why_refused": why_refused,
        "show_address": show_address, "may_rotate": may(by, permissions.CHANGE_ROLES) and by.scopes is None,
        "may_withdraw": may(by, permissions.WITHDRAW_ROLE),
    }  # fmt: skip


def _orders(session: ReadSession, keys: HomeKeys, *, asset_id: UUID, by: Actor) -> list[dict[str, Any]]:
    """Return the orders of a work for its buyer and its seller."""
    if by.organisation_id is None:
        return []
    held = orders_of_asset(session, keys, asset_id=asset_id, house=by.organisation_id)
    steps = steps_of_orders(session, order_ids=[one.id for one in held])
    return [
        {"opened_at": one.opened_at, "word": ORDER_WORDS[one.state][0], "mark": ORDER_WORDS[one.state][1],
         "steps": [order_step(step) for step in steps[one.id]]}
        for one in held
    ]  # fmt: skip


def _entry(entry: ProvenanceEntry) -> dict[str, Any]:
    word, kind = word_of(entry.state, entry.reason)
    at: datetime = entry.confirmed_at or entry.created_at
    names = {**KIND_NAMES, EntryKind.ADMIT: N_("Holder admitted")}
    return {"kind": names[entry.kind], "word": word, "mark": kind, "at": at, "block": entry.block_number,
            "transaction": entry.tx_hash, "reason": entry.reason}  # fmt: skip


def _download(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return Response(content, media_type="application/json", headers=headers)
