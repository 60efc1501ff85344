"""Fills a home for tests of the site: sample bills brought in, and one user of each role, signed in.

`python -m tests.web.seeding BILLS MONTHS`, with OUTLAY_HOME set, prints the sessions' cookies by role as JSON. With 0
months there are users alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import outlay
from outlay.demo import SampleBill, write
from outlay.state.new import NewConnection

PASSWORD = "a-long-walk-by-the-sea"
# By role. The viewer's name is as long as names get in practice.
NAMES = {"administrator": "ada", "viewer": "wilhelmina.von.hohenfels-oberbach@finance.example.com"}


def main(bills: Path, months: int) -> None:
    if months:
        with outlay.open() as o:
            for bill in write(bills, months=months):
                o.add(_new(bill, bills))
            results = list(o.ingest())
        assert {result.outcome for result in results} == {"committed"}, results
    sys.stdout.write(json.dumps(sign_in()) + "\n")


def _new(bill: SampleBill, bills: Path) -> NewConnection:
    return NewConnection(
        bill.name,
        bill.kind,
        f"file://{bills / bill.location}",
        "" if bill.kind == "aws" else bill.cloud_provider or "",
        bill.export or "",
        bill.currency,
    )


def sign_in() -> dict[str, str]:
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from outlay.settings import Settings
    from outlay.web.site import open_site

    open_site(Settings.read())
    from outlay.web.accounts.models import User

    sessions = import_module(settings.SESSION_ENGINE)
    cookies = {}
    for role, name in NAMES.items():
        user = User(username=name, role=role)
        user.set_password(PASSWORD)
        user.save()
        session = sessions.SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        cookies[role] = session.session_key
    return cookies


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
