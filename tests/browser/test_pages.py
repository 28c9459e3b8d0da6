"""Every page in a real browser: axe, widths, languages, dark, print, keyboard, no script, nothing from elsewhere."""

import pytest
from playwright.sync_api import Browser, Page

from asset_hub.web.look import DESKS, PUBLIC, follow, sign_in_demo
from tests.browser.conftest import Site
from tests.browser.sweep import WIDTHS, Listener, axe_problems, layout_shift, overflow, script_bytes

pytestmark = pytest.mark.browser
EVERYBODY = ""
READERS = (EVERYBODY, *DESKS)
MOST_SCRIPT = 40 * 1024
MOST_SHIFT = 0.1


def pages_of(page: Page, site: Site, login: str) -> list[str]:
    """Sign in and return the addresses this reader has."""
    if login:
        sign_in_demo(page, site.url, login)
        return list(DESKS[login])
    return [*PUBLIC, *follow(page, site.url)]


@pytest.mark.parametrize("login", READERS)
def test_pages_are_clean_in_both_languages_at_every_width(chromium: Browser, site: Site, login: str) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN", base_url=site.url)
    page = context.new_page()
    addresses = pages_of(page, site, login)
    listener = Listener(page, site.url)
    problems: list[str] = []
    for address in addresses:
        for language in ("zh", "en"):
            page.set_viewport_size({"width": 1280, "height": 900})
            page.goto(address + ("&" if "?" in address else "?") + f"lang={language}", wait_until="networkidle")
            told = f"{address} {language}"
            if page.locator("h1").count() != 1:
                problems.append(f"{told}: {page.locator('h1').count()} h1")
            if (shift := layout_shift(page)) > MOST_SHIFT:
                problems.append(f"{told}: layout shift {shift:.2f}")
            problems += [f"{told}: {found}" for found in axe_problems(page)]
            problems += [
                f"{told}: {over} px too wide at {width}" for width in WIDTHS if (over := overflow(page, width)) > 0
            ]
    context.close()

    assert problems + listener.problems == []


def test_pages_are_clean_in_the_dark_and_on_paper(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(color_scheme="dark", locale="zh-CN", base_url=site.url)
    page = context.new_page()
    problems: list[str] = []
    for address in pages_of(page, site, EVERYBODY):
        page.emulate_media(media="screen", color_scheme="dark")
        page.goto(address, wait_until="networkidle")
        problems += [f"{address} dark: {found}" for found in axe_problems(page)]
        page.emulate_media(media="print", color_scheme="light")
        if page.locator("header.bar").is_visible() or not page.locator("h1").first.is_visible():
            problems.append(f"{address}: print")
    context.close()

    assert problems == []


def test_pages_work_without_script(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN", base_url=site.url)
    page = context.new_page()

    page.goto("/search?q=朝天门")
    page.locator("a[href^='/assets/']").first.click()
    has_media = page.locator("main video, main img").first.is_visible()
    page.get_by_role("link", name="能否用于我的用途").click()
    offer = page.url
    page.goto("/?lang=en")
    english = page.locator("html").get_attribute("lang")
    context.close()

    assert has_media
    assert offer.split("?")[0].endswith("/offer")
    assert english == "en"


def test_the_first_page_brings_little_script(page: Page) -> None:
    page.goto("/", wait_until="networkidle")

    assert 0 < script_bytes(page) <= MOST_SCRIPT


def test_the_keyboard_reaches_the_content_first(page: Page) -> None:
    page.goto("/")

    page.keyboard.press("Tab")
    skip = page.evaluate("() => document.activeElement.className")
    page.keyboard.press("Enter")
    where = page.evaluate("() => document.activeElement.id")

    assert (skip, where) == ("skip", "main")


def test_a_film_lands_on_its_shot_and_shows_its_time_code(page: Page) -> None:
    page.goto("/search?q=朝天门 黄昏&scope=shots")

    page.locator("a[href*='?t=']").first.click()
    page.wait_for_function("() => document.querySelector('video') && document.querySelector('video').currentTime > 1")
    shown = page.locator("film-player .overlay").inner_text()

    assert shown.startswith("00:00:")
    assert page.locator(".strip [aria-current]").count() == 1


def test_a_picture_can_be_looked_into(page: Page) -> None:
    page.goto("/search?q=夔门&kind=picture")
    page.locator("a[href^='/assets/']").first.click()

    with page.expect_response(lambda answer: "/iiif/" in answer.url and answer.url.endswith(".jpg")) as tile:
        page.get_by_role("button", name="放大").click()

    assert tile.value.status == 200
