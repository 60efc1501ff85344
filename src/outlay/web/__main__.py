"""`python -m outlay.web --host 127.0.0.1 --port 8000`: the site on its own. It prints its address."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings

from outlay.errors import OutlayError
from outlay.settings import Settings


def main() -> int:
    if not sys.warnoptions:
        # What libraries tell each other is no concern of a user.
        warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m outlay.web", description="Serve Outlay's site.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="the port; 0 takes any that is free")
    chosen = parser.parse_args()
    try:
        _try(Settings.read())
        from outlay.web.serving import serve

        serve(chosen.host, chosen.port)
    except OutlayError as error:
        logging.getLogger("outlay.web").error("%s", error)
        return error.exit_code
    return 0


def _try(settings: Settings) -> None:
    """Everything that can be wrong with the database is, before anything listens. Nothing open may cross a fork."""
    from outlay.state.opening import close_state
    from outlay.web.site import open_site

    open_site(settings)
    close_state()


if __name__ == "__main__":
    sys.exit(main())
