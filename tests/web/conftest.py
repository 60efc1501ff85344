"""The site and a browser. `site` is a module's own; `visit` opens pages and fails the test when one misbehaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.services.chromium import chromium
from tests.web.pages import HEIGHT, WIDE, Watch
from tests.web.sites import MONTHS, SESSION, Home, Site, fill, serving

Theme = Literal["light", "dark"]
Visit = Callable[..., Page]
Serve = Callable[..., AbstractContextManager[Site]]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two months of sample bills of four connections, brought in, and a user of each role."""
    return fill(tmp_path_factory.mktemp("seeded"), MONTHS)


@pytest.fixture(scope="session")
def users_alone(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """To be copied: without a lake a home may lie anywhere."""
    return fill(tmp_path_factory.mktemp("users"), 0)


@pytest.fixture(scope="module")
def bare(users_alone: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of the module's own with users alone."""
    return users_alone.copied(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module")
def site(seeded: Home) -> Iterator[Site]:
    """A site with bills. What a test changes, later tests of the module see, and other modules do not."""
    seeded.put_back()
    with serving(seeded) as started:
        yield started


@pytest.fixture(scope="module")
def empty_site(bare: Home) -> Iterator[Site]:
    """A site of the module's own without any connection."""
    with serving(bare) as started:
        yield started


@pytest.fixture(scope="session")
def shared_site(users_alone: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same for all modules, as starting one takes seconds. Users may be added to it, and nothing else."""
    with serving(users_alone.copied(tmp_path_factory.mktemp("shared"))) as started:
        yield started


@pytest.fixture
def serve(tmp_path: Path, users_alone: Home) -> Serve:
    """`with serve(OUTLAY_URL="https://…") as site:` for a site with settings of its own, on a new home with users."""

    def start(*, is_new: bool = False, **environ: str) -> AbstractContextManager[Site]:
        folder = tmp_path / "own"
        folder.mkdir()
        return serving(Home(folder, {}) if is_new else users_alone.copied(folder), environ)

    return start


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ended with the module: while it runs, Django believes the thread to be in an event loop."""
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, monkeypatch: pytest.MonkeyPatch, outlay_home: Path) -> Iterator[Visit]:
    """`page = visit(site, "viewer", width=390, theme="dark")`; then `page.goto("/users")`.

    The test fails when a page logs an error, breaks the policy, asks another host than `also`, or answers 5xx.
    """
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    watches: list[Watch] = []
    with ExitStack() as contexts:

        def opened(
            site: Site, role: str | None = None, *, width: int = WIDE, theme: Theme = "light", also: str | None = None
        ) -> Page:
            context = contexts.enter_context(
                browser.new_context(
                    base_url=site.url,
                    viewport={"width": width, "height": HEIGHT},
                    color_scheme=theme,
                    reduced_motion="reduce",
                    locale="en-GB",
                    timezone_id="UTC",
                )
            )
            if role:
                context.add_cookies([{"name": SESSION, "value": site.home.cookies[role], "url": site.url}])
            context.set_default_timeout(15_000)
            page = context.new_page()
            watches.append(Watch(page, site.url, *([also] if also else [])))
            return page

        yield opened
    faults = [fault for watch in watches for fault in watch.faults]
    assert not faults, faults
