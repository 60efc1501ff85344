"""Serves the site by granian: one process with 32 threads, and one beside it that keeps it."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import closing
from types import FrameType

from outlay.errors import SetupError

# Given by a supervisor to what it starts.
PARENT = "OUTLAY_PARENT"
THREADS = 32
# Seconds.
_LOOK = 1.0
_GRACE = 10


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, or until the supervisor is gone. Port 0 takes any that is free.

    Raises SetupError when the port cannot be listened on.
    """
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    with closing(_reserve(host, port)) as reserved:
        port = reserved.getsockname()[1]
        server = Granian(
            "outlay.web.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=1,
            blocking_threads=THREADS,
            workers_kill_timeout=_GRACE,
            websockets=False,
            # It warns of 32 threads; they wait for questions more than they work.
            log_level=LogLevels.error,
        )
        server.on_startup(lambda: _end_with_supervisor())
        if PARENT not in os.environ:
            print(f"http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)  # noqa: T201 - who started it reads it
        server.serve()


def _reserve(host: str, port: int) -> socket.socket:
    """The port, held without listening.

    The server shares a port with whoever listens there already, so it is tried first without sharing. Held, it is
    given to nobody else who asks for any port.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            found = probe.getsockname()[1]
        held = socket.socket(family, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, found))
    except OSError as error:
        raise SetupError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}.",
            next="End what listens there, or choose another with --port, such as --port 8001.",
        ) from error
    return held


def _end_with_supervisor() -> None:
    """A timer, not a thread: the server forks, and a thread beside a fork may hold a lock that stays locked."""
    parent = os.environ.get(PARENT, "")
    if not parent.isdecimal():
        return

    def look(number: int, frame: FrameType | None) -> None:
        if os.getppid() != int(parent):
            signal.setitimer(signal.ITIMER_REAL, 0)
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK, _LOOK)


def end_with_parent() -> None:
    """In the process that serves: end when the one that keeps it was killed."""
    # A timer is not inherited, but what it calls is.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
