"""Who asks: a token sent as bearer. What writes wants one of an administrator that may write."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.security.base import AuthBase

from outlay.web.accounts import tokens
from outlay.web.accounts.models import ApiToken
from outlay.web.api.problems import Problem
from outlay.web.roles import Role

_MAKE = "Make one on the page API tokens of your account, and send it as “Authorization: Bearer …”."


class Token(AuthBase):
    """Raises Problem. What it gives is the token, which requests then carry as `auth`."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "An API token, made on the page API tokens of one's account."

    def __init__(self, *, is_for_administrators: bool = False, is_for_writing: bool = False) -> None:
        self._is_for_administrators = is_for_administrators or is_for_writing
        self._is_for_writing = is_for_writing
        super().__init__()

    def __call__(self, request: HttpRequest) -> ApiToken:
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text.strip():
            raise Problem(401, "This wants an API token.", _MAKE)
        token = tokens.find(text.strip())
        if token is None:
            raise Problem(401, "This token is unknown, revoked or expired.", _MAKE, "bad-token")
        if not tokens.may_read(token):
            raise Problem(403, "This token may only send CBF.", "Use one whose scope is read, or read and write.")
        if self._is_for_administrators and tokens.role_of(token) != Role.ADMINISTRATOR:
            said = (
                "A viewer's token changes nothing." if self._is_for_writing else "A viewer's token does not see this."
            )
            raise Problem(403, said, "Use one of the role administrator.")
        if self._is_for_writing and not tokens.may_write(token):
            raise Problem(403, "This token may only read.", "Use one whose scope is read and write.")
        return token


READ = Token()
ADMINISTRATOR = Token(is_for_administrators=True)
WRITE = Token(is_for_writing=True)


def who(request: HttpRequest) -> str:
    """The name of the user whose token asks."""
    token: Any = request.auth  # type: ignore[attr-defined]
    return str(token.user.get_username())
