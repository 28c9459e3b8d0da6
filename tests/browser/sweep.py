"""What every page must keep, asked of a page that is open: the list at the end of the design of the web pages."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = (
    Path(__file__).resolve().parents[2] / "asset_hub" / "web" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
)
WIDTHS = (360, 768, 1280, 1600)
_SHIFT = """() => new Promise(done => {
  let sum = 0;
  const add = list => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value; };
  new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 150);
})"""
_SCRIPTS = """() => performance.getEntriesByType("resource")
  .filter(r => r.name.includes(".js") && !r.name.includes("/elements/") && !r.name.includes("/chunks/"))
  .map(r => r.decodedBodySize)"""


def axe_problems(page: Page) -> list[str]:
    """Return what axe finds against WCAG 2.2 A and AA, a line each."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    run: dict[str, Any] = page.evaluate(
        "() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
    )
    return [
        f"{found['id']}: {node['html'][:160]} — {node['failureSummary'][:200]}"
        for found in run["violations"]
        for node in found["nodes"][:3]
    ]


def overflow(page: Page, width: int) -> int:
    """Return how many pixels a page is wider than the window."""
    page.set_viewport_size({"width": width, "height": 900})
    return int(page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def layout_shift(page: Page) -> float:
    """Return how much moved while the page came (cumulative layout shift)."""
    return float(page.evaluate(_SHIFT))


def script_bytes(page: Page) -> int:
    """Return how many bytes of script the page asked for, uncompressed, before any widget of it."""
    sizes: list[int] = page.evaluate(_SCRIPTS)
    return sum(sizes)


class Listener:
    """Keeps what a page complains about: errors, refused policies, requests to other hosts."""

    def __init__(self, page: Page, base: str) -> None:
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on(
            "console", lambda said: self.problems.append(f"{said.type}: {said.text}") if said.type == "error" else None
        )
        page.on("request", lambda asked: self._asked(asked.url, base))

    def _asked(self, url: str, base: str) -> None:
        if not url.startswith((base, "data:", "blob:")):
            self.problems.append(f"third party: {json.dumps(url[:200])}")
