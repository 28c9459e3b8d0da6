"""Commands of the operator: init, serve, work, doctor, jobs, files, secret."""

import json
import os
import socket
import sys
import threading
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import segno
import typer
import uvicorn

from asset_hub.app import FILES_KEPT, NIGHTLY, Services, all_jobs, create_app, open_home
from asset_hub.core import clock
from asset_hub.core.errors import Unavailable
from asset_hub.core.home_secret import seal_home, unseal_home
from asset_hub.core.jobs import JobRow, JobState, Worker, list_jobs, retry_job
from asset_hub.core.nightly import plan_nights
from asset_hub.core.sealed import read_passphrase
from asset_hub.core.settings import Settings
from asset_hub.core.text import N_
from asset_hub.operations.doctor import examine
from asset_hub.operations.sweep import LEAST_AGE, plan_sweep, sweep_files

commands = typer.Typer()
jobs = typer.Typer(help="Jobs: running, failed, retry.", no_args_is_help=True)
stored = typer.Typer(help="Stored files: remove what nothing refers to.", no_args_is_help=True)
secret = typer.Typer(
    help="The home's secret, from which its keys come: plain, or under a passphrase.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


class PortTaken(Unavailable):
    """Another program listens where the site should be."""

    slug, title = "port-taken", N_("The port is taken")


_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@commands.command()
def init(*, as_json: Json = False) -> None:
    """Create or migrate the home (ASSET_HUB_HOME, default ./var)."""
    services = open_home(Settings())
    home = str(services.settings.home.resolve())
    print(json.dumps({"home": home}) if as_json else f"home: {home}")


@commands.command()
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Serve the pages and run the jobs, until stopped."""
    serve_until_stopped(open_home(Settings()), host=host, port=port)


def serve_until_stopped(services: Services, *, host: str, port: int) -> None:
    """Print where to look, then serve; on other than loopback also the address for the local network as a QR code.

    Raises PortTaken.
    """
    _require_free(host, port)
    print(f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/", file=sys.stderr)  # noqa: S104
    if host not in _LOOPBACK:
        address = f"http://{lan_address()}:{port}/"
        print(f"{address}  (anyone in this network can open it, demo accounts included)", file=sys.stderr)
        segno.make(address, error="m").terminal(out=sys.stderr, compact=True)
    uvicorn.run(create_app(services, listens=[host]), host=host, port=port, log_level="warning", access_log=False)


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                N_("Port {port} cannot be had; choose another: --port {other}"), port=port, other=port + 1
            ) from error


def lan_address() -> str:
    """Return the address of the interface that would reach out; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostbyname(socket.gethostname())


@commands.command()
def work(*, until_idle: Annotated[bool, typer.Option(help="Stop when nothing can run now.")] = False) -> None:
    """Run jobs without serving pages."""
    services = open_home(Settings())
    worker = Worker(services.database, all_jobs(services))
    if until_idle:
        worker.run_until_idle(threads=2)
    else:
        plan_nights(services.database, NIGHTLY, now=clock.now())
        worker.run_forever(threading.Event())


@commands.command()
def doctor(*, as_json: Json = False) -> None:
    """Say what is missing and how to get it; exit 3 when the main job cannot be done."""
    findings = examine(Settings().home)
    if as_json:
        print(json.dumps([{**asdict(f), "detail": str(f.detail)} for f in findings], ensure_ascii=False))
    else:
        for f in findings:
            print(f"{'ok  ' if f.ok else 'LACK' if f.needed else 'lack'}  {f.name:<12} {f.detail}")
    if any(f.needed and not f.ok for f in findings):
        raise typer.Exit(3)


@jobs.command("list")
def list_them(
    *,
    state: Annotated[list[JobState] | None, typer.Option(help="Only jobs in this state; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """List the newest jobs."""
    services = open_home(Settings())
    with services.database.read() as session:
        rows = [_job_facts(row) for row in list_jobs(session, states=tuple(state or ()))]
    if as_json:
        print(json.dumps({"jobs": rows}, ensure_ascii=False))
        return
    for row in rows:
        print(f"{row['id']}  {row['state']:<8} {row['name']:<28} {row['done']}/{row['total']} {row['error'] or ''}")


@jobs.command("retry")
def retry(job: Annotated[UUID, typer.Argument(help="The failed job.")], *, as_json: Json = False) -> None:
    """Queue a failed job again."""
    services = open_home(Settings())
    with services.database.write() as session:
        retry_job(session, job_id=job, now=clock.now())
    print(json.dumps({"retried": str(job)}) if as_json else f"queued again: {job}")


@secret.command("seal")
def seal() -> None:
    """Put the home's secret under the passphrase of ASSET_HUB_KEY_PASSPHRASE (or …_FILE); every start needs it then."""
    seal_home(Settings().home, passphrase=read_passphrase(os.environ))
    print("sealed")


@secret.command("unseal")
def unseal() -> None:
    """Write the home's secret plainly again, so that a start needs no passphrase."""
    unseal_home(Settings().home, passphrase=read_passphrase(os.environ))
    print("unsealed")


@stored.callback()
def about() -> None:
    """Keep `sweep` a command of its group, so that others can join it."""


@stored.command("sweep")
def sweep(
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Only list what nothing refers to, of any age.")] = False,
    hours: Annotated[int, typer.Option(help="Leave alone what is younger.", min=1)] = LEAST_AGE // timedelta(hours=1),
    as_json: Json = False,
) -> None:
    """Remove stored files that nothing refers to, such as those of rejected items; workers do so every night."""
    services = open_home(Settings())
    if plan:
        swept = plan_sweep(services.database, services.files, FILES_KEPT)
    else:
        before = clock.now() - timedelta(hours=hours)
        swept = sweep_files(services.database, services.files, FILES_KEPT, before=before)
    if as_json:
        print(json.dumps({"kept": swept.kept, "idle" if plan else "removed": swept.removed}))
        return
    for sha256 in swept.removed:
        print(sha256)
    print(f"{swept.kept} files kept, {len(swept.removed)} {'not needed' if plan else 'removed'}", file=sys.stderr)


def _job_facts(row: JobRow) -> dict[str, object]:
    error = row.error["message"].format(**row.error["params"]) if row.error else None
    return {
        "id": str(row.id),
        "name": row.name,
        "queue": row.queue,
        "state": row.state,
        "attempts": row.attempts,
        "done": row.done,
        "total": row.total,
        "note": row.note,
        "error": error,
    }
