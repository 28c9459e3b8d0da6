"""Commands of search: search, index rebuild, index check."""

import json
from typing import Annotated, Protocol, cast

import typer

from asset_hub.accounts.acting import acting_person
from asset_hub.catalogue import AssetKind
from asset_hub.core import clock
from asset_hub.core.home import Home, home_of
from search.engine import SearchEngine
from search.find import SearchHit, search_assets
from search.indexing import check, rebuild
from search.query import Scope, read_query

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
    by: Annotated[str, typer.Option("--by", help="Search as this person.")] = "",
    as_json: Json = False,
) -> None:
    """Find what may be shown."""
    home = cast(SearchHome, home_of(context))
    document = read_query(
        {
            "text": query,
            "size": size,
            "scope": Scope.SHOTS if shots else Scope.ASSETS,
            "filters": {"kind": (str(kind),)} if kind else {},
        }
    )
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
    with home.database.read() as reading:
        page = search_assets(reading, home.search, document, by=actor, now=clock.now())
    if as_json:
        hits = [_facts(hit) for hit in page.hits]
        print(json.dumps({"total": page.total, "hits": hits, "facets": page.facets}, ensure_ascii=False))
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


def _facts(hit: SearchHit) -> dict[str, object]:
    return {
        "asset": str(hit.asset.id),
        "number": hit.asset.number,
        "kind": str(hit.asset.kind),
        "shot": str(hit.shot.id) if hit.shot else None,
        "title": hit.asset.title("zh"),
        "start_ms": hit.shot.start_ms if hit.shot else None,
        "score": round(hit.score, 4),
    }
