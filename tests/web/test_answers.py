"""What every answer carries: headers, cookies, static files, no secret."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import Serve
from tests.web.sites import CSRF, SESSION, Site

PAGES = ("/", "/sign-in", "/account", "/account/tokens", "/users", "/nowhere")


@pytest.mark.parametrize("path", [*PAGES, "/healthz"])
def test_the_policy_allows_this_site_alone_and_nothing_inline(shared_site: Site, path: str) -> None:
    answer = shared_site.ask(path, "administrator")
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_inline_scripts_styles_or_handlers(shared_site: Site, path: str) -> None:
    text = shared_site.ask(path, None if path == "/sign-in" else "administrator").text
    assert "</html>" in text
    assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\bsrc=)", text)


def test_static_files_come_compressed_and_may_be_kept_for_good(shared_site: Site) -> None:
    text = shared_site.ask("/sign-in").text
    files = re.findall(r'(?:href|src)="(/static/[^"#]+)"', text)
    assert len(files) > 4
    for path in files:
        answer = shared_site.ask(path, headers={"Accept-Encoding": "br"})
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["Cache-Control"]
        if "/vendor/" in path and not path.endswith("woff2"):
            assert answer.headers["Content-Encoding"] == "br"


def test_cookies_are_for_this_site_alone_and_out_of_scripts_reach(shared_site: Site) -> None:
    cookie = shared_site.ask("/sign-in").headers["Set-Cookie"]
    assert cookie.startswith(f"{CSRF}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_under_https_cookies_are_secure_and_bound_to_the_host(serve: Serve) -> None:
    with serve(is_new=True, OUTLAY_URL="https://outlay.example.com", OUTLAY_PROXIES="1") as site:
        headers = {"Host": "outlay.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        answer = site.ask("/sign-in", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["Set-Cookie"].startswith(f"__Host-{CSRF}=")
        assert "Secure" in answer.headers["Set-Cookie"]
        assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]


def test_the_key_that_signs_sessions_is_in_no_page(shared_site: Site) -> None:
    key = (shared_site.home.home / "secret.key").read_text().strip()
    assert (shared_site.home.home / "secret.key").stat().st_mode & 0o777 == 0o600
    for path in PAGES:
        text = shared_site.ask(path, "administrator").text
        assert key not in text
        assert shared_site.home.cookies["administrator"] not in text
    assert SESSION not in shared_site.log.read_text()
