"""What allauth asks of this site: who is held up, who may come in, where one may go on to."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from outlay.web.accounts import lockout
from outlay.web.accounts.addresses import address_of, is_own
from outlay.web.core import installation
from outlay.web.roles import Role
from outlay.web.templatetags.outlay import span

_WRONG = "The name or the password is not right."


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _WRONG,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str) -> bool:
        return is_own(context.request, url)

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """The page that follows shows what happened."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            lockout.begin(_subjects(request, credentials), timezone.now())
        except lockout.Blocked as blocked:
            wait = span(max(blocked.wait.total_seconds(), 1))
            raise ValidationError(
                f"Too many attempts failed. Wait {wait}, then try again, or have an administrator send you a link."
            ) from blocked

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        user = super().authenticate(request, **credentials)
        if user is not None:
            lockout.succeeded(*_subjects(request, credentials))
        return user

    def _rollback_login_failed_rl_usage(self) -> None:
        """Nothing of allauth's own counting is used."""


def _subjects(request: HttpRequest, credentials: dict[str, Any]) -> tuple[lockout.Subject, lockout.Subject]:
    return lockout.account(credentials.get("username", "")), lockout.address(address_of(request))


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Whoever the provider vouches for may come in, as a viewer unless a claim says administrator."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """The claim decides at each sign-in; without OUTLAY_OIDC_ADMINISTRATORS, the users page does."""
        role = _role(sociallogin.account.extra_data)
        if role is None:
            return
        sociallogin.user.role = role
        if sociallogin.is_existing:
            sociallogin.user.save(update_fields=["role"])


def _role(told: dict[str, Any]) -> Role | None:
    wanted = installation().oidc_administrators
    if wanted is None:
        return None
    name, value = wanted
    claims = {**told.get("id_token", {}), **told.get("userinfo", {})}
    found = claims.get(name)
    has_it = value in found if isinstance(found, list) else str(found) == value
    return Role.ADMINISTRATOR if has_it else Role.VIEWER
