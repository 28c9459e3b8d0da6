"""The command demo: one table, then the site; or figures as JSON."""

import json
import sys
from pathlib import Path
from typing import Annotated, cast

import typer

from asset_hub.app import Services
from asset_hub.core.home import home_of
from asset_hub.demo.path import Step, Walk, walk_path
from asset_hub.operations.cli import serve_until_stopped

commands = typer.Typer()
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@commands.command()
def demo(
    context: typer.Context,
    *,
    serve: Annotated[bool, typer.Option(help="Serve the site afterwards, until stopped.")] = True,
    media: Annotated[Path | None, typer.Option(help="Use this folder instead of the drawn collection.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    as_json: Json = False,
) -> None:
    """Draw the demo collection, walk the whole path with it, print one table, then serve."""
    services = cast(Services, home_of(context))
    walk = Walk(services, services.settings.home.resolve() / "demo", media, on_step=_show)
    walk_path(walk)
    if as_json:
        steps = [
            {"name": s.name, "seconds": s.seconds, "count": s.count, "detail": str(s.detail), "where": s.where}
            for s in walk.steps
        ]
        licence = {"id": str(walk.licence.id)} if walk.licence else None
        print(json.dumps({"steps": steps, "files": walk.files, "licence": licence}, ensure_ascii=False))
    if serve:
        serve_until_stopped(services, host=host, port=port)


def _show(step: Step) -> None:
    print(f"{step.seconds:7.2f} s  {step.name:<26} {step.detail}  {step.where}", file=sys.stderr)
