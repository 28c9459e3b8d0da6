"""Commands of disputes and royalty statements: asset-hub dispute …, asset-hub statement …"""

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import UUID

import typer

from asset_hub.accounts import find_party
from asset_hub.accounts.acting import acting_for, acting_person
from asset_hub.catalogue import find_asset
from asset_hub.core import clock
from asset_hub.core.db import ReadSession
from asset_hub.core.files import replace_file
from asset_hub.core.home import home_of
from asset_hub.core.money import Money
from asset_hub.core.text import N_
from ledger import case_views, statement_views
from ledger.case_errors import BadStatement, CaseNotFound
from ledger.case_models import CaseRow
from ledger.case_steps import Exhibit
from ledger.cases import (
    LEAST_DAYS,
    MOST_DAYS,
    USUAL_DAYS,
    accept_settlement,
    answer_case,
    appeal_case,
    close_case,
    decide_case,
    freeze_case,
    lift_case,
    offer_settlement,
    open_case,
    open_licence_case,
    withdraw_case,
)
from ledger.cli import LedgerHome
from ledger.errors import ActRefused
from ledger.royalties import NewLine, object_to_statement, publish_statement, revise_statement, write_month
from ledger.statement_proofs import verify_statement_proof
from ledger.types import EntryState

dispute = typer.Typer(help="Disputes between houses, and what the authority orders.", no_args_is_help=True)
statement = typer.Typer(help="Royalty statements and the proofs of their lines.", no_args_is_help=True)
_COLUMNS = ["payee", "label", "fen"]
_MAX_LINES_BYTES = 16 << 20


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise typer.BadParameter(f"“{text}” is no id.") from error


