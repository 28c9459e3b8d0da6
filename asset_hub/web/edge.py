"""The edge of the application: static files, security headers, cross-site refusals, errors as pages or problems."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import Match
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from asset_hub.core.errors import AssetHubError, BadInput, Forbidden, NotFound, NotSignedIn, TooLarge
from asset_hub.core.log import get_logger
from asset_hub.core.text import LANGUAGES, N_
from asset_hub.web.hosts import require_known_host
from asset_hub.web.shell import HERE, LANGUAGE_COOKIE, language_of, redirect, render
from asset_hub.web.texts import translator

_YEAR = 365 * 86_400
_MACHINE_PATHS = ("/api/", "/iiif/", "/uploads")
_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
_EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"  # of no bytes: the mark that deep zoom leaves
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; script-src 'self'; "
        f"style-src 'self' {_EMPTY_STYLE}; "
        "connect-src 'self'; frame-ancestors 'self'; base-uri 'self'; form-action 'self'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class CrossSite(Forbidden):
    """A changing request that another site sent through the reader's browser."""

    slug, title = "cross-site", N_("This request came from another site")


class MethodNotAllowed(AssetHubError):
    """The address is right and the method is not."""

    slug, title, status = "method-not-allowed", N_("This address does not do that"), 405


class BadForm(BadInput):
    """A field of a form or request that is missing or has the wrong shape."""

    slug, title = "bad-form", N_("Something in the form is missing or wrong")


class Broken(AssetHubError):
    """A mistake of ours; its details are in the log, not on the page."""

    slug, title, status = "broken", N_("Something went wrong on our side. Nothing was changed."), 500


def install_edge(app: FastAPI, *, hosts: frozenset[str], longest_body: int) -> None:
    """Add static files, headers and the handlers of refusals to an application that answers only for `hosts`.

    `longest_body` is in bytes, for routes that name no limit of their own.
    """
    app.state.hosts = hosts
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.add_middleware(_ask_for_head)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=longest_body)
    app.middleware("http")(_guard)
    app.add_exception_handler(AssetHubError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_http)
    app.add_exception_handler(RequestValidationError, _refuse_form)
    app.add_exception_handler(DataError, _refuse_value)
    app.add_exception_handler(Exception, _break)


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    try:
        require_known_host(request, request.app.state.hosts)
        _require_same_site(request)
    except AssetHubError as error:
        response = await _refuse(request, error)
    else:
        response = await _answer(request, call_next)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.path.startswith("/static/") and "v" in request.query_params:
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    asked = request.query_params.get("lang")
    if asked in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, str(asked), max_age=_YEAR, samesite="lax", httponly=True)
    return response


async def _answer(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    if response.status_code == 413 and response.headers.get("content-type", "").startswith("text/plain"):
        response = await _refuse(request, TooLarge())  # the framework's limit answers in English words only
    if request.method == "HEAD":
        headers = response.raw_headers
        response = Response(status_code=response.status_code)
        response.raw_headers = headers
    return response


def _ask_for_head(app: ASGIApp) -> ASGIApp:
    """Ask as GET what is asked as HEAD, unless a route answers HEAD itself (RFC 9110, 9.3.2)."""

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            is_declared = any(route.matches(scope)[0] == Match.FULL for route in scope["app"].routes)
            scope = scope if is_declared else {**scope, "method": "GET"}
        await app(scope, receive, send)

    return ask


def _require_same_site(request: Request) -> None:
    """Raise CrossSite for a changing request of another site (ADR 0013)."""
    if _is_cross_site(request):
        raise CrossSite


def _is_cross_site(request: Request) -> bool:
    """Say whether another site sent a changing request; programs send neither header."""
    if request.method in _SAFE or request.headers.get("authorization"):
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and _split(origin)[0] != request.headers.get("host", "")


def _split(address: str) -> tuple[str, str]:
    """Return host and path of an address that anybody may have written; nothing for one that is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", ""
    return parts.netloc, parts.path


async def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, AssetHubError):
        raise error
    words = translator(language_of(request))
    detail, title = error.text.render(words), words(error.title)
    if request.url.path.startswith(_MACHINE_PATHS) or _wants_json(request):
        problem = {
            "type": f"/problems/{error.slug}", "title": title, "status": error.status, "detail": detail,
            "instance": request.url.path, **error.members,
        }  # fmt: skip
        return JSONResponse(problem, status_code=error.status, media_type="application/problem+json")
    if isinstance(error, NotSignedIn) and request.method == "GET" and request.url.path != "/sign-in":
        asked = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return redirect(f"/sign-in?next={quote(asked, safe='/')}")
    host, back = _split(request.headers.get("referer", ""))
    if host != request.headers.get("host") or not back.startswith("/") or back.startswith("//"):
        back = "/"
    return render(
        request, "refused.html", status=error.status, title=title, detail=detail if detail != title else "", back=back
    )


async def _refuse_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return await _refuse(request, {404: NotFound(), 405: MethodNotAllowed(), 413: TooLarge()}.get(status, BadInput()))


async def _refuse_form(request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    if problems and all(problem["loc"][0] == "path" for problem in problems):
        return await _refuse(request, NotFound())  # what is no id is the id of nothing
    fields = ", ".join(str(problem["loc"][-1]) for problem in problems[:5])
    return await _refuse(request, BadForm(N_("Please look at: {fields}"), fields=fields))


async def _refuse_value(request: Request, error: Exception) -> Response:
    """PostgreSQL keeps no text with a NUL character and no number beyond its column."""
    get_logger().warning("web.value_refused", path=request.url.path, kind=type(error).__name__)
    return await _refuse(request, BadForm(N_("Something that was sent cannot be stored.")))


async def _break(request: Request, error: Exception) -> Response:
    get_logger().error("web.request_broke", path=request.url.path, exc_info=error)
    return await _refuse(request, Broken())


def _wants_json(request: Request) -> bool:
    return request.headers.get("accept", "").startswith(("application/json", "application/problem+json"))
