"""What SQLite and PostgreSQL say when they cannot do what they are asked, in Outlay's errors.

It knows them by their codes alone, and so belongs to no library: the lake's catalog and the state both are translated
by it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from outlay.errors import DiskFull, OutlayError, SetupError


@dataclass(frozen=True)
class _Fault:
    kind: type[OutlayError]
    message: str
    next: str

    def at(self, place: str) -> OutlayError:
        return self.kind(self.message.format(place=place), next=self.next)


_FULL = _Fault(
    DiskFull, "{place} has no space left to grow.", "Free some space there, then do it again: nothing was half done."
)
_READ_ONLY = _Fault(
    SetupError,
    "{place} cannot be written to.",
    "Let the user who runs Outlay write to it and to its folder; a PostgreSQL must not be a read-only replica.",
)
_LOCKED = _Fault(
    SetupError,
    "{place} is locked by another process and stayed so.",
    "Do it again when that one has ended. Where many work at once, let a PostgreSQL hold it.",
)
_UNREACHABLE = _Fault(
    SetupError, "{place} cannot be reached.", "Check its address, and that the folder is there or the server runs."
)
_DAMAGED = _Fault(
    SetupError, "{place} is damaged, or its disk is.", "Check the disk, then put back a copy of the database."
)

# SQLite's primary result codes.
_BY_SQLITE_CODE: dict[int, _Fault] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_AUTH: _READ_ONLY,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_CANTOPEN: _UNREACHABLE,
    sqlite3.SQLITE_IOERR: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
# PostgreSQL's SQLSTATEs, by their beginning.
_BY_SQLSTATE: dict[str, _Fault] = {
    "53100": _FULL,
    "25006": _READ_ONLY,
    "42501": _READ_ONLY,
    "55P03": _LOCKED,
    "08": _UNREACHABLE,
    "57P": _UNREACHABLE,
    "53": _UNREACHABLE,
}


def fault(error: BaseException | None, place: str) -> OutlayError | None:
    """Outlay's error for one of the database driver's; None when it says nothing of the database's own state.

    `place` is the database's address as it may be shown.
    """
    code = getattr(error, "sqlite_errorcode", None)
    # Its extended codes tell more in their upper bytes.
    known = _BY_SQLITE_CODE.get(code & 0xFF) if code is not None else _by_sqlstate(error)
    return known.at(place) if known else None


def _by_sqlstate(error: BaseException | None) -> _Fault | None:
    state = getattr(error, "sqlstate", None) or ""
    return next((known for start, known in _BY_SQLSTATE.items() if state.startswith(start)), None)
