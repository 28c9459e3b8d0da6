"""Search for programs: a plain address for simple questions, the query document for every question."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from asset_hub.accounts import Actor
from asset_hub.accounts.deps import CurrentActor
from asset_hub.core import clock
from asset_hub.web.shell import language_of
from search.answers import SearchAnswer, describe_page
from search.find import search_assets
from search.query import FACETS, MAX_SIZE, MAX_TEXT, Scope, SearchQuery, Sort, Year, read_query
from search.rights import availability_document

router = APIRouter(prefix="/api/v1", tags=["search"])


class Question(BaseModel):
    """A query as an address writes it; use and territory belong together, days are Beijing days, the last included."""

    model_config = ConfigDict(extra="ignore")

    q: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    scope: Scope = Scope.ASSETS
    sort: Sort = Sort.RELEVANCE
    size: Annotated[int, Field(ge=0, le=MAX_SIZE)] = 24
    after: str = ""
    kind: list[str] = []
    district: list[str] = []
    theme: list[str] = []
    owner: list[str] = []
    decade: list[str] = []
    language: list[str] = []
    year_from: Year | None = None
    year_to: Year | None = None
    use: str = ""
    territory: str = ""
    start: Annotated[str, Field(alias="from")] = ""
    last_day: Annotated[str, Field(alias="to")] = ""

    def query(self) -> SearchQuery:
        """Return the query document. Raises BadQuery."""
        chosen = {name: values for name in FACETS if (values := getattr(self, name))}
        asked = availability_document(
            use=self.use, territory=self.territory, start=self.start, last_day=self.last_day, now=clock.now()
        )
        return read_query({
            "text": self.q, "scope": self.scope, "sort": self.sort, "size": self.size, "after": self.after or None,
            "filters": chosen, "years": [self.year_from, self.year_to], "availability": asked,
        })  # fmt: skip


@router.get("/search")
def search(request: Request, by: CurrentActor, question: Annotated[Question, Query()]) -> SearchAnswer:
    """Find what the caller may know of; with use and territory only what is free."""
    return _answer(request, question.query(), by)


@router.post("/search")
def search_by_document(request: Request, by: CurrentActor, document: SearchQuery) -> SearchAnswer:
    """Answer a query document (version 1)."""
    return _answer(request, document, by)


def _answer(request: Request, query: SearchQuery, by: Actor) -> SearchAnswer:
    services = request.app.state.services
    with services.database.read() as session:
        page = search_assets(session, services.search, query, by=by, now=clock.now())
    return describe_page(page, language=language_of(request))
