"""Files that are made to be sent: a few at a time, through the spool."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.http import FileResponse

from outlay.errors import Busy
from outlay.storage.spool import spool
from outlay.web.core import installation

# Each takes room in the spool until its reader has it all, or goes.
MOST = 4
_ASK_AGAIN = 30
_room = threading.BoundedSemaphore(MOST)


class _Sent(FileResponse):
    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # Also when nobody closes it.
        self._leave = weakref.finalize(self, _room.release)

    def close(self) -> None:
        super().close()
        self._leave()


def sent(write: Callable[[Path], object], **named: Any) -> FileResponse:
    """What `write` writes into a new file; `named` is as for FileResponse. Raises Busy, and what `write` does."""
    if not _room.acquire(blocking=False):
        raise Busy(
            f"{MOST} files are being made or fetched.",
            next="Fetch it when one of those is done.",
            retry_after=_ASK_AGAIN,
        )
    try:
        with spool(installation().spool, "export") as folder:
            path = folder / "file"
            write(path)
            # Open, it is read to its end although its name is gone.
            opened = path.open("rb")
    except BaseException:
        _room.release()
        raise
    return _Sent(opened, **named)
