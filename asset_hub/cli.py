"""The command line: each package brings its own commands, this file joins them and turns errors into exit codes.

Exit 0 done, 1 refused by a rule, 2 misuse, 3 a needed service is away.
"""

import io
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError

import asset_hub.accounts.cli
import asset_hub.catalogue.cli
import asset_hub.evidence.cli
import ingest.cli
import ledger.attest_cli
import ledger.case_cli
import ledger.chain_cli
import ledger.cli
import ledger.confirmation_cli
import ledger.deed_cli
import ledger.key_cli
import ledger.office_cli
import ledger.standalone.cli
import marketplace.cli
import marketplace.hold_cli
import marketplace.order_cli
import marketplace.sublicence_cli
import search.cli
from asset_hub.app import PERMISSIONS, open_home
from asset_hub.core.errors import AssetHubError
from asset_hub.core.log import configure_logging
from asset_hub.core.settings import Settings
from asset_hub.demo import cli as demo
from asset_hub.operations import cli as operations

_PATIENCE_S = 60.0  # a person at a terminal waits for a few blocks of a network, and not for one that stands still
_ACTIONS = tuple(permission.action for permission in PERMISSIONS if not permission.is_public)
app = typer.Typer(name="asset-hub", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def start(
    context: typer.Context,
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every outcome.")] = False,
) -> None:
    """asset_hub: an exchange for cultural data and media rights."""
    context.obj = lambda: open_home(Settings(), patience_s=_PATIENCE_S)
    configure_logging(level=logging.INFO if verbose else logging.ERROR)


app.add_typer(demo.commands)
app.add_typer(operations.commands)
app.add_typer(operations.jobs, name="jobs")
app.add_typer(operations.stored, name="files")
app.add_typer(operations.secret, name="secret")
app.add_typer(ingest.cli.commands)
app.add_typer(asset_hub.catalogue.cli.assets, name="asset")
app.add_typer(asset_hub.catalogue.cli.collections, name="collection")
app.add_typer(search.cli.commands)
app.add_typer(search.cli.index, name="index")
app.add_typer(marketplace.cli.commands)
app.add_typer(ledger.chain_cli.ledger, name="ledger")
ledger.chain_cli.ledger.add_typer(ledger.office_cli.key, name="key")
ledger.chain_cli.ledger.add_typer(ledger.office_cli.role, name="role")
app.add_typer(ledger.cli.certificate, name="certificate")
app.add_typer(ledger.standalone.cli.verifier, name="verifier")
app.add_typer(ledger.attest_cli.attest, name="attest")
app.add_typer(ledger.attest_cli.sm2, name="sm2")
app.add_typer(ledger.deed_cli.commands, name="deed")
app.add_typer(asset_hub.evidence.cli.evidence, name="evidence")
app.add_typer(ledger.key_cli.commands, name="key")
app.add_typer(ledger.confirmation_cli.commands, name="confirm")
app.add_typer(marketplace.hold_cli.holds, name="hold")
app.add_typer(marketplace.order_cli.commands, name="order")
app.add_typer(marketplace.sublicence_cli.commands, name="sublicence")
app.add_typer(ledger.case_cli.dispute, name="dispute")
app.add_typer(ledger.case_cli.statement, name="statement")
app.add_typer(ingest.cli.receipts, name="receipt")
app.add_typer(asset_hub.accounts.cli.organisations, name="org")
app.add_typer(asset_hub.accounts.cli.people, name="person")
app.add_typer(asset_hub.accounts.cli.token_commands(_ACTIONS), name="token")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; every refusal becomes one line on standard error (or a problem document with --json)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _allow_any_name()
    try:
        app(args=given)
    except AssetHubError as error:
        _end(given, error.slug, str(error), 3 if error.retryable else 1, error.members)
    except UnicodeError as error:
        _end(given, "bad-input", f"an argument is not text: {error}", 2)
    except ValidationError as error:
        _end(given, "bad-setting", "; ".join(_setting(fault) for fault in error.errors()), 2)
    except ArgumentError as error:
        _end(given, "bad-setting", f"ASSET_HUB_DATABASE_URL: {error}", 2)
    except (OperationalError, InterfaceError) as error:
        _end(given, "unavailable", f"the database does not answer: {error.orig}", 3)
    except OSError as error:
        _end(given, "file-error", f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), 1)


def _allow_any_name() -> None:
    """Print what is no text as escapes: names of files are bytes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end(
    given: Sequence[str], slug: str, detail: str, code: int, members: Mapping[str, object] | None = None
) -> NoReturn:
    if "--json" in given:
        print(json.dumps({"error": slug, "detail": detail, **(members or {})}, ensure_ascii=False))
    print(f"asset-hub: {detail}", file=sys.stderr)
    sys.exit(code)


def _setting(fault: ErrorDetails) -> str:
    name = "_".join(str(part) for part in fault["loc"]).upper()
    return f"ASSET_HUB_{name}: {fault['msg']}"


if __name__ == "__main__":
    main()
