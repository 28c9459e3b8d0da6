"""Re-checks a receipt: every row of it against database and files."""

import hashlib
import json
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from asset_hub.core.db import Database
from asset_hub.core.errors import BadInput
from asset_hub.core.files import BlobMissing, FileStore
from asset_hub.core.text import N_
from ingest.models import AccessionRow, ItemRow
from ingest.types import ItemStatus, show_bytes

_OUTCOMES = [status for status in ItemStatus if status != ItemStatus.WAITING]


def verify_receipt(database: Database, files: FileStore, content: bytes) -> list[str]:
    """Return what disagrees, in plain words; an empty list when all holds. Raises BadInput for no receipt at all."""
    receipt = _parse(content)
    problems = []
    if receipt["offered"] != sum(int(receipt.get(status, 0)) for status in _OUTCOMES):
        problems.append("offered is not accepted + duplicate + rejected + quarantined")
    with database.read() as session:
        accession = session.exec(select(AccessionRow).where(AccessionRow.number == receipt["accession"])).first()
        if accession is None:
            return [*problems, f"there is no intake {receipt['accession']} here"]
        if accession.receipt_sha256 not in (None, hashlib.sha256(content).hexdigest()):
            problems.append("the receipt is not the one that was issued")
        items = session.exec(select(ItemRow).where(col(ItemRow.accession_id) == accession.id)).all()
    stored = {show_bytes(item.key): item for item in items}
    if set(stored) != {row["path"] for row in receipt["rows"]}:
        problems.append("the rows are not those of the intake")
    for row in receipt["rows"]:
        problems += _check_row(row, stored.get(row["path"]), files)
    return problems


def _parse(content: bytes) -> dict[str, Any]:
    try:
        receipt: dict[str, Any] = json.loads(content)
        rows = [(row["path"], row["status"]) for row in receipt["rows"]]
        int(receipt["offered"]), receipt["accession"], rows
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(N_("This is no receipt.")) from error
    return receipt


def _check_row(row: dict[str, Any], item: ItemRow | None, files: FileStore) -> list[str]:
    if item is None:
        return []
    asset = UUID(row["asset"]) if row.get("asset") else None
    if (item.status, item.sha256, item.asset_id) != (row["status"], row.get("sha256"), asset):
        return [f"{row['path']}: recorded otherwise ({item.status})"]
    if item.sha256 is None or item.status == ItemStatus.REJECTED:
        return []
    digest = hashlib.sha256()
    try:
        for chunk in files.stream(item.sha256):
            digest.update(chunk)
    except BlobMissing:
        return [f"{row['path']}: its file is missing"]
    return [] if digest.hexdigest() == item.sha256 else [f"{row['path']}: its file has changed"]
