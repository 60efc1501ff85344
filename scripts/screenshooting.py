"""Pictures of the main pages: wide and on a phone, light and dark. `scripts/screenshots` runs it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from tests.services.chromium import chromium
from tests.web.sites import SESSION, Site, fill, serving

SHOTS = Path(__file__).parents[1] / "docs" / "screenshots"
MONTHS = 12
LOOKS = (("wide", 1440, 900, "light"), ("dark", 1440, 900, "dark"), ("phone", 390, 844, "light"))


@dataclass(frozen=True)
class Shot:
    """A page as a role sees it. `until`: what has to be there before the picture is taken."""

    name: str
    path: str
    role: str | None = "administrator"
    until: str = "h1"


PAGES: tuple[Shot, ...] = (
    Shot("overview", "/", until="[data-drawn]"),
    Shot("explorer", "/explorer?by=ServiceName&range=last-12-months&where=BillingCurrency%3DUSD", until="[data-drawn]"),
    Shot("charges", "/explorer/charges?range=last-month"),
    Shot("connections", "/connections", until="[data-connection]"),
    Shot("connection", "/connections/simple-cloud", until=".connections-periods"),
    Shot("period", "/connections/fernwick-aws/in/2026-10"),
    Shot("add-connection", "/add-connection/anycost"),
    Shot("accounts", "/accounts"),
)


def main(names: Sequence[str]) -> None:
    SHOTS.mkdir(exist_ok=True)
    wanted = [page for page in PAGES if not names or page.name in names]
    with tempfile.TemporaryDirectory(prefix="outlay-screenshots-") as folder:
        home = fill(Path(folder), MONTHS)
        with serving(home) as site, chromium() as browser:
            for page in wanted:
                for look, width, height, theme in LOOKS:
                    take(browser, site, page, SHOTS / f"{page.name}-{look}.png", (width, height), theme)


def take(browser: Browser, site: Site, shot: Shot, path: Path, size: tuple[int, int], theme: str) -> None:
    width, height = size
    context = browser.new_context(
        base_url=site.url,
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    if shot.role:
        context.add_cookies([{"name": SESSION, "value": site.home.cookies[shot.role], "url": site.url}])
    page = context.new_page()
    page.goto(shot.path, wait_until="networkidle")
    page.wait_for_selector(shot.until)
    page.screenshot(path=path, full_page=False)
    print(path.relative_to(SHOTS.parents[1]))
    context.close()


if __name__ == "__main__":
    main(sys.argv[1:])
