"""`make look`: a screenshot of every page family in both languages at 360 and 1280 px, with an index to judge them.

Works on a home where the demo ran (ASSET_HUB_HOME, default ./var); needs Debian's chromium and the dev group.
"""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip
WIDTHS = (360, 1280)
LANGUAGES = ("zh", "en")
PUBLIC = (
    "/",
    "/search?q=朝天门 黄昏",
    "/search?q=朝天门&scope=shots",
    "/catalogues",
    "/verify",
    "/story",
    "/design",
    "/sign-in",
)
DESKS = {
    "demo-regulator": ("/ledger", "/keys", "/disputes"),
    "demo-archive": ("/intake", "/intake/new", "/review", "/rights", "/keys", "/confirmations"),
    "demo-producer": ("/licences", "/sublicences", "/holds", "/notices", "/account"),
    "demo-curator": ("/curate",),
    "demo-checker-1": (
        "/members", "/members/apply", "/confirmations", "/jobs", "/settlements", "/disputes", "/statements", "/ledger",
    ),
}  # fmt: skip
FOLLOWED = (
    ("/search?q=朝天门 黄昏&kind=film", "a[href^='/assets/']"),
    ("/search?q=夔门", "a[href^='/assets/']"),
    ("/catalogues", "main a[href^='/catalogues/']"),
)


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """Serve a home on a free port; end with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "asset_hub", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, "ASSET_HUB_HOME": str(home)})
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Debian's chromium without any network of its own."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield started
        finally:
            started.close()


def sign_in_demo(page: Page, base: str, login: str) -> None:
    """Enter a demo account through the sign-in page's own form."""
    page.goto(f"{base}/sign-in")
    if not page.locator("input[name=login][value^=demo-]").count():
        sys.exit("look: this home has no demo accounts; `make demo ARGS=--no-serve` makes them")
    page.locator(f"form:has(input[name=login][value='{login}']) button").first.click()
    page.wait_for_url(re.compile(r".*(?<!/sign-in)$"))


def main() -> None:
    """Write ./look."""
    target = Path("look")
    target.mkdir(exist_ok=True)
    home = Path(os.environ.get("ASSET_HUB_HOME", "var"))
    shots: list[str] = []
    with serving(home) as base, browser() as opened:
        for login, paths in {"": PUBLIC, **DESKS}.items():
            for language in LANGUAGES:
                for width in WIDTHS:
                    shots += _shoot(opened, base, login, paths, language, width, target)
    images = "".join(
        f'<figure><figcaption>{name}</figcaption><img src="{name}" width="640"></figure>' for name in shots
    )
    (target / "index.html").write_text(f"<!doctype html><meta charset=utf-8><title>look</title>{images}")
    sys.stderr.write(f"{len(shots)} screenshots in {target}/index.html\n")


def _shoot(
    opened: Browser, base: str, login: str, paths: tuple[str, ...], language: str, width: int, target: Path
) -> list[str]:
    context = opened.new_context(viewport={"width": width, "height": 900}, locale="zh-CN" if language == "zh" else "en")
    page = context.new_page()
    names = []
    if login:
        sign_in_demo(page, base, login)
    found = [*paths, *([] if login else follow(page, base))]
    for path in found:
        page.goto(f"{base}{path}")
        page.wait_for_load_state("networkidle")
        name = f"{login or 'public'}-{_slug(path)}-{language}-{width}.png"
        page.screenshot(path=target / name, full_page=True)
        names.append(name)
    context.close()
    return names


def follow(page: Page, base: str) -> list[str]:
    """Return addresses that only the data know: an asset of each kind, a catalogue."""
    found = []
    for path, selector in FOLLOWED:
        page.goto(f"{base}{path}")
        link = page.locator(selector).first
        if link.count():
            found.append(str(link.get_attribute("href")))
    return found


def _slug(path: str) -> str:
    return re.sub(r"[^\w一-鿿]+", "-", path).strip("-") or "home"


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{url}/static/site.css", timeout=5).close()  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)


if __name__ == "__main__":
    main()
