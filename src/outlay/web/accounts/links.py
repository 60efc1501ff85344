"""Links that are used once: for the first administrator, for a new user, for who forgot the password."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from outlay.errors import UsageError
from outlay.settings import Settings
from outlay.web.roles import Role

if TYPE_CHECKING:
    from outlay.web.accounts.models import SignInLink, User

LASTS = timedelta(hours=24)


def first_link(settings: Settings) -> str | None:
    """How the first administrator signs in; None when there is one already.

    It begins with OUTLAY_URL where that is set, else with `/`. A link made before ends with it. Raises SetupError.
    """
    from outlay.state.opening import close_state
    from outlay.web.site import open_site

    open_site(settings)
    try:
        return None if _has_administrator() else f"{settings.url or ''}{make(None)}"
    finally:
        close_state()


def make(user: User | None) -> str:
    """The link's path. No user: for the first administrator."""
    from outlay.web.accounts.models import SignInLink

    token = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        SignInLink.objects.filter(Q(user=user) | Q(expires_at__lt=now)).delete()
        SignInLink.objects.create(user=user, digest=digest(token), made_at=now, expires_at=now + LASTS)
    return f"/link/{token}"


def digest(token: str) -> str:
    """Tokens are random and long, so that a plain digest gives nothing away."""
    return hashlib.sha256(token.encode()).hexdigest()


def _good(token: str) -> QuerySet[SignInLink]:
    from outlay.web.accounts.models import SignInLink

    good = SignInLink.objects.filter(digest=digest(token), used_at=None, expires_at__gt=timezone.now())
    return good if not _has_administrator() else good.exclude(user=None)


def find(token: str) -> SignInLink | None:
    """None when it is used, too old, replaced, or was never made."""
    return _good(token).select_related("user").first()


def use(token: str) -> None:
    """Raises UsageError when somebody was quicker. To be called in the transaction that does what the link is for."""
    if _good(token).update(used_at=timezone.now()) != 1:
        raise UsageError("This link was used already, or is too old.", next="Ask for a new one.")


def _has_administrator() -> bool:
    from outlay.web.accounts.models import User

    return User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exists()
