"""What every page shares: colours that are remembered, the way past the navigation, the menu on a phone, printing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Visit
from tests.web.pages import PHONE, axe, overflow
from tests.web.sites import Site


def test_colours_follow_the_system_until_one_chooses_and_the_choice_is_remembered(
    shared_site: Site, visit: Visit
) -> None:
    page = visit(shared_site, "viewer", theme="dark")
    page.goto("/account")
    html = page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Colours: as the system has them").click()
    page.get_by_role("button", name="Colours: light").click()
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.goto("/account/tokens")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    assert page.get_by_role("button", name="Colours: dark").is_visible()


def test_the_keyboard_skips_the_navigation_and_opens_the_menu(shared_site: Site, visit: Visit) -> None:
    page = visit(shared_site, "viewer")
    page.goto("/account")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.get_by_role("button", name="Your account").press("Enter")
    assert page.get_by_role("button", name="Sign out").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("button", name="Sign out").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_the_navigation_is_behind_one_button(shared_site: Site, visit: Visit, theme: str) -> None:
    page = visit(shared_site, "administrator", width=PHONE, theme=theme)
    page.goto("/account")
    entry = page.get_by_role("navigation").get_by_role("link", name="Users")
    assert not entry.is_visible()
    page.get_by_role("button", name="Menu").click()
    entry.wait_for()
    assert (axe(page), overflow(page)) == ([], [])
    entry.click()
    page.wait_for_url("**/users")


def test_a_viewer_is_not_shown_what_is_not_for_viewers(shared_site: Site, visit: Visit) -> None:
    page = visit(shared_site, "viewer")
    page.goto("/account")
    assert page.get_by_role("navigation").get_by_role("link", name="Users").count() == 0


def test_on_paper_there_is_no_navigation(shared_site: Site, visit: Visit) -> None:
    page = visit(shared_site, "administrator", theme="light")
    page.goto("/users")
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation").is_visible()
    assert page.get_by_text("Add a user").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_errors_are_pages_too(shared_site: Site, visit: Visit, theme: str) -> None:
    page = visit(shared_site, "viewer", width=PHONE, theme=theme)
    for path, status in (("/nowhere", 404), ("/users", 403), ("/link/none", 410)):
        answer = page.goto(path)
        assert answer is not None
        assert (answer.status, axe(page), overflow(page)) == (status, [], [])
