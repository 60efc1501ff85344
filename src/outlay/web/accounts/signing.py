"""Signing in, by password, by OpenID Connect, by a link; and out."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.views import OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib.auth import login, logout
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from requests import RequestException

from outlay.errors import UsageError
from outlay.web.accounts import links, lockout
from outlay.web.accounts.addresses import is_own
from outlay.web.accounts.forms import ChoosePasswordForm, SignInForm
from outlay.web.accounts.models import SignInLink, User
from outlay.web.configuration import OIDC
from outlay.web.core import installation
from outlay.web.roles import Role

_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class _SignIn(LoginView):  # type: ignore[misc]
    form_class = SignInForm
    template_name = "accounts/sign-in.html"

    def get_form_class(self) -> type[SignInForm]:
        return SignInForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        going_on = self.request.POST.get("next") or self.request.GET.get("next") or ""
        return {
            **super().get_context_data(**kwargs),
            "oidc_name": installation().oidc_name if installation().oidc_url else "",
            "next": going_on if is_own(self.request, going_on) else "",
        }


sign_in = _SignIn.as_view()


@require_POST
def oidc(request: HttpRequest, provider_id: str = OIDC) -> HttpResponseBase:
    """Send the browser to the provider.

    By a page that goes on by itself: the policy of this site lets no form end at another.
    """
    if request.user.is_authenticated:
        return redirect("overview")
    if "process" in request.GET or "process" in request.POST:
        # allauth would tie the provider's account to one that is there already; here the provider's stands alone.
        return refused(request)
    try:
        answer = OAuth2LoginView.adapter_view(OpenIDConnectOAuth2Adapter(request, provider_id))(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except RequestException:
        return refused(request)
    if answer.status_code == 302:
        return render(request, "accounts/going.html", {"url": answer["Location"], "name": installation().oidc_name})
    return answer  # type: ignore[no-any-return]


def refused(request: HttpRequest) -> HttpResponse:
    """The provider did not vouch for anybody, or for somebody who may not come in."""
    return render(request, "accounts/refused.html", {"name": installation().oidc_name}, status=403)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("account_login")


@sensitive_post_parameters("password", "again")
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a password, once. Asking for the page uses nothing up: mail programs look at links, too."""
    link = links.find(token)
    if link is None:
        return render(request, "accounts/link-gone.html", status=410)
    form = ChoosePasswordForm(link.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = _chosen(link, token, form.cleaned_data)
        except UsageError:
            return render(request, "accounts/link-gone.html", status=410)
        login(request, user, backend=_BACKEND)
        return redirect("overview")
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/link.html", {"form": form, "of": link.user}, status=status)


def _chosen(link: SignInLink, token: str, told: dict[str, Any]) -> User:
    """Raises UsageError when the link was used meanwhile."""
    with transaction.atomic():
        links.use(token)
        user = link.user or User(username=told["username"], role=Role.ADMINISTRATOR)
        # The session's own hash changes with the password: who was signed in with the old one is signed out.
        user.set_password(told["password"])
        user.save()
    lockout.forget(lockout.account(user.username))
    return user
