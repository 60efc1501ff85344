"""The loop: small methods that each say whether they found work."""

from __future__ import annotations

import logging
import os
import random
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import connections as databases
from django.db.utils import Error as DatabaseFault
from django.utils import timezone

from outlay import notifying, stocktaking
from outlay.app import Outlay
from outlay.errors import Bug, DiskFull, OutlayError, SetupError
from outlay.findings import Finding
from outlay.ingest.result import RunResult
from outlay.period import BillingPeriod
from outlay.state import changes, claims, workers
from outlay.state.checking import Watch
from outlay.state.claims import Claim
from outlay.state.models import Connection
from outlay.worker.ending import Ending

_log = logging.getLogger("outlay.worker")

# What a database of the state raises, in Outlay's words where it is asked by functions that translate them.
_STATE_FAULTS = (DatabaseFault, SetupError, DiskFull)
# Seconds.
IDLE = 1.0
GRACE = 8.0
_PARTING = 3.0
_NOTE_EVERY = 30
_ROLL_UP_EVERY = 300
_TIDY_FIRST, _TIDY_EVERY = 3600, 86400
_LONGEST_WAIT = 30.0
_EVERY = {"heartbeat": workers.BEAT.total_seconds(), "notices": IDLE, "inventory": 30.0}


class Worker:
    """Brings bills in for `outlay` until `ending` says so."""

    def __init__(self, outlay: Outlay, ending: Ending) -> None:
        self._outlay = outlay
        self._ending = ending
        self._noted_at = self._rolled_up_at = 0.0
        self._tidy_at = timezone.now().timestamp() + _TIDY_FIRST
        self._rolling_up: Iterator[tuple[str, BillingPeriod]] | None = None
        self._faults = 0
        self._over = threading.Event()
        self._name = claims.holder()

    def run(self) -> None:
        """Work while there is some; look again every second while there is none."""
        with self.beside():
            _log.info("ready")
            while not self._ending():
                if not self.turn():
                    self._ending.wait(self._pause())
        _log.info("ended")

    @contextmanager
    def beside(self) -> Iterator[None]:
        """What goes on while bills come in: saying that it is there, telling what there is to tell, taking stock."""
        over = self._over
        over.clear()
        works = {"heartbeat": self._beat, "notices": self.tell_notice, "inventory": self.take_stock}
        threads = [threading.Thread(target=self._repeat, args=(*each, over), daemon=True) for each in works.items()]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            # One that is at a receiver who does not answer is given up: it is told again.
            for thread in threads:
                thread.join(_PARTING)
            with suppress(*_STATE_FAULTS):
                workers.leave(self._name)

    def _repeat(self, what: str, work: Callable[[], bool], over: threading.Event) -> None:
        """In a thread of its own: `work`, again at once while it found some."""
        try:
            while not over.is_set():
                try:
                    found = work()
                except _STATE_FAULTS:
                    # The worker's own turns tell it.
                    databases.close_all()
                    found = False
                if not found:
                    over.wait(_EVERY[what])
        finally:
            databases.close_all()

    def _beat(self) -> bool:
        workers.beat(self._name, timezone.now())
        return False

    def turn(self) -> bool:
        """One round. A database that does not answer is told once, and asked again."""
        try:
            found = [work() for work in (self.note_changes, self.check_one, self.roll_up, self.tidy)]
        except _STATE_FAULTS as error:
            self._faults += 1
            databases.close_all()
            if self._faults == 1:
                _log.warning("The database failed: %s Trying again.", _said(error))
            return False
        if self._faults:
            _log.info("The database answers again.")
        self._faults = 0
        return any(found)

    def _pause(self) -> float:
        wait = min(IDLE * 2**self._faults, _LONGEST_WAIT)
        return random.uniform(wait / 2, wait)  # noqa: S311 - jitter, not a secret

    def note_changes(self) -> bool:
        """Record which statuses the passing of time has changed. Looked at now and then: it is no work to repeat."""
        now = timezone.now().timestamp()
        if abs(now - self._noted_at) < _NOTE_EVERY:
            return False
        self._noted_at = now
        for name, change in changes.note_all(timezone.now()):
            _log.info("%s is %s. %s", name, change.after, change.reason)
        return False

    def tell_notice(self) -> bool:
        """Tell one of the notices that are due, or try to."""
        try:
            said = notifying.tell_next(self._outlay)
        except _STATE_FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 - no notice is worth the worker; it is told again later
            _log.error("A notice: %s", _unexpected(error))
            return False
        if said:
            _log.info("%s", said)
        return said is not None

    def take_stock(self) -> bool:
        """Look for what runs in the account that has been due the longest."""
        try:
            said = stocktaking.look_at_next(self._outlay, is_over=self._over.is_set)
        except _STATE_FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 - no inventory is worth the worker; it is looked again later
            _log.error("The inventory: %s", error if isinstance(error, OutlayError) else _unexpected(error))
            return False
        if said:
            _log.info("%s", said)
        return said is not None

    def check_one(self) -> bool:
        """Check the connection that has been due the longest."""
        claim = claims.claim_due(claims.holder(), timezone.now())
        if claim is None:
            return False
        watch = Watch(claim, is_ending=self._ending, on_beat=lambda: self._leave(claim))
        try:
            for result in self._outlay.check(watch):
                if result.outcome != "unchanged":
                    self._rolling_up, self._rolled_up_at = None, 0.0
                    month = result.period.month if result.period else "check"
                    _log.info("%s %s %s", result.connection, month, result.outcome)
        except Exception as error:  # noqa: BLE001 - the one place where work goes on after anything; it records
            self._record(claim, error)
        return True

    def roll_up(self) -> bool:
        """Roll up one period that lacks it: after bills have come in, and now and then for what others have brought.

        Each is tried once in a round, so that none that cannot be rolled up keeps the others waiting.
        """
        now = timezone.now().timestamp()
        if abs(now - self._rolled_up_at) < _ROLL_UP_EVERY:
            return False
        self._rolling_up = self._rolling_up or self._outlay.roll_up()
        try:
            made = next(self._rolling_up, None)
        except Exception as error:  # noqa: BLE001 - the charges answer in their stead
            _log.error("No roll-ups: %s", error if isinstance(error, OutlayError) else _unexpected(error))
            made = None
        if made is None:
            self._rolling_up, self._rolled_up_at = None, now
            return False
        _log.info("%s %s rolled up", made[0], made[1].month)
        return True

    def tidy(self) -> bool:
        """Once a day, what nothing needs any more goes from the lake and the log of notices; others may do so too."""
        now = timezone.now().timestamp()
        if now < self._tidy_at:
            return False
        self._tidy_at = now + _TIDY_EVERY
        try:
            done = self._outlay.tidy()
        except DatabaseFault:
            raise
        except Exception as error:  # noqa: BLE001 - it is done again tomorrow
            _log.error("Not tidied: %s", error if isinstance(error, OutlayError) else _unexpected(error))
        else:
            _log.info("tidied: %d snapshots, %d files", done.snapshots_expired, done.files_removed)
        return False

    def _record(self, claim: Claim, error: Exception) -> None:
        """A check that ended in no result is a failed run, so that it is seen and tried again later."""
        told = error if isinstance(error, OutlayError) else Bug(_unexpected(error), next=_REPORT)
        _log.error("%s: %s", claim.connection, told.message)
        if isinstance(error, DatabaseFault):
            databases.close_all()
        if not Connection.objects.filter(name=claim.connection).exists():
            return
        finding = Finding(told.code, "error", told.message, told.next)
        self._outlay.memory.record(RunResult(claim.connection, "failed", findings=(finding,), counts={told.code: 1}))
        if not claims.finish(claim, timezone.now(), is_well=False, fields={}):
            claims.put_off(claim, timezone.now())
        changes.note(claim.connection, timezone.now())

    def _leave(self, claim: Claim) -> None:
        """A step that does not come to its end in time is cut off: what is not committed never was."""
        if self._ending.is_overdue(GRACE):
            claims.release(claim)
            workers.leave(self._name)
            _log.warning("%s: cut off; it is begun again by the next worker", claim.connection)
            os._exit(0)


def _said(error: Exception) -> str:
    return error.message if isinstance(error, OutlayError) else f"{error}".partition("\n")[0].rstrip(".") + "."


_REPORT = "It is tried again. If it stays, report it with this message."


def _unexpected(error: Exception) -> str:
    """What happened and where, without the error's own words: those may hold a secret."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" at {Path(frame.filename).name}:{frame.lineno}" for frame in last)
    return f"Outlay failed unexpectedly: {type(error).__name__}{where}."
