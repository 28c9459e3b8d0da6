"""JSON: deeds (title, transfer, pledge, release, consent, end, decision), agreed to or declined; works' titles."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from asset_hub.accounts import Actor, may, require, require_organisation, require_person
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import find_asset, get_asset
from asset_hub.core import clock
from asset_hub.core.db import ReadSession
from ledger import deeds, permissions
from ledger.consents import title_on_chain
from ledger.deeds import Deed
from ledger.errors import EntryNotFound
from ledger.lineage import may_see_lineage
from ledger.titles import write_title

router = APIRouter(prefix="/api/v1", tags=["ledger"])
_RIGHTS = Field(min_length=1, max_length=20)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SharesOfRights(_Closed):
    """Some rights (items of art. 10, performer, recording, broadcaster, or all) and who holds them in basis points.

    No shares: the holder is not known.
    """

    rights: list[str] = _RIGHTS
    shares: dict[UUID, int] = Field(max_length=64)


class NewTitle(_Closed):
    """The first title of a work, or, with a decision as the instrument, what a court or authority says it is."""

    asset: str = Field(max_length=60)
    groups: list[SharesOfRights] = Field(min_length=1, max_length=64)
    instrument: str = Field(max_length=2000)

    def rights(self) -> dict[Sequence[str], Mapping[UUID, int]]:
        """Return the groups as the domain takes them."""
        return {tuple(one.rights): one.shares for one in self.groups}


class NewPledge(_Closed):
    """Rights that one house pledges to another."""

    asset: str = Field(max_length=60)
    rights: list[str] = _RIGHTS
    giver: UUID
    taker: UUID
    instrument: str = Field(max_length=2000)


class NewTransfer(NewPledge):
    """Shares that move from one house to another."""

    bps: int = Field(ge=1, le=10_000)


class NewRelease(_Closed):
    """The end of a pledge, counted from 1 as the title lists them."""

    asset: str = Field(max_length=60)
    pledge: int = Field(ge=1, le=16)
    instrument: str = Field(max_length=2000)


class NewConsent(_Closed):
    """A co-owner's or pledgee's consent to licences by another holder."""

    asset: str = Field(max_length=60)
    licensor: UUID
    days: int = Field(default=365, ge=1, le=3650)


class NewEnd(_Closed):
    """The end of a licence or hold by its number; the other side has `cure_days` to put things right."""

    number: int = Field(ge=1, lt=1 << 63)
    reason: str = Field(max_length=2000)
    cure_days: int = Field(default=0, ge=0, le=365)


@router.get("/deeds")
def list_them(request: Request, by: CurrentActor) -> dict[str, Any]:
    """Return the deeds of the caller's house (all for those who oversee), newest first."""
    require_person(by)
    with request.app.state.services.database.read() as session:
        return {"deeds": [_facts(one) for one in deeds.list_deeds(session, by=by)]}


@router.get("/deeds/{deed_id}")
def show(request: Request, by: CurrentActor, deed_id: UUID) -> dict[str, Any]:
    """Return one deed with who agreed and who still must."""
    require_person(by)
    with request.app.state.services.database.read() as session:
        return _facts(deeds.get_deed(session, deed_id=deed_id, by=by))


@router.post("/deeds/titles", status_code=201)
def new_title(request: Request, by: CurrentActor, said: NewTitle) -> dict[str, Any]:
    """Propose the first title of a work; every holder must agree."""
    return _propose(request, by, deeds.propose_title, said.asset, rights=said.rights(), instrument=said.instrument)


@router.post("/deeds/decisions", status_code=201)
def new_decision(request: Request, by: CurrentActor, said: NewTitle) -> dict[str, Any]:
    """Put a court's or authority's decision about a title on record; `instrument` is the decision."""
    require(by, permissions.DECREE)
    after = deeds.title_of_rights(said.rights())
    return _propose(request, by, deeds.correct_title, said.asset, after=after, decision=said.instrument)


@router.post("/deeds/transfers", status_code=201)
def new_transfer(request: Request, by: CurrentActor, said: NewTransfer) -> dict[str, Any]:
    """Propose to move shares of rights; both sides, every co-owner and every pledgee must agree."""
    return _propose(
        request, by, deeds.propose_transfer, said.asset, rights=said.rights, giver=said.giver, taker=said.taker,
        bps=said.bps, instrument=said.instrument,
    )  # fmt: skip


