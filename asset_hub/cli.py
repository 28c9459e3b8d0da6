"""The command line: each package brings its own commands, this file joins them and turns errors into exit codes.

Exit 0 done, 1 refused by a rule, 2 misuse, 3 a needed service is away.
"""

import json
import logging
import sys
from typing import Annotated

import typer

import ingest.cli
import ledger.cli
import marketplace.cli
import search.cli
from asset_hub.app import open_home
from asset_hub.core.errors import AssetHubError
from asset_hub.core.log import configure_logging
from asset_hub.core.settings import Settings
from asset_hub.demo import cli as demo
from asset_hub.operations import cli as operations

app = typer.Typer(name="asset-hub", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def start(
    context: typer.Context,
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every outcome.")] = False,
) -> None:
    """asset_hub: an exchange for cultural data and media rights."""
    context.obj = lambda: open_home(Settings())
    configure_logging(level=logging.INFO if verbose else logging.ERROR)


app.add_typer(demo.commands)
app.add_typer(operations.commands)
app.add_typer(operations.jobs, name="jobs")
app.add_typer(ingest.cli.commands)
app.add_typer(search.cli.commands)
app.add_typer(search.cli.index, name="index")
app.add_typer(marketplace.cli.commands)
app.add_typer(ledger.cli.ledger, name="ledger")
app.add_typer(ledger.cli.certificate, name="certificate")
app.add_typer(ingest.cli.receipts, name="receipt")


def main() -> None:
    """Run a command; our own errors become one line on standard error (or a problem document with --json)."""
    try:
        app()
    except AssetHubError as error:
        if "--json" in sys.argv:
            print(json.dumps({"error": error.slug, "detail": str(error), **error.members}, ensure_ascii=False))
        print(f"asset-hub: {error}", file=sys.stderr)
        sys.exit(3 if error.retryable else 1)


if __name__ == "__main__":
    main()
