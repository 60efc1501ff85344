"""What every page has to be, seen in a browser: nothing refused, nothing overflowing, readable by all."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import ConsoleMessage, Page, Request, Response

from tests.services.chromium import AXE

WIDE, PHONE = 1440, 390
HEIGHT = 900


class Watch:
    """Collects what no page may do: errors in the console, violations of the policy, requests elsewhere, 5xx."""

    def __init__(self, page: Page, *urls: str) -> None:
        self.faults: list[str] = []
        self._own = (*urls, "data:", "blob:", "about:")
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"script failed: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and message.text.startswith("htmx:sendAbort"):
            # Whoever leaves a page while it asks for a part of it ends that: htmx has said so just before.
            self.faults = [fault for fault in self.faults if not fault.startswith("console: htmx:afterRequest")]
            return
        # A page that answers 404 on purpose is told so; a missing file is seen in _answered.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(self._own):
            self.faults.append(f"asked another host: {request.url}")

    def _answered(self, response: Response) -> None:
        is_part = response.request.resource_type not in ("document", "xhr", "fetch")
        if response.status >= 500 or (is_part and response.status >= 400):
            self.faults.append(f"{response.status} {response.url}")


def overflow(page: Page) -> list[str]:
    """What sticks out of the page sideways: nothing, on a good one."""
    found: list[str] = page.evaluate(
        """() => {
          const wide = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= wide) return [];
          return [...document.querySelectorAll("body *")]
            .filter((each) => each.getBoundingClientRect().right > wide + 1)
            .map((each) => `${each.tagName}.${each.getAttribute("class")} to ${each.getBoundingClientRect().right}`)
            .slice(0, 5).concat([`the page is ${document.documentElement.scrollWidth} wide`]);
        }"""
    )
    return found


def axe(page: Page) -> list[str]:
    """Accessibility faults that axe finds, those that are serious or critical, each with where it is."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
