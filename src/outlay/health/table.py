"""The one truth table of a connection's status. `docs/health.md` is generated from it.

Nothing of a status is stored: it is derived from facts whenever it is asked for, and only its changes are recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Value = Literal["pending-data", "healthy", "late", "failing", "paused"]
Outcome = Literal["committed", "unchanged", "rejected", "failed"]

# AWS refreshes an export at least once a day.
EXPECTED_HOURS = {"aws": 36}
# Its first file comes within that.
FIRST_FILE = timedelta(hours=24)
# So long new permissions may take to work, and so long after that the check may come that shows it.
NEW_PERMISSIONS, _NEXT_CHECK = timedelta(minutes=5), timedelta(minutes=2)


@dataclass(frozen=True)
class Facts:
    """What is known of a connection. Times are aware.

    `last_delivery_at` is when the last new delivery was committed; `problem` and `problem_next` are the message and the
    next action of the last run's first error. `export_made_at` is when Outlay made its export, and `export_said` what
    AWS last told of the export's runs. `access_at` is when its access was made or changed, `refused_at` when the last
    run was denied, in the way that AWS denies permissions that are new. `lacking` is what the last bill came without,
    and what to do.

    Of a `linked` account: whose it is, who pays for it as far as that may be seen, the connections of that payer, and
    those whose bills hold charges of it.
    """

    name: str
    kind: str
    paused_at: datetime | None = None
    last_checked_at: datetime | None = None
    first_commit_at: datetime | None = None
    last_delivery_at: datetime | None = None
    last_outcome: Outcome | None = None
    problem: str = ""
    problem_next: str = ""
    expect_every_hours: int | None = None
    export_made_at: datetime | None = None
    export_said: str = ""
    lacking: tuple[str, str] | None = None
    access_at: datetime | None = None
    refused_at: datetime | None = None
    account: str = ""
    payer: str = ""
    payers: tuple[str, ...] = ()
    through: tuple[str, ...] = ()

    @property
    def is_linked(self) -> bool:
        return self.kind == "linked"

    @property
    def expected_hours(self) -> int | None:
        """None when nothing says how often a delivery should come: such a connection is never late."""
        return self.expect_every_hours if self.expect_every_hours is not None else EXPECTED_HOURS.get(self.kind)

    @property
    def delivered_at(self) -> datetime | None:
        return self.last_delivery_at or self.first_commit_at

    @property
    def due_at(self) -> datetime | None:
        """When the next delivery should have come; None before the first, or when none is expected."""
        if self.delivered_at is None or self.expected_hours is None:
            return None
        return self.delivered_at + timedelta(hours=self.expected_hours)


@dataclass(frozen=True)
class Status:
    status: Value
    reason: str
    next: str


@dataclass(frozen=True)
class Case:
    """One line of the truth table; `reason` and `next` are templates."""

    status: Value
    when: str
    holds: Callable[[Facts, datetime], bool]
    reason: str
    next: str


def _is_paused(facts: Facts, now: datetime) -> bool:
    return facts.paused_at is not None


def _is_rejected(facts: Facts, now: datetime) -> bool:
    return facts.last_outcome == "rejected"


def _is_failed(facts: Facts, now: datetime) -> bool:
    return facts.last_outcome == "failed" and not _is_waited_out(facts, now)


def _is_waited_out(facts: Facts, now: datetime) -> bool:
    """A denial of the first minutes, until a check after them has said whether it has passed."""
    if facts.last_outcome != "failed" or facts.access_at is None or facts.refused_at is None:
        return False
    was_new = facts.refused_at - facts.access_at <= NEW_PERMISSIONS
    return was_new and now - facts.access_at <= NEW_PERMISSIONS + _NEXT_CHECK


def _is_made(facts: Facts, now: datetime) -> bool:
    is_new = facts.export_made_at is not None and now - facts.export_made_at <= FIRST_FILE
    return facts.delivered_at is None and is_new


def _is_overdue(facts: Facts, now: datetime) -> bool:
    return facts.delivered_at is None and facts.export_made_at is not None and not _is_made(facts, now)


def _is_unknown(facts: Facts, now: datetime) -> bool:
    return facts.is_linked and facts.last_checked_at is None


def _is_awaited(facts: Facts, now: datetime) -> bool:
    return facts.is_linked and bool(facts.payers) and not facts.through


def _has_no_payer(facts: Facts, now: datetime) -> bool:
    return facts.is_linked and not facts.through


def _comes_through(facts: Facts, now: datetime) -> bool:
    return facts.is_linked


def _is_unsent(facts: Facts, now: datetime) -> bool:
    return facts.kind == "stream" and facts.delivered_at is None


def _is_unseen(facts: Facts, now: datetime) -> bool:
    return not facts.is_linked and facts.delivered_at is None and facts.last_checked_at is None


def _is_empty(facts: Facts, now: datetime) -> bool:
    return not facts.is_linked and facts.delivered_at is None


def _is_late(facts: Facts, now: datetime) -> bool:
    return not facts.is_linked and facts.due_at is not None and now > facts.due_at


def _is_unchecked(facts: Facts, now: datetime) -> bool:
    is_checked = (
        facts.last_checked_at is not None and facts.due_at is not None and facts.last_checked_at >= facts.due_at
    )
    return _is_late(facts, now) and not is_checked


def _always(facts: Facts, now: datetime) -> bool:
    return True


# The first case that holds decides.
TABLE: tuple[Case, ...] = (
    Case(
        "paused",
        "The connection is paused",
        _is_paused,
        "Paused since {paused}; nothing is checked, and the charges there are stay.",
        "Resume it with outlay connections resume {name}.",
    ),
    Case(
        "failing",
        "The last run was rejected: the delivery is bad",
        _is_rejected,
        "{problem}",
        "{problem_next}",
    ),
    Case(
        "failing",
        "The last run failed: access, network, disk or Outlay itself",
        _is_failed,
        "{problem}",
        "{problem_next}",
    ),
    Case(
        "pending-data",
        "The last run was denied by AWS, within 5 minutes after the connection's access was made or changed",
        _is_waited_out,
        "AWS takes up to 5 minutes to let new permissions work, and the access is of {access}. So far: {problem}",
        "Wait: it is tried again every minute, and is failing if AWS still denies it after that. Then: {problem_next}",
    ),
    Case(
        "pending-data",
        "Nothing was ever committed, and Outlay made the export within the last 24 hours",
        _is_made,
        "Its export was made {made}. AWS delivers the first file within 24 hours.{said}",
        "Wait for it: Outlay looks by itself, or at once with outlay ingest {name}.",
    ),
    Case(
        "pending-data",
        "Nothing was ever committed, and Outlay made the export more than 24 hours ago",
        _is_overdue,
        "Its export was made {made}. AWS delivers the first file within 24 hours, and they have passed.{said}",
        "See what AWS says of it with outlay aws exports {name}, and in the console under Data Exports.",
    ),
    Case(
        "pending-data",
        "A linked account that was never checked",
        _is_unknown,
        "Not checked yet.",
        "Look at its access with outlay ingest {name}.",
    ),
    Case(
        "pending-data",
        "A linked account whose payer is connected, but whose charges stand in no bill yet",
        _is_awaited,
        "The payer {payer} is connected by {payers}, but its bills hold no charge of account {account} yet.",
        "Wait for the payer's next delivery, or see that {payers} is well.",
    ),
    Case(
        "pending-data",
        "A linked account without a connected payer",
        _has_no_payer,
        "No billing data can arrive: charges of a linked account stand in the bill of its payer, {payer}, and no bill "
        "that is connected holds charges of account {account}.",
        "Connect the bill of its payer with outlay connections add aws.",
    ),
    Case(
        "pending-data",
        "Nothing that was sent over HTTP was ever committed",
        _is_unsent,
        "Nothing was sent yet, or none of it is in.",
        "Post a body to the address that the connection's page shows; it is brought in soon after.",
    ),
    Case(
        "pending-data",
        "Nothing was ever committed, and nothing was ever checked",
        _is_unseen,
        "Not checked yet.",
        "Bring in its bills with outlay ingest {name}.",
    ),
    Case(
        "pending-data",
        "Nothing was ever committed, however long a first delivery has been expected",
        _is_empty,
        "No bill was found when it was last checked, {checked}.",
        "Wait for the first delivery, or check the location with outlay connections show {name}.",
    ),
    Case(
        "late",
        "The last new delivery is older than the expected hours, and it was not checked since the next was due",
        _is_unchecked,
        "The last delivery came {delivered}, one is expected every {hours} hours, but the last check was {checked}.",
        "Check it now with outlay ingest {name}.",
    ),
    Case(
        "late",
        "The last new delivery is older than the expected hours",
        _is_late,
        "The last delivery came {delivered}, {age} hours ago; one is expected every {hours} hours.",
        "See why the export or adaptor has delivered nothing new; then run outlay ingest {name}.",
    ),
    Case(
        "healthy",
        "A linked account whose charges stand in the bill of a connected payer",
        _comes_through,
        "The access is well. The charges of account {account} come in through {through}: a linked account has no bill "
        "of its own.",
        "There is nothing to do.",
    ),
    Case(
        "healthy",
        "Everything else, but the last bill came without resource ids",
        lambda facts, now: facts.lacking is not None,
        "The last delivery came {delivered}. {lacking}",
        "{lacking_next}",
    ),
    Case(
        "healthy",
        "Everything else",
        _always,
        "The last delivery came {delivered}.",
        "There is nothing to do.",
    ),
)

_FALLBACK = ("The last run did not succeed and left no finding.", "Run outlay ingest {name} and read what it says.")


def status(facts: Facts, now: datetime) -> Status:
    """The first case of `TABLE` that holds at `now`, an aware time."""
    case = next(case for case in TABLE if case.holds(facts, now))
    said = _said(facts, now)
    return Status(case.status, case.reason.format_map(said), case.next.format_map(said))


def _said(facts: Facts, now: datetime) -> dict[str, str | int | None]:
    delivered = facts.delivered_at or now
    return {
        "name": facts.name,
        "paused": _moment(facts.paused_at),
        "checked": _moment(facts.last_checked_at),
        "delivered": _moment(facts.delivered_at),
        "made": _moment(facts.export_made_at),
        "access": _moment(facts.access_at),
        "lacking": facts.lacking[0] if facts.lacking else "",
        "lacking_next": facts.lacking[1] if facts.lacking else "",
        "said": f" {facts.export_said}" if facts.export_said else "",
        "hours": facts.expected_hours,
        "age": int((now - delivered) / timedelta(hours=1)),
        "account": facts.account or "that is not known",
        "payer": facts.payer or "which the access does not show",
        "payers": ", ".join(facts.payers),
        "through": ", ".join(facts.through),
        "problem": facts.problem or _FALLBACK[0],
        "problem_next": facts.problem_next or _FALLBACK[1].format(name=facts.name),
    }


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "never"


_SHOWN = {
    "name": "NAME",
    "paused": "…",
    "checked": "…",
    "delivered": "…",
    "made": "…",
    "access": "…",
    "lacking": "What that finding says.",
    "lacking_next": "What it says.",
    "said": " What AWS says of its runs.",
    "hours": "N",
    "age": "M",
    "account": "ACCOUNT",
    "payer": "PAYER",
    "payers": "CONNECTION",
    "through": "CONNECTION",
    "problem": "The message of the run's first error.",
    "problem_next": "What that finding says.",
}

_PREAMBLE = """# The status of a connection

