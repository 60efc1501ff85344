"""The site's own tables. Each topic keeps its models beside its pages; Django looks for them here."""

from __future__ import annotations

from outlay.web.accounts.models import ApiToken, Guessing, SignInLink, User
from outlay.web.explorer.models import SavedView

__all__ = ["ApiToken", "Guessing", "SavedView", "SignInLink", "User"]
