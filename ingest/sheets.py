"""The sheet door: CSV (UTF-8 or GB18030) and XLSX with known headings in Chinese, English or Dublin Core.

Every row keeps its place (sheet and row number) as its key, so that a corrected sheet converges.
"""

import csv
import io
import os
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
from openpyxl.utils import get_column_letter

from asset_hub.catalogue import ElementValue, Secrecy, parse_secrecy, places
from asset_hub.core.errors import AssetHubError
from asset_hub.core.text import N_, Text
from ingest.dates import read_date
from ingest.errors import FileNotListed, RowRefused, UnknownHeading, UnreadableSheet, WrongCell

_MAX_ROWS = 200_000
_MAX_UNPACKED = 1 << 30
_MAX_CELL = 20_000

HEADINGS: Mapping[str, tuple[str, str | None]] = {
    **dict.fromkeys(("题名", "标题", "名称", "正题名", "中文题名", "title", "dc:title", "dc.title"), ("title", None)),
    **dict.fromkeys(("英文题名", "并列题名", "title_en", "title (en)", "english title"), ("title", "en")),
    **dict.fromkeys(
        ("责任者", "创作者", "作者", "摄影者", "导演", "creator", "dc:creator", "dc.creator"), ("creator", None)
    ),
    **dict.fromkeys(("其他责任者", "contributor", "dc:contributor"), ("contributor", None)),
    **dict.fromkeys(("主题", "关键词", "主题词", "subject", "keywords", "dc:subject"), ("subject", None)),
    **dict.fromkeys(("描述", "摘要", "内容提要", "内容描述", "description", "dc:description"), ("description", None)),
    **dict.fromkeys(("英文描述", "description_en", "description (en)"), ("description", "en")),
    **dict.fromkeys(("日期", "形成时间", "形成日期", "拍摄时间", "时间", "date", "dc:date", "created"), ("date", None)),
    **dict.fromkeys(("地点", "拍摄地点", "地名", "place", "coverage", "dc:coverage"), ("place", None)),
    **dict.fromkeys(("区县", "district"), ("district", None)),
    **dict.fromkeys(("人物", "people", "person"), ("people", None)),
    **dict.fromkeys(("英文人物", "people_en", "people (en)"), ("people", "en")),
    **dict.fromkeys(("语种", "语言", "language", "dc:language"), ("language", None)),
    **dict.fromkeys(("权利说明", "版权", "rights", "dc:rights"), ("rights_statement", None)),
    **dict.fromkeys(("档号", "编号", "identifier", "dc:identifier"), ("identifier", None)),
    **dict.fromkeys(("类型", "type", "dc:type"), ("type", None)),
    **dict.fromkeys(("来源", "source", "dc:source"), ("provenance", None)),
    **dict.fromkeys(("密级", "secrecy"), ("secrecy", None)),
    **dict.fromkeys(("文件名", "文件", "路径", "file", "filename", "path"), ("file", None)),
}


@dataclass(slots=True)
class SheetRow:
    """One row: its place as key, what it says, which file it describes, or why it is refused."""

    key: bytes
    values: tuple[ElementValue, ...] = ()
    secrecy: Secrecy | None = None
    file: bytes | None = None
    refusal: AssetHubError | None = None
    taken: bool = False

    def missing_file(self) -> AssetHubError | None:
        """Return a refusal when the row names a file that nobody offered."""
        if self.file is None:
            return None
        return FileNotListed(N_("“{name}” is not in the folder."), name=self.file.decode("utf-8", "replace"))


@dataclass(slots=True)
class Sheet:
    """A read sheet."""

    path: Path
    rows: list[SheetRow] = field(default_factory=list)
    _by_name: dict[bytes, list[SheetRow]] = field(default_factory=dict)

    @property
    def names_files(self) -> bool:
        return any(row.file is not None for row in self.rows)

    def take(self, key: bytes) -> SheetRow | None:
        """Return the row that describes this file, by its path or else its name, compared in NFC."""
        if not self._by_name:
            for row in self.rows:
                if row.file is not None:
                    self._by_name.setdefault(row.file, []).append(row)
        for name in (_comparable(key), _comparable(key.rpartition(b"/")[2])):
            for row in self._by_name.get(name, ()):
                if not row.taken:
                    row.taken = True
                    return row
        return None

    def left_over(self) -> Iterator[SheetRow]:
        return (row for row in self.rows if not row.taken)


def is_sheet(path: Path) -> bool:
    """Say whether a path looks like a sheet of records."""
    return path.is_file() and path.suffix.lower() in (".csv", ".xlsx")


