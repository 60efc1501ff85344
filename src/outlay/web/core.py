"""The one Outlay of this process, shared by all request threads."""

from __future__ import annotations

import threading

from django.conf import settings as django_settings

from outlay.app import Outlay
from outlay.settings import Settings


def installation() -> Settings:
    """Outlay's settings, as `open_site` got them."""
    found: Settings = django_settings.OUTLAY  # type: ignore[misc]
    return found


_lock = threading.Lock()
_opened: list[Outlay] = []


def outlay() -> Outlay:
    """Opened when it is first asked for; with it the state, the lake and the engine, which then never change."""
    if not _opened:
        with _lock:
            if not _opened:
                _opened.append(_open())
    return _opened[0]


def _open() -> Outlay:
    made = Outlay(installation())
    # Threads that make a part at the same time would make it twice.
    _ = made.memory, made.lake, made.engine, made.keyring
    return made


def close() -> None:
    """For tests, which open one installation after the other."""
    while _opened:
        _opened.pop().close()
