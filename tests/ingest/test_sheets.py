"""Sheets as archivists write them, and what is wrong in them said cell by cell."""

from pathlib import Path

import openpyxl
import pytest

from asset_hub.catalogue import Secrecy
from asset_hub.core.edtf import BadDate
from ingest.dates import read_date
from ingest.errors import UnknownHeading, UnreadableSheet
from ingest.sheets import find_sheet, read_sheet

TEXT = (
    "题名,日期,区县,人物,密级,文件名\n朝天门码头,1983年5月,渝中区,张三；李四,公开,门.jpg\n"
    "坏日期,1983年13月,,,,\n,,,,,\n无区,,火星区,,,\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_rows_are_read_and_wrong_cells_named(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "目录.csv"
    path.write_bytes(TEXT.encode(encoding))

    good, bad_date, bad_place = read_sheet(path).rows

    assert [(v.element, v.value, v.code) for v in good.values] == [
        ("title", "朝天门码头", None), ("date", "1983-05", None), ("district", "渝中区", "500103"),
        ("people", "张三", None), ("people", "李四", None),
    ]  # fmt: skip
    assert (good.secrecy, good.file) == (Secrecy.OPEN, "门.jpg".encode())
    assert "目录.csv!B3" in str(bad_date.refusal)
    assert "火星区" in str(bad_place.refusal)


def test_a_workbook_keeps_sheet_and_row_as_the_place(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.create_sheet("照片", 0)
    first.append(["题名", "英文题名", "日期"])
    first.append(["夔门", "Kuimen Gate", "公元前316年"])
    second = book.create_sheet("影片")
    second.append(["title", "date"])
    second.append(["Ferry", "唐"])
    del book["Sheet"]
    book.save(tmp_path / "b.xlsx")

    rows = read_sheet(tmp_path / "b.xlsx").rows

    assert [row.key.decode() for row in rows] == ["照片!2", "影片!2"]
    assert [(v.value, v.lang) for v in rows[0].values] == [("夔门", "zh"), ("Kuimen Gate", "en"), ("-0315", None)]
    assert rows[1].values[1].value == "0618/0907"


def test_unknown_headings_refuse_the_whole_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("题名,火箭,蓝\na,b,c\n")
    with pytest.raises(UnknownHeading) as refused:
        read_sheet(tmp_path / "x.csv")
    assert refused.value.members == {"headings": ["火箭", "蓝"]}


def test_a_broken_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(UnreadableSheet):
        read_sheet(tmp_path / "x.xlsx")


def test_files_find_their_row_by_path_or_name_in_any_normal_form(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("题名,文件\nA,sub/é.jpg\nB,c.jpg\n")
    sheet = find_sheet(tmp_path)

    assert sheet is not None
    first, second = sheet.take(b"x/c.jpg"), sheet.take("sub/e\u0301.jpg".encode())
    assert first is sheet.rows[1]
    assert second is sheet.rows[0]
    assert sheet.take(b"c.jpg") is None


@pytest.mark.parametrize(
    ("written", "edtf"),
    [
        ("1983年5月2日", "1983-05-02"), ("1983/5/2", "1983-05-02"), ("1983", "1983"), ("公元前1年", "0000"),
        ("前300年", "-0299"), ("唐代", "0618/0907"), ("1930-05", "1930-05"), ("193X", "193X"), ("1984~", "1984~"),
    ],
)  # fmt: skip
def test_dates_as_people_write_them(written: str, edtf: str) -> None:
    assert read_date(written) == edtf


@pytest.mark.parametrize("written", ["昨天", "0年", "1983年2月30日", "99999", ""])
def test_what_is_no_date_is_refused(written: str) -> None:
    with pytest.raises(BadDate):
        read_date(written)
