"""The trail of one asset on the ledger: what everybody may know, and its licences for its own house."""

from dataclasses import dataclass

from sqlmodel import col, select

from asset_hub.accounts import Actor
from asset_hub.catalogue import AssetView
from asset_hub.core.db import ReadSession
from ledger.entries import provenance_of
from ledger.models import EntryRow, GrantRow
from ledger.types import EntryKind, EntryState, ProvenanceEntry


@dataclass(frozen=True, slots=True)
class LicenceTrail:
    """A licence by its number, without its parties."""

    number: int
    entries: tuple[ProvenanceEntry, ...]


@dataclass(frozen=True, slots=True)
class Trail:
    """What the ledger says of an asset. `state` is that of its registration, None where there is none."""

    state: EntryState | None
    commitment: str
    entries: tuple[ProvenanceEntry, ...]
    licences: tuple[LicenceTrail, ...]


def trail_of(session: ReadSession, *, asset: AssetView, by: Actor) -> Trail:
    """Return the trail of an asset that the reader was allowed to see; licences only to the owner's house."""
    registered = session.exec(
        select(EntryRow)
        .where(EntryRow.subject_id == asset.id, EntryRow.kind == EntryKind.REGISTER)
        .order_by(col(EntryRow.number).desc())
    ).first()
    is_own = by.organisation_id is not None and by.organisation_id == asset.owner_id
    return Trail(
        state=EntryState(registered.state) if registered else None,
        commitment=str(registered.args.get("commitment", "")) if registered else "",
        entries=provenance_of(session, subject_ids=[asset.id, asset.owner_id]) if registered else (),
        licences=_licences(session, asset) if is_own else (),
    )


def _licences(session: ReadSession, asset: AssetView) -> tuple[LicenceTrail, ...]:
    grants = session.exec(select(GrantRow).where(GrantRow.asset_id == asset.id).order_by(col(GrantRow.number))).all()
    return tuple(LicenceTrail(grant.number, provenance_of(session, subject_ids=[grant.licence_id])) for grant in grants)
