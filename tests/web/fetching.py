"""Asks for more files at once than there is room for. Prints what it gets as JSON.

`python -m tests.web.fetching ROLE_COOKIE PATH`, with OUTLAY_HOME set. The client speaks to the site within this
process, so that nothing but the site itself holds a file.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.web.sites import SESSION


def main(cookie: str, path: str) -> None:
    from outlay.settings import Settings
    from outlay.web.site import open_site

    open_site(Settings.read())
    from django.test import Client

    from outlay.web.core import close
    from outlay.web.sending import MOST

    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies[SESSION] = cookie
    opened: list[Any] = [client.get(path) for _ in range(MOST)]
    refused = client.get(path)
    size = len(b"".join(opened.pop().streaming_content))
    again = client.get(path)
    told = {
        "opened": [each.status_code for each in opened],
        "refused": [refused.status_code, refused.headers["Retry-After"]],
        "size": size,
        "again": again.status_code,
    }
    for each in (*opened, again):
        each.close()
    close()
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
