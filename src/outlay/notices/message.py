"""What a notice says: a subject, a text for people, and facts for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from outlay.notices import event as kinds
from outlay.notices.event import Event

_MOST_SERVICES = 20


@dataclass(frozen=True)
class Message:
    """`number` names the notice: it is the same each time that it is tried."""

    number: str
    kind: str
    subject: str
    text: str
    facts: Mapping[str, Any]


def message(number: str, event: Event, difference: Mapping[str, Any] | None, site: str | None) -> Message:
    """`difference` is a comparison of deliveries as JSON has it; `site` is the address that people see."""
    subject = _SUBJECTS[event.kind](event)
    link = f"{site}/connections/{event.connection}" if site and event.connection else None
    parts = [f"{subject}.", *_BODIES.get(event.kind, _plain)(event, difference)]
    parts += [f"See {link}"] if link else []
    facts = {
        "id": number,
        "event": event.kind,
        "at": event.at,
        "connection": event.connection or None,
        "month": event.month or None,
        "months": list(event.months or filter(None, [event.month])),
        "subject": subject,
        "reason": event.reason or None,
        "next": event.next or None,
        "findings": list(event.findings),
        "finding_count": event.finding_count,
        "difference": difference,
        "url": link,
    }
    return Message(number, event.kind, subject, "\n\n".join(part for part in parts if part), facts)


_SUBJECTS: Mapping[str, Callable[[Event], str]] = {
    kinds.LATE: lambda event: f"{event.connection} is late",
    kinds.FAILING: lambda event: f"{event.connection} is failing",
    kinds.RECOVERED: lambda event: f"{event.connection} is healthy again",
    kinds.REJECTED: lambda event: (
        f"{len(event.months)} deliveries of {event.connection} were rejected"
        if event.months
        else f"A delivery of {event.connection} for {event.month or kinds.NO_MONTH} was rejected"
    ),
    kinds.FINAL_CHANGED: lambda event: f"The final month {event.month} of {event.connection} changed",
    kinds.OVERLAP: lambda event: f"{event.connection} holds a bill that another connection holds, too",
    kinds.TEST: lambda event: "This is a test of Outlay's notices",
}


def _plain(event: Event, difference: Mapping[str, Any] | None) -> Iterable[str]:
    yield event.reason
    yield f"Next: {event.next}" if event.next else ""


def _rejected(event: Event, difference: Mapping[str, Any] | None) -> Iterable[str]:
    yield f"Months: {', '.join(event.months)}" if event.months else ""
    yield "The data that is live stays as it was."
    yield from event.findings
    if event.finding_count > len(event.findings):
        yield f"… and {event.finding_count - len(event.findings):,} more."


def _changed(event: Event, difference: Mapping[str, Any] | None) -> Iterable[str]:
    yield f"Its delivery was {event.before or 'nothing'} and is {event.after or 'nothing'} now."
    if difference is None:
        yield "What changed cannot be told: the charges of one of them are not kept, or could not be read."
        return
    if not difference["services"]:
        yield "Its billed cost is the same, in all and by service."
        return
    yield "Billed cost:"
    lines = [_line("in all", each) for each in difference["totals"]]
    lines += [_line(each["name"] or "(no service)", each) for each in difference["services"][:_MOST_SERVICES]]
    more = len(difference["services"]) - _MOST_SERVICES
    yield "\n".join([*lines, *([f"… and {more} more services"] if more > 0 else [])])


def _line(name: str, each: Mapping[str, str]) -> str:
    sign = "" if each["change"].startswith("-") else "+"
    return f"{name}: {each['before']} → {each['after']} {each['currency']} ({sign}{each['change']})"


_BODIES: Mapping[str, Callable[[Event, Mapping[str, Any] | None], Iterable[str]]] = {
    kinds.REJECTED: _rejected,
    kinds.FINAL_CHANGED: _changed,
}
