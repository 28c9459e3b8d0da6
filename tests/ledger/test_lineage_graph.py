"""The drawing of a chain of title: every house and act in its place, nothing on top of another."""

from datetime import UTC, datetime
from itertools import combinations
from uuid import NAMESPACE_OID, UUID, uuid5

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.lineage import Generation, Group, Part
from ledger.lineage_graph import BOX_HEIGHT, BOX_WIDTH, Box, Given, draw_lineage
from ledger.types import DeedKind

AT = datetime(2026, 11, 29, tzinfo=UTC)
NAMES = (
    "山城影像档案馆",
    "嘉陵纪录片工作室",
    "山城银行",
    "江声影视有限公司",
    "A house with a name that is far too long for a box",
)


def id_of(name: str) -> UUID:
    return uuid5(NAMESPACE_OID, name)


def generation(
    kind: DeedKind, *holders: str, moved: tuple[str, str] | None = None, pledges: tuple[tuple[str, str], ...] = ()
) -> Generation:
    parts = tuple(Part(name, 100 / len(holders), 0, place, id_of(name)) for place, name in enumerate(holders))
    groups = (Group((("复制权", "Reproduction"),), True, parts),)
    giver, taker = moved or ("", "")
    return Generation(
        kind, AT, 7, "ab" * 32, giver, taker, groups, pledges, (id_of(giver), id_of(taker)) if moved else None,
        tuple((id_of(pledgor), id_of(pledgee)) for pledgor, pledgee in pledges),
    )  # fmt: skip


def licence(number: int, licensor: str, licensee: str, *, ended: bool = False) -> Given:
    return Given(number, id_of(licensor), id_of(licensee), licensee, "Sole", "2026-12-01", "2027-11-30", ended)


def test_no_title_has_no_drawing() -> None:
    assert draw_lineage((), (licence(1, NAMES[0], NAMES[3]),)) is None


def test_record_transfer_pledge_and_licence_are_drawn() -> None:
    first, second, bank, buyer, _ = NAMES
    graph = draw_lineage(
        (
            generation(DeedKind.RECORD, first),
            generation(DeedKind.TRANSFER, first, second, moved=(first, second)),
            generation(DeedKind.PLEDGE, first, second, moved=(first, bank), pledges=((first, bank),)),
        ),
        (licence(1, first, buyer), licence(2, second, buyer, ended=True)),
    )

    assert graph is not None
    assert [one.whole for one in graph.boxes if one.kind == "holder"] == [first, first, second, first, second]
    assert [one.whole for one in graph.boxes if one.kind == "pledgee"] == [bank]
    assert [(one.whole, one.kind) for one in graph.boxes[-2:]] == [(buyer, "licence"), (buyer, "ended")]
    kinds = [one.kind for one in graph.lines]
    assert (kinds.count("transfer"), kinds.count("pledge"), kinds.count("licence"), kinds.count("held")) == (1, 1, 2, 3)
    assert len(graph.rows) == 3


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True), min_size=1, max_size=6),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=6),
)
def test_no_two_boxes_lie_on_each_other_and_all_lie_inside(held: list[list[str]], sold: list[tuple[str, str]]) -> None:
    generations = [
        generation(DeedKind.PLEDGE, *names, pledges=((names[0], NAMES[2]),) if names[0] != NAMES[2] else ())
        for names in held
    ]

    graph = draw_lineage(generations, [licence(number, *sides) for number, sides in enumerate(sold, start=1)])

    assert graph is not None
    assert not any(touch(a, b) for a, b in combinations(graph.boxes, 2))
    assert all(box.x + BOX_WIDTH <= graph.width and box.y + BOX_HEIGHT <= graph.height for box in graph.boxes)
    assert all(len(box.name) <= (22 if box.whole.isascii() else 13) for box in graph.boxes)


def touch(a: Box, b: Box) -> bool:
    return abs(a.x - b.x) < BOX_WIDTH and abs(a.y - b.y) < BOX_HEIGHT
