"""Who must agree to a licence where a title is on record: every co-owner to an exclusive one, every pledgee to any.

Source: Copyright Law (2020) art. 14. A consent is an agreed deed of the co-owner or pledgee, until a day.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from ledger.errors import ConsentMissing
from ledger.models import DeedRow, TitleListRow
from ledger.titles import TitleList, read_title
from ledger.types import DeedKind, DeedState


def title_on_chain(session: ReadSession, *, asset_id: UUID) -> TitleList | None:
    """Return the title list of a work, None where none is on record."""
    row = session.get(TitleListRow, asset_id, populate_existing=True)
    return read_title(row.shares, row.pledges) if row else None


def signers_of_licence(title: TitleList, *, licensor: UUID, rights: int, is_exclusive: bool, is_sub: bool) -> set[UUID]:
    """Return every house whose signature a licence needs beside its two sides. Raises NotHeld.

    A sub-licence needs the pledgees only.
    """
    needed = set(title.pledgees(rights))
    if not is_sub:
        title.require_held(licensor, rights)
        needed |= title.holders(rights) if is_exclusive else set()
    return needed - {licensor}


def check_consents(
    session: ReadSession, *, asset_id: UUID, licensor: UUID, rights: int, is_exclusive: bool, is_sub: bool,
    now: datetime,
) -> frozenset[UUID]:  # fmt: skip
    """Return who co-signs a licence; nobody where no title is on record. Raises NotHeld, ConsentMissing."""
    title = title_on_chain(session, asset_id=asset_id)
    if title is None:
        return frozenset()
    needed = signers_of_licence(
        title, licensor=licensor, rights=rights, is_exclusive=is_exclusive, is_sub=is_sub
    )  # fmt: skip
    given = _consents(session, asset_id, licensor, now)
    if needed - given:
        raise ConsentMissing
    return frozenset(needed)


def _consents(session: ReadSession, asset_id: UUID, licensor: UUID, now: datetime) -> set[UUID]:
    """Return who has agreed that this house licenses this work."""
    statement = select(DeedRow).where(
        DeedRow.asset_id == asset_id, DeedRow.kind == DeedKind.CONSENT, DeedRow.state == DeedState.AGREED,
        col(DeedRow.expires_at) > now,
    )  # fmt: skip
    return {
        UUID(side) for row in session.exec(statement) if row.args["licensor"] == str(licensor) for side in row.sides
    }
