"""Commands of intake: ingest, receipt verify."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from asset_hub.accounts import Actor, find_party, require_organisation
from asset_hub.accounts.acting import acting_person
from asset_hub.catalogue import Secrecy, find_collection, parse_secrecy
from asset_hub.catalogue.errors import RefusedSecrecy
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import AssetHubError
from asset_hub.core.home import Home, home_of
from asset_hub.core.text import N_
from ingest.accessions import (
    encode_receipt,
    has_open_jobs,
    hasten_unfinished,
    open_accession,
    receipt_of,
    seal_accession,
)
from ingest.folder import receive_folder, receive_rows, walk_folder
from ingest.receipts import verify_receipt
from ingest.sheets import Sheet, find_sheet, is_sheet, read_sheet
from ingest.types import AccessionId, Door, show_bytes

commands = typer.Typer()
receipts = typer.Typer(help="Receipts of intakes.", no_args_is_help=True)
_PAUSE = 0.3
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@commands.command()
def ingest(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A folder, a file, or a sheet of records (CSV, XLSX).", exists=True)],
    *,
    collection: Annotated[str, typer.Option(help="Name of the collection that takes it.")] = "",
    owner: Annotated[str, typer.Option(help="The organisation that owns it.")] = "",
    secrecy: Annotated[str, typer.Option(help="公开, 内部 or 未审.")] = "",
    plan: Annotated[bool, typer.Option("--plan", help="Say what would happen; change nothing.")] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Publish at once; needs --secrecy 公开.")] = False,
    receipt: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the receipt (JSON) to this file.")] = None,
    wait: Annotated[bool, typer.Option(help="Run the jobs to the end before printing.")] = True,
    by: Annotated[str, typer.Option("--by", help="Act as this person.")] = "",
    as_json: Json = False,
) -> None:
    """Bring in files and records; exit 0 when every row is accounted for."""
    _check_target(receipt)
    level = _ask_secrecy(secrecy)
    if publish and level != Secrecy.OPEN:
        raise RefusedSecrecy(N_("--publish needs --secrecy 公开: somebody has to say that it may be seen."))
    sheet = read_sheet(path) if is_sheet(path) else find_sheet(path)
    if plan:
        _print_plan(path, sheet, as_json=as_json)
        return
    home = home_of(context)
    with home.database.write() as session:
        owner_id = find_party(session, text=owner).id if owner else None
        actor = acting_person(session, login=by or home.settings.person, organisation_id=owner_id)
        accession_id = _open(session, actor, path, collection=collection, level=level, publish=publish)
    _receive(home, path, sheet, accession_id)
    if wait:
        _finish(home, accession_id)
    with home.database.read() as reading:
        outcome = receipt_of(reading, accession_id=accession_id, by=actor)
    if receipt is not None:
        receipt.write_bytes(encode_receipt(outcome))
    _print_receipt(outcome, as_json=as_json)
    if wait and outcome.get("waiting"):
        raise typer.Exit(1)


@receipts.command("verify")
def verify(
    context: typer.Context, file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], *, as_json: Json = False
) -> None:
    """Re-check a receipt against what is stored now; exit 1 when they disagree."""
    home = home_of(context)
    problems = verify_receipt(home.database, home.files, file.read_bytes())
    if as_json:
        print(json.dumps({"valid": not problems, "problems": problems}, ensure_ascii=False))
    else:
        print("\n".join(problems) or "the receipt agrees with what is stored")
    if problems:
        raise typer.Exit(1)


def _check_target(receipt: Path | None) -> None:
    """Refuse a place for the receipt that cannot be written, before anything is taken in."""
    if receipt is not None and not os.access(receipt if receipt.exists() else receipt.absolute().parent, os.W_OK):
        raise typer.BadParameter(f"“{receipt}” cannot be written.", param_hint="--receipt")


def _ask_secrecy(text: str) -> Secrecy:
    if text:
        return parse_secrecy(text)
    if sys.stdin.isatty() and sys.stderr.isatty():
        return parse_secrecy(typer.prompt("密级 (公开 / 内部 / 未审)", default="未审", err=True))
    return Secrecy.UNREVIEWED


def _open(
    session: WriteSession, actor: Actor, path: Path, *, collection: str, level: Secrecy, publish: bool
) -> AccessionId:
    owner_id = require_organisation(actor)
    hasten_unfinished(session, owner_id=owner_id, source=str(path.resolve()), by=actor, now=clock.now())
    collection_id = find_collection(session, owner_id=owner_id, name=collection).id if collection else None
    return open_accession(
        session, owner_id=owner_id, door=Door.SHEET if is_sheet(path) else Door.FOLDER, secrecy=level,
        collection_id=collection_id, source=str(path.resolve()), publish=publish, by=actor, now=clock.now(),
    )  # fmt: skip


def _receive(home: Home, path: Path, sheet: Sheet | None, accession_id: AccessionId) -> None:
    def progress(count: int) -> None:
        print(f"\r{count}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr)

    if is_sheet(path) and sheet is not None and not sheet.names_files:
        receive_rows(home.database, sheet, accession_id=accession_id, now=clock.now())
    else:
        root = path.parent if is_sheet(path) else path
        receive_folder(
            home.database,
            home.files,
            root,
            accession_id=accession_id,
            sheet=sheet,
            on_progress=progress,
            now=clock.now(),
        )
    with home.database.write() as session:
        seal_accession(session, accession_id=accession_id, files=home.files, now=clock.now())


def _finish(home: Home, accession_id: AccessionId) -> None:
    """Work, and wait for other workers, until no row of the intake can come any further."""
    home.run_jobs()
    while True:
        with home.database.read() as reading:
            if not has_open_jobs(reading, accession_id=accession_id):
                return
        time.sleep(_PAUSE)
        home.run_jobs()


def _print_plan(path: Path, sheet: Sheet | None, *, as_json: bool) -> None:
    """Say what would be offered and which rows would be refused; the same reading as the real run."""
    rows: list[dict[str, object]] = []
    if not is_sheet(path):
        for found in walk_folder(path):
            row = sheet.take(found.key) if sheet is not None else None
            refusal = found.refusal or (row.refusal if row else None)
            rows.append(_plan_row(show_bytes(found.key), refusal))
    rows += [
        _plan_row(show_bytes(row.key), row.refusal or (None if is_sheet(path) else row.missing_file()))
        for row in (sheet.left_over() if sheet is not None else ())
    ]
    refused = sum(row["status"] == "rejected" for row in rows)
    if as_json:
        print(json.dumps({"offered": len(rows), "rejected": refused, "rows": rows}, ensure_ascii=False))
    else:
        print(f"{len(rows)} would be offered, {refused} refused")
        print("\n".join(f"{row['path']}: {row['detail']}" for row in rows if row["status"] == "rejected"))
    if refused:
        raise typer.Exit(1)


def _plan_row(path: str, refusal: AssetHubError | None) -> dict[str, object]:
    return {
        "path": path,
        "status": "rejected" if refusal else "offered",
        "reason": refusal.slug if refusal else None,
        "detail": str(refusal) if refusal else None,
    }


def _print_receipt(outcome: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(outcome, ensure_ascii=False))
        return
    print(
        f"{outcome['accession']}: {outcome['offered']} offered = {outcome['accepted']} accepted + "
        f"{outcome['duplicate']} duplicate + {outcome['rejected']} rejected + {outcome['quarantined']} quarantined"
    )
    if outcome.get("waiting"):
        print(f"  {outcome['waiting']} still waiting: asset-hub jobs list --state failed, then bring the same in again")
    for row in outcome["rows"]:
        if row["status"] != "accepted":
            print(f"  {row['status']:<12} {row['path']}: {row['detail']}")
