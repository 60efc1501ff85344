"""API tokens: made once, shown once, looked up by digest."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from outlay.errors import UsageError
from outlay.web.accounts.links import digest
from outlay.web.accounts.models import ApiToken, User
from outlay.web.roles import Role

PREFIX = "outlay_"
LONGEST_DAYS = 365
# A token in steady use is written down once in this time.
_NOTE_EVERY = timedelta(minutes=1)


def issue(user: User, name: str, *, role: str, scope: str, days: int) -> tuple[ApiToken, str]:
    """A new token and its text, which is nowhere kept. Raises UsageError."""
    if role == Role.ADMINISTRATOR and user.role != Role.ADMINISTRATOR:
        raise UsageError("A token cannot do more than its user.", next="Choose the role viewer.", field="role")
    if scope == "send" and user.role != Role.ADMINISTRATOR:
        raise UsageError("Only administrators send bills.", next="Choose the scope read.", field="scope")
    if not 1 <= days <= LONGEST_DAYS:
        raise UsageError(f"{days} days is not a span.", next=f"Choose 1 to {LONGEST_DAYS}.", field="days")
    text = PREFIX + secrets.token_urlsafe(32)
    now = timezone.now()
    row = ApiToken.objects.create(
        user=user,
        name=name,
        role=role,
        scope=scope,
        digest=digest(text),
        last_characters=text[-4:],
        made_at=now,
        expires_at=now + timedelta(days=days),
    )
    return row, text


def find(text: str) -> ApiToken | None:
    """The token with its user, or None when it is unknown, revoked or too old, or its user may not sign in."""
    now = timezone.now()
    good = ApiToken.objects.filter(digest=digest(text), revoked_at=None, expires_at__gt=now, user__is_active=True)
    row = good.select_related("user").first()
    if row is not None:
        stale = Q(used_at=None) | Q(used_at__lt=now - _NOTE_EVERY)
        ApiToken.objects.filter(stale, pk=row.pk).update(used_at=now)
    return row


def role_of(token: ApiToken) -> Role:
    """A user who is an administrator no more makes viewers of all their tokens."""
    return Role.ADMINISTRATOR if token.role == token.user.role == Role.ADMINISTRATOR else Role.VIEWER


def may_write(token: ApiToken) -> bool:
    return token.scope == "write"


def may_read(token: ApiToken) -> bool:
    return token.scope != "send"


def may_send(token: ApiToken) -> bool:
    """CBF over HTTP, for an administrator: by a token for that alone, or one that may change everything."""
    return token.user.role == Role.ADMINISTRATOR and (token.scope == "send" or _may_change(token))


def _may_change(token: ApiToken) -> bool:
    return may_write(token) and role_of(token) == Role.ADMINISTRATOR


def revoke(user: User, number: int) -> bool:
    """Of the user's own. False: there is none, or it was revoked before."""
    return ApiToken.objects.filter(user=user, pk=number, revoked_at=None).update(revoked_at=timezone.now()) == 1
