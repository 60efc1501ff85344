"""`outlay worker`."""

from __future__ import annotations

import os
import sys


def worker() -> None:
    """Run a worker alone: it checks each connection when it is due, and brings in what changed.

    outlay up runs one beside the site. More may run, on other machines too when the state is in PostgreSQL: a
    connection is checked by one at a time. Ctrl-C or SIGTERM ends it.

    For example:

    outlay worker
    """
    sys.stdout.flush()
    # It takes this process's place: a signal to it reaches the worker itself.
    os.execv(sys.executable, [sys.executable, "-m", "outlay.worker"])  # noqa: S606 - no shell, and nothing of a user's in it
