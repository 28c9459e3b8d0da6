"""The tables of the standards: complete, sourced, and our own lists never pass as official."""

import pytest

from asset_hub.catalogue import load_table, name_of, places, related_places, table_names
from asset_hub.catalogue.errors import UnknownCode
from asset_hub.catalogue.tables import LIANGJIANG_CODE, OFFICIAL, OWN


def test_every_row_has_a_confidence_and_says_whose_it_is() -> None:
    assert len(table_names()) >= 35
    for name in table_names():
        rows = load_table(name).rows
        assert rows, name
        for row in rows:
            if name == "sources":
                continue
            assert row["status"] in (OFFICIAL, OWN), (name, row)
            assert row["confidence"] in ("high", "medium") or row["status"] == OWN, (name, row)


def test_sources_named_by_rows_are_listed() -> None:
    known = {row["key"] for row in load_table("sources").rows}
    named = {
        key
        for name in table_names()
        for row in load_table(name).rows
        for key in (row.get("source") or "").replace(";", " ").replace(",", " ").split()
    }

    assert len(named) > 20
    assert named <= known


def test_chongqing_has_its_38_districts_and_counties_and_the_new_area() -> None:
    official = [code for code in places() if code.isdigit()]

    assert len(official) == 38
    assert name_of("gbt2260_chongqing", "500103", "en") == "Yuzhong District"
    assert places()[LIANGJIANG_CODE].predecessors == ("500105", "500112")


def test_a_search_for_a_place_reaches_what_came_before_and_after() -> None:
    assert set(related_places("500105")) == {"500105", LIANGJIANG_CODE}
    assert set(related_places(LIANGJIANG_CODE)) == {LIANGJIANG_CODE, "500105", "500112"}
    with pytest.raises(UnknownCode):
        related_places("999999")
