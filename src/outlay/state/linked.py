"""The check of a linked account: is its access well, and whose is it? There are no bills to look for."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from outlay.aws.sessions import Credentials, Session, who_am_i
from outlay.errors import Denied, OutlayError
from outlay.findings import Finding
from outlay.ingest.probe import Probe, Step, refused
from outlay.ingest.result import RunResult
from outlay.state import accounts, changes, connections
from outlay.state.checking import Watch
from outlay.state.memory import DatabaseMemory


def check(watch: Watch, credentials: Credentials | None, memory: DatabaseMemory) -> Iterator[RunResult]:
    """Under the lease of `watch`, which it gives back. Only a failure is a result. Records a change of the status."""
    name = watch.claim.connection
    with watch:
        try:
            accounts.look_at_linked(connections.named(name), credentials or Credentials(), timezone.now())
        except OutlayError as error:
            result = _failed(name, error)
            memory.record(result)
            watch.came_out(result)
            changes.note(name, timezone.now())
            yield result
        else:
            memory.checked(name, is_well=True)
    changes.note(name, timezone.now())


def _failed(name: str, error: OutlayError) -> RunResult:
    told = Finding(_code(error), "error", error.message, error.next)
    return RunResult(name, "failed", None, findings=(told,), counts={told.code: 1})


def _code(error: OutlayError) -> str:
    if not isinstance(error, Denied):
        return "source-unavailable"
    return "permission-missing" if error.may_pass else "access-denied"


def probe(credentials: Credentials | None) -> Probe:
    """As of a place of bills, with the one step that there is."""
    title = "Access is granted"
    try:
        who = who_am_i(Session(credentials or Credentials()))
        accounts.check_is_linked(who)
    except OutlayError as error:
        may_pass = isinstance(error, Denied) and error.may_pass
        return Probe((refused("access", title, error),), may_pass=may_pass)
    payer = f"Its payer is {who.payer}." if who.payer else "Who pays for it may not be seen."
    return Probe((Step("access", title, "done", f"This is account {who.account}. {payer}"),))
