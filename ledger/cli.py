"""Commands about certificates: certificate verify, fingerprint, trust, status; how a verifier's report is printed."""

import json
from pathlib import Path
from typing import Annotated, Protocol, cast

import typer
from sqlmodel import col, select

from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.errors import BadInput
from asset_hub.core.files import replace_file
from asset_hub.core.home import Home, home_of
from asset_hub.core.text import N_
from ledger.bundles import is_bundle
from ledger.errors import EntryNotFound
from ledger.models import GrantRow
from ledger.pictured import fingerprint_file
from ledger.signing import HomeKeys, Office, recover_address
from ledger.vault import addresses_of
from ledger.verifier import STATUS_TYPE, Report, signing_digest, verify_certificate

certificate = typer.Typer(help="Certificates of licences.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
_MARKS = {True: "ok  ", False: "FAIL", None: "–   "}


class LedgerHome(Home, Protocol):
    """A home with the operator's keys."""

    @property
    def keys(self) -> HomeKeys: ...


@certificate.command("verify")
def verify_one(
    path: Annotated[Path, typer.Argument(help="The certificate (JSON).", exists=True, dir_okay=False)],
    *,
    file: Annotated[Path | None, typer.Option(help="The delivered file.", exists=True, dir_okay=False)] = None,
    trust: Annotated[Path | None, typer.Option(help="Whom to trust.", exists=True, dir_okay=False)] = None,
    status: Annotated[Path | None, typer.Option(help="A status list.", exists=True, dir_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """Check a certificate offline; exit 1 when a link fails. Needs no home."""
    if is_bundle(path):
        raise BadInput(N_("This is an evidence bundle: asset-hub evidence verify checks it."))
    report = verify_certificate(
        path.read_bytes(), media=file, trust=trust.read_bytes() if trust else None,
        status=status.read_bytes() if status else None, today=beijing_date(clock.now()), fingerprint=fingerprint_file,
    )  # fmt: skip
    print_report(report, as_json=as_json)


def print_report(report: Report, *, as_json: bool) -> None:
    """Print what a verifier found, and a sentence on all of it. Raises Exit with 1 when a link fails."""
    if as_json:
        checks = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in report.checks]
        print(json.dumps({"valid": report.is_valid, "checks": checks}, ensure_ascii=False))
    else:
        for check in report.checks:
            print(f"{_MARKS[check.ok]}  {check.name:<18} {check.detail}")
        print(_sentence(report))
    if not report.is_valid:
        raise typer.Exit(1)


def _sentence(report: Report) -> str:
    if not report.is_valid:
        return "NOT valid"
    unchecked = [check.name for check in report.checks if check.ok is None]
    return "what was checked holds" + (f"; not checked: {', '.join(unchecked)}" if unchecked else "")


@certificate.command("fingerprint")
def show_fingerprint(
    path: Annotated[Path, typer.Argument(help="A picture.", exists=True, dir_okay=False)],
) -> None:
    """Print a picture's fingerprint (相似指纹), for a verifier that cannot read the picture; needs no home."""
    found = fingerprint_file(path)
    if not found:
        raise BadInput(N_("This is no picture that can be read, or nothing is on it."))
    print(found)


@certificate.command("trust")
def write_trust(context: typer.Context, target: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write the trust file of this exchange: its operator's address and its chain's genesis."""
    from ledger.certificates import trust_file

    home = cast(LedgerHome, home_of(context))
    with home.database.read() as session:
        target.write_bytes(trust_file(session, home.keys, issuer_name=home.settings.issuer))
    print(target)


@certificate.command("status")
def write_status(
    context: typer.Context,
    target: Annotated[
        Path, typer.Argument(help="Where to write it; what an earlier list there revokes stays revoked.")
    ],
    *,
    revoke: Annotated[list[int] | None, typer.Option(help="Number of a revoked licence; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Write the dated, signed list of revoked licences, for `certificate verify --status`."""
    from ledger.verdicts import own_status_list

    home = cast(LedgerHome, home_of(context))
    revoked = set(revoke or ())
    with home.database.read() as session:
        known = set(session.exec(select(GrantRow.number).where(col(GrantRow.number).in_(revoked))))
    if revoked - known:
        raise EntryNotFound(N_("There is no licence No. {number}."), number=min(revoked - known))
    if target.exists():
        with home.database.read() as session:
            own = {home.keys.first.operator.address, *addresses_of(session, Office.OPERATOR)}
        revoked |= _revoked_before(target.read_bytes(), own)
    with home.database.read() as session:
        replace_file(target, own_status_list(session, home.keys, revoked=sorted(revoked), now=clock.now()))
    print(json.dumps({"file": str(target.resolve()), "revoked": sorted(revoked)}) if as_json else target)


def _revoked_before(content: bytes, own: set[bytes]) -> set[int]:
    """Return what an earlier list revokes. Raises BadInput for a list that we did not sign."""
    try:
        listed = json.loads(content)
        signer = recover_address(signing_digest(listed), bytes.fromhex(listed["signature"]))
        if listed["type"] == STATUS_TYPE and signer in own:
            return {int(number) for number in listed["revoked"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise BadInput(N_("The file there is no status list of this exchange."))
