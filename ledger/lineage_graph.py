"""The chain of title (权属链) as a drawing: houses in columns, acts in rows, what moved between them as lines.

Only places and words; the template draws them. The list beside it says the same in text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import party_names
from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_, Text
from ledger.codebook import KIND_NAMES
from ledger.grants import day_as_date, end_day, kind_of, read_words, start_day
from ledger.lineage import Generation
from ledger.models import GrantRow
from ledger.types import DEED_NAMES, DeedKind

BOX_WIDTH, BOX_HEIGHT, COLUMN, ROW, LEFT, TOP = 204, 64, 248, 120, 150, 24
_LONGEST_NAME, _LONGEST_LATIN, _MOST_LICENCES = 13, 22, 24


@dataclass(frozen=True, slots=True)
class Box:
    """A house after an act, or a licence: what is written in it, `whole` is its name uncut."""

    x: int
    y: int
    house: UUID
    whole: str
    name: str
    lines: tuple[Text, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line between two boxes, below both where they stand in one row; `kind` is held, transfer, pledge, licence."""

    x1: int
    y1: int
    x2: int
    y2: int
    kind: str


@dataclass(frozen=True, slots=True)
class RowMark:
    """What stands left of a row: which act, when."""

    y: int
    act: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Graph:
    """A drawing of this many units; the box's size is the same for all."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    rows: tuple[RowMark, ...]
    box: tuple[int, int] = (BOX_WIDTH, BOX_HEIGHT)


@dataclass(frozen=True, slots=True)
class Given:
    """A licence as the drawing shows it; `ended` where it was terminated."""

    number: int
    licensor: UUID
    licensee: UUID
    name: str
    kind: str
    first: str
    last: str
    ended: bool


def licences_given(session: ReadSession, *, asset_id: UUID, language: str) -> tuple[Given, ...]:
    """Return the licences of a work, oldest first, holds left out; for those only who may know of them."""
    rows = session.exec(
        select(GrantRow)
        .where(GrantRow.asset_id == asset_id, col(GrantRow.lapses_at).is_(None))
        .order_by(col(GrantRow.number))
        .limit(_MOST_LICENCES)
    ).all()
    names = party_names(session, organisation_ids={row.licensee_id for row in rows}, language=language)
    return tuple(_given(row, names) for row in rows)


def draw_lineage(generations: Sequence[Generation], licences: Sequence[Given]) -> Graph | None:
    """Lay out a chain of title; None without one."""
    if not generations:
        return None
    houses = _houses(generations, licences)
    columns = {house: place for place, house in enumerate(houses)}
    boxes: list[Box] = []
    lines: list[Line] = []
    rows: list[RowMark] = []
    before: Mapping[UUID, Box] = {}
    for number, one in enumerate(generations):
        y = TOP + number * ROW
        row = {box.house: box for box in _row(one, houses, columns, y)}
        boxes += row.values()
        lines += _moved(one, before, row)
        rows.append(RowMark(y, DEED_NAMES[one.kind], one.at))
        before = row
    given_boxes, given_lines = _licences(licences, columns, before, TOP + len(generations) * ROW)
    height = max(box.y for box in (*boxes, *given_boxes)) + BOX_HEIGHT + TOP
    return Graph(LEFT + len(columns) * COLUMN, height, (*boxes, *given_boxes), (*lines, *given_lines), tuple(rows))


def _houses(generations: Sequence[Generation], licences: Sequence[Given]) -> dict[UUID, str]:
    """Return every house that has boxes, with its name, in the order of its first appearance."""
    seen: dict[UUID, str] = {}
    for one in generations:
        for group in one.groups:
            for part in group.parts:
                seen.setdefault(part.house, part.holder)
        for ids, names in zip(one.pledged, one.pledges, strict=True):
            for house, name in zip(ids, names, strict=True):
                seen.setdefault(house, name)
    for licence in licences:
        seen.setdefault(licence.licensee, licence.name)
    return seen


def _shares(one: Generation) -> dict[UUID, list[Text]]:
    """Return holder → what it holds after an act, each group of rights in a few words."""
    found: dict[UUID, list[Text]] = {}
    for group in one.groups:
        for part in group.parts:
            percent: dict[str, Any] = {"percent": f"{part.percent:g}", "count": len(group.rights)}
            words = N_("all rights {percent} %") if group.is_all else N_("{count} rights {percent} %")
            found.setdefault(part.house, []).append(Text(words, percent))
    return found


def _row(one: Generation, houses: Mapping[UUID, str], columns: Mapping[UUID, int], y: int) -> list[Box]:
    held = _shares(one)
    boxes = [
        _box(columns[house], y, house, houses[house], tuple(words[:2]), "holder") for house, words in held.items()
    ]  # fmt: skip
    pledgees = dict.fromkeys(pledgee for _pledgor, pledgee in one.pledged if pledgee not in held)
    words = (Text(N_("pledgee")),)
    return [*boxes, *(_box(columns[house], y, house, houses[house], words, "pledgee") for house in pledgees)]


def _moved(one: Generation, before: Mapping[UUID, Box], row: Mapping[UUID, Box]) -> list[Line]:
    """Return the lines into a row: what stayed, what moved, what is pledged."""
    stayed = (house for house, box in row.items() if house in before and box.kind == before[house].kind)
    lines = [_down(before[house], row[house], "held") for house in stayed]
    if one.kind == DeedKind.TRANSFER and one.moved is not None:
        giver, taker = one.moved
        if giver in before and taker in row:
            lines.append(_down(before[giver], row[taker], "transfer"))
    for pledgor, pledgee in one.pledged:
        if pledgor in row and pledgee in row:
            half, below = BOX_WIDTH // 2, row[pledgor].y + BOX_HEIGHT
            lines.append(Line(row[pledgor].x + half, below, row[pledgee].x + half, below, "pledge"))
    return lines


def _licences(
    licences: Sequence[Given], columns: Mapping[UUID, int], holders: Mapping[UUID, Box], y: int
) -> tuple[list[Box], list[Line]]:
    """Return the licences, each under its licensee, one below the other, and a line from whoever gave it."""
    boxes: list[Box] = []
    lines: list[Line] = []
    depth: dict[UUID, int] = {}
    for one in licences:
        place = depth.get(one.licensee, 0)
        depth[one.licensee] = place + 1
        words = (
            Text(N_("licence {number}, {kind}"), {"number": one.number, "kind": Text(one.kind)}),
            Text(N_("{first} to {last}"), {"first": one.first, "last": one.last}),
        )
        kind = "ended" if one.ended else "licence"
        below = y + place * (BOX_HEIGHT + TOP)
        box = _box(columns[one.licensee], below, one.licensee, one.name, words, kind)
        boxes.append(box)
        if one.licensor in holders:
            lines.append(_down(holders[one.licensor], box, "licence"))
    return boxes, lines


def _given(row: GrantRow, names: Mapping[UUID, str]) -> Given:
    words = read_words(row.words)
    last = day_as_date(end_day(words) - 1)
    return Given(
        row.number, row.licensor_id, row.licensee_id, names[row.licensee_id], KIND_NAMES[kind_of(words)],
        day_as_date(start_day(words)).isoformat(), last.isoformat(), row.ended_at is not None,
    )  # fmt: skip


def _box(column: int, y: int, house: UUID, name: str, lines: tuple[Text, ...], kind: str) -> Box:
    short = name if len(name) <= _width_of(name) else f"{name[: _width_of(name) - 1]}…"
    return Box(LEFT + column * COLUMN, y, house, name, short, lines, kind)


def _width_of(name: str) -> int:
    """Return how many characters of a name a box takes: Latin ones are half as wide."""
    return _LONGEST_LATIN if name.isascii() else _LONGEST_NAME


def _down(start: Box, end: Box, kind: str) -> Line:
    half = BOX_WIDTH // 2
    return Line(start.x + half, start.y + BOX_HEIGHT, end.x + half, end.y, kind)
