"""API tokens for tests, made as people make them: on the page of their account."""

from __future__ import annotations

import re
from typing import Any

import requests

from tests.web.sites import Site


def token(site: Site, role: str = "administrator", scope: str = "write", *, of: str | None = None) -> str:
    """The text of a new token of `role`, of a user who has it or, with `of`, of a user of another role."""
    form = {"name": f"test {role} {scope}", "role": role, "scope": scope, "days": "30"}
    page = site.ask("/account/tokens", of or role, "POST", data=form)
    assert page.status_code == 200, page.text
    found = re.search(r'value="(outlay_[\w-]+)"', page.text)
    assert found
    return found[1]


class Api:
    """A program with a token."""

    def __init__(self, site: Site, text: str) -> None:
        self.url = f"{site.url}/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {text}"

    def ask(self, path: str, method: str = "GET", **more: Any) -> requests.Response:
        return self._session.request(method, f"{self.url}/{path}", allow_redirects=False, timeout=60, **more)

    def get(self, path: str, **params: Any) -> Any:
        """The JSON of an answer that has to be good."""
        answer = self.ask(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()
