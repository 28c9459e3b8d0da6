"""Deeds: what several houses must agree to before it is recorded. The last agreement records it.

A title is recorded and moved, rights are pledged and released, a co-owner or pledgee agrees to licences, a licence is
ended. Each side agrees by a person of its rights desk; its own key signs, or, once a second person has confirmed, the
one that the operator keeps for it (平台托管). Source: Copyright Law (2020) art. 10, 14; ADR 0019; who must sign is
TitleLedger.sol's rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, Permission, may, require, require_organisation, require_person
from asset_hub.catalogue import get_asset
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import BadInput
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from ledger import permissions
from ledger.codebook import mask_of_rights
from ledger.consents import title_on_chain
from ledger.entries import admit_organisation, commitment_to, record_entry
from ledger.errors import BadTitle, DeedClosed, DeedNotFound, EntryNotFound, TitleTaken
from ledger.models import AgreementRow, DeedRow, GrantRow, WorkRow
from ledger.pauses import require_open
from ledger.second_person import ask_second_people, tell_second_people
from ledger.signing import HomeKeys
from ledger.titles import Pledge, TitleList, check_title, make_title, move, write_title
from ledger.types import DeedKind, DeedState, EntryId, EntryKind
from ledger.waiting import SIGN_WITHIN, kept_by_operator

OPEN_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Agreement:
    """One side's agreement."""

    organisation_id: UUID
    agreed_at: datetime


@dataclass(frozen=True, slots=True)
class Deed:
    """A deed as its sides see it; `args` are what is agreed to, in plain JSON."""

    id: UUID
    kind: DeedKind
    asset_id: UUID
    args: Mapping[str, Any]
    sides: tuple[UUID, ...]
    agreements: tuple[Agreement, ...]
    state: DeedState
    proposed_by: UUID
    entry_id: EntryId | None
    created_at: datetime
    expires_at: datetime

    @property
    def waits_for(self) -> tuple[UUID, ...]:
        """Return the sides that have not agreed yet; nobody once it is closed."""
        agreed = {one.organisation_id for one in self.agreements}
        return tuple(side for side in self.sides if side not in agreed) if self.state == DeedState.OPEN else ()


def propose_title(
    session: WriteSession, keys: HomeKeys, *, asset_id: UUID, rights: Mapping[Sequence[str], Mapping[UUID, int]],
    instrument: str, by: Actor, now: datetime,
) -> Deed:  # fmt: skip
    """Propose the first title of a work: rights (art. 10 items 5–17, neighbouring) → holder → basis points.

    A group without holders is *unknown*, and not for sale. The registrar and every holder must agree.
    Raises TitleTaken, BadTitle, UnknownTerm, EntryNotFound for a work that is not registered, Forbidden.
    """
    registrar = _registrar(session, asset_id)
    require(by, permissions.DEED, organisation_id=registrar)
    if title_on_chain(session, asset_id=asset_id) is not None:
        raise TitleTaken
    after = title_of_rights(rights)
    sides = {registrar} | {share.holder for share in after.shares if share.holder}
    args = {"after": write_title(after), "before": None, "instrument_text": instrument}
    return _propose(session, keys, DeedKind.RECORD, asset_id, args, sides, by=by, now=now)


def title_of_rights(rights: Mapping[Sequence[str], Mapping[UUID, int]]) -> TitleList:
    """Return the list of rights → holder → basis points; a group without holders is unknown. Raises BadTitle."""
    groups: dict[int, dict[UUID | None, int]] = {}
    for codes, holders in rights.items():
        mask = mask_of_rights(codes)
        if mask in groups:
            raise BadTitle(N_("The same right is named twice."))
        groups[mask] = {None: 0}
        if holders:
            groups[mask] = dict(holders.items())
    return make_title(groups)


def propose_transfer(
    session: WriteSession, keys: HomeKeys, *, asset_id: UUID, rights: Iterable[str], giver: UUID, taker: UUID, bps: int,
    instrument: str, by: Actor, now: datetime,
) -> Deed:  # fmt: skip
    """Propose to move shares from one holder to another; both agree, every co-owner and every pledgee.

    Raises EntryNotFound where no title is on record, NotHeld, BadTitle, Forbidden.
    """
    before, mask = _standing(session, asset_id), mask_of_rights(rights)
    _require_side(by, {giver, taker})
    if giver == taker or bps <= 0 or not mask:
        raise BadTitle(N_("Say who gives how much to whom."))
    after = move(before, rights=mask, giver=giver, taker=taker, bps=bps)
    return _propose_move(
        session, keys, DeedKind.TRANSFER, asset_id, before, after, mask=mask, giver=giver, taker=taker, bps=bps,
        instrument=instrument, by=by, now=now,
    )  # fmt: skip


