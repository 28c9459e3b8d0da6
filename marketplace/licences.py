"""Licences: recorded with the ledger in one transaction, confirmed by the chain, then delivered."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, get_party, may, require, require_reach
from asset_hub.catalogue import AssetView, read_for_index
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.money import Money
from asset_hub.core.text import N_
from ledger.codebook import KIND_NAMES, find_use, name_of_territory
from ledger.entries import covering_hold, held_grants, record_licence, register_asset, reserve_number
from ledger.errors import GrantOverlaps
from ledger.jobs import statement_of
from ledger.signing import HomeKeys
from marketplace import permissions
from marketplace.checks import check_disclosed, disclose, window_taken, with_own_holds
from marketplace.errors import LicenceNotFound, NotPaid, OrderNotFound
from marketplace.models import LicenceRow, OrderRow, QuoteRow
from marketplace.orders import OrderState
from marketplace.terms import LicenceTerms, read_terms
from marketplace.title import lock_rights


class LicenceState(StrEnum):
    """Recorded here, confirmed by the chain, delivered; or refused by the chain."""

    RECORDED = "recorded"
    CONFIRMED = "confirmed"
    DELIVERED = "delivered"
    REFUSED = "refused"


STATE_NAMES: dict[LicenceState, str] = {
    LicenceState.RECORDED: N_("Recorded"),
    LicenceState.CONFIRMED: N_("Confirmed by the ledger"),
    LicenceState.DELIVERED: N_("Delivered"),
    LicenceState.REFUSED: N_("Refused by the ledger"),
}


ENDS_WITH_PARENT = {
    "zh": "本许可系转授权；上一级许可无论因何终止，本许可随之终止。",
    "en": "This is a sub-licence: whatever ends the licence that it is given under ends this one too.",
}


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as its parties see it."""

    id: UUID
    number: int
    order_id: UUID
    asset_id: UUID
    seller_id: UUID
    buyer_id: UUID
    terms: LicenceTerms
    state: LicenceState
    sha256: str | None
    bytes_count: int
    file_name: str
    mime: str
    certificate_sha256: str | None
    pdf_sha256: str | None
    recorded_at: datetime
    sm3: str = ""
    attested_day: str = ""


def grant_licence(session: WriteSession, keys: HomeKeys, *, order_id: UUID, by: Actor, now: datetime) -> Licence:
    """License a paid order: licence and ledger entry in this transaction. Idempotent.

    Raises NotPaid, WindowTaken, DisclosureChanged.
    """
    order = session.get(OrderRow, order_id, with_for_update=True)
    if order is None:
        raise OrderNotFound
    require(by, permissions.ORDER, organisation_id=order.buyer_id)
    lock_rights(session, asset_id=order.asset_id)
    granted = session.exec(select(LicenceRow).where(LicenceRow.order_id == order_id)).first()
    if granted is not None:
        return licence_view(granted)
    if order.state != OrderState.PAID:
        raise NotPaid
    row = _write_licence(session, keys, order, now)
    order.state = OrderState.LICENSED
    session.flush()
    return licence_view(row)


def _write_licence(session: WriteSession, keys: HomeKeys, order: OrderRow, now: datetime) -> LicenceRow:
    ((asset, _held),) = read_for_index(session, asset_ids=[order.asset_id], now=now)
    register_asset(
        session, keys, asset_id=asset.id, registrar_id=asset.owner_id, statement=statement_of(asset), now=now
    )
    terms = _agreed_terms(session, order, now)
    row = LicenceRow(
        id=new_id(), number=reserve_number(session), order_id=order.id, asset_id=order.asset_id,
        seller_id=order.seller_id, buyer_id=order.buyer_id, terms=terms.as_json(), state=LicenceState.RECORDED,
        recorded_at=now,
    )  # fmt: skip
    try:
        record_licence(
            session, keys, number=row.number, licence_id=row.id, asset_id=order.asset_id, licensor_id=order.seller_id,
            licensee_id=order.buyer_id, terms=terms.grant(), parent=terms.parent,
            document=licence_document(session, row, asset, terms, order), now=now,
            subject_to=terms.subject_to is not None, hold=_hold_of(session, order, terms, now),
        )  # fmt: skip
    except GrantOverlaps as error:
        whose = with_own_holds(terms, order.buyer_id)
        held = held_grants(session, asset_id=order.asset_id, but_holds_of=whose, now=now)
        raise window_taken(terms, [words for _, words in held]) from error
    session.add(row)
    return row


def _agreed_terms(session: ReadSession, order: OrderRow, now: datetime) -> LicenceTerms:
    """Return what was ordered, subject to those licences that still stand. Raises DisclosureChanged."""
    agreed = read_terms(_terms_of(session, order))
    check_disclosed(session, asset_id=order.asset_id, terms=agreed, now=now)
    return disclose(session, asset_id=order.asset_id, terms=agreed, now=now)


def _hold_of(session: ReadSession, order: OrderRow, terms: LicenceTerms, now: datetime) -> int | None:
    """Return the buyer's hold that the licence uses up; a sub-licence is given under a licence and uses none."""
    if terms.parent is not None:
        return None
    return covering_hold(
        session, asset_id=order.asset_id, licensee_id=order.buyer_id, words=terms.words(), now=now
    )  # fmt: skip


