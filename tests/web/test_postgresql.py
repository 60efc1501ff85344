"""Accounts on PostgreSQL, from the first administrator to a token that is revoked."""

from __future__ import annotations

import re
from pathlib import Path

import requests

from tests.web.sites import PASSWORD, SESSION, Home, Site, serving
from tests.web.test_signing_in import sign_in
from tests.web.tokens import Api

BETTER = "another-walk-by-the-sea"


def post(site: Site, session: requests.Session, path: str, **told: str) -> requests.Response:
    headers = site.csrf(session)
    return session.post(f"{site.url}{path}", data=told, headers=headers, allow_redirects=False, timeout=60)


def test_the_pages_of_accounts_work_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    with serving(Home(tmp_path, {}), {"DATABASE_URL": postgres_url}) as site:
        link = site.outlay("users", "add", "ada", "--role", "administrator")["link"].partition(":8000")[2]
        ada = site.session()
        assert ada.get(f"{site.url}{link}", timeout=60).status_code == 200
        assert post(site, ada, link, password="ada", again="ada").status_code == 422
        assert post(site, ada, link, password=PASSWORD, again=PASSWORD).status_code == 302
        assert site.ask(link).status_code == 410
        elsewhere = site.session()
        assert sign_in(site, "ada", PASSWORD, elsewhere).status_code == 302
        changed = {"old_password": PASSWORD, "new_password1": BETTER, "new_password2": BETTER}
        assert post(site, ada, "/account/password", **changed).status_code == 302
        assert elsewhere.get(f"{site.url}/account", allow_redirects=False, timeout=60).status_code == 302

        page = post(site, ada, "/users", username="carol", role="viewer", email="")
        assert "Send this link to carol" in page.text
        number = re.findall(r"/users/(\d+)/role", page.text)[-1]
        assert post(site, ada, f"/users/{number}/role", role="administrator").status_code == 302
        assert [user["role"] for user in site.outlay("users", "list")] == ["administrator", "administrator"]
        assert post(site, ada, f"/users/{number}/remove").status_code == 302
        assert [user["name"] for user in site.outlay("users", "list")] == ["ada"]
        assert "removed the user carol." in ada.get(f"{site.url}/users", timeout=60).text

        form = {"name": "nightly", "role": "administrator", "scope": "write", "days": "30"}
        page = post(site, ada, "/account/tokens", **form)
        text = re.search(r'value="(outlay_[\w-]+)"', page.text)
        assert text
        api = Api(site, text[1])
        assert api.get("connections") == []
        revoke = re.search(r"/account/tokens/\d+/revoke", page.text)
        assert revoke
        assert post(site, ada, revoke[0]).status_code == 302
        assert api.ask("connections").status_code == 401

        assert post(site, ada, "/sign-out").status_code == 302
        assert ada.get(f"{site.url}/users", allow_redirects=False, timeout=60).status_code == 302
        said = [sign_in(site, "ada", f"guess {number}").text for number in range(8)]
        assert "Too many attempts failed" in said[-1]
        assert SESSION not in sign_in(site, "ada", BETTER).cookies
