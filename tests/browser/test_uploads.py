"""The upload widget in a real browser: a folder keeps its paths, and files come without script too."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from asset_hub.web.look import sign_in_demo
from tests.browser.conftest import Site
from tests.media_files import make_picture

pytestmark = pytest.mark.browser


def open_intake(page: Page) -> str:
    """Answer the first question with 公开 and return the address of the intake."""
    page.goto("/intake/new")
    page.locator("input[value='公开']").check()
    page.locator("main form button").click()
    page.wait_for_url(re.compile(r"/intake/[0-9a-f-]{36}$"))
    return page.url


def test_a_folder_comes_with_its_paths_and_its_steps_are_shown(page: Page, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "卷一"
    (folder / "内").mkdir(parents=True)
    make_picture(folder / "门.jpg", shade=77)
    (folder / "内" / "坏<b>.jpg").write_bytes((folder / "门.jpg").read_bytes()[:900])
    sign_in_demo(page, site.url, "demo-archive")
    open_intake(page)

    page.locator("upload-desk input[webkitdirectory]").set_input_files(folder)
    page.locator("#live").get_by_text("已接收").first.wait_for()
    page.locator("#live").get_by_text("拒收", exact=True).first.wait_for(timeout=60_000)
    page.wait_for_function("() => document.querySelectorAll('#live tbody tr').length === 2")

    rows = page.locator("#live tbody th").all_inner_texts()
    assert rows == ["卷一/内/坏<b>.jpg", "卷一/门.jpg"]
    assert page.locator("p[data-overall]").inner_text() == "已收到 2 / 2 个文件"


def test_files_come_without_script(chromium: Browser, site: Site, tmp_path: Path) -> None:
    context = chromium.new_context(locale="zh-CN", base_url=site.url)
    sign_in_demo(context.new_page(), site.url, "demo-archive")
    state = context.storage_state()
    context.close()
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN", base_url=site.url, storage_state=state)
    page = context.new_page()
    open_intake(page)

    page.get_by_text("用普通表单送文件").click()
    page.locator("#f-files").set_input_files(make_picture(tmp_path / "独.jpg", shade=78))
    page.locator("form[action$='/files'] button").click()
    said, has_widget = page.locator(".said").inner_text(), page.locator("upload-desk").is_visible()
    context.close()

    assert (said, has_widget) == ("收到 1 个文件。", False)
