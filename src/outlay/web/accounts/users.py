"""The users page: who there is, what they may do, and the links by which they come in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from outlay.errors import UsageError
from outlay.state import acts
from outlay.web.accounts import links, people
from outlay.web.accounts.forms import UserForm
from outlay.web.accounts.models import User
from outlay.web.roles import Role, who

_DONE = 20


def users(request: HttpRequest) -> HttpResponse:
    form = UserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            user, path = people.add(told["username"], told["role"], told["email"], by=who(request))
        except UsageError as error:
            form.add_error(error.field if error.field in form.fields else None, f"{error.message} {error.next}")
        else:
            return _page(request, UserForm(), _shown(request, user, path))
    return _page(request, form, None)


@require_POST
def role(request: HttpRequest, number: int) -> HttpResponse:
    user = get_object_or_404(User, pk=number)
    try:
        people.set_role(user, request.POST.get("role", ""), by=who(request))
    except UsageError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{user.username} is {_with_article(user.role)} now.")
    return redirect("users")


@require_POST
def link(request: HttpRequest, number: int) -> HttpResponse:
    user = get_object_or_404(User, pk=number)
    return _page(request, UserForm(), _shown(request, user, people.new_link(user, by=who(request))))


@require_POST
def remove(request: HttpRequest, number: int) -> HttpResponse:
    user = get_object_or_404(User, pk=number)
    try:
        people.remove(user, by=who(request))
    except UsageError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{user.username} is removed, with all tokens.")
    return redirect("account_login" if user.username == request.user.get_username() else "users")


def _page(request: HttpRequest, form: UserForm, shown: dict[str, Any] | None) -> HttpResponse:
    done = acts.done(acts.USERS, _DONE)
    context = {"form": form, "users": User.objects.all(), "roles": list(Role), "shown": shown, "acts": done}
    return render(request, "accounts/users.html", context, status=422 if form.errors else 200)


def _shown(request: HttpRequest, user: User, path: str) -> dict[str, Any]:
    """A link is shown to whoever made it, once."""
    hours = links.LASTS.days * 24
    about = f"With it they choose a password, once, in the next {hours} hours. Links made before are over."
    return {"username": user.username, "url": request.build_absolute_uri(path), "about": about}


def _with_article(role: str) -> str:
    return f"{'an' if role.startswith('a') else 'a'} {role}"
