"""Commands of the catalogue: asset show, restrict, lift; collection add, list."""

import json
from typing import Annotated

import typer

from asset_hub.accounts import Actor, require_organisation
from asset_hub.accounts.acting import acting_person
from asset_hub.catalogue.collections import THREE_REVIEWS, Collection, create_collection, list_collections
from asset_hub.catalogue.errors import AssetNotFound, CollectionThere
from asset_hub.catalogue.holding import read_holding
from asset_hub.catalogue.restrictions import Hold, holds_of, lift_restriction, require_restrict, restrict
from asset_hub.catalogue.types import AssetView, FileView, PartView, RestrictionKind, ValueView
from asset_hub.catalogue.views import find_asset, get_asset
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession
from asset_hub.core.home import home_of
from asset_hub.core.text import N_

assets = typer.Typer(help="Assets: their record, holding them back.", no_args_is_help=True)
collections = typer.Typer(help="Collections: what a house keeps together.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ASSET", help="The asset: its id or its number.")]
By = Annotated[str, typer.Option("--by", help="Act as this person.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


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


@assets.command("restrict")
def hold_back(
    context: typer.Context,
    asset: Which,
    *,
    kind: Annotated[RestrictionKind, typer.Option(help="Why it is held back.")],
    reason: Annotated[str, typer.Option(help="In words; its house and the exchange read it.")],
    first_day: Annotated[str, typer.Option("--from", metavar="DAY", help="First day; today if not given.")] = "",
    until: Annotated[str, typer.Option(metavar="DAY", help="Last day; until it is lifted if not given.")] = "",
    start: Annotated[str, typer.Option(metavar="CODE", help="Time code where a sensitive span starts.")] = "",
    end: Annotated[str, typer.Option(metavar="CODE", help="Time code where it ends.")] = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Hold an asset back: pages, files and search stop showing it."""
    home, now = home_of(context), clock.now()
    typed = {"kind": str(kind), "reason": reason, "from": first_day, "until": until, "start": start, "end": end}
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        view = _known(session, asset, actor)
        require_restrict(actor, owner_id=view.owner_id)
        holding = read_holding(typed, view, now=now)
        restrict(
            session, asset_id=view.id, kind=holding.kind, reason=holding.reason, window=holding.window,
            first_day=holding.first_day, span=holding.span, by=actor, now=now,
        )  # fmt: skip
        made = holds_of(session, asset_id=view.id, by=actor)[0]
    home.run_jobs()
    print(json.dumps(_hold(made), ensure_ascii=False) if as_json else _hold_line(made))


@assets.command("lift")
def lift(
    context: typer.Context,
    asset: Which,
    restriction: Annotated[str, typer.Argument(help="Id of the restriction; all in force if not given.")] = "",
    *,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Lift a restriction of an asset, or all that are not lifted yet; they stay in the record."""
    home, now = home_of(context), clock.now()
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        view = _known(session, asset, actor)
        require_restrict(actor, owner_id=view.owner_id)
        meant = [hold for hold in holds_of(session, asset_id=view.id, by=actor) if _is_meant(hold, restriction)]
        if restriction and not meant:
            raise AssetNotFound
        for hold in meant:
            lift_restriction(
                session, restriction_id=hold.restriction.id, asset_id=view.id, by=actor, now=now
            )  # fmt: skip
        ids = {hold.restriction.id for hold in meant}
        lifted = [hold for hold in holds_of(session, asset_id=view.id, by=actor) if hold.restriction.id in ids]
    home.run_jobs()
    if as_json:
        print(json.dumps({"lifted": [_hold(hold) for hold in lifted]}, ensure_ascii=False))
        return
    print("\n".join(_hold_line(hold) for hold in lifted) or "Nothing holds it back.")


@collections.command("add")
def add_collection(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name in Chinese.")],
    *,
    name_en: Annotated[str, typer.Option(help="Its name in English.")] = "",
    reviewers: Annotated[int, typer.Option(help="How many people must agree to a draft: 1, or 3 for 三审.")] = 1,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Make a collection of your house; asset-hub ingest --collection brings files into it."""
    if reviewers not in (1, THREE_REVIEWS) or not name.strip():
        raise typer.BadParameter("A draft is reviewed by 1 person or by 3.", param_hint="--reviewers")
    home = home_of(context)
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        made = create_collection(
            session, owner_id=require_organisation(actor), name_zh=name.strip(), name_en=name_en.strip(),
            reviewers=reviewers, by=actor, now=clock.now(),
        )  # fmt: skip
    if made.reviewers != reviewers:
        raise CollectionThere(N_("“{name}” is there already, with {count} reviewers."), name=name, count=made.reviewers)
    print(json.dumps(_collection(made), ensure_ascii=False) if as_json else _collection_line(made))


@collections.command("list")
def show_collections(context: typer.Context, *, by: By = "", as_json: Json = False) -> None:
    """List the collections of your house with how many people review their drafts."""
    home = home_of(context)
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        found = list_collections(session, owner_id=require_organisation(actor))
    if as_json:
        print(json.dumps({"collections": [_collection(one) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        print(_collection_line(one))


def _known(session: ReadSession, text: str, by: Actor) -> AssetView:
    return get_asset(session, asset_id=find_asset(session, text=text), by=by, now=clock.now())


def _is_meant(hold: Hold, restriction: str) -> bool:
    return str(hold.restriction.id) == restriction if restriction else hold.restriction.lifted_at is None


def _hold(hold: Hold) -> dict[str, object]:
    one = hold.restriction
    return {
        "id": str(one.id), "kind": one.kind, "reason": one.reason, "authority": one.authority,
        "start_day": one.start_day.isoformat(), "end_day": one.end_day.isoformat() if one.end_day else None,
        "frames": [one.span.start, one.span.end] if one.span else None,
        "in_force": one.is_in_force(beijing_date(clock.now())), "set_by": hold.set_by,
        "lifted_at": one.lifted_at.isoformat() if one.lifted_at else None, "lifted_by": hold.lifted_by,
    }  # fmt: skip


def _hold_line(hold: Hold) -> str:
    one = hold.restriction
    state = "lifted" if one.lifted_at else f"{one.start_day} – {one.last_day or ''}"
    return f"{one.id}  {one.kind:<15} {state}  {one.reason}  {one.authority}"


def _collection(one: Collection) -> dict[str, object]:
    return {"id": str(one.id), "name_zh": one.name_zh, "name_en": one.name_en, "reviewers": one.reviewers}


def _collection_line(one: Collection) -> str:
    return f"{one.id}  {one.reviewers} reviewers  {one.name_zh}"


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
