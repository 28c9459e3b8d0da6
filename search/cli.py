"""Commands of search: search, index rebuild, index check."""

import json
from datetime import date
from typing import Annotated, Protocol, cast

import typer

from asset_hub.accounts.acting import acting_person
from asset_hub.catalogue import AssetKind
from asset_hub.core import clock
from asset_hub.core.home import Home, home_of
from search.answers import describe_page
from search.engine import SearchEngine
from search.errors import BadQuery
from search.find import search_assets
from search.indexing import check, rebuild
from search.query import MAX_TEXT, Scope, read_query
from search.rights import availability_document

commands = typer.Typer()
index = typer.Typer(help="The search indexes.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


class SearchHome(Home, Protocol):
    """A home with a search engine."""

    @property
    def search(self) -> SearchEngine: ...


@commands.command()
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help='Words, "phrases", −exclusions; empty for everything.')] = "",
    *,
    kind: Annotated[AssetKind | None, typer.Option(help="Only this kind.")] = None,
    size: Annotated[int, typer.Option(help="How many hits.", min=0, max=200)] = 20,
    shots: Annotated[bool, typer.Option("--shots", help="Find single shots.")] = False,
    use: Annotated[str, typer.Option(help="Only what is free for this use of the code book …")] = "",
    territory: Annotated[str, typer.Option(help="… in this territory: world, CQ or an ISO 3166-1 code …")] = "",
    start: Annotated[str, typer.Option("--from", help="… from this day (YYYY-MM-DD, Beijing; today) …")] = "",
    last_day: Annotated[str, typer.Option("--to", help="… to this day, which is included.")] = "",
    by: Annotated[str, typer.Option("--by", help="Search as this person.")] = "",
    as_json: Json = False,
) -> None:
    """Find what may be shown."""
    home = cast(SearchHome, home_of(context))
    document = read_query({
        "text": query[:MAX_TEXT], "size": size, "scope": Scope.SHOTS if shots else Scope.ASSETS,
        "filters": {"kind": (str(kind),)} if kind else {},
        "availability": _availability(use, territory, start, last_day),
    })  # fmt: skip
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
    with home.database.read() as reading:
        page = search_assets(reading, home.search, document, by=actor, now=clock.now())
    if as_json:
        print(json.dumps(describe_page(page, language="zh").model_dump(mode="json"), ensure_ascii=False))
        return
    print(page.total)
    for hit in page.hits:
        at = hit.shot.rate.timecode(hit.shot.span.start) if hit.shot and hit.shot.rate else ""
        print(f"{hit.asset.number}  {hit.asset.kind:<9} {at:<12} {hit.asset.title('zh')}")


@index.command("rebuild")
def rebuild_index(context: typer.Context, *, as_json: Json = False) -> None:
    """Fill a new index from the database and switch to it."""
    home = cast(SearchHome, home_of(context))
    count = rebuild(home.database, home.search)
    print(json.dumps({"assets": count}) if as_json else f"{count} assets")


@index.command("check")
def check_index(context: typer.Context, *, as_json: Json = False) -> None:
    """Compare index and database; exit 1 when they disagree."""
    home = cast(SearchHome, home_of(context))
    problems = check(home.database, home.search)
    if as_json:
        print(json.dumps({"valid": not problems, "problems": problems}))
    else:
        print("\n".join(problems) or "index and database agree")
    if problems:
        raise typer.Exit(1)


def _availability(use: str, territory: str, start: str, last_day: str) -> dict[str, str] | None:
    """Return what is asked; part of it, or a day that is none, is misuse of the command (exit 2)."""
    for day in (start, last_day):
        if day:
            _check_day(day)
    try:
        return availability_document(use=use, territory=territory, start=start, last_day=last_day, now=clock.now())
    except BadQuery as error:
        raise typer.BadParameter("--use, --territory and --to belong together") from error


def _check_day(day: str) -> None:
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise typer.BadParameter(f"{day} is no day; write it as 2026-12-31") from error
