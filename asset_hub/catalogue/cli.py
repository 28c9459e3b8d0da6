"""Commands of the catalogue: asset show."""

import json
from typing import Annotated

import typer

from asset_hub.accounts.acting import acting_person
from asset_hub.catalogue.types import AssetView, FileView, PartView, ValueView
from asset_hub.catalogue.views import find_asset, get_asset
from asset_hub.core import clock
from asset_hub.core.home import home_of

assets = typer.Typer(help="Assets: their record.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@assets.callback()
def explain() -> None:
    """Assets: their record."""


@assets.command("show")
def show(
    context: typer.Context,
    asset: Annotated[str, typer.Argument(help="The asset: its id or its number.")],
    *,
    by: Annotated[str, typer.Option("--by", help="Act as this person.")] = "",
    as_json: Json = False,
) -> None:
    """Show the record of an asset, with what set each value and how sure it is."""
    home = home_of(context)
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
    with home.database.read() as reading:
        view = get_asset(reading, asset_id=find_asset(reading, text=asset), by=actor, now=clock.now())
    print(json.dumps(record_of(view), ensure_ascii=False) if as_json else _sheet(view))


def record_of(view: AssetView) -> dict[str, object]:
    """Return an asset as plain values for JSON."""
    return {
        "id": str(view.id), "number": view.number, "kind": view.kind, "state": view.state, "secrecy": view.secrecy,
        "owner": str(view.owner_id), "custodian": str(view.custodian_id) if view.custodian_id else None,
        "version": view.row_version, "title": {"zh": view.title("zh"), "en": view.title("en")},
        "values": [_value(value) for value in view.values],
        "files": [_file(file) for file in view.files],
        "parts": [_part(part) for part in view.parts],
        "restrictions": [{"kind": r.kind, "reason": r.reason, "authority": r.authority} for r in view.restrictions],
        "events": [
            {"kind": e.kind, "tool": e.tool, "outcome": e.outcome, "detail": e.detail, "at": e.at.isoformat()}
            for e in view.events
        ],
    }  # fmt: skip


def _value(value: ValueView) -> dict[str, object]:
    return {
        "element": value.element, "value": value.value, "lang": value.lang, "code": value.code,
        "source": value.source, "confidence": value.confidence, "accepted_by": value.accepted_by,
    }  # fmt: skip


def _file(file: FileView) -> dict[str, object]:
    return {
        "id": str(file.id), "role": file.role, "name": file.shown_name, "mime": file.mime, "puid": file.puid,
        "bytes": file.bytes_count, "sha256": file.sha256, "technical": file.technical,
    }  # fmt: skip


def _part(part: PartView) -> dict[str, object]:
    rate = f"{part.rate.num}/{part.rate.den}" if part.rate else None
    return {
        "id": str(part.id), "level": part.level, "start": part.span.start, "end": part.span.end, "rate": rate,
        "start_ms": part.start_ms, "source": part.source, "confidence": part.confidence,
        "values": [_value(value) for value in part.values],
    }  # fmt: skip


def _sheet(view: AssetView) -> str:
    lines = [f"{view.number}  {view.kind}  {view.state}  {view.secrecy}  {view.id}"]
    lines += [f"  {v.element:<18} {v.value}  ({v.source}, {v.confidence:.0%})" for v in view.values]
    lines += [f"  file {f.role:<13} {f.shown_name}  {f.mime}  {f.bytes_count} B  {f.sha256}" for f in view.files]
    lines += [f"  {p.level:<18} [{p.span.start}, {p.span.end})  {p.text('title', 'zh')}" for p in view.parts]
    lines += [f"  {r.kind:<18} {r.reason}  {r.authority}" for r in view.restrictions]
    return "\n".join(lines)
