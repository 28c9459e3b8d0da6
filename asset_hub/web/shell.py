"""The shell of every page: templates, language, who reads, navigation, what was just said, static files."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from asset_hub.core.text import Language, Text
from asset_hub.web.texts import chinese, choose_language, translator, write_day, write_moment, write_size

HERE = Path(__file__).parent
LANGUAGE_COOKIE = "language"
_SAID_COOKIE, _SAID_SECONDS, _SAID_LONGEST = "said", 60, 1500


@dataclass(frozen=True, slots=True)
class NavItem:
    """A line of the navigation: shown to everybody, or to people with one of the roles."""

    label: str
    url: str
    roles: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a page is for, as the shell needs it; nobody signed in has an empty name."""

    name: str = ""
    house: str = ""
    roles: frozenset[str] = field(default_factory=frozenset)
    unread: int = 0

    def sees(self, item: NavItem) -> bool:
        return not item.roles or bool(self.roles & item.roles)


@dataclass(frozen=True, slots=True)
class Shell:
    """What the composition root gives the shell."""

    navigation: Sequence[NavItem]
    reader: Callable[[Request], Reader]
    is_demo: bool


def use_shell(app: FastAPI, shell: Shell) -> None:
    """Make `render` know who reads and where one can go."""
    app.state.shell = shell


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Return a page in the reader's language; templates get plain values, `_` for texts, `show` for Text values."""
    language = language_of(request)
    shell: Shell = request.app.state.shell
    reader = shell.reader(request)
    content = (
        environment().get_template(template).render(**_words(language), **_place(request, language), reader=reader,
            is_demo=shell.is_demo, navigation=[item for item in shell.navigation if reader.sees(item)],
            said=_said(request), **context)
    )  # fmt: skip
    headers = {"Content-Language": "zh-CN" if language == "zh" else "en", "Cache-Control": "private, no-cache"}
    response = HTMLResponse(content, status_code=status, headers=headers)
    if _SAID_COOKIE in request.cookies:
        response.delete_cookie(_SAID_COOKIE)
    return response


def redirect(url: str, *, said: Text | None = None) -> RedirectResponse:
    """Send the reader on after a posted form (303), with one sentence that the next page shows once."""
    response = RedirectResponse(url, status_code=303)
    if said is not None:
        params = {name: value if isinstance(value, int) else str(value)[:200] for name, value in said.params.items()}
        content = base64.urlsafe_b64encode(json.dumps([said.message, params]).encode()).decode()
        if len(content) < _SAID_LONGEST:
            response.set_cookie(_SAID_COOKIE, content, max_age=_SAID_SECONDS, samesite="lax", httponly=True)
    return response


def language_of(request: Request) -> Language:
    """Return the language this reader gets."""
    return choose_language(
        asked=request.query_params.get("lang"), kept=request.cookies.get(LANGUAGE_COOKIE),
        accepted=request.headers.get("accept-language", ""),
    )  # fmt: skip


def site_address(request: Request) -> str:
    """Return the site's address without a closing slash: as its operator names it, else as it was asked."""
    return str(request.app.state.services.settings.public_url or request.base_url).rstrip("/")


def _words(language: Language) -> dict[str, Any]:
    words = translator(language)

    def show(value: object) -> str:
        return value.render(words) if isinstance(value, Text) else words(str(value))

    return {
        "_": words, "show": show, "language": language, "other": "en" if language == "zh" else "zh",
        "day": lambda value: write_day(value, language), "moment": lambda value: write_moment(value, language),
    }  # fmt: skip


def _place(request: Request, language: Language) -> dict[str, Any]:
    other = "en" if language == "zh" else "zh"
    other_url = request.url.include_query_params(lang=other)
    return {
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "other_url": f"{other_url.path}?{other_url.query}" if request.method == "GET" else f"/?lang={other}",
    }


def _said(request: Request) -> Text | None:
    """Return what the cookie says, only if it is one of our own messages: a stranger's format is never filled in."""
    try:
        message, params = json.loads(base64.urlsafe_b64decode(request.cookies.get(_SAID_COOKIE, "")))
        if message not in chinese():
            return None
        said = Text(
            message, {str(name): value if isinstance(value, int) else str(value) for name, value in params.items()}
        )
        str(said)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError):
        return None
    return said


@cache
def environment() -> jinja2.Environment:
    """Return the templates of every package."""
    project = HERE.parent.parent
    folders = [HERE / "templates", *sorted(HERE.parent.glob("*/templates")), *sorted(project.glob("*/templates"))]
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.globals["static"] = static_url
    made.filters["size"] = write_size
    return made


@cache
def static_url(name: str) -> str:
    """Return the address of a static file with its digest, so that it may be kept for ever."""
    path = HERE / "static" / name
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else "missing"
    return f"/static/{name}?v={digest}"
