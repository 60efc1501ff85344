"""What follows from signing in."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in

_log = logging.getLogger("outlay.web")


def connect() -> None:
    user_logged_in.connect(_told, dispatch_uid="outlay.web.accounts")


def _told(sender: Any, user: Any, **more: Any) -> None:
    _log.info("%s signed in", user.get_username())
    # Nothing else ever removes them.
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
