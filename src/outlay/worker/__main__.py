"""`python -m outlay.worker`: a worker of its own. Several may run at once, on several machines with PostgreSQL."""

from __future__ import annotations

import logging
import sys
import warnings

import outlay
from outlay.errors import OutlayError
from outlay.worker.ending import Ending


def main() -> int:
    if not sys.warnoptions:
        # What libraries tell each other is no concern of a user.
        warnings.simplefilter("ignore")
    ending = Ending.listening()
    _log_to_stderr()
    try:
        with outlay.open() as o:
            # Everything that can be wrong with the installation is, before there is work.
            _ = o.memory, o.lake, o.engine
            from outlay.worker.worker import Worker

            Worker(o, ending).run()
    except OutlayError as error:
        logging.getLogger("outlay.worker").error("%s", error)
        return error.exit_code
    return 0


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s worker: %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("outlay.worker")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logging.getLogger().addHandler(logging.NullHandler())


if __name__ == "__main__":
    sys.exit(main())
