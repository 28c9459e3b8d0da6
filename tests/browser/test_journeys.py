"""One journey per role, through the pages alone, in a real browser, on real files."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from asset_hub.web.look import sign_in_demo
from tests.browser.conftest import Site
from tests.media_files import make_film, make_picture

pytestmark = pytest.mark.browser
SLOW = 60_000


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A folder with a picture, its copy, a film and a file that is no picture."""
    folder = tmp_path / "老带子"
    folder.mkdir()
    make_picture(folder / "弹子石老街.jpg", size=(900, 600), shade=41)
    (folder / "弹子石老街 副本.jpg").write_bytes((folder / "弹子石老街.jpg").read_bytes())
    make_film(folder / "过江.mp4", cuts=2)
    (folder / "broken.jpg").write_bytes(b"not a picture at all")
    return folder


def test_an_archivist_brings_in_reviews_and_publishes(page: Page, site: Site, media: Path) -> None:
    sign_in_demo(page, site.url, "demo-archive")
    page.goto("/intake/new")
    page.locator("input[name=secrecy][value='公开']").check()
    page.locator("form[action='/intake/new'] button[type=submit]").click()
    page.locator("upload-desk input[type=file]:not([webkitdirectory])").set_input_files(
        [str(path) for path in sorted(media.iterdir())]
    )
    expect(page.locator("upload-desk [data-state=done]")).to_have_count(4, timeout=SLOW)
    page.locator("form[data-finish] button").click()
    page.wait_for_selector("a[href$='/receipt.json']", timeout=SLOW)
    with page.expect_download() as asked:
        page.locator("a[href$='/receipt.json']").click()
    receipt = json.loads(Path(asked.value.path()).read_text())

    page.locator("a[href^='/review?intake=']").first.click()
    page.get_by_role("link", name="弹子石老街").first.click()
    page.locator("input[name=title_en]").fill("Old street of Danzishi")
    page.locator("input[name=date]").fill("1962")
    page.locator("button[value=publish]").click()
    page.wait_for_load_state()
    page.goto("/search?q=弹子石老街")

    counts = [receipt[name] for name in ("offered", "accepted", "duplicate", "rejected", "quarantined")]
    assert counts == [4, 2, 1, 0, 1]
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card .name")).to_contain_text("弹子石老街")


def test_a_state_secret_is_refused_before_its_first_byte(page: Page, site: Site) -> None:
    sign_in_demo(page, site.url, "demo-archive")
    page.goto("/intake/new")

    page.locator("input[name=secrecy][value='秘密']").check()
    page.locator("form[action='/intake/new'] button[type=submit]").click()

    expect(page.get_by_role("alert")).to_be_visible()
    assert page.locator("upload-desk").count() == 0


def test_a_producer_licenses_ten_seconds_and_anyone_verifies(page: Page, site: Site, chromium: Browser) -> None:
    sign_in_demo(page, site.url, "demo-producer")
    page.goto("/search?q=索道 雾&scope=shots")
    page.locator("a[href*='?t=']").first.click()
    page.locator("#offer-place-1").select_option("CQ")
    page.locator("#offer .answer.free").wait_for(timeout=SLOW)
    page.locator("#offer form[method=post] button").first.click()
    quoted = page.locator(".price .sum").inner_text()
    page.locator("form[action$='/order'] button").click()
    page.locator("form[action$='/pay'] button").click()
    page.locator("a[href^='/deliveries/']").first.wait_for(timeout=SLOW)
    licence = page.url
    with page.expect_download() as media:
        page.locator("a[href^='/deliveries/']").first.click()
    with page.expect_download() as paper:
        page.locator("a[href$='/certificate.json']").first.click()
    with page.expect_download() as pdf:
        page.locator("a[href$='/certificate.pdf']").first.click()

    stranger = chromium.new_context(locale="zh-CN", base_url=site.url).new_page()
    stranger.goto("/verify")
    stranger.locator("input[name=certificate]").set_input_files(str(paper.value.path()))
    stranger.locator("input[data-media]").set_input_files(str(media.value.path()))
    expect(stranger.locator("input[name=digest]")).to_have_value(re.compile("^[0-9a-f]{64}$"))
    stranger.locator("main form button[type=submit]").click()
    stranger.wait_for_load_state()
    verdict = stranger.locator("main").inner_text()
    stranger.goto(licence)

    assert "¥" in quoted
    assert Path(pdf.value.path()).read_bytes().startswith(b"%PDF-")
    assert Path(media.value.path()).stat().st_size > 10_000
    assert verdict.count("✓") >= 4
    assert "✕" not in verdict
    assert stranger.url.startswith(f"{site.url}/sign-in")


def test_a_curator_publishes_a_theme(page: Page, site: Site, chromium: Browser) -> None:
    sign_in_demo(page, site.url, "demo-curator")
    page.goto("/curate/new")
    page.locator("input[name=title_zh]").fill("雾中山城")
    page.locator("input[name=title_en]").fill("A city in fog")
    page.locator("input[name=slug]").fill("city-in-fog")
    page.locator("form[action='/curate/new'] button[type=submit]").click()
    page.wait_for_url(re.compile(r"/curate/[0-9a-f-]{36}"))
    desk = re.sub(r"(/curate/[0-9a-f-]{36}).*", r"\1", page.url)
    page.goto(f"{desk}/add?q=雾")
    page.locator(".card form button[type=submit]").first.click()
    page.goto(desk)
    page.locator("button[name=then][value=publish]").click()
    page.wait_for_load_state()

    visitor = chromium.new_context(locale="zh-CN", base_url=site.url).new_page()
    visitor.goto("/catalogues/city-in-fog")

    expect(visitor.locator("h1")).to_have_text("雾中山城")
    assert visitor.locator(".story li").count() >= 1


def test_an_operator_admits_a_house_with_two_checkers(page: Page, site: Site, tmp_path: Path) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF-1.4\n% a scan\n")
    sign_in_demo(page, site.url, "demo-archive")
    page.goto("/members/apply?kind=organisation")
    page.locator("input[name=name_zh]").fill("江北民间影像社")
    page.locator("input[name=credit_code]").fill("91500000MA5U000000")
    for name in ("legal_representative", "agent_name"):
        page.locator(f"input[name={name}]").fill("某人")
    for name in ("licence_scan_sha256", "authorisation_sha256"):
        page.locator(f"input[name={name}]").set_input_files(str(scan))
    page.locator("form[enctype] button[type=submit]").click()
    expect(page.get_by_role("alert")).to_be_visible()
    kept = page.locator("input[name=name_zh]").input_value()

    sign_in_demo(page, site.url, "demo-checker-1")
    page.goto("/members")

    assert kept == "江北民间影像社"
    expect(page.locator("tbody")).not_to_contain_text("江北民间影像社")
    assert page.locator("tbody tr").count() >= 6
