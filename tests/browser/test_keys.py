"""A house makes its key in the browser and signs by it there: the secret and the passphrase never leave."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from asset_hub.accounts import require_organisation, require_person
from asset_hub.accounts.deps import SESSION_COOKIE
from asset_hub.accounts.people import open_session
from asset_hub.core import clock
from asset_hub.web.look import serving
from ledger.addresses import show_address
from ledger.deeds import propose_title
from ledger.house_keys import list_keys
from ledger.keyfiles import read_keystore
from ledger.types import CustodyKind, KeyState
from tests.browser.sweep import axe_problems
from tests.ledger.houses import House, confirm_all, make_house

pytestmark = pytest.mark.browser
PASSPHRASE = "cháotiānmén-0815-夜航"


@dataclass(frozen=True, slots=True)
class Desk:
    """The rights desk of a house at its browser, and everything that the browser sent."""

    house: House
    page: Page
    sent: list[Request]


@pytest.fixture
def desk(chromium: Browser, tmp_path: Path) -> Iterator[Desk]:
    house = make_house(tmp_path)
    with house.services.database.write() as session:
        secret = open_session(session, person_id=require_person(house.seller), now=clock.now())
    with serving(house.services.settings.home) as url:
        context = chromium.new_context(locale="zh-CN", base_url=url, accept_downloads=True)
        context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": url}])
        page = context.new_page()
        sent: list[Request] = []
        page.on("request", lambda request: sent.append(request))
        yield Desk(house, page, sent)
        context.close()


def make_key(desk: Desk, target: Path) -> None:
    """Make a key on the page, save its file, and wait until it is asked for."""
    desk.page.goto("/keys")
    for field in ("#new-words", "#new-again"):
        desk.page.fill(field, PASSPHRASE)
    with desk.page.expect_download() as saved:
        desk.page.click("form[data-act=make] button")
    saved.value.save_as(target)
    expect(desk.page.locator("house-keys [role=status]")).to_have_attribute("data-state", "made", timeout=15_000)


def sign_everything(desk: Desk, keystore: Path, passphrase: str, state: str) -> None:
    """Tick what waits and sign it by the file."""
    for box in desk.page.locator("input[name=pending]").all():
        box.check()
    desk.page.set_input_files("#key-file", keystore)
    desk.page.fill("#key-words", passphrase)
    desk.page.click("form[data-act=sign] button")
    expect(desk.page.locator("house-keys [role=status]")).to_have_attribute("data-state", state, timeout=15_000)


def wait_for_something_to_sign(page: Page, words: str) -> None:
    """Load the page until the ledger has come so far."""
    for _ in range(40):
        page.goto("/keys")
        if page.get_by_text(words).count():
            return
        page.wait_for_timeout(250)
    pytest.fail(f"{words} never came: {page.locator('main').inner_text()}")


def test_a_key_made_in_the_browser_signs_there_and_its_secret_never_leaves(desk: Desk, tmp_path: Path) -> None:
    keystore = tmp_path / "key.json"
    make_key(desk, keystore)
    with desk.house.services.database.write() as session:
        assert confirm_all(session) == 1
    wait_for_something_to_sign(desk.page, "停用密钥")
    assert axe_problems(desk.page) == []
    sign_everything(desk, keystore, "another passphrase", "wrong")
    sign_everything(desk, keystore, PASSPHRASE, "signed")
    house = require_organisation(desk.house.seller)
    with desk.house.services.database.write() as session:
        propose_title(
            session, desk.house.services.keys, asset_id=desk.house.asset_id, rights={("all",): {house: 10_000}},
            instrument="合同", by=desk.house.seller, now=clock.now(),
        )  # fmt: skip
    wait_for_something_to_sign(desk.page, "登记《朝天门的黄昏》")
    sign_everything(desk, keystore, PASSPHRASE, "signed")

    key = read_keystore(keystore, passphrase=PASSPHRASE)
    with desk.house.services.database.read() as session:
        keys = {one.address: one for one in list_keys(session, organisation_id=house)}
    assert (keys[key.address].state, keys[key.address].custody) == (KeyState.LIVE, CustodyKind.OWN)
    file = json.loads(keystore.read_text())
    private = (key.secret.hex(), PASSPHRASE, file["crypto"]["ciphertext"], file["crypto"]["kdfparams"]["salt"])
    told = [" ".join((one.url, one.post_data or "", json.dumps(one.headers))) for one in desk.sent]
    assert any(show_address(key.address).lower() in text.lower() for text in told)
    assert sum("/api/v1/signatures/" in one.url for one in desk.sent) == 3
    assert [text for text in told for word in private if word.lower() in text.lower()] == []
