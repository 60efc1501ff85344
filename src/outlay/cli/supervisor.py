"""Keeps child processes running, without threads, and leaves none behind.

Each child has a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone, which ends them in
order. What is left of a child's session when it dies is killed. A child is told its supervisor's process id in
OUTLAY_PARENT and ends when that is no longer its parent.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import FrameType

PARENT = "OUTLAY_PARENT"
# Seconds.
GRACE = 15.0
_TICK = 0.25
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0
_STEADY = 60.0
# One Ctrl-C may come twice: from the terminal, and passed on by whoever started this.
_ONE_PRESS = 1.0

Tell = Callable[[str], None]


class Child:
    """A command that is to run always; begun again after growing waits when it dies alone."""

    def __init__(self, name: str, words: Sequence[str], environ: Mapping[str, str], tell: Tell) -> None:
        self.name = name
        self._words = list(words)
        self._environ = dict(environ)
        self._tell = tell
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._wait = _FIRST_WAIT
        self._again_at = 0.0

    def is_running(self) -> bool:
        return self._process is not None and self._ended() is None

    def begin(self) -> None:
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            self._words,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**self._environ, PARENT: str(os.getpid())},
        )

    def look(self) -> None:
        """Begin it again when it died and its wait is over."""
        if self._process is not None and (code := self._ended()) is not None:
            lived = time.monotonic() - self._began
            self._wait = _FIRST_WAIT if lived > _STEADY else min(self._wait * 2, _LONGEST_WAIT)
            self._again_at = time.monotonic() + self._wait
            self._tell(f"The {self.name} ended {_how(code)}. It is started again in {self._wait:.0f} seconds.")
        if self._process is None and time.monotonic() >= self._again_at:
            self.begin()

    def end(self, number: signal.Signals) -> None:
        """Ask the child itself; SIGKILL is for all of its session."""
        if self._process is None or self._ended() is not None:
            return
        if number is signal.SIGKILL:
            _kill_session(self._process.pid)
        else:
            self._process.send_signal(number)

    def _ended(self) -> int | None:
        """Its exit code, when it has ended; what is left of its session is gone then, too."""
        if self._process is None:
            return None
        # Looked at without being taken away: until then its id, which is its session's, is nobody else's.
        options = os.WEXITED | os.WNOWAIT | os.WNOHANG
        with suppress(ChildProcessError):
            if os.waitid(os.P_PID, self._process.pid, options) is None:
                return None
        _kill_session(self._process.pid)
        code = self._process.wait()
        self._process = None
        return code


def _kill_session(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _how(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


class Supervisor:
    """Runs `children` until SIGTERM, SIGINT or SIGHUP. `on_tick` is called several times a second."""

    def __init__(self, children: Sequence[Child], tell: Tell, on_tick: Callable[[], None] = lambda: None) -> None:
        self._children = children
        self._tell = tell
        self._on_tick = on_tick
        self._heard_at: list[float] = []
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)

    def run(self) -> None:
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # What whoever started it has it ignore, as nohup does, stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._heard)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        try:
            while not self._heard_at:
                for child in self._children:
                    child.look()
                self._on_tick()
                self._sleep()
        finally:
            self._end()

    def _heard(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self._heard_at or now - self._heard_at[0] > _ONE_PRESS:
            self._heard_at.append(now)

    def _sleep(self) -> None:
        select.select([self._woken], [], [], _TICK)
        with suppress(BlockingIOError):
            os.read(self._woken, 512)

    def _end(self) -> None:
        """Ask each child to end; kill what does not in time, or when asked a second time."""
        self._tell("Ending …")
        for child in self._children:
            child.end(signal.SIGTERM)
        until = time.monotonic() + GRACE
        while self._running():
            if time.monotonic() > until or len(self._heard_at) > 1:
                for child in self._running():
                    child.end(signal.SIGKILL)
            self._sleep()

    def _running(self) -> list[Child]:
        return [child for child in self._children if child.is_running()]
