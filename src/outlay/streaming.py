"""CBF over HTTP: bodies are checked as the ingest checks bills, kept, and brought in soon after.

Each month of such a connection is made of the bodies that were sent for it. What is answered has the shapes of
CloudZero's API; `docs/streaming.md` says what goes beyond it.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from outlay.app import Outlay
from outlay.errors import Busy, UnknownName
from outlay.streams.body import BadBody, Body, TooMany, period_of, read_body

if TYPE_CHECKING:
    from outlay.findings import Finding
    from outlay.period import BillingPeriod
    from outlay.state.answering import Answer
    from outlay.state.models import Connection
    from outlay.streams.months import Months

# The address of the site that takes bodies: CloudZero's, so that its adaptors work.
SEND_TO = "/v2/connections/billing/anycost/{name}/billing_drops"
# Bodies that are in memory as rows, which take many times their size; and seconds that one waits until others are done.
_AT_ONCE, _WAIT = 2, 60.0
# Seconds that a program is told to wait.
_ASK_AGAIN = 5
# Of what is wrong with a body, so much is told.
_MOST = 100
_turns: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
_making_turns = threading.Lock()
_slots = threading.BoundedSemaphore(_AT_ONCE)


def take(o: Outlay, name: str, content: bytes, *, key: str = "") -> Answer:
    """Keep a body and let it be brought in; a body that is wrong is an answer, too, and changes nothing.

    It lies durably in its month before this returns. Raises UnknownName, Busy, and what storage raises: then nothing
    is known to be kept, and the body can be sent again.
    """
    _ = o.memory
    from outlay.state import answering, connections

    row = _named(o, name)
    digest = answering.digest(key) if key else ""
    if digest and (before := answering.answered(name, digest)):
        return before
    with _slot():
        try:
            body = _checked(o, row, content)
        except BadBody as error:
            answer = refusal(error)
        else:
            with _turn(name, body.period):
                kept = _months(o, name).apply(body, key=digest)
            connections.want_soon(name, timedelta(seconds=o.settings.stream_wait))
            answer = answering.Answer(200, {"connection": kept.as_dict()})
    return answering.keep(name, digest, answer) if digest and answer.status != _TOO_LARGE else answer


def validate(o: Outlay, name: str, content: bytes) -> Answer:
    """What `take` would say of a body, of which nothing is kept."""
    _ = o.memory
    from outlay.state.answering import Answer

    row = _named(o, name)
    warnings: list[Finding] = []
    try:
        with _slot():
            body = _checked(o, row, content, warnings)
    except BadBody as error:
        return refusal(error)
    told = {"month": body.period.month, "row_count": len(body.rows), "operation": body.operation}
    return Answer(200, {"valid": True, **told, "warnings": [_told(each) for each in warnings]})


def drops(o: Outlay, name: str) -> Answer:
    """The months that there are, the newest first."""
    from outlay.state.answering import Answer

    _named(o, name)
    return Answer(200, {"billing_drops": [each.as_dict() for each in _months(o, name).every()]})


def drop(o: Outlay, name: str, month: str) -> Iterator[Mapping[str, str]]:
    """The rows of a month, as they were sent. Raises UnknownName where there is none."""
    _named(o, name)
    try:
        rows = _months(o, name).rows(period_of(month))
    except ValueError as error:
        raise UnknownName(f"{month!r} is not a month.", next="Ask for one such as 2026-05.") from error
    if rows is None:
        raise UnknownName(f"Nothing was sent for {month}.", next="Ask for the list of the months that there are.")
    return rows


def refusal(error: BadBody) -> Answer:
    from outlay.state.answering import Answer

    status = _TOO_LARGE if isinstance(error, TooMany) else 400
    if status == _TOO_LARGE:
        return Answer(status, {"message": f"{error.message} {error.next}"})
    return Answer(
        status,
        {
            "error": {"message": f"{error.message} {error.next}".strip(), "type": "invalid_request"},
            "errors": error.all if isinstance(error, BadRows) else [_bad(error)],
        },
    )


class BadRows(BadBody):
    """Rows that the ingest would reject. `all` are those that are told, as dictionaries; the first is the message."""

    def __init__(self, findings: Sequence[Finding], count: int) -> None:
        first = findings[0]
        more = f" {count - 1} more are wrong." if count > 1 else ""
        super().__init__(
            f"{first.message}{more}", next=first.next, field=first.column or "", row=first.row, value=first.value
        )
        self.all = [_told(each) for each in findings[:_MOST]]


_TOO_LARGE = 413


def _bad(error: BadBody) -> dict[str, Any]:
    return {
        "row": error.row,
        "field": error.field or None,
        "value": error.value,
        "reason": error.reason,
        "next": error.next,
        "code": "body-invalid",
    }


def _told(finding: Finding) -> dict[str, Any]:
    return {
        "row": finding.row,
        "field": finding.column,
        "value": finding.value,
        "reason": finding.message,
        "next": finding.next,
        "code": finding.code,
    }


def _named(o: Outlay, name: str) -> Connection:
    row = o.connection(name).row
    if row.kind != "stream":
        raise UnknownName(
            f"{name} brings its bills in from elsewhere: nothing can be sent to it.",
            next="Add a connection of the kind stream.",
        )
    return row


def _months(o: Outlay, name: str) -> Months:
    from outlay.streams.months import Months

    return Months(o.stream(name))


@contextmanager
def _slot() -> Iterator[None]:
    """Raises Busy when others take too long."""
    if not _slots.acquire(timeout=_WAIT):
        raise Busy("Other bodies are being taken.", next="Send it again in a moment.", retry_after=_ASK_AGAIN)
    try:
        yield
    finally:
        _slots.release()


@contextmanager
def _turn(name: str, period: BillingPeriod) -> Iterator[None]:
    """Bodies for one month wait for each other here. Those of other processes are met when the month is swapped."""
    with _making_turns:
        lock = _turns[name, period.id]
    with lock:
        yield


def _checked(o: Outlay, row: Connection, content: bytes, warnings: list[Finding] | None = None) -> Body:
    """Raises BadBody for whatever the ingest would reject it for. `warnings` get what is told of rows that it takes."""
    from outlay.engine import Input
    from outlay.ingest.checking import check_files
    from outlay.storage.spool import spool
    from outlay.streams.parts import packed

    body = read_body(content, most_rows=o.settings.stream_rows or None)
    if not body.rows:
        return body
    with spool(o.settings.spool, f"{row.name}-body") as folder:
        path = folder / "body.csv.gz"
        path.write_bytes(packed(body.columns, body.rows))
        inputs = [Input(path, _BODY, path.stat().st_size)]
        with o.trying(_WAIT) as engine:
            found = check_files(
                engine, o.settings, inputs, body.period, currency=row.currency, lint=warnings is not None
            )
    if found.is_bad:
        count = sum(found.counts[each] for each in {one.code for one in found.findings if one.is_error})
        raise BadRows([each for each in found.findings if each.is_error], count)
    if warnings is not None:
        warnings.extend(found.findings)
    return body


# What findings call the file that a body is while it is checked.
_BODY = "body"
