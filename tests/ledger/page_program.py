"""The stand-alone page in Debian's chromium, opened from a file: through its own form, or asked as a program."""

import base64
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from asset_hub.web.look import CHROMIUM, browser
from tests.ledger.vectors import Question, Verdict

_MARKS = {"✓": True, "✕": False, "–": None}
_ASK = """async ([certificates, media, trust, status, today]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const given = { today };
  if (media !== null) given.media = new Blob([bytes(media)]);
  if (trust !== null) given.trust = bytes(trust);
  if (status !== null) given.status = bytes(status);
  const told = [];
  for (const one of certificates) told.push(await globalThis.assetHubVerifier.verify(bytes(one), given));
  return told;
}"""


_ASK_BUNDLES = """async ([bundles, trust, today]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const given = { today };
  if (trust !== null) given.trust = bytes(trust);
  const told = [];
  for (const one of bundles) told.push((await globalThis.assetHubVerifier.verifyBundle(bytes(one), given)).checks);
  return told;
}"""
Link = tuple[str, bool | None, str]


class PageProgram:
    """The page, and what it was seen to ask of any network."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.path = path
        self.asked: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())

    def ask(self, certificates: Sequence[bytes], question: Question) -> list[Verdict]:
        """Return the verdict on each certificate, all with the same companions."""
        media = question.media.read_bytes() if question.media else None
        given = [_encoded(media), _encoded(question.trust), _encoded(question.status), str(question.today)]
        told: list[list[dict[str, Any]]] = self.page.evaluate(_ASK, [[_encoded(c) for c in certificates], *given])
        return [{check["name"]: check["ok"] for check in checks} for checks in told]

    def ask_bundles(self, bundles: Sequence[bytes], *, trust: bytes | None, today: date) -> list[list[Link]]:
        """Return each link of each bundle: name, result, the message that it says."""
        given = [[_encoded(one) for one in bundles], _encoded(trust), str(today)]
        told: list[list[dict[str, Any]]] = self.page.evaluate(_ASK_BUNDLES, given)
        return [[(check["name"], check["ok"], check["text"]) for check in checks] for checks in told]

    def fill(self, question: Question, folder: Path) -> list[tuple[str, bool | None, str]]:
        """Choose the files in the form, press the button, read the table: name, result, what was found."""
        self.page.reload()
        contents = {"certificate": question.certificate, "trust": question.trust, "status": question.status}
        for field, content in contents.items():
            if content is not None:
                path = folder / f"{field}.json"
                path.write_bytes(content)
                self.page.set_input_files(f"#{field}", path)
        if question.media:
            self.page.set_input_files("#media", question.media)
        self.page.fill("#day", str(question.today))
        self.page.click("button[type=submit]")
        self.page.wait_for_selector("#result table")
        rows = self.page.locator("#result table tr:has(td)").all()
        cells = [[row.locator("th, td").nth(at).inner_text() for at in range(3)] for row in rows]
        return [(name, _MARKS[mark[0]], found) for name, mark, found in cells]


@contextmanager
def opened(path: Path) -> Iterator[PageProgram]:
    """Open the page in a browser that is offline; skip where there is none."""
    if not Path(CHROMIUM).exists():
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with browser() as started:
        context = started.new_context(locale="zh-CN", offline=True)
        yield PageProgram(context.new_page(), path)
        context.close()


def _encoded(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()
