"""Who asks a site of the benchmark: `python -m bench.people`, with OUTLAY_HOME set, prints their cookie and token."""

from __future__ import annotations

import json
import sys

from tests.web.seeding import NAMES, sign_in


def main() -> None:
    from outlay.settings import Settings
    from outlay.web.site import open_site

    open_site(Settings.read())
    from outlay.web.accounts import tokens
    from outlay.web.accounts.models import User

    # Those of an earlier run.
    User.objects.filter(username__in=NAMES.values()).delete()
    cookies = sign_in()
    viewer = User.objects.get(username=NAMES["viewer"])
    _, text = tokens.issue(viewer, "bench", role="viewer", scope="read", days=1)
    sys.stdout.write(json.dumps({"cookies": cookies, "token": text}) + "\n")


if __name__ == "__main__":
    main()
