"""Commands of third-party attestation and of keys under a passphrase: attest, sm2."""

import json
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from asset_hub.accounts import get_party
from asset_hub.core import clock
from asset_hub.core.events import emit
from asset_hub.core.home import home_of
from asset_hub.core.sealed import read_passphrase, read_sealed, write_sealed
from ledger.attest import (
    StampAuthority,
    attestation_for,
    countersign,
    keep_attestation,
    read_countersignature,
    state_day,
)
from ledger.certificates import attest_certificate
from ledger.cli import LedgerHome
from ledger.events import DayAttested
from ledger.house_keys import house_that_countersigns
from ledger.signing import Key
from ledger.sm_keys import make_sm2_key, sm2_signer_of

attest = typer.Typer(help="Third parties' word on a day of the ledger.", no_args_is_help=True)
sm2 = typer.Typer(help="The SM2 key of this home, under a passphrase.", no_args_is_help=True)
_KIND = "countersignature"
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The day, in Beijing.")]

Statement = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A day's statement.")]


@attest.command("statement")
def write_statement(context: typer.Context, day: Day, target: Annotated[Path, typer.Argument()]) -> None:
    """Write the statement of a day that has ended, for members to countersign."""
    with home_of(context).database.read() as session:
        target.write_text(state_day(session, day=day.date(), now=clock.now()), encoding="utf-8")
    typer.echo(target)


@attest.command("stamp")
def stamp(
    context: typer.Context, statement: Statement, url: Annotated[str, typer.Option(help="The authority's address.")]
) -> None:
    """Have a day's statement stamped by an authority (RFC 3161) and keep the stamp in the home."""
    text = statement.read_text(encoding="utf-8")
    _keep(cast(LedgerHome, home_of(context)), text, stamp=StampAuthority(url).stamp(text))


@attest.command("new-key")
def new_key(target: Annotated[Path, typer.Argument(help="Where to write the sealed key.")]) -> None:
    """Make a member's countersigning key under its passphrase, on the member's own computer; needs no home."""
    key = Key(secrets.token_bytes(32))
    write_sealed(target, key.secret, kind=_KIND, passphrase=read_passphrase(os.environ))
    typer.echo(key.address.hex())


@attest.command("countersign")
def write_countersignature(
    statement: Statement,
    key: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A key made by new-key.")],
    target: Annotated[Path, typer.Argument()],
) -> None:
    """Countersign a day's statement on the member's own computer; needs no home."""
    secret = read_sealed(key, kind=_KIND, passphrase=read_passphrase(os.environ))
    signed = countersign(Key(secret), statement.read_text(encoding="utf-8"), now=clock.now())
    target.write_text(json.dumps(signed, sort_keys=True), encoding="utf-8")
    typer.echo(target)


@attest.command("add")
def add(
    context: typer.Context, statement: Statement,
    countersignature: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
) -> None:  # fmt: skip
    """Keep a member's countersignature of a day's statement in the home."""
    signed = read_countersignature(countersignature.read_bytes())
    home = cast(LedgerHome, home_of(context))
    _keep(home, statement.read_text(encoding="utf-8"), countersignatures=[signed])
    with home.database.read() as session:
        house = house_that_countersigns(session, address=bytes.fromhex(signed["address"]), now=clock.now())
        name = get_party(session, organisation_id=house).name_zh if house else ""
    typer.echo(f"by {name}, by a key of its own" if name else "by a key that no house has on the ledger for this")


@attest.command("certificate")
def certificate(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A certificate of this exchange.")],
    target: Annotated[Path, typer.Argument()],
) -> None:
    """Write a certificate again with what third parties attest of its days, signed anew."""
    home = cast(LedgerHome, home_of(context))
    folder, content = home.settings.home, source.read_bytes()
    signer = sm2_signer_of(folder, home.keys, environ=os.environ)
    with home.database.read() as session:
        attestation = attestation_for(session, folder, content)
        target.write_bytes(
            attest_certificate(session, home.keys, content, attestation=attestation, now=clock.now(), sm2=signer)
        )
    typer.echo(target)


def _keep(home: LedgerHome, statement: str, **word: Any) -> None:
    """Keep a third party's word on a day, and tell those whose certificates can carry it now."""
    kept = keep_attestation(home.settings.home, statement, **word)
    with home.database.write() as session:
        emit(session, DayAttested(kept.stem))
    typer.echo(kept)


@sm2.command("new-key")
def new_sm2_key(context: typer.Context) -> None:
    """Make this home's SM2 key under the passphrase of the environment; print its public half."""
    typer.echo(make_sm2_key(home_of(context).settings.home, passphrase=read_passphrase(os.environ)).hex())
