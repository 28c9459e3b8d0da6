"""Commands of the stand-alone verifier: verifier write."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.standalone.packing import write_verifier

verifier = typer.Typer(help="The verifier that needs nothing of this exchange.", no_args_is_help=True)


@verifier.callback()
def _group() -> None:
    """Keep `write` a command of its own while there is only one."""


@verifier.command("write")
def write(
    target: Annotated[Path, typer.Argument(help="Where to write it: FILE.pyz, FILE.py or FILE.html.")],
) -> None:
    """Write the verifier as one file: for a bare Python (.pyz, .py) or for a browser without network (.html)."""
    write_verifier(target)
    print(target)
