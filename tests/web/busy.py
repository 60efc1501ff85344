"""Asks for pages of a site all of whose slots for questions are taken. Prints what it gets as JSON.

`python -m tests.web.busy ROLE_COOKIE PATH…`, with OUTLAY_HOME set. The client speaks to the site within this process,
because a slot has to be held for as long as is asked.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence

from tests.web.sites import SESSION


def main(cookie: str, paths: Sequence[str]) -> None:
    from outlay.settings import Settings
    from outlay.web.site import open_site

    open_site(Settings.read())
    from django.test import Client

    from outlay.web.core import close, outlay

    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies[SESSION] = cookie
    taken, enough = threading.Event(), threading.Event()

    def hold(session: object) -> None:
        taken.set()
        enough.wait()

    holding = threading.Thread(target=outlay().desk.look, args=(hold,))
    holding.start()
    taken.wait()
    try:
        answers = [client.get(path) for path in paths]
    finally:
        enough.set()
        holding.join()
        close()
    told = [(each.status_code, each.headers.get("Retry-After"), each.content.decode()) for each in answers]
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
