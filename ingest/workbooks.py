"""The receipt as a workbook: counts first, then a row for every thing offered, with its reason in words."""

import io
from collections.abc import Callable
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell

from asset_hub.core.text import N_
from ingest.reasons import read_reason
from ingest.types import STATUS_NAMES, ItemStatus, ItemView

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_HEADINGS = (N_("Path"), N_("Outcome"), N_("Reason"), N_("Detail"), N_("Asset"), "SHA-256", N_("Bytes"))


def write_receipt_workbook(
    receipt: dict[str, Any], items: tuple[ItemView, ...], numbers: dict[Any, str], translate: Callable[[str], str]
) -> bytes:
    """Return the receipt as XLSX in the reader's language; nothing a file was called can become a formula."""
    book = Workbook(write_only=True)
    counts = book.create_sheet(translate(N_("Receipt")))
    counts.append([_text(counts, translate(N_("Intake"))), _text(counts, receipt["accession"])])
    counts.append([_text(counts, translate(N_("Offered"))), receipt["offered"]])
    for status in ItemStatus:
        if status in receipt:
            counts.append([_text(counts, translate(STATUS_NAMES[status])), receipt[status]])
    rows = book.create_sheet(translate(N_("Rows")))
    rows.append([_text(rows, translate(heading)) for heading in _HEADINGS])
    for item in items:
        title = translate(item.reason["title"]) if item.reason else ""
        detail = read_reason(item.reason).render(translate) if item.reason else ""
        words = (item.path, translate(STATUS_NAMES[item.status]), title, detail,
                 numbers.get(item.asset_id, ""), item.sha256 or "")  # fmt: skip
        rows.append([*(_text(rows, word) for word in words), item.bytes_count])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _text(sheet: Any, text: str) -> Cell:
    cell: Cell = WriteOnlyCell(sheet, value="".join(c if c.isprintable() else " " for c in text))
    cell.data_type = "s"
    return cell
