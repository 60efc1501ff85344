"""One `outlay up` a home and a port: the second is refused, and told why."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outlay.errors import SetupError

LOCK = "up.lock"
# Seconds that what a killed one has left behind may take to notice that it is alone.
_PATIENCE = 10.0


class Lock:
    """Held. `was_killed` tells that the one who held it before was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.was_killed = path.read_text() != ""
        self.says("")

    def says(self, address: str) -> None:
        """What others are told."""
        self._path.write_text(f"{os.getpid()} {address}")


@contextmanager
def locked(home: Path) -> Iterator[Lock]:
    """Hold the home. Raises SetupError, naming who holds it."""
    path = home / LOCK
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(
                f"Outlay is up on {home} already: {_said(path)}.",
                next="Use that one, or end it first; another home is chosen with OUTLAY_HOME.",
            ) from error
        try:
            yield Lock(path)
        finally:
            # Emptied, not removed: somebody else may have opened it already.
            path.write_text("")


def _said(path: Path) -> str:
    process, _, address = path.read_text().partition(" ")
    return f"process {process}, {address}" if address else "it is just starting or ending"


def free_port(host: str, port: int, *, is_patient: bool) -> int:
    """The port, or with 0 one that is free. Raises SetupError when it cannot be listened on.

    The server itself would share a port that another one of its kind listens on, so it is tried here, without that.
    """
    until = time.monotonic() + (_PATIENCE if is_patient else 0)
    while True:
        try:
            return _tried(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise SetupError(
                    f"{host}:{port} cannot be listened on: {error.strerror or error}.",
                    next="End what listens there, or choose another with --port, such as --port 8001.",
                ) from error
        time.sleep(0.2)


def _tried(host: str, port: int) -> int:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Closed connections of before do not matter, only who listens.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        found: int = probe.getsockname()[1]
    return found
