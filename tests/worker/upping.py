"""`outlay up` with stand-ins: `python -m tests.worker.upping PORT real|light [--demo]`.

`real` has the real worker and preparation, and a stand-in for the site; `light` has stand-ins for all.
"""

from __future__ import annotations

import sys

from outlay.cli.failing import FAILED
from outlay.cli.up import Commands, python, supervise
from outlay.errors import OutlayError

_SITE = python("tests.worker.site")
_COMMANDS = {
    "real": Commands(site=_SITE),
    "light": Commands(
        site=_SITE,
        prepare=[sys.executable, "-c", 'print(\'{"samples": "", "link": "/link/token"}\')'],
        # Its name is a word of the command, for whoever looks at processes.
        worker=[sys.executable, "-c", "import time; time.sleep(500)", "outlay.worker"],
    ),
}


def main(port: int, which: str, *, demo: bool) -> int:
    try:
        supervise(_COMMANDS[which], "127.0.0.1", port, demo=demo)
    except OutlayError as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], demo="--demo" in sys.argv))
