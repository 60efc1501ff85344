"""What the server calls. Made in its worker process, after the fork."""

from __future__ import annotations

import threading

from django.core.handlers.wsgi import WSGIHandler

from outlay.settings import Settings
from outlay.web.core import outlay
from outlay.web.serving import end_with_parent
from outlay.web.site import open_site


def _made() -> WSGIHandler:
    end_with_parent()
    open_site(Settings.read())
    handler = WSGIHandler()
    # Lake and engine take seconds to open. Whoever needs them waits, and nobody else.
    threading.Thread(target=outlay, name="opening", daemon=True).start()
    return handler


application = _made()