Id = Annotated[UUID, typer.Argument(parser=_read_id, help="Its id.")]
Say = Annotated[str, typer.Option("--text", help="What is said; it stays here, the ledger gets a salted digest.")]
House = Annotated[str, typer.Option(help="The house that acts: its name, credit code or id.")]
By = Annotated[str, typer.Option("--by", help="Act as this person.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Exhibits = Annotated[
    list[Path] | None, typer.Option("--exhibit", help="A file to show; may be repeated.", exists=True, dir_okay=False)
]
Days = Annotated[int, typer.Option(min=LEAST_DAYS, max=MOST_DAYS, help="Days of the term.")]
Lines = Annotated[Path, typer.Option(help="CSV with payee,label,fen.", exists=True, dir_okay=False)]


@dispute.command("open")
def open_it(
    context: typer.Context,
    *,
    title: Annotated[str, typer.Option(help="What it is about, in a few words.")],
    text: Say,
    asset: Annotated[str, typer.Option(help="About this work: its id or its number.")] = "",
    licence: Annotated[int, typer.Option(help="About the licence of this number.", min=0)] = 0,
    against: Annotated[str, typer.Option(help="With this house; of a work, its registrar if not given.")] = "",
    exhibit: Exhibits = None,
    days: Days = USUAL_DAYS,
    house: House = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Bring a dispute about a work or a licence; the other side is given days to answer."""
    if bool(asset) == bool(licence):
        raise typer.BadParameter("Name either --asset or --licence.")
    home = cast(LedgerHome, home_of(context))
    said: dict[str, Any] = {"title": title, "text": text, "answer_days": days, "exhibits": _store(home, exhibit)}
    with home.database.write() as session:
        said |= {"by": acting_for(session, by or home.settings.person, house), "now": clock.now()}
        if licence:
            case_id = open_licence_case(session, home.keys, number=licence, **said)
        else:
            other = find_party(session, text=against).id if against else None
            asset_id = find_asset(session, text=asset)
            case_id = open_case(session, home.keys, asset_id=asset_id, respondent_id=other, **said)
    _tell_case(home, case_id, by, house, as_json=as_json)


@dispute.command("answer")
def answer_it(
    context: typer.Context, case: Id, *, text: Say, exhibit: Exhibits = None, by: By = "", as_json: Json = False
) -> None:
    """Answer as the respondent."""
    home = cast(LedgerHome, home_of(context))
    exhibits = _store(home, exhibit)
    _step(home, case, by, lambda row: row.respondent_id, answer_case, as_json, text=text, exhibits=exhibits)


@dispute.command("freeze")
def freeze_it(context: typer.Context, case: Id, *, text: Say, by: By = "", as_json: Json = False) -> None:
    """Order as the authority that the work is not traded while the dispute lasts."""
    _step(cast(LedgerHome, home_of(context)), case, by, None, freeze_case, as_json, text=text)


@dispute.command("lift")
def lift_it(context: typer.Context, case: Id, *, text: Say, by: By = "", as_json: Json = False) -> None:
    """Lift the interim order."""
    _step(cast(LedgerHome, home_of(context)), case, by, None, lift_case, as_json, text=text)


@dispute.command("decide")
def decide_it(
    context: typer.Context, case: Id, *, text: Say, days: Days = USUAL_DAYS, by: By = "", as_json: Json = False
) -> None:
    """Decide as the authority; days are for the appeal, which the last decision has not."""
    _step(cast(LedgerHome, home_of(context)), case, by, None, decide_case, as_json, text=text, appeal_days=days)


@dispute.command("appeal")
def appeal_it(
    context: typer.Context,
    case: Id,
    *,
    text: Say,
    house: House,
    exhibit: Exhibits = None,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Appeal as one of the two sides."""
    home = cast(LedgerHome, home_of(context))
    exhibits = _store(home, exhibit)
    _step(home, case, by, house, appeal_case, as_json, text=text, exhibits=exhibits)


@dispute.command("settle")
def settle_it(
    context: typer.Context,
    case: Id,
    *,
    house: House,
    text: Annotated[str, typer.Option(help="Offer these terms to the other side.")] = "",
    accept: Annotated[int, typer.Option(help="Accept the other side's offer of this number.", min=0)] = 0,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Offer a settlement to the other side, or accept the one that it offered."""
    if bool(text) == bool(accept):
        raise typer.BadParameter("Name either --text or --accept.")
    home = cast(LedgerHome, home_of(context))
    if accept:
        _step(home, case, by, house, accept_settlement, as_json, offer=accept)
    else:
        _step(home, case, by, house, offer_settlement, as_json, text=text)


@dispute.command("withdraw")
def withdraw_it(context: typer.Context, case: Id, *, text: Say, by: By = "", as_json: Json = False) -> None:
    """Give up as the claimant, before a decision."""
    home = cast(LedgerHome, home_of(context))
    _step(home, case, by, lambda row: row.claimant_id, withdraw_case, as_json, text=text)


@dispute.command("close")
def close_it(context: typer.Context, case: Id, *, text: Say, by: By = "", as_json: Json = False) -> None:
    """Close as the operator a dispute whose decision stands."""
    _step(cast(LedgerHome, home_of(context)), case, by, None, close_case, as_json, text=text)


@dispute.command("list")
def list_them(context: typer.Context, *, house: House = "", by: By = "", as_json: Json = False) -> None:
    """List the newest disputes that are this person's business."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        page = case_views.list_cases(session, by=acting_for(session, by or home.settings.person, house))
    if as_json:
        typer.echo(_json({"disputes": [case_views.facts_of(one) for one in page.cases]}))
    for one in () if as_json else page.cases:
        typer.echo(f"{one.id}  {one.state.name.lower():<9} {'frozen' if one.is_frozen else '      '}  {one.title}")


@dispute.command("show")
def show_it(context: typer.Context, case: Id, *, house: House = "", by: By = "", as_json: Json = False) -> None:
    """Show a dispute: its steps, who may act next and until when."""
    _tell_case(cast(LedgerHome, home_of(context)), case, by, house, as_json=as_json)


@statement.command("publish")
def publish_it(
    context: typer.Context,
    *,
    licensor: Annotated[str, typer.Option(help="Whose statement: name, credit code or id.")],
    period: Annotated[str, typer.Option(help="The month: YYYY-MM.")],
    lines: Lines,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Publish a licensor's statement for a month; each payee's lines stay secret from the others."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        made = publish_statement(
            session, home.keys, licensor_id=find_party(session, text=licensor).id, period=period,
            lines=_read_lines(session, lines), by=acting_person(session, login=by or home.settings.person),
            now=clock.now(),
        )  # fmt: skip
    home.run_jobs()
    _tell_statement(home, made, by, "", as_json=as_json)


@statement.command("revise")
def revise_it(
    context: typer.Context,
    one: Id,
    *,
    lines: Lines,
    reason: Annotated[str, typer.Option(help="Why; everybody concerned reads it.")],
    by: By = "",
    as_json: Json = False,
) -> None:
    """Replace a statement's lines by its next revision."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        revise_statement(
            session, home.keys, statement_id=one, lines=_read_lines(session, lines), reason=reason,
            by=acting_person(session, login=by or home.settings.person), now=clock.now(),
        )  # fmt: skip
    home.run_jobs()
    _tell_statement(home, one, by, "", as_json=as_json)


@statement.command("object")
def object_to_it(
    context: typer.Context, one: Id, *, house: House, text: Say, by: By = "", as_json: Json = False
) -> None:
    """Object to the revision that stands, as its licensor or one of its payees."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        actor = acting_for(session, by or home.settings.person, house)
        standing = statement_views.get_statement(session, statement_id=one, by=actor).revision
        object_to_statement(
            session, home.keys, statement_id=one, revision=standing, text=text, by=actor, now=clock.now()
        )  # fmt: skip
    home.run_jobs()
    _tell_statement(home, one, by, house, as_json=as_json)


@statement.command("list")
def list_statements(context: typer.Context, *, house: House = "", by: By = "", as_json: Json = False) -> None:
    """List the newest statements that are this person's business."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        page = statement_views.list_statements(session, by=acting_for(session, by or home.settings.person, house))
    if as_json:
        typer.echo(_json({"statements": [statement_views.facts_of(one) for one in page.statements]}))
    for one in () if as_json else page.statements:
        typer.echo(f"{one.id}  {one.period}  revision {one.revision}  {one.objections} objections")


@statement.command("show")
def show_statement(
    context: typer.Context, one: Id, *, house: House = "", by: By = "", as_json: Json = False
) -> None:  # fmt: skip
    """Show a statement: the lines that this person may see, its revisions and objections."""
    _tell_statement(cast(LedgerHome, home_of(context)), one, by, house, as_json=as_json)


@statement.command("proof")
def write_proof(
    context: typer.Context,
    one: Id,
    *,
    payee: Annotated[str, typer.Option(help="Whose lines: name, credit code or id.")],
    to: Annotated[Path, typer.Option(help="The file to write, or a folder for it.")] = Path(),
    by: By = "",
    as_json: Json = False,
) -> None:
    """Write the proof of a payee's lines as one JSON file."""
    home = cast(LedgerHome, home_of(context))
    with home.database.write() as session:
        party, actor = find_party(session, text=payee).id, acting_person(session, login=by or home.settings.person)
        content = statement_views.proof_for(session, home.keys, statement_id=one, payee_id=party, by=actor)
        name = statement_views.proof_name(
            statement_views.get_statement(session, statement_id=one, by=actor), party
        )  # fmt: skip
    target = to / name if to.is_dir() else to
    replace_file(target, content)
    typer.echo(_json({"file": str(target.resolve())}) if as_json else target)


@statement.command("verify")
def verify_proof(
    path: Annotated[Path, typer.Argument(help="The proof (JSON).", exists=True, dir_okay=False)],
    *,
    trust: Annotated[Path | None, typer.Option(help="Whom to trust.", exists=True, dir_okay=False)] = None,
    root: Annotated[str, typer.Option(help="The root as you know it from elsewhere, in hex.")] = "",
    as_json: Json = False,
) -> None:
    """Check a proof offline; exit 1 when it does not hold. Needs no home."""
    proven = verify_statement_proof(
        path.read_bytes(), trust=trust.read_bytes() if trust else None, root=_read_root(root)
    )  # fmt: skip
    lines = [{"label": label, "fen": fen} for label, fen in proven.lines]
    facts = {
        "valid": True, "licensor": str(proven.licensor_id), "payee": str(proven.payee_id),
        "period": write_month(proven.period), "revision": proven.revision, "root": proven.root.hex(),
        "total_fen": proven.total_fen, "lines": lines, "published_at": proven.published_at.isoformat(),
        "issuer": proven.issuer.hex(), "is_pinned": proven.is_pinned, "is_root_known": bool(root),
    }  # fmt: skip
    if as_json:
        typer.echo(_json(facts))
        return
    for label, fen in proven.lines:
        typer.echo(f"{Money(fen)!s:>18}  {label}")
    typer.echo(f"{Money(proven.total_fen)!s:>18}  total of {write_month(proven.period)}, revision {proven.revision}")
    typer.echo(f"in the statement published {proven.published_at.isoformat()} under {proven.root.hex()}")
    typer.echo(f"issuer 0x{proven.issuer.hex()} {'pinned' if proven.is_pinned else 'not pinned (see --trust)'}")
    typer.echo("valid")


def _step(
    home: LedgerHome,
    case_id: UUID,
    by: str,
    side: Callable[[CaseRow], UUID] | str | None,
    act: Callable[..., object],
    as_json: bool,
    **said: Any,
) -> None:
    """Take a step as the house named, as the side meant, or as the exchange; carry it; say where the case stands."""
    with home.database.write() as session:
        row = session.get(CaseRow, case_id)
        if row is None:
            raise CaseNotFound
        house = str(side(row)) if callable(side) else side or ""
        act(
            session, home.keys, case_id=case_id, by=acting_for(session, by or home.settings.person, house),
            now=clock.now(), **said
        )  # fmt: skip
    _tell_case(home, case_id, by, house, as_json=as_json)


def _tell_case(home: LedgerHome, case_id: UUID, by: str, house: str, *, as_json: bool) -> None:
    """Carry what waits, then print a dispute. Raises ActRefused when the ledger refused its last step."""
    home.run_jobs()
    with home.database.write() as session:
        actor = acting_for(session, by or home.settings.person, house)
        case = case_views.get_case(session, case_id=case_id, by=actor)
        steps = case_views.steps_of(session, case=case)
    if steps[-1].state == EntryState.REFUSED:
        raise ActRefused(members={"reason": steps[-1].reason})
    following = case_views.next_steps(case, now=clock.now())
    if as_json:
        facts = case_views.facts_of(case) | {
            "steps": [case_views.facts_of_step(step) for step in steps],
            "next": [case_views.facts_of_next(step) for step in following],
        }
        typer.echo(_json(facts))
        return
    typer.echo(f"{case.id}  {case.state.name.lower()}{'  frozen' if case.is_frozen else ''}  {case.title}")
    typer.echo("\n".join(_step_lines(steps)))
    if case.unsigned_by:
        typer.echo("  the newest step waits for a signature: asset-hub key pending")
    for step in following:
        typer.echo(f"  next: {step.act:<9} {step.who}" + (f" until {step.until.isoformat()}" if step.until else ""))


def _step_lines(steps: Iterable[case_views.StepView]) -> list[str]:
    return [f"  {step.number:>2} {step.at:%Y-%m-%d %H:%M}Z {step.act:<9} {step.state or '–'}" for step in steps]


def _tell_statement(home: LedgerHome, statement_id: UUID, by: str, house: str, *, as_json: bool) -> None:
    with home.database.write() as session:
        actor = acting_for(session, by or home.settings.person, house)
        found = statement_views.get_statement(session, statement_id=statement_id, by=actor)
        revisions = statement_views.revisions_of(session, statement=found)
        lines = statement_views.shown_lines(session, statement=found, by=actor)
        objections = statement_views.objections_of(session, statement=found, by=actor)
    if as_json:
        facts = statement_views.facts_of(found) | {
            "revisions": [statement_views.facts_of_revision(one) for one in revisions],
            "lines": [statement_views.facts_of_line(one) for one in lines],
            "objections": [statement_views.facts_of_objection(one) for one in objections],
        }
        typer.echo(_json(facts))
        return
    typer.echo(f"{found.id}  {found.period}  revision {found.revision}  root {revisions[0].root}")
    for line in lines:
        typer.echo(f"{Money(line.fen)!s:>18}  {line.label}")
    typer.echo(f"{Money(revisions[0].total_fen)!s:>18}  total")
    for said in objections:
        typer.echo(f"  objection to revision {said.revision}: {said.text}")


def _store(home: LedgerHome, paths: list[Path] | None) -> list[Exhibit]:
    return [Exhibit(path.name, home.files.put_path(path).sha256) for path in paths or ()]


def _read_lines(session: ReadSession, path: Path) -> list[NewLine]:
    """Read CSV with the columns payee, label, fen. Raises BadStatement naming the line."""
    if path.stat().st_size > _MAX_LINES_BYTES:
        raise BadStatement(N_("The file of lines is too long."))
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True))
    except (ValueError, csv.Error) as error:
        raise BadStatement(N_("The file of lines is no CSV in UTF-8.")) from error
    if not rows or rows[0] != _COLUMNS:
        raise BadStatement(N_("The first line names the columns: {columns}."), columns=",".join(_COLUMNS))
    return [_read_line(session, number, row) for number, row in enumerate(rows[1:], start=2)]


def _read_line(session: ReadSession, number: int, row: list[str]) -> NewLine:
    is_good = len(row) == len(_COLUMNS) and row[2].isascii() and row[2].isdigit() and len(row[2]) <= 16
    if not is_good:
        raise BadStatement(N_("Line {number} is not payee, label and whole fen."), number=number)
    return find_party(session, text=row[0]).id, row[1], int(row[2])


def _read_root(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text.removeprefix("0x")) if text else None
    except ValueError as error:
        raise typer.BadParameter("The root is written in hex.") from error


def _json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False)