<!-- Generated from src/outlay/health/table.py by `python -m outlay.health`. -->

A status is derived from facts each time it is asked for: the first line that holds decides. A connection that is late
or failing keeps all the charges it has brought in.

| # | status | when | reason | next |
|---|---|---|---|---|
"""

_NOTES = """
- A delivery counts when it is new: a check that finds nothing new does not make a late connection healthy.
- Expected is what the connection says in hours; without that {hours} hours for `aws`, and nothing for the others, which
  are then never late. At exactly that age it is not late yet.
- Before the first commit a connection is never late, whatever it expects: nothing says that the first bill was due.
  It is failing, though, when its last run was rejected or failed.
- A `linked` connection has an access and no bill of its own, so it is never late. Whose bills hold its charges is
  looked up when it, or a connection of AWS, is checked.
- What AWS denies a connection whose access was made or changed within the last 5 minutes is no failure yet: new
  permissions take that long to work. It is tried again every minute, and the first check after the 5 minutes decides;
  where no worker checks, it is failing 7 minutes after the change. Wrong keys and ended sessions are failing at once.
- The next run that is neither rejected nor failed ends `failing`.
"""


def truth_table_markdown() -> str:
    """The text of `docs/health.md`."""
    lines = (_line(number, case) for number, case in enumerate(TABLE, start=1))
    return _PREAMBLE + "".join(lines) + _NOTES.format(hours=EXPECTED_HOURS["aws"])


def _line(number: int, case: Case) -> str:
    said = (case.reason.format_map(_SHOWN), case.next.format_map(_SHOWN))
    return f"| {number} | `{case.status}` | {case.when} | {said[0]} | {said[1]} |\n"