def propose_pledge(
    session: WriteSession, keys: HomeKeys, *, asset_id: UUID, rights: Iterable[str], pledgor: UUID, pledgee: UUID,
    instrument: str, by: Actor, now: datetime,
) -> Deed:  # fmt: skip
    """Propose a pledge (质押), after which nothing of these rights moves or is licensed without the pledgee.

    Raises EntryNotFound, NotHeld, BadTitle, Forbidden.
    """
    before, mask = _standing(session, asset_id), mask_of_rights(rights)
    _require_side(by, {pledgor, pledgee})
    if pledgor == pledgee or not mask:
        raise BadTitle(N_("Say who pledges what to whom."))
    before.require_held(pledgor, mask)
    after = TitleList(before.shares, (*before.pledges, Pledge(pledgor, pledgee, mask)))
    check_title(after)
    return _propose_move(
        session, keys, DeedKind.PLEDGE, asset_id, before, after, mask=mask, giver=pledgor, taker=pledgee, bps=0,
        instrument=instrument, by=by, now=now,
    )  # fmt: skip


def release_pledge(
    session: WriteSession, keys: HomeKeys, *, asset_id: UUID, index: int, instrument: str, by: Actor, now: datetime
) -> Deed:
    """End a pledge: the pledgee's act alone. Raises EntryNotFound, BadInput for no such pledge, Forbidden."""
    before = _standing(session, asset_id)
    if not 0 <= index < len(before.pledges):
        raise BadInput(N_("There is no such pledge."))
    pledgee = before.pledges[index].pledgee
    require(by, permissions.DEED, organisation_id=pledgee)
    after = TitleList(before.shares, before.pledges[:index] + before.pledges[index + 1 :])
    args = {
        "before": write_title(before), "after": write_title(after), "index": index, "instrument_text": instrument,
    }  # fmt: skip
    return _propose(session, keys, DeedKind.RELEASE, asset_id, args, {pledgee}, by=by, now=now)


def correct_title(
    session: WriteSession, keys: HomeKeys, *, asset_id: UUID, after: TitleList, decision: str, by: Actor, now: datetime
) -> Deed:
    """Put a court's or authority's decision on record. Raises EntryNotFound, BadTitle, Forbidden."""
    require(by, permissions.DECREE)
    _registrar(session, asset_id)
    check_title(after)
    before = title_on_chain(session, asset_id=asset_id)
    args = {
        "before": write_title(before) if before else None, "after": write_title(after), "instrument_text": decision,
    }  # fmt: skip
    return _propose(session, keys, DeedKind.CORRECT, asset_id, args, set(), by=by, now=now)


def consent_to_licences(
    session: WriteSession, keys: HomeKeys, *, asset_id: UUID, licensor: UUID, until: datetime, by: Actor, now: datetime
) -> Deed:
    """Agree, as co-owner or pledgee, that another holder licenses this work. Nothing goes on chain until it does.

    Raises EntryNotFound, BadInput, Forbidden.
    """
    house = require_organisation(by)
    require(by, permissions.DEED, organisation_id=house)
    title = _standing(session, asset_id)
    every = (1 << 96) - 1
    if house not in title.holders(every) | title.pledgees(every) or house == licensor or until <= now:
        raise BadInput(N_("Only a co-owner or pledgee agrees, and for a time to come."))
    args = {"licensor": str(licensor)}
    return _propose(session, keys, DeedKind.CONSENT, asset_id, args, {house}, by=by, now=now, expires_at=until)


def propose_end(
    session: WriteSession, keys: HomeKeys, *, number: int, reason: str, cure_days: int = 0, by: Actor, now: datetime
) -> Deed:
    """Propose to end a licence or hold for a reason; both sides agree, or the authority decides alone.

    `cure_days` is the time that the other side has to put things right: until then it is not asked to agree to.
    Raises EntryNotFound for a licence that is not this house's, Forbidden: what a house bought its producers end too.
    """
    row = session.get(GrantRow, number)
    sides = {row.licensor_id, row.licensee_id} if row else set()
    is_authority = may(by, permissions.DECREE)
    if (
        row is None
        or not row.is_in_head
        or row.ended_at is not None
        or not (is_authority or by.organisation_id in sides)
    ):
        raise EntryNotFound
    if not is_authority:
        require(by, _permission_to_end(row, require_organisation(by)), organisation_id=by.organisation_id)
    args = {
        "number": number, "instrument_text": reason, "by_authority": is_authority,
        "not_before": (now + timedelta(days=cure_days)).isoformat(),
    }  # fmt: skip
    return _propose(
        session, keys, DeedKind.TERMINATE, row.asset_id, args, set() if is_authority else sides, by=by, now=now
    )


