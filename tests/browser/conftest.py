"""A demo home served to Debian's chromium; made once per worker, drawings come from the cache."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from asset_hub.web.look import CHROMIUM, browser, serving

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Site:
    """A served home and where it lies."""

    url: str
    home: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("demo") / "home"
    subprocess.run(
        [sys.executable, "-m", "asset_hub", "demo", "--no-serve", "--json"], check=True, capture_output=True,
        cwd=PROJECT, env={**os.environ, "ASSET_HUB_HOME": str(home)}, timeout=280,
    )  # fmt: skip
    with serving(home) as url:
        yield Site(url, home)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with browser() as started:
        yield started


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """A page of somebody who reads Chinese on a desk screen; what it asks of other hosts is an error."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN", base_url=site.url)
    yield context.new_page()
    context.close()
