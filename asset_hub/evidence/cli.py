"""Commands of evidence: evidence export, evidence verify, evidence record."""

import json
from pathlib import Path
from typing import Annotated, cast
from uuid import UUID

import typer
from sqlmodel import select

from asset_hub.accounts.acting import acting_person
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.files import replace_file
from asset_hub.core.home import home_of
from asset_hub.evidence.bundle import export_bundle
from asset_hub.evidence.capture import capture_of
from ledger.bundles import verify_bundle
from ledger.cli import LedgerHome, print_report
from ledger.pictured import fingerprint_file
from marketplace.errors import LicenceNotFound
from marketplace.models import LicenceRow

evidence = typer.Typer(help="Evidence of a licence for a court.", no_args_is_help=True)
By = Annotated[str, typer.Option("--by", help="Act as this person.")]


@evidence.command("export")
def export(
    context: typer.Context,
    licence: Annotated[str, typer.Argument(help="The licence: its id or its number.")],
    *,
    to: Annotated[Path | None, typer.Option(help="The zip to write; else evidence-NUMBER.zip here.")] = None,
    by: By = "",
) -> None:
    """Write the evidence bundle (证据包) of a delivered licence: proofs, records, and the program that checks them."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
    with home.database.read() as reading:
        name, content = export_bundle(
            reading, home.files, home.keys, licence_id=_licence(reading, licence), home=home.settings.home,
            issuer=home.settings.issuer, by=actor, now=clock.now(),
        )  # fmt: skip
    target = to or Path(name)
    replace_file(target, content)
    print(target)


@evidence.command("verify")
def verify(
    bundle: Annotated[Path, typer.Argument(help="The bundle (zip).", exists=True, dir_okay=False)],
    *,
    trust: Annotated[Path | None, typer.Option(help="Whom to trust.", exists=True, dir_okay=False)] = None,
    file: Annotated[Path | None, typer.Option(help="The delivered file.", exists=True, dir_okay=False)] = None,
    status: Annotated[
        Path | None, typer.Option(help="A newer status list than the bundle's.", exists=True, dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Check a bundle offline; exit 1 when a link fails. Needs no home."""
    report = verify_bundle(
        bundle, trust=trust.read_bytes() if trust else None, media=file, today=beijing_date(clock.now()),
        status=status.read_bytes() if status else None, fingerprint=fingerprint_file,
    )  # fmt: skip
    print_report(report, as_json=as_json)


@evidence.command("record")
def record(
    context: typer.Context, asset: Annotated[str, typer.Argument(help="The asset: its id or its number.")],
    *, by: By = "",
) -> None:  # fmt: skip
    """Print the capture record (固定记录) of an asset's file, and the shared part of its intake."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
    with home.database.read() as reading:
        _asset, shown = capture_of(reading, home.files, home.keys, asset=asset, by=actor, now=clock.now())
    print(json.dumps(shown, ensure_ascii=False, indent=1))


def _licence(session: ReadSession, text: str) -> UUID:
    statement = select(LicenceRow.id)
    if text.isascii() and text.isdigit():
        statement = statement.where(LicenceRow.number == int(text))
    else:
        try:
            statement = statement.where(LicenceRow.id == UUID(text))
        except ValueError as error:
            raise LicenceNotFound from error
    found = session.exec(statement).first()
    if found is None:
        raise LicenceNotFound
    return found
