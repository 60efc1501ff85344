"""What a browser waits for and fetches: the first paint of each page, and its assets as they come over the wire."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Browser

from tests.services.chromium import chromium
from tests.web.sites import SESSION, Site

PAGES = {
    "overview": "/",
    "explorer": "/explorer?by=ServiceName&range=last-12-months",
    "charges": "/explorer/charges?range=last-month",
    "connections": "/connections",
    "account": "/account",
}
ROUNDS = 5
_PAINT = """() => new Promise((done) => {
  const look = () => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    if (paint) done(paint.startTime); else setTimeout(look, 10);
  };
  look();
})"""
_ASSETS = """() => performance.getEntriesByType("resource")
  .filter((each) => new URL(each.name).pathname.startsWith("/static/"))
  .map((each) => each.encodedBodySize)"""


@dataclass(frozen=True)
class Seen:
    """With an empty cache: milliseconds to the first paint of each round, and bytes of the assets, compressed."""

    page: str
    paints: list[float]
    assets: list[int]

    def line(self) -> str:
        middle, longest = statistics.median(self.paints), max(self.paints)
        return f"| {self.page} | {middle:,.0f} | {longest:,.0f} | {len(self.assets)} | {sum(self.assets) / 1000:,.0f} |"


def look(site: Site) -> list[Seen]:
    with chromium() as browser:
        return [_seen(browser, site, page, path) for page, path in PAGES.items()]


def _seen(browser: Browser, site: Site, page: str, path: str) -> Seen:
    rounds = [_round(browser, site, path) for _ in range(ROUNDS)]
    return Seen(page, [paint for paint, _ in rounds], rounds[-1][1])


def _round(browser: Browser, site: Site, path: str) -> tuple[float, list[int]]:
    """In a context of its own, as whoever comes for the first time."""
    context = browser.new_context(base_url=site.url)
    context.add_cookies([{"name": SESSION, "value": site.home.cookies["viewer"], "url": site.url}])
    try:
        page = context.new_page()
        answer = page.goto(path, wait_until="networkidle")
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        return float(page.evaluate(_PAINT)), list(page.evaluate(_ASSETS))
    finally:
        context.close()


def lines(found: list[Seen]) -> Iterator[str]:
    yield "| page, with an empty cache | first paint, median ms | longest ms | assets | compressed kB |"
    yield "|---|---:|---:|---:|---:|"
    for each in found:
        yield each.line()
