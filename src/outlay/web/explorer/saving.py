"""Saved views: a question under a name."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from outlay.errors import UsageError
from outlay.web.accounts.models import User
from outlay.web.explorer.asking import Asked, pairs_in
from outlay.web.explorer.models import SavedView

MOST = 200
_LONGEST = 80


def seen_by(request: HttpRequest) -> QuerySet[SavedView]:
    """One's own, and what others share."""
    return SavedView.objects.filter(Q(user=_user(request)) | Q(is_shared=True)).select_related("user")


def views(request: HttpRequest) -> HttpResponse:
    """The list of them; a POST saves one, in the place of one's own of the same name."""
    if request.method != "POST":
        return render(request, "explorer/views.html", {"views": seen_by(request)})
    asked = Asked.read(pairs_in(request.POST.get("query", "")))
    name = " ".join(request.POST.get("name", "").split())
    _check(request, name)
    _, is_new = SavedView.objects.update_or_create(
        user=_user(request),
        name=name,
        defaults={"query": asked.query, "is_shared": "shared" in request.POST, "saved_at": timezone.now()},
    )
    messages.success(request, f"{name} is saved." if is_new else f"{name} is saved in place of the one before.")
    return redirect(asked.url)


def _check(request: HttpRequest, name: str) -> None:
    """Raises UsageError."""
    if not 1 <= len(name) <= _LONGEST or not name.isprintable():
        raise UsageError(f"A view's name has 1 to {_LONGEST} letters.", next="Go back and write one.", field="name")
    own = SavedView.objects.filter(user=_user(request))
    if own.count() >= MOST and not own.filter(name=name).exists():
        raise UsageError(f"You have {MOST} saved views.", next="Remove one that you do not need.", field="name")


@require_POST
def remove(request: HttpRequest, number: int) -> HttpResponse:
    """One's own alone."""
    gone, _ = SavedView.objects.filter(user=_user(request), pk=number).delete()
    if not gone:
        raise Http404
    messages.success(request, "The view is removed.")
    return redirect("explorer-views")


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