def licence_document(
    session: ReadSession, row: LicenceRow, asset: AssetView, terms: LicenceTerms, order: OrderRow
) -> dict[str, Any]:
    """Return the licence as its parties signed it, Chinese first, with the fields of art. 26 Copyright Law."""
    seller, buyer = (get_party(session, organisation_id=party) for party in (row.seller_id, row.buyer_id))
    return {
        "number": row.number,
        "work": {"number": asset.number, "title_zh": asset.title("zh"), "title_en": asset.title("en")},
        "licensor": {"name_zh": seller.name_zh, "name_en": seller.name_en},
        "licensee": {"name_zh": buyer.name_zh, "name_en": buyer.name_en},
        "uses": [
            {"code": u.code, "zh": u.name_zh, "en": u.name_en, "article_10_item": u.item}
            for u in map(find_use, terms.uses)
        ],
        "territories": [
            {"code": code, "zh": name_of_territory(code, "zh"), "en": name_of_territory(code, "en")}
            for code in terms.territories
        ],
        "kind": {"code": int(terms.kind), "en": KIND_NAMES[terms.kind], "zh": ("普通", "排他", "独占")[terms.kind]},
        "first_day": terms.window.start.isoformat(),
        "last_day": terms.window.last_day.isoformat(),
        "resolution": terms.resolution,
        "segment_frames": [terms.segment.start, terms.segment.end] if terms.segment else None,
        "may_sublicense": terms.may_sublicense,
        "subject_to": None if terms.subject_to is None else list(terms.subject_to),
        "parent": terms.parent,
        "ends_with_parent": None if terms.parent is None else ENDS_WITH_PARENT,
        "fee": {"gross_fen": order.gross_fen, "currency": "CNY", "shown": str(Money(order.gross_fen))},
        "law": "中华人民共和国著作权法（2020年修正）第二十六条",
    }


def get_licence(session: ReadSession, *, licence_id: UUID, by: Actor) -> Licence:
    """Return a licence of the actor's house, as buyer or seller. Raises LicenceNotFound."""
    require_reach(by, "marketplace")
    row = session.get(LicenceRow, licence_id)
    if row is None or by.organisation_id not in (row.buyer_id, row.seller_id):
        raise LicenceNotFound
    return licence_view(row)


def licence_in_evidence(session: ReadSession, *, licence_id: UUID, by: Actor) -> Licence:
    """Return a licence for its evidence: to its parties, to the operator and the regulator. Raises LicenceNotFound."""
    if not may(by, permissions.EVIDENCE):
        return get_licence(session, licence_id=licence_id, by=by)
    row = session.get(LicenceRow, licence_id)
    if row is None:
        raise LicenceNotFound
    return licence_view(row)


def terms_by_number(session: ReadSession, *, numbers: Collection[int]) -> dict[int, LicenceTerms]:
    """Return what licences cover, by number, and nothing of who has them: what a buyer is told of those that stand."""
    if not numbers:
        return {}
    statement = select(LicenceRow.number, LicenceRow.terms).where(col(LicenceRow.number).in_(numbers))
    return {number: read_terms(terms) for number, terms in session.exec(statement.order_by(col(LicenceRow.number)))}


def licence_by_number(session: ReadSession, *, number: int, by: Actor) -> Licence:
    """Return a licence of the actor's house by its number. Raises LicenceNotFound."""
    found = session.exec(select(LicenceRow.id).where(LicenceRow.number == number)).first()
    if found is None:
        raise LicenceNotFound
    return get_licence(session, licence_id=found, by=by)


def licence_of_order(session: ReadSession, *, order_id: UUID) -> Licence | None:
    """Return the licence that an order became; the caller has checked whose the order is."""
    row = session.exec(select(LicenceRow).where(LicenceRow.order_id == order_id)).first()
    return licence_view(row) if row else None


def order_of_licence(session: ReadSession, *, licence_id: UUID) -> UUID:
    """Return the order that became a licence."""
    return session.get_one(LicenceRow, licence_id).order_id


def list_licences(session: ReadSession, *, by: Actor) -> tuple[Licence, ...]:
    """Return the licences of the actor's house, newest first."""
    require_reach(by, "marketplace")
    statement = (
        select(LicenceRow)
        .where((LicenceRow.buyer_id == by.organisation_id) | (LicenceRow.seller_id == by.organisation_id))
        .order_by(col(LicenceRow.number).desc())
    )
    return tuple(licence_view(row) for row in session.exec(statement))


def note_confirmed(session: WriteSession, *, licence_id: UUID) -> bool:
    """Note that the chain has a licence; return whether its file must now be made. Idempotent."""
    row = session.get(LicenceRow, licence_id, with_for_update=True)
    if row is None:
        return False
    if row.state == LicenceState.RECORDED:
        row.state = LicenceState.CONFIRMED
    return row.state == LicenceState.CONFIRMED


def note_refused(session: WriteSession, *, licence_id: UUID) -> bool:
    """Note that the chain refused a licence: the order's money goes back; return whether this was news. Idempotent."""
    row = session.get(LicenceRow, licence_id, with_for_update=True)
    if row is None or row.state != LicenceState.RECORDED:
        return False
    row.state = LicenceState.REFUSED
    session.get_one(OrderRow, row.order_id).state = OrderState.REFUND_DUE
    session.flush()
    return True


def licence_view(row: LicenceRow) -> Licence:
    """Return a row as others may see it."""
    return Licence(
        row.id, row.number, row.order_id, row.asset_id, row.seller_id, row.buyer_id, read_terms(row.terms),
        LicenceState(row.state), row.sha256, row.bytes_count, row.file_name, row.mime, row.certificate_sha256,
        row.pdf_sha256, row.recorded_at, row.sm3, row.attested_day,
    )  # fmt: skip


def _terms_of(session: ReadSession, order: OrderRow) -> dict[str, Any]:
    return session.get_one(QuoteRow, order.quote_id).terms
