"""Who gives a command, as what it does is recorded."""

from __future__ import annotations

import os
import pwd


def who() -> str:
    """`ada on the command line`: the system's user, whatever the environment says."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        # A container may run as a number that nobody has given a name.
        name = f"user {number}"
    return f"{name} on the command line"
