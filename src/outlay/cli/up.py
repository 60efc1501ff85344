"""`outlay up`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from cyclopts import Parameter

from outlay.cli.output import say
from outlay.errors import HomeError, OutlayError, UsageError
from outlay.settings import Settings

_MOST = 65535


def up(
    *,
    demo: Annotated[bool, Parameter("--demo", help="Connect a year of sample bills when the home is empty.")] = False,
    host: Annotated[str, Parameter("--host", help="The address to listen on.", show_default=True)] = "127.0.0.1",
    port: Annotated[int, Parameter("--port", help="The port; 0 takes any that is free.", show_default=True)] = 8000,
) -> int:
    """Run all of Outlay: the site with its API, and a worker that brings bills in.

    Ctrl-C or SIGTERM ends both. One runs on a home at a time.

    For example:

    outlay up --demo
    OUTLAY_HOME=/srv/outlay outlay up --port 8001
    """
    if not 0 <= port <= _MOST:
        raise UsageError(f"{port} is not a port.", next=f"Choose one from 1 to {_MOST}, or 0 for any.")
    supervise(Commands(), host, port, demo=demo)
    return 0


def python(module: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, *words]


@dataclass(frozen=True)
class Commands:
    """What is run: first `prepare`, which prints a JSON document, then the other two for good."""

    prepare: Sequence[str] = field(default_factory=lambda: python("outlay.cli.preparing"))
    site: Sequence[str] = field(default_factory=lambda: python("outlay.web"))
    worker: Sequence[str] = field(default_factory=lambda: python("outlay.worker"))


def supervise(commands: Commands, host: str, port: int, *, demo: bool = False) -> None:
    """Run the commands until a signal ends them; the site is told where to listen. Raises SetupError."""
    from outlay.cli.locking import free_port, locked
    from outlay.cli.supervisor import Child, Supervisor

    # Until the supervisor listens, SIGTERM ends this as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = Settings.read()
    _make_home(settings)
    with locked(settings.home) as lock:
        port = free_port(host, port, is_patient=lock.was_killed)
        lock.says(_address(host, port))
        told = _prepare([*commands.prepare, *(["--demo"] if demo else [])])
        if told["samples"]:
            say(told["samples"])
        site = Child("site", [*commands.site, "--host", host, "--port", str(port)], os.environ, _tell)
        worker = Child("worker", commands.worker, os.environ, _tell)
        Supervisor([site, worker], _tell, _Greeting(host, port, told["link"]).when_ready).run()


class _Greeting:
    """Says where the site is, once it answers."""

    def __init__(self, host: str, port: int, link: str | None) -> None:
        self._host, self._port, self._link = host, port, link
        self._is_said = False

    def when_ready(self) -> None:
        if self._is_said or not _answers(self._host, self._port):
            return
        self._is_said = True
        say(f"\nOutlay is up: {_address(self._host, self._port)}")
        if self._link:
            # Without OUTLAY_URL it is a path on this site.
            link = f"{_address(self._host, self._port)}{self._link}" if self._link.startswith("/") else self._link
            say(f"The first administrator signs in with this link, once: {link}")
        say("Ctrl-C ends it.\n")
        sys.stdout.flush()


def _make_home(settings: Settings) -> None:
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise HomeError(
            f"{settings.home} cannot be used: {error.strerror}.", next="Point OUTLAY_HOME to a folder you can write to."
        ) from error


def _prepare(words: Sequence[str]) -> dict[str, Any]:
    """Raises OutlayError with what the preparation said."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False, start_new_session=True)
    if done.returncode < 0:
        raise KeyboardInterrupt
    lines = done.stdout.splitlines() or ["{}"]
    told: dict[str, Any] = json.loads(lines[-1])
    if done.returncode:
        error = OutlayError(told.get("error", "The preparation failed."), next=told.get("next", "Run outlay doctor."))
        error.exit_code = done.returncode
        raise error
    return told


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((_reachable(host), port), timeout=0.2).close()
    except OSError:
        return False
    return True


def _reachable(host: str) -> str:
    """Where one reaches a server that listens on every address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - it is read, not listened on


def _address(host: str, port: int) -> str:
    shown = _reachable(host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _tell(message: str) -> None:
    print(f"outlay: {message}", file=sys.stderr, flush=True)
