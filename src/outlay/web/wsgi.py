"""What the server calls. Made in its worker process, after the fork."""

from __future__ import annotations

import gc
import sys
import threading

from django.core.handlers.wsgi import WSGIHandler

from outlay.settings import Settings
from outlay.web.core import outlay
from outlay.web.serving import end_with_parent
from outlay.web.site import open_site

# Seconds that a thread may keep others waiting: a large answer that is drawn up is not to hold a small one for long.
_TURN = 0.001
# New objects after which there is a look for rings of them: an answer makes tens of thousands.
_NEW_OBJECTS = 50_000


def _made() -> WSGIHandler:
    end_with_parent()
    sys.setswitchinterval(_TURN)
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    open_site(Settings.read())
    handler = WSGIHandler()
    # Lake and engine take seconds to open. Whoever needs them waits, and nobody else.
    threading.Thread(target=_opened, name="opening", daemon=True).start()
    return handler


def _opened() -> None:
    outlay()
    # What is there now stays: a look through all of it would stop every thread for a third of a second.
    gc.freeze()


application = _made()
