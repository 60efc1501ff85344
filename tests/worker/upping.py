"""`outlay up` with the stand-in for the site: `python -m tests.worker.upping PORT [--demo]`."""

from __future__ import annotations

import sys

from outlay.cli.failing import FAILED
from outlay.cli.up import python, supervise
from outlay.errors import OutlayError


def main(port: int, *, demo: bool) -> int:
    try:
        commands = {"site": python("tests.worker.site"), "worker": python("outlay.worker")}
        supervise(commands, "127.0.0.1", port, demo=demo)
    except OutlayError as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), demo="--demo" in sys.argv))