def find_sheet(folder: Path) -> Sheet | None:
    """Return the one sheet at the top of a folder that names files in a known column; others are ordinary files."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if is_sheet(path):
            try:
                sheet = read_sheet(path)
            except (UnknownHeading, UnreadableSheet):
                continue
            if sheet.names_files:
                return sheet
    return None


def read_sheet(path: Path) -> Sheet:
    """Read every row. Raises UnknownHeading (naming them), UnreadableSheet; a wrong cell refuses only its row."""
    sheet = Sheet(path)
    for name, lines in _tables(path):
        rows = iter(lines)
        headings = _read_headings(next(rows, (0, []))[1], name)
        for number, cells in rows:
            if any(cell.strip() for cell in cells):
                sheet.rows.append(_read_row(name, number, headings, cells))
            if len(sheet.rows) > _MAX_ROWS:
                raise UnreadableSheet(N_("More than {limit} rows."), limit=_MAX_ROWS)
    return sheet


def _tables(path: Path) -> Iterable[tuple[str, Iterable[tuple[int, list[str]]]]]:
    if path.suffix.lower() == ".csv":
        return [(path.name, enumerate(csv.reader(io.StringIO(_decode(path.read_bytes()))), start=1))]
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_UNPACKED:
                raise UnreadableSheet(N_("The workbook unpacks to more than {limit} bytes."), limit=_MAX_UNPACKED)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, OSError, KeyError, ValueError) as error:
        raise UnreadableSheet(N_("It is no sound workbook: {reason}"), reason=error) from error
    return [(sheet.title, _xlsx_rows(sheet)) for sheet in book.worksheets]


def _xlsx_rows(sheet: object) -> Iterator[tuple[int, list[str]]]:
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):  # type: ignore[attr-defined]
        yield number, ["" if cell is None else str(cell) for cell in cells]


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableSheet(N_("The text is neither UTF-8 nor GB18030."))


def _read_headings(cells: list[str], name: str) -> list[tuple[str, str | None] | None]:
    known = [HEADINGS.get(cell.strip().lower()) if cell.strip() else None for cell in cells]
    unknown = [cell.strip() for cell, found in zip(cells, known, strict=True) if cell.strip() and found is None]
    if unknown or not any(known):
        raise UnknownHeading(
            N_("“{sheet}” has headings that are not known: {headings}."), sheet=name,
            headings="、".join(unknown) or "–",             members={"headings": unknown},
        )  # fmt: skip
    return known


def _read_row(name: str, number: int, headings: list[tuple[str, str | None] | None], cells: list[str]) -> SheetRow:
    row = SheetRow(key=f"{name}!{number}".encode())
    values: list[ElementValue] = []
    wrong: list[Text] = []
    for index, (heading, cell) in enumerate(zip(headings, cells, strict=False)):
        text = unicodedata.normalize("NFC", cell).strip()
        if heading is None or not text:
            continue
        try:
            _read_cell(row, values, heading, text)
        except AssetHubError as error:
            cell = f"{name}!{get_column_letter(index + 1)}{number}"
            wrong.append(Text(N_("{cell}: {reason}"), {"cell": cell, "reason": error.text}))
    if wrong:
        row.refusal = WrongCell(N_("{cells}"), cells=_joined(wrong))
    if row.refusal is None and row.file is None and not any(value.element == "title" for value in values):
        row.refusal = WrongCell(N_("Row {row} has no title."), row=number)
    row.values = tuple(values)
    return row


def _joined(texts: list[Text]) -> Text:
    first, *others = texts
    return Text(N_("{first}; {others}"), {"first": first, "others": _joined(others)}) if others else first


def _read_cell(row: SheetRow, values: list[ElementValue], heading: tuple[str, str | None], text: str) -> None:
    element, lang = heading
    if len(text) > _MAX_CELL:
        raise RowRefused(N_("More than {limit} characters."), limit=_MAX_CELL)
    if element == "secrecy":
        row.secrecy = parse_secrecy(text)
    elif element == "file":
        row.file = _comparable(os.fsencode(text.replace("\\", "/")))
    elif element == "date":
        values.append(ElementValue("date", read_date(text), "sheet"))
    elif element == "district":
        values.append(_district(text))
    elif element in ("subject", "people", "creator", "contributor"):
        values += [ElementValue(element, part, "sheet", _language(part)) for part in _split(text)]
    else:
        values.append(ElementValue(element, text, "sheet", lang or _language(text)))


def _district(text: str) -> ElementValue:
    for code, place in places().items():
        if text in (code, place.name_zh, place.name_en, place.name_zh.rstrip("区县")):
            return ElementValue("district", place.name_zh, "sheet", "zh", code=code)
    raise RowRefused(N_("“{text}” is no district or county of Chongqing."), text=text)


def _split(text: str) -> list[str]:
    for mark in "；;、|":
        text = text.replace(mark, "\n")
    return [part.strip() for part in text.split("\n") if part.strip()]


def _language(text: str) -> str:
    return "zh" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en"


def _comparable(name: bytes) -> bytes:
    try:
        return unicodedata.normalize("NFC", name.decode()).encode()
    except UnicodeDecodeError:
        return name
