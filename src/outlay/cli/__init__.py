"""The command line. Commands import what they need when they run, so that help comes at once."""

from __future__ import annotations

import logging
import sys
import warnings


def main() -> None:
    """The command `outlay`."""
    from outlay.cli import lean

    lean.begin()
    from outlay.cli.failing import run

    if not sys.warnoptions:
        # What libraries tell each other is no concern of a user.
        warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show is written with escapes, not a reason to stop.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    code = run(sys.argv[1:])
    lean.end()
    sys.exit(code)