def agree(session: WriteSession, keys: HomeKeys, *, deed_id: UUID, by: Actor, now: datetime) -> Deed:
    """Agree for one's house; the last agreement records the deed. Idempotent. Raises DeedNotFound, DeedClosed."""
    row = _row_for(session, deed_id, by, is_locked=True)
    house = require_organisation(by)
    require(by, _permission_for(session, row, house), organisation_id=house)
    if str(house) not in row.sides:
        raise DeedNotFound
    if row.state == DeedState.OPEN and row.expires_at <= now:
        row.state = DeedState.LAPSED
    if session.get(AgreementRow, (deed_id, house)) is None:
        if row.state != DeedState.OPEN:
            raise DeedClosed
        if now < datetime.fromisoformat(row.args.get("not_before", now.isoformat())) and house != row.proposed_by:
            raise DeedClosed(N_("The time to put things right is not over yet."))
        session.add(AgreementRow(deed_id=deed_id, organisation_id=house, person_id=require_person(by), agreed_at=now))
        session.flush()
        _record_if_whole(session, keys, row, {}, now)
    return _view(session, row)


def decline(session: WriteSession, *, deed_id: UUID, by: Actor) -> Deed:
    """Decline, or take back, for one's house. Raises DeedNotFound, DeedClosed."""
    row = _row_for(session, deed_id, by, is_locked=True)
    house = require_organisation(by)
    require(by, _permission_for(session, row, house), organisation_id=house)
    if str(house) not in row.sides:
        raise DeedNotFound
    if row.state != DeedState.OPEN:
        raise DeedClosed
    row.state = DeedState.DECLINED
    session.flush()
    return _view(session, row)


def instrument_of(session: ReadSession, *, entry_id: UUID) -> str:
    """Return the contract or decision behind an entry, empty where no deed led to it."""
    row = session.exec(select(DeedRow).where(DeedRow.entry_id == entry_id)).first()
    return str(row.args.get("instrument_text", "")) if row is not None else ""


def get_deed(session: ReadSession, *, deed_id: UUID, by: Actor) -> Deed:
    """Return a deed of one's house, or any for those who oversee. Raises DeedNotFound."""
    return _view(session, _row_for(session, deed_id, by))


def list_deeds(session: ReadSession, *, by: Actor, asset_id: UUID | None = None) -> tuple[Deed, ...]:
    """Return the deeds that the reader's house is a side of (all for those who oversee), newest first."""
    statement = select(DeedRow).order_by(col(DeedRow.id).desc())
    if asset_id is not None:
        statement = statement.where(DeedRow.asset_id == asset_id)
    return tuple(_view(session, row) for row in session.exec(statement) if _may_see(row, by))


def _propose_move(
    session: WriteSession, keys: HomeKeys, kind: DeedKind, asset_id: UUID, before: TitleList, after: TitleList, *,
    mask: int, giver: UUID, taker: UUID, bps: int, instrument: str, by: Actor, now: datetime,
) -> Deed:  # fmt: skip
    args = {
        "before": write_title(before), "after": write_title(after), "rights": f"{mask:x}", "giver": str(giver),
        "taker": str(taker), "bps": bps, "instrument_text": instrument,
    }  # fmt: skip
    sides = {giver, taker} | before.holders(mask) | before.pledgees(mask)
    return _propose(session, keys, kind, asset_id, args, sides, by=by, now=now)