@router.post("/deeds/pledges", status_code=201)
def new_pledge(request: Request, by: CurrentActor, said: NewPledge) -> dict[str, Any]:
    """Propose a pledge (质押)."""
    return _propose(
        request, by, deeds.propose_pledge, said.asset, rights=said.rights, pledgor=said.giver, pledgee=said.taker,
        instrument=said.instrument,
    )  # fmt: skip


@router.post("/deeds/releases", status_code=201)
def new_release(request: Request, by: CurrentActor, said: NewRelease) -> dict[str, Any]:
    """End a pledge: the pledgee's act alone."""
    return _propose(
        request, by, deeds.release_pledge, said.asset, index=said.pledge - 1, instrument=said.instrument
    )  # fmt: skip


@router.post("/deeds/consents", status_code=201)
def new_consent(request: Request, by: CurrentActor, said: NewConsent) -> dict[str, Any]:
    """Agree, as co-owner or pledgee, that another holder licenses this work."""
    until = clock.now() + timedelta(days=said.days)
    return _propose(request, by, deeds.consent_to_licences, said.asset, licensor=said.licensor, until=until)


@router.post("/deeds/ends", status_code=201)
def new_end(request: Request, by: CurrentActor, said: NewEnd) -> dict[str, Any]:
    """Propose to end a licence or hold; both sides agree, or the authority decides alone."""
    services = request.app.state.services
    require_organisation(by)
    with services.database.write() as session:
        deed = deeds.propose_end(
            session, services.keys, number=said.number, reason=said.reason, cure_days=said.cure_days, by=by,
            now=clock.now(),
        )  # fmt: skip
    return _facts(deed)


@router.post("/deeds/{deed_id}/agreement")
def agree(request: Request, by: CurrentActor, deed_id: UUID) -> dict[str, Any]:
    """Agree for one's house; the last agreement records the deed."""
    services = request.app.state.services
    require_organisation(by)
    with services.database.write() as session:
        return _facts(deeds.agree(session, services.keys, deed_id=deed_id, by=by, now=clock.now()))


@router.post("/deeds/{deed_id}/refusal")
def decline(request: Request, by: CurrentActor, deed_id: UUID) -> dict[str, Any]:
    """Decline a deed, or take back one's own."""
    require_organisation(by)
    with request.app.state.services.database.write() as session:
        return _facts(deeds.decline(session, deed_id=deed_id, by=by))


@router.get("/assets/{number}/title")
def title(request: Request, by: CurrentActor, number: str) -> dict[str, Any]:
    """Return a work's title as the ledger has it, to those who may see shares and pledges."""
    with request.app.state.services.database.read() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
        if not may_see_lineage(session, asset_id=asset.id, owner_id=asset.owner_id, by=by):
            raise EntryNotFound
        return _title(session, asset.id)


def _propose(request: Request, by: Actor, act: Callable[..., Deed], asset: str, **terms: Any) -> dict[str, Any]:
    """Propose a deed about an asset; strangers hear that they may not before anything is looked up."""
    services = request.app.state.services
    if not may(by, permissions.DECREE):
        require(by, permissions.DEED, organisation_id=by.organisation_id)
    with services.database.write() as session:
        asset_id = find_asset(session, text=asset)
        return _facts(act(session, services.keys, asset_id=asset_id, by=by, now=clock.now(), **terms))


def _title(session: ReadSession, asset_id: UUID) -> dict[str, Any]:
    found = title_on_chain(session, asset_id=asset_id)
    listed = write_title(found) if found else {"shares": [], "pledges": []}
    return {
        "head": found.head.hex() if found else None,
        "shares": [{"holder": one[0] or None, "rights": one[1], "bps": one[2]} for one in listed["shares"]],
        "pledges": [{"pledgor": one[0], "pledgee": one[1], "rights": one[2]} for one in listed["pledges"]],
    }


def _facts(deed: Deed) -> dict[str, Any]:
    return {
        "id": str(deed.id), "kind": str(deed.kind), "asset": str(deed.asset_id), "state": str(deed.state),
        "sides": [str(one) for one in deed.sides], "waits_for": [str(one) for one in deed.waits_for],
        "agreed": [{"organisation": str(one.organisation_id), "at": one.agreed_at.isoformat()}
                   for one in deed.agreements],
        "terms": dict(deed.args), "entry": str(deed.entry_id) if deed.entry_id else None,
        "created_at": deed.created_at.isoformat(), "expires_at": deed.expires_at.isoformat(),
    }  # fmt: skip
