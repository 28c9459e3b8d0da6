"""The chain of title (权属链) of a work: how who holds what came about, act by act, as the ledger has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, may, party_names
from asset_hub.core.db import ReadSession
from ledger import permissions
from ledger.codebook import rights_of_mask
from ledger.models import DeedRow, EntryRow
from ledger.titles import WHOLE, TitleList, read_title
from ledger.types import DeedKind, EntryKind, EntryState

_EVERY = (1 << 96) - 1


@dataclass(frozen=True, slots=True)
class Part:
    """A share of some rights after an act: `start` and `width` in per cent of the whole, for the graph."""

    holder: str
    percent: float
    start: float
    number: int
    house: UUID


@dataclass(frozen=True, slots=True)
class Group:
    """Some rights and who holds them in which shares; no parts where the holder is unknown."""

    rights: tuple[tuple[str, str], ...]
    is_all: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """What stood after an act; `giver` and `taker` are empty where the act has none.

    `moved` and `pledged` are the houses behind the names of the same place.
    """

    kind: DeedKind
    at: datetime
    block: int | None
    transaction: str | None
    giver: str
    taker: str
    groups: tuple[Group, ...]
    pledges: tuple[tuple[str, str], ...]
    moved: tuple[UUID, UUID] | None = None
    pledged: tuple[tuple[UUID, UUID], ...] = ()


def lineage_of(session: ReadSession, *, asset_id: UUID, language: str) -> tuple[Generation, ...]:
    """Return every recorded change of title, oldest first; names in the reader's language."""
    statement = (
        select(EntryRow)
        .where(EntryRow.subject_id == asset_id, EntryRow.kind == EntryKind.TITLE)
        .where(EntryRow.state == EntryState.CONFIRMED)
        .order_by(col(EntryRow.number))
    )
    rows = session.exec(statement).all()
    lists = [read_title(row.args["after"]["shares"], row.args["after"]["pledges"]) for row in rows]
    houses = {house for one in lists for house in (*one.holders(_EVERY), *_pledging(one))}
    houses |= {UUID(row.args[side]) for row in rows for side in ("giver", "taker") if side in row.args}
    names = party_names(session, organisation_ids=houses, language=language)
    numbers = {house: number for number, house in enumerate(sorted(houses, key=str))}
    return tuple(_generation(row, title, names, numbers) for row, title in zip(rows, lists, strict=True))


def may_see_lineage(session: ReadSession, *, asset_id: UUID, owner_id: UUID, by: Actor) -> bool:
    """Say whether a reader sees shares and pledges: the asset's house, a side of a deed about it, overseers."""
    if may(by, permissions.OVERSEE) or (by.organisation_id is not None and by.organisation_id == owner_id):
        return True
    deeds = session.exec(select(DeedRow.sides).where(DeedRow.asset_id == asset_id)).all()
    return by.organisation_id is not None and any(str(by.organisation_id) in sides for sides in deeds)


def _generation(row: EntryRow, title: TitleList, names: Mapping[UUID, str], numbers: Mapping[UUID, int]) -> Generation:
    giver, taker = (names[UUID(row.args[side])] if side in row.args else "" for side in ("giver", "taker"))
    groups: dict[int, list[Part]] = {}
    for share in title.shares:
        parts = groups.setdefault(share.rights, [])
        if share.holder is not None:
            start = sum(part.percent for part in parts)
            parts.append(Part(names[share.holder], share.bps * 100 / WHOLE, start, numbers[share.holder], share.holder))
    return Generation(
        DeedKind(row.args["act"]), row.confirmed_at or row.created_at, row.block_number,
        row.tx_hash.hex() if row.tx_hash else None, giver, taker,
        tuple(
            Group(tuple((r.name_zh, r.name_en) for r in rights_of_mask(mask)), mask == _EVERY, tuple(parts))
            for mask, parts in groups.items()
        ),
        tuple((names[one.pledgor], names[one.pledgee]) for one in title.pledges),
        (UUID(row.args["giver"]), UUID(row.args["taker"])) if "giver" in row.args else None,
        tuple((one.pledgor, one.pledgee) for one in title.pledges),
    )  # fmt: skip


def _pledging(title: TitleList) -> set[UUID]:
    return {side for one in title.pledges for side in (one.pledgor, one.pledgee)}
