"""One's own account: who one is, the password, the tokens."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from outlay.web.accounts import tokens as keeping
from outlay.web.accounts.forms import ChangePasswordForm, TokenForm
from outlay.web.accounts.models import ApiToken, User


def account(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/account.html", {"form": ChangePasswordForm(_user(request))})


@sensitive_post_parameters("old_password", "new_password1", "new_password2")
def password(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("account")
    form = ChangePasswordForm(_user(request), request.POST)
    if not form.is_valid():
        return render(request, "accounts/account.html", {"form": form}, status=422)
    form.save()
    # This session goes on; all others of the user end.
    update_session_auth_hash(request, form.user)
    messages.success(request, "Your password is changed. Wherever else you were signed in, you are signed out.")
    return redirect("account")


def tokens(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    form = TokenForm(user, request.POST or None)
    shown = None
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        made, text = keeping.issue(user, told["name"], role=told["role"], scope=told["scope"], days=told["days"])
        shown = {"name": made.name, "text": text}
        form = TokenForm(user)
    status = 422 if form.errors else 200
    rows = ApiToken.objects.filter(user=user, revoked_at=None)
    context = {"form": form, "tokens": rows, "shown": shown, "now": timezone.now()}
    return render(request, "accounts/tokens.html", context, status=status)


@require_POST
def revoke(request: HttpRequest, number: int) -> HttpResponse:
    if not keeping.revoke(_user(request), number):
        raise Http404
    messages.success(request, "The token is revoked: nothing signs in with it any more.")
    return redirect("tokens")


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