def _propose(
    session: WriteSession, keys: HomeKeys, kind: DeedKind, asset_id: UUID, args: Mapping[str, Any], sides: set[UUID], *,
    by: Actor, now: datetime, expires_at: datetime | None = None,
) -> Deed:  # fmt: skip
    if kind != DeedKind.CONSENT and not str(args["instrument_text"]).strip():
        raise BadInput(N_("Name the contract, decision or reason behind it."))
    get_asset(session, asset_id=asset_id, by=by, now=now) if kind == DeedKind.RECORD else None
    row = DeedRow(
        id=new_id(), kind=kind, asset_id=asset_id, args=dict(args), sides=sorted(map(str, sides)),
        state=DeedState.OPEN, proposed_by=require_organisation(by), created_at=now,
        expires_at=expires_at or now + OPEN_FOR,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if by.organisation_id in sides:
        return agree(session, keys, deed_id=row.id, by=by, now=now)
    _record_if_whole(session, keys, row, {row.proposed_by: require_person(by)}, now)
    return _view(session, row)


def _record_if_whole(
    session: WriteSession, keys: HomeKeys, row: DeedRow, deciding: Mapping[UUID, UUID], now: datetime
) -> None:
    """Record the deed once every side has agreed; a title that has changed meanwhile lapses it.

    `deciding` is the authority's person, of a deed without sides.
    """
    people = deciding or _people(session, row.id)
    if not deciding and {UUID(side) for side in row.sides} - people.keys():
        return
    kind = DeedKind(row.kind)
    for side in row.sides:
        admit_organisation(session, keys, organisation_id=UUID(side), now=now)
    if kind == DeedKind.CONSENT:
        _take_consent(session, row, people, now)
        return
    row.state = DeedState.AGREED
    instrument = commitment_to(keys.salt(f"deed:{row.id}"), str(row.args["instrument_text"]).encode()).hex()
    if kind == DeedKind.TERMINATE:
        args = {"number": row.args["number"], "reason": instrument, "by_authority": row.args["by_authority"]}
        subject = session.get_one(GrantRow, int(row.args["number"])).licence_id
        row.entry_id = record_entry(session, EntryKind.END, subject, args, now, people=people)
    else:
        require_open(session, EntryKind.TITLE, act=kind, now=now)
        title = title_on_chain(session, asset_id=row.asset_id)
        if (write_title(title) if title else None) != row.args["before"]:
            raise DeedClosed(N_("The title has changed since this was proposed. Propose it again."))
        args = {
            **row.args, "act": kind, "asset": str(row.asset_id), "sides": row.sides, "instrument": instrument,
        }  # fmt: skip
        del args["instrument_text"]
        row.entry_id = record_entry(session, EntryKind.TITLE, row.asset_id, args, now, people=people)
    session.flush()


def _take_consent(session: WriteSession, row: DeedRow, people: Mapping[UUID, UUID], now: datetime) -> None:
    """Let a consent hold: at once where the house keeps its own key, else when a second person has confirmed it."""
    kept = kept_by_operator(session, people, now)
    ask_second_people(session, row.id, kept, deadline=int(min(row.expires_at, now + SIGN_WITHIN).timestamp()), now=now)
    tell_second_people(session, row, kept, now=now)
    row.state = DeedState.OPEN if kept else DeedState.AGREED
    session.flush()


def _registrar(session: ReadSession, asset_id: UUID) -> UUID:
    row = session.get(WorkRow, asset_id)
    if row is None:
        raise EntryNotFound
    return row.registrar_id


def _standing(session: ReadSession, asset_id: UUID) -> TitleList:
    title = title_on_chain(session, asset_id=asset_id)
    if title is None:
        raise EntryNotFound(N_("No title of this work is on record."))
    return title


def _require_side(by: Actor, sides: set[UUID]) -> None:
    house = require_organisation(by)
    if house not in sides:
        raise EntryNotFound
    require(by, permissions.DEED, organisation_id=house)


def _permission_for(session: ReadSession, row: DeedRow, house: UUID) -> Permission:
    """Return what somebody of a house needs to speak for it in a deed. Raises DeedClosed.

    A licence that the ledger refused is gone, and nothing is left to end.
    """
    if row.kind != DeedKind.TERMINATE:
        return permissions.DEED
    grant = session.get(GrantRow, int(row.args["number"]))
    if grant is None:
        raise DeedClosed
    return _permission_to_end(grant, house)


def _permission_to_end(grant: GrantRow, house: UUID) -> Permission:
    """Whoever buys for a house may end what it bought; what it gave, its rights desk ends."""
    return permissions.END_LICENCE if house == grant.licensee_id != grant.licensor_id else permissions.DEED


def _row_for(session: ReadSession, deed_id: UUID, by: Actor, *, is_locked: bool = False) -> DeedRow:
    row = session.get(DeedRow, deed_id, populate_existing=True, with_for_update=is_locked or None)
    if row is None or not _may_see(row, by):
        raise DeedNotFound
    return row


def _may_see(row: DeedRow, by: Actor) -> bool:
    is_side = by.organisation_id is not None and str(by.organisation_id) in (*row.sides, str(row.proposed_by))
    return is_side or may(by, permissions.OVERSEE)


def _people(session: ReadSession, deed_id: UUID) -> dict[UUID, UUID]:
    """Return who agreed for each side so far."""
    rows = session.exec(select(AgreementRow).where(AgreementRow.deed_id == deed_id))
    return {row.organisation_id: row.person_id for row in rows}


def _agreements(session: ReadSession, deed_id: UUID) -> tuple[Agreement, ...]:
    rows = session.exec(
        select(AgreementRow).where(AgreementRow.deed_id == deed_id).order_by(col(AgreementRow.agreed_at))
    )
    return tuple(Agreement(row.organisation_id, row.agreed_at) for row in rows)


def _view(session: ReadSession, row: DeedRow) -> Deed:
    return Deed(
        row.id, DeedKind(row.kind), row.asset_id, row.args, tuple(UUID(side) for side in row.sides),
        _agreements(session, row.id), DeedState(row.state), row.proposed_by,
        EntryId(row.entry_id) if row.entry_id else None, row.created_at, row.expires_at,
    )  # fmt: skip
