"""Pages of the shell itself: the living design system, the guided story, what each refusal means."""

from datetime import UTC, date, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from asset_hub.core.errors import AssetHubError, NotFound
from asset_hub.core.money import Money
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import render
from asset_hub.web.story import read_story

router = APIRouter(include_in_schema=False)


@router.get("/story")
def story(request: Request) -> Response:
    """From an old tape to a certificate: the demo told as a guided page, with its own figures where it ran."""
    told = read_story(request.app.state.services.settings.home)
    return render(request, "web/story.html", told=told, title=N_("From an old tape to a certificate"))


@router.get("/design")
def design(request: Request) -> Response:
    """Every component in its states, on a page that is built from them."""
    lines = [
        (Text(N_("Base price, one year")), Money(120_000)),
        (Text(N_("Exclusivity × {factor}"), {"factor": "3.5"}), Money(420_000)),
    ]
    return render(
        request, "web/design.html", title=N_("Design system"), lines=lines, net=Money(420_000), tax=Money(25_200),
        gross=Money(445_200), sample_day=date(2026, 11, 25), sample_moment=datetime(2026, 11, 25, 1, 30, tzinfo=UTC),
    )  # fmt: skip


@router.get("/problems/{slug}")
def problem(request: Request, slug: str) -> Response:
    """What a problem document's type means (RFC 9457, 3.1.1)."""
    for kind in _all_errors(AssetHubError):
        if kind.slug == slug:
            return render(request, "web/problem.html", slug=slug, code=kind.status, title=kind.title)
    raise NotFound


def _all_errors(root: type[AssetHubError]) -> list[type[AssetHubError]]:
    return [root, *(found for child in root.__subclasses__() for found in _all_errors(child))]
